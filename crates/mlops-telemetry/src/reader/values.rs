//! Numbers in log lines, whatever form they have.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    Number(f64),
    Text(String),
    /// Neither a number nor a text.
    Other,
}

impl Cell {
    /// The number; NaN if it is none.
    pub(super) fn number(&self) -> f64 {
        if let Self::Number(number) = self { *number } else { f64::NAN }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Missing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
        Ok(Cell::Number(f64::from(u8::from(value))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
        Ok(Cell::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
        Ok(Cell::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cell, E> {
        Ok(Cell::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Cell, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Cell, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
}

/// A number per row, NaN where there is none: an array, or an object whose keys stand for the first rows,
/// in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PerRow(pub(super) Vec<f64>);

impl<'de> Deserialize<'de> for PerRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PerRowVisitor)
    }
}

struct PerRowVisitor;

impl<'de> Visitor<'de> for PerRowVisitor {
    type Value = PerRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers, or an object of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<PerRow, A::Error> {
        let mut values = Vec::new();
        while let Some(cell) = cells.next_element::<Cell>()? {
            values.push(cell.number());
        }
        Ok(PerRow(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<PerRow, A::Error> {
        let mut values = Vec::new();
        while let Some((IgnoredAny, cell)) = entries.next_entry::<IgnoredAny, Cell>()? {
            values.push(cell.number());
        }
        Ok(PerRow(values))
    }
}

/// Rows x outputs: a number per row, or an array of as many numbers in each row. NaN where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outputs {
    pub(super) values: Vec<f64>,
    pub(super) n_rows: usize,
    /// The number of outputs, at least 1 if there are rows.
    pub(super) width: usize,
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OutputsVisitor)
    }
}

struct OutputsVisitor;

impl<'de> Visitor<'de> for OutputsVisitor {
    type Value = Outputs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or an array of numbers, per row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Outputs, A::Error> {
        let mut outputs = Outputs::default();
        loop {
            let before = outputs.values.len();
            if rows.next_element_seed(Row(&mut outputs.values))?.is_none() {
                return Ok(outputs);
            }
            let width = outputs.values.len() - before;
            if outputs.n_rows == 0 {
                outputs.width = width;
            }
            if width == 0 || width != outputs.width {
                return Err(A::Error::custom("rows have different numbers of outputs"));
            }
            outputs.n_rows += 1;
        }
    }
}

/// Appends the numbers of one row.
struct Row<'v>(&'v mut Vec<f64>);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or an array of numbers")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push(f64::NAN);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.push(value as f64);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.push(value as f64);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.push(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        while let Some(cell) = cells.next_element::<Cell>()? {
            self.0.push(cell.number());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_object_stand_for_rows_in_their_order() {
        let per_row: PerRow = serde_json::from_str(r#"{"b":1,"a":0.5,"c":true}"#).unwrap();
        assert_eq!(per_row.0, [1.0, 0.5, 1.0]);
        let per_row: PerRow = serde_json::from_str(r#"[1, null, [2], {"a": 3}, "x"]"#).unwrap();
        assert_eq!(per_row.0[0], 1.0);
        assert!(per_row.0.len() == 5 && per_row.0[1..].iter().all(|value| value.is_nan()));
    }

    #[test]
    fn outputs_are_numbers_or_arrays_of_one_length() {
        let read = |json: &str| serde_json::from_str::<Outputs>(json);
        let expected = Outputs { values: vec![1.0, -2.0], n_rows: 2, width: 1 };
        assert_eq!(read("[1, -2]").unwrap(), expected);
        let outputs = read("[[1, 2.5], [3, null]]").unwrap();
        assert_eq!((outputs.n_rows, outputs.width, outputs.values.len()), (2, 2, 4));
        assert_eq!(read("[]").unwrap(), Outputs::default());
        for json in ["[[1], [1, 2]]", "[[], []]", "[\"a\"]", "{}", "5"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
