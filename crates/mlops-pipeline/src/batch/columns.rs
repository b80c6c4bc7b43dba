use mlops_core::Schema;

use super::BatchError;

/// The names of the columns that are added.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// Those of a classifier, and of a detector if there is one.
    pub(super) fn new(prefix: &str, has_outliers: bool) -> Self {
        let names = ["prediction", "probability", "outlier_score", "is_outlier"];
        let n_names = if has_outliers { 4 } else { 2 };
        Self { names: names.iter().take(n_names).map(|name| format!("{prefix}{name}")).collect() }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|added| added == name)
    }

    /// Checks that a table with columns of these names has every feature once, and leaves room for what is added.
    pub(super) fn check<N: AsRef<str>>(
        &self,
        table: &[N],
        schema: &Schema,
    ) -> Result<(), BatchError> {
        let count = |name: &str| table.iter().filter(|column| column.as_ref() == name).count();
        let missing = schema.names().filter(|name| count(name) == 0);
        let columns: Vec<String> = missing.map(ToOwned::to_owned).collect();
        if !columns.is_empty() {
            let is_separated_otherwise = match table {
                [line] => line.as_ref().contains([';', '\t', '|']),
                _ => false,
            };
            return Err(BatchError::MissingColumns { columns, is_separated_otherwise });
        }
        if let Some(column) = schema.names().find(|name| count(name) > 1) {
            return Err(BatchError::DuplicateColumn { column: column.to_owned() });
        }
        match self.names.iter().find(|name| count(name) > 0) {
            Some(column) => Err(BatchError::TakenColumn { column: column.clone() }),
            None => Ok(()),
        }
    }
}
