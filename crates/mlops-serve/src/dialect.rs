use std::sync::Arc;
use std::time::SystemTime;

use mlops_core::Schema;
use serde::ser::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// How a service writes its answers and its log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// Outlier results are arrays with one entry per row; a line of the log is one JSON object.
    #[default]
    Native,
    /// As the original wine-quality service, for clients and queries that were made for it.
    ///
    /// Outlier results are objects in which the names of the features, in schema order, stand for
    /// the first rows: with two features, a third row has no result. A line of the log starts with
    /// the time (UTC) and `INFO - `.
    Seed,
}

/// The original's console format.
const PREFIX: &[FormatItem<'_>] = format_description!(
    "[[[year]-[month]-[day] [hour]:[minute]:[second],[subsecond digits:3]] INFO - "
);

impl Dialect {
    /// What a line of the log starts with.
    pub(crate) fn line_prefix(self, time: SystemTime) -> String {
        match self {
            Self::Native => String::new(),
            // A time that cannot be written is no reason to lose the line.
            Self::Seed => OffsetDateTime::from(time).format(PREFIX).unwrap_or_default(),
        }
    }

    /// The names that stand for rows, if they do.
    pub(crate) fn row_names(self, schema: &Arc<Schema>) -> Option<Arc<Schema>> {
        (self == Self::Seed).then(|| Arc::clone(schema))
    }
}

/// One value per row: an array, or an object whose keys are the names that stand for rows.
pub(crate) struct PerRow<'a, T> {
    pub(crate) values: T,
    pub(crate) names: Option<&'a Schema>,
}

impl<I: Serialize, T: Clone + IntoIterator<Item = I>> Serialize for PerRow<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values.clone();
        match self.names {
            Some(names) => serializer.collect_map(names.names().zip(values)),
            None => serializer.collect_seq(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mlops_core::Feature;

    use super::*;

    #[test]
    fn a_line_of_the_original_starts_with_time_and_level() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_642_000_000_007);
        assert_eq!(Dialect::Seed.line_prefix(time), "[2022-01-12 15:06:40,007] INFO - ");
        assert_eq!(Dialect::Native.line_prefix(time), "");
    }

    #[test]
    fn names_stand_for_the_first_rows() {
        let schema = vec![Feature::numeric("pH"), Feature::numeric("alcohol")];
        let schema = Arc::new(Schema::new(schema).unwrap());
        let json = |dialect: Dialect, values: &[u8]| {
            let names = dialect.row_names(&schema);
            serde_json::to_string(&PerRow { values, names: names.as_deref() }).unwrap()
        };
        assert_eq!(json(Dialect::Native, &[0, 1, 1]), "[0,1,1]");
        assert_eq!(json(Dialect::Seed, &[0, 1, 1]), r#"{"pH":0,"alcohol":1}"#);
        assert_eq!(json(Dialect::Seed, &[1]), r#"{"pH":1}"#);
    }
}
