//! What filters compare and searches are ordered by.

use crate::FilterError;

/// A metric, parameter or tag by its key, or an attribute by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Metric(String),
    Param(String),
    Tag(String),
    Attribute(String),
}

impl Field {
    /// Reads what [`words`](Self::words) writes, and MLflow's other words for the same; `None` if it is no field.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some((kind, key)) = text.split_once('.') else {
            return is_word(text).then(|| Self::Attribute(text.to_owned()));
        };
        let key = unquoted(key)?.to_owned();
        match kind {
            "metric" | "metrics" => Some(Self::Metric(key)),
            "param" | "params" | "parameter" | "parameters" => Some(Self::Param(key)),
            "tag" | "tags" => Some(Self::Tag(key)),
            "attr" | "attribute" | "attributes" | "run" => Some(Self::Attribute(key)),
            _ => None,
        }
    }

    /// The field in MLflow's words.
    pub(crate) fn words(&self) -> Result<String, FilterError> {
        let keyed = |kind, key: &str| Ok(format!("{kind}.{}", quoted_key(key)?));
        match self {
            Self::Metric(key) => keyed("metrics", key),
            Self::Param(key) => keyed("params", key),
            Self::Tag(key) => keyed("tags", key),
            Self::Attribute(name) if is_word(name) => Ok(name.clone()),
            Self::Attribute(name) => Err(FilterError::Attribute { name: name.clone() }),
        }
    }
}

/// A text in the first of the quotes that it does not have itself.
pub(crate) fn quoted(text: &str, quotes: [char; 2]) -> Result<String, FilterError> {
    let quote = quotes.into_iter().find(|&quote| !text.contains(quote));
    let quote = quote.ok_or_else(|| FilterError::Quotes { text: text.to_owned() })?;
    Ok(format!("{quote}{text}{quote}"))
}

/// A key, in quotes unless it is a plain word.
fn quoted_key(key: &str) -> Result<String, FilterError> {
    if is_word(key) { Ok(key.to_owned()) } else { quoted(key, ['`', '"']) }
}

fn unquoted(key: &str) -> Option<&str> {
    for quote in ['`', '"'] {
        if let Some(rest) = key.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    (!key.is_empty() && !key.contains(char::is_whitespace)).then_some(key)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_it_is_written() {
        for field in [
            Field::Metric("val loss".to_owned()),
            Field::Param("a`b".to_owned()),
            Field::Tag("mlflow.runName".to_owned()),
            Field::Attribute("start_time".to_owned()),
        ] {
            assert_eq!(Field::parse(&field.words().unwrap()), Some(field));
        }
    }

    #[test]
    fn other_words_for_a_field_are_read_and_none_else() {
        assert_eq!(Field::parse("tag.a.b"), Some(Field::Tag("a.b".to_owned())));
        assert_eq!(Field::parse("run.status"), Some(Field::Attribute("status".to_owned())));
        for text in ["", "a b", "metrics.", "metrics.a b", "metrics.`a", "dataset.name", "a-b"] {
            assert_eq!(Field::parse(text), None, "{text}");
        }
    }
}
