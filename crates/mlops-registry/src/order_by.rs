use crate::field::Field;
use crate::{Error, ErrorKind};

/// What results are ordered by, and in which direction.
#[derive(Debug, PartialEq)]
pub(crate) struct OrderBy {
    pub(crate) field: Field,
    pub(crate) is_descending: bool,
}

impl OrderBy {
    /// Reads a clause such as `metrics.loss DESC`; ascending is what is meant where nothing is said.
    pub(crate) fn parse(clause: &str) -> Result<Self, Error> {
        let clause = clause.trim();
        let (field, is_descending) = match clause.rsplit_once(char::is_whitespace) {
            Some((field, order)) if order.eq_ignore_ascii_case("asc") => (field, false),
            Some((field, order)) if order.eq_ignore_ascii_case("desc") => (field, true),
            _ => (clause, false),
        };
        let field = Field::parse(field.trim_end()).ok_or_else(|| {
            Error::new(ErrorKind::Refused, "order by", format_args!("`{clause}`"))
        })?;
        Ok(Self { field, is_descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_names_a_field_and_may_name_a_direction() {
        let clause = |text| OrderBy::parse(text).ok().map(|it| (it.field, it.is_descending));
        let metric = |key: &str| Field::Metric(key.to_owned());
        assert_eq!(clause("metrics.loss"), Some((metric("loss"), false)));
        assert_eq!(clause(" metrics.`val loss`  desc "), Some((metric("val loss"), true)));
        assert_eq!(clause("metrics.desc ASC"), Some((metric("desc"), false)));
        let name = Field::Attribute("start_time".to_owned());
        assert_eq!(clause("attributes.start_time DESC"), Some((name, true)));
        for text in ["", "metrics.loss upward", "metrics.a b DESC"] {
            assert_eq!(clause(text), None, "{text}");
        }
    }
}
