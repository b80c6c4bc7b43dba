use super::{RecordsBuilder, Stop, ViolationCode};
use crate::Schema;

/// The names of columns that are said once for all rows, as in the first line of a CSV file.
///
/// Holds no more than the schema, however many names there are.
#[derive(Clone, Debug, Default)]
pub struct Header {
    len: usize,
    // Invariant: pairs of position and column of the schema, in order of position.
    known: Vec<(usize, usize)>,
}

impl Header {
    /// A header without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of `schema` in its own order.
    pub fn of(schema: &Schema) -> Self {
        Self {
            len: schema.len(),
            known: (0..schema.len()).map(|column| (column, column)).collect(),
        }
    }

    /// Adds the name of the next position and returns the column of the schema that it stands for.
    ///
    /// A name that stands twice is a violation, and so is one that is not the schema's, unless `builder` ignores those.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn push(
        &mut self,
        builder: &mut RecordsBuilder<'_>,
        name: &str,
    ) -> Result<Option<usize>, Stop> {
        let position = self.len;
        self.len += 1;
        let Some(column) = builder.schema().position(name) else {
            return builder.refuse_unknown(None, name).map(|()| None);
        };
        if self.known.iter().any(|&(_, known)| known == column) {
            return builder.refuse_column(column, ViolationCode::Duplicate).map(|()| None);
        }
        self.known.push((position, column));
        Ok(Some(column))
    }

    /// Ends the header: the features of the schema that it does not name are violations.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn end(&self, builder: &mut RecordsBuilder<'_>) -> Result<(), Stop> {
        for column in 0..builder.schema().len() {
            if self.known.iter().all(|&(_, known)| known != column) {
                builder.refuse_column(column, ViolationCode::Missing)?;
            }
        }
        Ok(())
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The column of the schema that the name at `position` stands for, if it stands for one.
    pub fn column(&self, position: usize) -> Option<usize> {
        let known = self.known.binary_search_by_key(&position, |&(position, _)| position);
        known.ok().map(|index| self.known[index].1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Feature, RecordsError, RecordsLimits};

    fn schema() -> Arc<Schema> {
        let names = ["alcohol", "pH", "density"];
        Arc::new(Schema::new(names.map(Feature::numeric).to_vec()).unwrap())
    }

    #[test]
    fn positions_stand_for_columns_whatever_their_order() {
        let schema = schema();
        let mut builder = RecordsBuilder::new(&schema, RecordsLimits::default()).ignore_unknown();
        let mut header = Header::new();
        let columns = ["", "density", "colour", "alcohol", "pH"]
            .map(|name| header.push(&mut builder, name).unwrap());
        assert_eq!(columns, [None, Some(2), None, Some(0), Some(1)]);
        header.end(&mut builder).unwrap();
        assert_eq!((0..6).map(|at| header.column(at)).collect::<Vec<_>>()[..5], columns);
        assert_eq!((header.len(), header.column(5)), (5, None));
        assert_eq!(Header::of(&schema).column(2), Some(2));
    }

    #[test]
    fn names_that_stand_twice_or_not_at_all_or_are_foreign_are_violations_without_row() {
        let schema = schema();
        let mut builder = RecordsBuilder::new(&schema, RecordsLimits::default());
        let mut header = Header::new();
        for name in ["pH", "colour", "pH"] {
            header.push(&mut builder, name).unwrap();
        }
        header.end(&mut builder).unwrap();
        let Err(RecordsError::Invalid(violations)) = builder.finish() else { panic!("accepted") };
        let text: Vec<_> = violations.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        field `colour`: the field is not in the schema
        field `pH`: the field stands twice
        field `alcohol`: the field is missing; `null` stands for a missing value
        field `density`: the field is missing; `null` stands for a missing value
        ");
    }
}
