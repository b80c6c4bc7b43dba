//! The rows of a request, as far as the log shows them.

use std::fmt;

use mlops_core::{Feature, FeatureKind, Schema};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::values::Cell;

/// Rows x features of the schema; NaN where the log has no number.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) values: Vec<f64>,
    pub(super) n_rows: usize,
    /// Which columns the log has.
    pub(super) present: Vec<bool>,
    /// Which columns hold hashes.
    pub(super) hidden: Vec<bool>,
    /// The number of values that fit no feature.
    pub(super) n_unreadable: u64,
    /// For each row, whether it has such a value.
    pub(super) is_unreadable: Vec<bool>,
}

/// A line that claims more values than this is malformed: a few bytes can stand for a row of any width.
pub(super) const MAX_VALUES: usize = 1 << 23;

impl Table {
    /// Reads an array of values per row, in the order of `columns`.
    pub(super) fn from_data(
        schema: &Schema,
        columns: &[String],
        data: &RawValue,
    ) -> serde_json::Result<Self> {
        let columns: Vec<_> = columns.iter().map(|column| schema.position(column)).collect();
        let mut table = Self::empty(schema);
        for &column in columns.iter().flatten() {
            table.present[column] = true;
        }
        let rows = Rows { schema, table: &mut table, columns: Some(&columns) };
        rows.deserialize(data)?;
        Ok(table)
    }

    /// Reads an array of objects.
    pub(super) fn from_objects(schema: &Schema, rows: &str) -> serde_json::Result<Self> {
        let mut table = Self::empty(schema);
        let mut json = serde_json::Deserializer::from_str(rows);
        Rows { schema, table: &mut table, columns: None }.deserialize(&mut json)?;
        json.end()?;
        Ok(table)
    }

    fn empty(schema: &Schema) -> Self {
        let columns = vec![false; schema.len()];
        Self { present: columns.clone(), hidden: columns, ..Self::default() }
    }

    /// Adds a row without values; `false` if the table is too large.
    fn add_row(&mut self, n_columns: usize) -> bool {
        let n_values = self.values.len() + n_columns;
        self.values.resize(n_values, f64::NAN);
        self.is_unreadable.push(false);
        self.n_rows += 1;
        n_values <= MAX_VALUES
    }

    /// Puts a value into the last row.
    fn set(&mut self, feature: &Feature, column: usize, cell: &Cell) {
        let start = self.values.len() - self.present.len();
        let value = match (cell, feature.kind()) {
            (Cell::Missing, _) => return,
            (Cell::Number(number), FeatureKind::Numeric | FeatureKind::Integer) => Some(*number),
            (Cell::Text(level), FeatureKind::Categorical { levels }) => {
                levels.iter().position(|it| it == level).map(|level| level as f64)
            }
            _ => None,
        };
        match (value, cell) {
            (Some(value), _) if is_finite_f32(value) => self.values[start + column] = value,
            (None, Cell::Text(text)) if is_hash(text) => self.hidden[column] = true,
            _ => {
                self.n_unreadable += 1;
                self.is_unreadable[self.n_rows - 1] = true;
            }
        }
    }
}

/// Reads rows into a table.
struct Rows<'a> {
    schema: &'a Schema,
    table: &'a mut Table,
    /// What the values of an array mean; `None` if rows are objects.
    columns: Option<&'a [Option<usize>]>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let Rows { schema, table, columns } = self;
        while rows.next_element_seed(Row(Rows { schema, table: &mut *table, columns }))?.is_some() {
        }
        Ok(())
    }
}

struct Row<'a>(Rows<'a>);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Rows { schema, columns, .. } = self.0;
        if !self.0.table.add_row(schema.len()) {
            return Err(D::Error::custom("too many values"));
        }
        if columns.is_some() {
            deserializer.deserialize_seq(self)
        } else {
            deserializer.deserialize_map(self)
        }
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let Rows { schema, table, columns } = self.0;
        for &column in columns.unwrap_or_default() {
            let cell: Cell =
                cells.next_element()?.ok_or_else(|| A::Error::custom("a row is too short"))?;
            if let Some(column) = column {
                table.set(&schema.features()[column], column, &cell);
            }
        }
        match cells.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom("a row is too long")),
            None => Ok(()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Rows { schema, table, .. } = self.0;
        while let Some(name) = entries.next_key::<String>()? {
            let cell: Cell = entries.next_value()?;
            if let Some(column) = schema.position(&name) {
                table.present[column] = true;
                table.set(&schema.features()[column], column, &cell);
            }
        }
        Ok(())
    }
}

/// Whether [`Privacy`](crate::Privacy) may have written the text in place of a value.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_finite_f32(value: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is the question")]
    let rounded = value as f32;
    rounded.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Minho"]),
        ];
        Schema::new(features).unwrap()
    }

    fn bits(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().map(|&value| Some(value).filter(|value| !value.is_nan())).collect()
    }

    #[test]
    fn columns_are_found_by_name_and_unknown_ones_are_ignored() {
        let data = r#"[["Minho",7,9.4],["Douro",7,null],["6ac8c37ddc7a6cd6",7,1e39]]"#;
        let data: &RawValue = serde_json::from_str(data).unwrap();
        let columns = ["region", "unknown", "alcohol"].map(str::to_owned);
        let table = Table::from_data(&schema(), &columns, data).unwrap();
        let expected = [[Some(9.4), None, Some(1.0)], [None, None, Some(0.0)], [None, None, None]];
        assert_eq!(bits(&table.values), expected.concat());
        assert_eq!(table.present, [true, false, true]);
        assert_eq!(table.hidden, [false, false, true]);
        assert_eq!(table.n_unreadable, 1, "a number that 32 bits do not hold");
        assert_eq!(table.is_unreadable, [false, false, true]);
    }

    #[test]
    fn rows_may_be_objects() {
        let rows = r#"[{"is_red":true,"alcohol":9.4},{"alcohol":"9.4","other":[{}]}]"#;
        let table = Table::from_objects(&schema(), rows).unwrap();
        assert_eq!(bits(&table.values), [Some(9.4), Some(1.0), None, None, None, None]);
        assert_eq!((table.n_rows, table.n_unreadable), (2, 1));
        for rows in ["", "{}", "[1]", "[{}] x", "[[]]"] {
            assert!(Table::from_objects(&schema(), rows).is_err(), "{rows}");
        }
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let columns = ["alcohol", "is_red"].map(str::to_owned);
        for data in ["[[1]]", "[[1,2,3]]", "[{}]", "[1]", "{}"] {
            let data: &RawValue = serde_json::from_str(data).unwrap();
            assert!(Table::from_data(&schema(), &columns, data).is_err(), "{data}");
        }
    }

    #[test]
    fn few_bytes_do_not_become_much_memory() {
        let wide = (0..1000).map(|i| Feature::numeric(i.to_string())).collect();
        let wide = Schema::new(wide).unwrap();
        let rows = format!("[{}{{}}]", "{},".repeat(100_000));
        let error = Table::from_objects(&wide, &rows).unwrap_err();
        assert!(error.to_string().starts_with("too many values"), "{error}");
    }
}
