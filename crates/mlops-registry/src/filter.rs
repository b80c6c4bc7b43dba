use std::fmt;

use crate::field::{self, Field};

/// A condition of a search, in MLflow's words: comparisons that must all hold.
///
/// Where a metric, parameter, tag or attribute is not there, no comparison with it holds. The grammar has `AND` and
/// nothing else to join comparisons, and no way to escape a quote; what cannot be said in it is an error here and not a
/// search that finds nothing.
///
/// # Examples
/// ```
/// use mlops_registry::{Compare, Filter, FilterError};
///
/// let filter = Filter::metric("val loss", Compare::Less, 0.3)?
///     .and(Filter::param("objective", Compare::Equal, "binary:logistic")?)
///     .and(Filter::attribute("status", Compare::Equal, "FINISHED")?);
/// assert_eq!(
///     filter.to_string(),
///     "metrics.`val loss` < 0.3 AND params.objective = 'binary:logistic' AND status = 'FINISHED'"
/// );
/// let error = Filter::tag("note", Compare::Equal, r#"it's "new""#).unwrap_err();
/// assert_eq!(error, FilterError::Quotes { text: r#"it's "new""#.to_owned() });
/// # Ok::<(), FilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
    // Invariant: the terms in MLflow's words.
    text: String,
}

/// One comparison of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) field: Field,
    pub(crate) condition: Condition,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Number(Compare, f64),
    Integer(Compare, i64),
    Text(Compare, String),
    OneOf(Vec<String>),
}

/// How a value is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compare {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`, of numbers
    Less,
    /// `<=`, of numbers
    AtMost,
    /// `>`, of numbers
    Greater,
    /// `>=`, of numbers
    AtLeast,
    /// `LIKE`, of texts: `%` stands for any characters and `_` for one
    Like,
    /// `ILIKE`: `LIKE` for upper and lower case alike
    LikeAnyCase,
}

/// Why there is no such [`Filter`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A text has every kind of quote that could be put around it.
    #[error(
        "MLflow's filters cannot hold `{text}`: it has each of the quotes that could be put around it"
    )]
    Quotes {
        /// The key or value.
        text: String,
    },
    /// A number is infinite or not a number.
    #[error("MLflow's filters compare with finite numbers only")]
    NotFinite,
    /// Numbers have no patterns, and texts no order.
    #[error("MLflow does not compare {what} by `{operator}`")]
    Operator {
        /// `numbers` or `texts`.
        what: &'static str,
        /// The operator.
        operator: &'static str,
    },
    /// An attribute is not a plain word.
    #[error("`{name}` is not the name of an attribute")]
    Attribute {
        /// The name.
        name: String,
    },
    /// A list has no values.
    #[error("MLflow does not look for one of no values")]
    NoValues,
    /// A text cannot be one of a list.
    #[error(
        "MLflow's lists cannot hold `{text}`: it has a single quote, a backslash or a line break"
    )]
    Listed {
        /// The text.
        text: String,
    },
}

impl Filter {
    /// A condition that always holds.
    pub fn all() -> Self {
        Self::default()
    }

