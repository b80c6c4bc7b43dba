use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema as ArrowSchema};
use arrow_select::take::take;
use mlops_core::{FeatureKind, Records, RecordsBuilder, RecordsError, RecordsLimits, Schema, Stop};

use crate::batch::BatchError;

/// Where the features of a schema are in a table.
#[derive(Debug)]
pub(super) struct Features {
    schema: Arc<Schema>,
    // The column of each feature.
    positions: Vec<usize>,
}

impl Features {
    /// Finds the features among the columns, and checks that they can be read from their types.
    pub(super) fn find(table: &ArrowSchema, schema: &Arc<Schema>) -> Result<Self, BatchError> {
        let mut positions = Vec::with_capacity(schema.len());
        for feature in schema.features() {
            let Some((position, field)) = table.column_with_name(feature.name()) else {
                let columns = vec![feature.name().to_owned()];
                return Err(BatchError::MissingColumns { columns, is_separated_otherwise: false });
            };
            let value_type = match field.data_type() {
                DataType::Dictionary(_, values) => values,
                other => other,
            };
            let (fits, expected) = match feature.kind() {
                FeatureKind::Categorical { .. } => (is_text(value_type), "text"),
                _ => (is_number(value_type), "numbers"),
            };
            if !fits && *value_type != DataType::Null {
                let (column, found) = (feature.name().to_owned(), value_type.to_string());
                return Err(BatchError::ColumnType { column, found, expected });
            }
            positions.push(position);
        }
        Ok(Self { schema: Arc::clone(schema), positions })
    }

    /// The column of each feature, dictionaries written out.
    pub(super) fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let columns = self.positions.iter().map(|&position| {
            let column = batch.column(position);
            match column.as_any_dictionary_opt() {
                Some(dictionary) => take(dictionary.values(), dictionary.keys(), None),
                None => Ok(Arc::clone(column)),
            }
        });
        columns.collect()
    }

    /// Reads some rows of such columns.
    pub(super) fn read(
        &self,
        columns: &[ArrayRef],
        rows: Range<usize>,
    ) -> Result<Records, RecordsError> {
        let limits = RecordsLimits::default().max_rows(rows.len());
        let mut builder = RecordsBuilder::new(&self.schema, limits);
        let outcome = rows.clone().try_for_each(|_| builder.begin_row()).and_then(|()| {
            columns.iter().enumerate().try_for_each(|(column, array)| {
                read_column(
                    &mut Cursor { builder: &mut builder, column, rows: rows.clone() },
                    array,
                )
            })
        });
        match outcome {
            Ok(()) | Err(Stop { .. }) => builder.finish(),
        }
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating() || *data_type == DataType::Boolean
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Rows of a column that are read.
struct Cursor<'r, 'a> {
    builder: &'r mut RecordsBuilder<'a>,
    column: usize,
    rows: Range<usize>,
}

impl<'a> Cursor<'_, 'a> {
    /// Puts each value that is not null; what is null is missing.
    fn each(
        &mut self,
        array: &dyn Array,
        put: impl Fn(&mut RecordsBuilder<'a>, usize) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let nulls = array.logical_nulls();
        for (row, at) in self.rows.clone().enumerate() {
            self.builder.select_row(row);
            self.builder.select_column(self.column);
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
                self.builder.missing()?;
            } else {
                put(self.builder, at)?;
            }
        }
        Ok(())
    }

    fn numbers<T: ArrowPrimitiveType>(
        &mut self,
        array: &dyn Array,
        to_f64: impl Fn(T::Native) -> f64,
    ) -> Result<(), Stop> {
        let values = array.as_primitive::<T>();
        self.each(array, |builder, at| builder.number(to_f64(values.value(at))))
    }
}

fn read_column(cursor: &mut Cursor<'_, '_>, array: &dyn Array) -> Result<(), Stop> {
    match array.data_type() {
        DataType::Float64 => cursor.numbers::<Float64Type>(array, |value| value),
        DataType::Float32 => cursor.numbers::<Float32Type>(array, f64::from),
        DataType::Float16 => cursor.numbers::<Float16Type>(array, f64::from),
        DataType::Int64 => cursor.numbers::<Int64Type>(array, |value| value as f64),
        DataType::Int32 => cursor.numbers::<Int32Type>(array, f64::from),
        DataType::Int16 => cursor.numbers::<Int16Type>(array, f64::from),
        DataType::Int8 => cursor.numbers::<Int8Type>(array, f64::from),
        DataType::UInt64 => cursor.numbers::<UInt64Type>(array, |value| value as f64),
        DataType::UInt32 => cursor.numbers::<UInt32Type>(array, f64::from),
        DataType::UInt16 => cursor.numbers::<UInt16Type>(array, f64::from),
        DataType::UInt8 => cursor.numbers::<UInt8Type>(array, f64::from),
        DataType::Boolean => {
            let values = array.as_boolean();
            cursor.each(array, |builder, at| builder.number(f64::from(u8::from(values.value(at)))))
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            cursor.each(array, |builder, at| builder.text(values.value(at)))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>();
            cursor.each(array, |builder, at| builder.text(values.value(at)))
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            cursor.each(array, |builder, at| builder.text(values.value(at)))
        }
        // Columns of other types were refused; one without any value has none.
        _ => cursor.each(array, |builder, _| builder.missing()),
    }
}