    /// Compares the latest value of a metric.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn metric(key: &str, compare: Compare, value: f64) -> Result<Self, FilterError> {
        if !value.is_finite() {
            return Err(FilterError::NotFinite);
        }
        let words = format!("{} {value}", compare.of_numbers()?);
        Self::term(Field::Metric(key.to_owned()), Condition::Number(compare, value), &words)
    }

    /// Compares a parameter.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn param(key: &str, compare: Compare, value: &str) -> Result<Self, FilterError> {
        Self::text(Field::Param(key.to_owned()), compare, value)
    }

    /// Compares a tag.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn tag(key: &str, compare: Compare, value: &str) -> Result<Self, FilterError> {
        Self::text(Field::Tag(key.to_owned()), compare, value)
    }

    /// Compares an attribute that is a text, such as `status` of a run or `name` of a model.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn attribute(name: &str, compare: Compare, value: &str) -> Result<Self, FilterError> {
        Self::text(Field::Attribute(name.to_owned()), compare, value)
    }

    /// Whether an attribute that is a text is one of several; MLflow answers it of `run_id` only.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn one_of(name: &str, values: &[&str]) -> Result<Self, FilterError> {
        if values.is_empty() {
            return Err(FilterError::NoValues);
        }
        // MLflow reads the list as Python does.
        if let Some(&text) = values.iter().find(|text| text.contains(['\'', '\\', '\n', '\r'])) {
            return Err(FilterError::Listed { text: text.to_owned() });
        }
        let words = format!("IN ('{}')", values.join("', '"));
        let condition = Condition::OneOf(values.iter().map(|&text| text.to_owned()).collect());
        Self::term(Field::Attribute(name.to_owned()), condition, &words)
    }

    /// Compares an attribute that is a time, such as `start_time`, in milliseconds since 1970 in UTC, or another whole
    /// number, such as `version_number`.
    ///
    /// # Errors
    /// [`FilterError`] if MLflow has no words for it.
    pub fn time(name: &str, compare: Compare, milliseconds: i64) -> Result<Self, FilterError> {
        let words = format!("{} {milliseconds}", compare.of_numbers()?);
        let condition = Condition::Integer(compare, milliseconds);
        Self::term(Field::Attribute(name.to_owned()), condition, &words)
    }

    /// Both must hold.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if !self.text.is_empty() && !other.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(&other.text);
        self.terms.extend(other.terms);
        self
    }

    /// The filter in MLflow's words; empty for [`all`](Self::all).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn text(field: Field, compare: Compare, value: &str) -> Result<Self, FilterError> {
        let words = format!("{} {}", compare.of_texts()?, field::quoted(value, ['\'', '"'])?);
        Self::term(field, Condition::Text(compare, value.to_owned()), &words)
    }

    fn term(field: Field, condition: Condition, words: &str) -> Result<Self, FilterError> {
        let text = format!("{} {words}", field.words()?);
        Ok(Self { terms: vec![Term { field, condition }], text })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Compare {
    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Like => "LIKE",
            Self::LikeAnyCase => "ILIKE",
        }
    }

    fn of_numbers(self) -> Result<&'static str, FilterError> {
        let operator = self.as_str();
        match self {
            Self::Like | Self::LikeAnyCase => {
                Err(FilterError::Operator { what: "numbers", operator })
            }
            _ => Ok(operator),
        }
    }

    fn of_texts(self) -> Result<&'static str, FilterError> {
        let operator = self.as_str();
        match self {
            Self::Less | Self::AtMost | Self::Greater | Self::AtLeast => {
                Err(FilterError::Operator { what: "texts", operator })
            }
            _ => Ok(operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_chosen_that_the_text_has_not() {
        let tag = |key: &str, value: &str| {
            Filter::tag(key, Compare::Equal, value).map(|filter| filter.to_string())
        };
        assert_eq!(tag("team", "ml").unwrap(), "tags.team = 'ml'");
        assert_eq!(tag("mlflow.user", "it's").unwrap(), "tags.`mlflow.user` = \"it's\"");
        assert_eq!(tag("a`b", "\"").unwrap(), "tags.\"a`b\" = '\"'");
        assert_eq!(tag("", "").unwrap(), "tags.`` = ''");
        for (key, value, text) in [("a", "'\"", "'\""), ("`\"", "a", "`\"")] {
            assert_eq!(tag(key, value), Err(FilterError::Quotes { text: text.to_owned() }));
        }
    }

    #[test]
    fn numbers_have_an_order_and_texts_have_patterns() {
        let time =
            |compare| Filter::time("start_time", compare, -1).map(|filter| filter.to_string());
        assert_eq!(time(Compare::AtLeast).unwrap(), "start_time >= -1");
        time(Compare::Like).unwrap_err();
        let name = |compare| Filter::attribute("name", compare, "wine%").map(|it| it.to_string());
        assert_eq!(name(Compare::LikeAnyCase).unwrap(), "name ILIKE 'wine%'");
        for compare in [Compare::Less, Compare::AtMost, Compare::Greater, Compare::AtLeast] {
            name(compare).unwrap_err();
        }
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(Filter::metric("a", Compare::Less, value), Err(FilterError::NotFinite));
        }
        assert_eq!(Filter::metric("a", Compare::Equal, 1e300).unwrap().as_str().len(), 313);
        Filter::attribute("name = 'x' OR name", Compare::Equal, "y").unwrap_err();
    }

    #[test]
    fn a_list_has_values_that_python_reads_as_they_are() {
        let list = |values: &[&str]| Filter::one_of("run_id", values).map(|it| it.to_string());
        assert_eq!(list(&["a"]).unwrap(), "run_id IN ('a')");
        assert_eq!(list(&["a", "b\""]).unwrap(), "run_id IN ('a', 'b\"')");
        assert_eq!(list(&[]), Err(FilterError::NoValues));
        for text in ["it's", "a\\", "a\nb"] {
            assert_eq!(list(&["a", text]), Err(FilterError::Listed { text: text.to_owned() }));
        }
    }

    #[test]
    fn what_always_holds_adds_nothing() {
        let one = Filter::tag("a", Compare::NotEqual, "b").unwrap();
        assert_eq!(Filter::all().and(one.clone()), one);
        assert_eq!(one.clone().and(Filter::all()), one);
        assert_eq!(one.clone().and(one).as_str(), "tags.a != 'b' AND tags.a != 'b'");
    }
}
