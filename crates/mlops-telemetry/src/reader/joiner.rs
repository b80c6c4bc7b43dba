//! Joins what several lines say of one request.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use mlops_core::{Records, Schema};
use ndarray::Array2;

use super::LoggedRequest;
use super::message::{Content, Lines, Part};
use super::recent::Fingerprint;
use super::table::{MAX_VALUES, Table};
use super::values::Outputs;

/// The requests of which some lines are still to come.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    // By the order in which they began.
    pending: BTreeMap<u64, Pending>,
    numbers: HashMap<Fingerprint, u64>,
    n_begun: u64,
    // The memory that they hold, in bytes, roughly.
    size: usize,
}

#[derive(Debug)]
struct Pending {
    request: Fingerprint,
    request_id: String,
    service_name: Option<String>,
    is_shadow: bool,
    n_rows: Option<usize>,
    // By the first row.
    parts: BTreeMap<usize, Content>,
    // The number of rows in parts of which all lines are there.
    n_whole: usize,
    size: usize,
}

impl Joiner {
    pub(super) fn n_pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Adds what a line says; returns the request if this completes it.
    pub(super) fn add(&mut self, schema: &Arc<Schema>, part: Part) -> Option<LoggedRequest> {
        let number = *self.numbers.entry(part.request).or_insert(self.n_begun);
        let size = part.size();
        let pending = self.pending.entry(number).or_insert_with(|| {
            self.n_begun += 1;
            Pending::new(&part)
        });
        pending.size += size;
        self.size += size;
        pending.add(part.position, part.content);
        if !pending.is_complete() {
            return None;
        }
        self.take(number, schema)
    }

    /// Gives out the oldest request, incomplete as it is.
    pub(super) fn pop(&mut self, schema: &Arc<Schema>) -> Option<LoggedRequest> {
        let (&number, _) = self.pending.first_key_value()?;
        self.take(number, schema)
    }

    fn take(&mut self, number: u64, schema: &Arc<Schema>) -> Option<LoggedRequest> {
        let pending = self.pending.remove(&number)?;
        self.numbers.remove(&pending.request);
        self.size -= pending.size;
        Some(pending.into_request(schema))
    }
}

impl Part {
    /// The memory that it holds, in bytes, roughly.
    fn size(&self) -> usize {
        let Content { table, predictions, probabilities, .. } = &self.content;
        let Content { outlier_scores, outlier_flags, p_values, .. } = &self.content;
        let outputs = [predictions, probabilities].into_iter().flatten();
        let per_row = [outlier_scores, outlier_flags].into_iter().flatten();
        let n_values = table.as_ref().map_or(0, |table| table.values.capacity())
            + outputs.map(|outputs| outputs.values.capacity()).sum::<usize>()
            + per_row.map(Vec::capacity).sum::<usize>()
            + 16 * p_values.len();
        size_of::<Self>() + size_of::<Pending>() + 2 * self.request_id.len() + 8 * n_values
    }
}

impl Pending {
    fn new(part: &Part) -> Self {
        Self {
            request: part.request,
            request_id: part.request_id.clone(),
            service_name: part.service_name.clone(),
            is_shadow: part.is_shadow,
            n_rows: part.position.map(|(_, n_rows)| n_rows),
            parts: BTreeMap::new(),
            n_whole: 0,
            size: 0,
        }
    }

    fn add(&mut self, position: Option<(usize, usize)>, content: Content) {
        let (first_row, n_rows) = position.unzip();
        self.n_rows = self.n_rows.or(n_rows);
        let part = self.parts.entry(first_row.unwrap_or(0)).or_default();
        let was_whole = part.lines == Lines::ALL;
        part.merge(content);
        if !was_whole && part.lines == Lines::ALL {
            self.n_whole += part.n_rows();
        }
    }

    fn is_complete(&self) -> bool {
        match self.n_rows {
            Some(n_rows) => self.n_whole >= n_rows,
            None => self.parts.values().all(|part| part.lines == Lines::ALL),
        }
    }

    fn into_request(mut self, schema: &Arc<Schema>) -> LoggedRequest {
        let is_complete = self.is_complete();
        let claimed = self.n_rows.unwrap_or(usize::MAX);
        // Parts that overlap are one delivery too many: rows are taken from the first.
        let (mut rows, mut spans, mut end) = (Vec::new(), Vec::new(), 0);
        for (&first_row, part) in &self.parts {
            let last = first_row.saturating_add(part.n_rows()).min(claimed).max(first_row);
            let taken = first_row.max(end).min(last)..last;
            end = end.max(last);
            spans.push(taken.start - first_row..last - first_row);
            rows.extend(taken);
        }
        let parts = || self.parts.values().zip(spans.iter().cloned());
        let tables = || parts().map(|(part, span)| (part.table.as_ref(), span));
        let Inputs { records, is_whole, absent, hidden } = Inputs::of(schema, tables, rows.len());
        let outputs = |of: fn(&Content) -> Option<&Outputs>| {
            stack(
                parts().map(move |(part, span)| {
                    (of(part).filter(|it| it.n_rows == part.n_rows()), span)
                }),
                rows.len(),
            )
        };
        let predictions = outputs(|part| part.predictions.as_ref());
        let probabilities = outputs(|part| part.probabilities.as_ref());
        let per_row = |of: fn(&Content) -> Option<&Vec<f64>>| {
            per_row(parts().map(move |(part, span)| (of(part), span)))
        };
        let outlier_scores = per_row(|part| part.outlier_scores.as_ref());
        let outlier_flags = per_row(|part| part.outlier_flags.as_ref()).into_iter();
        let outlier_flags = outlier_flags.map(|flag| (!flag.is_nan()).then_some(flag != 0.0));
        let n_rows = self.n_rows.unwrap_or(rows.len());
        let time = self.parts.values().filter_map(|part| part.time).min();
        let mut request = LoggedRequest {
            request_id: self.request_id,
            time,
            service_name: self.service_name,
            model: None,
            is_shadow: self.is_shadow,
            duration: None,
            is_complete,
            n_rows,
            records,
            is_whole,
            absent,
            hidden,
            predictions: predictions.map_or_else(Vec::new, |it| it.into_raw_vec_and_offset().0),
            probabilities,
            outlier_scores,
            outlier_flags: outlier_flags.collect(),
            p_values: BTreeMap::new(),
            rows,
        };
        for part in self.parts.values_mut() {
            request.model = request.model.or_else(|| part.model.take());
            request.duration = request.duration.or(part.duration);
            request.p_values.append(&mut part.p_values);
        }
        request
    }
}

impl Content {
    /// Adds what another line says of the same rows.
    fn merge(&mut self, other: Self) {
        self.lines = self.lines.with(other.lines);
        self.time = [self.time, other.time].into_iter().flatten().min();
        self.duration = self.duration.or(other.duration);
        self.model = self.model.take().or(other.model);
        self.table = self.table.take().or(other.table);
        self.predictions = self.predictions.take().or(other.predictions);
        self.probabilities = self.probabilities.take().or(other.probabilities);
        self.outlier_scores = self.outlier_scores.take().or(other.outlier_scores);
        self.outlier_flags = self.outlier_flags.take().or(other.outlier_flags);
        self.p_values.extend(other.p_values);
    }

    /// The number of rows that the lines are about: of the inputs, or else of what is there.
    fn n_rows(&self) -> usize {
        let outputs = self.predictions.as_ref().or(self.probabilities.as_ref());
        let table = self.table.as_ref().map(|table| table.n_rows);
        let n_rows = table.or_else(|| outputs.map(|outputs| outputs.n_rows));
        n_rows.or_else(|| self.outlier_scores.as_ref().map(Vec::len)).unwrap_or(0)
    }
}

/// The rows of all parts, as [`LoggedRequest`] has them.
#[derive(Default)]
struct Inputs {
    records: Option<Records>,
    is_whole: Vec<bool>,
    absent: Vec<String>,
    hidden: Vec<String>,
}

impl Inputs {
    fn of<'a, I: Iterator<Item = (Option<&'a Table>, Range<usize>)>>(
        schema: &Arc<Schema>,
        tables: impl Fn() -> I,
        n_rows: usize,
    ) -> Self {
        let n_columns = schema.len();
        let is_small = n_rows.checked_mul(n_columns).is_some_and(|n_values| n_values <= MAX_VALUES);
        if !is_small || tables().all(|(table, _)| table.is_none()) {
            return Self::default();
        }
        let is_any = |of: fn(&Table) -> &[bool], column: usize| {
            tables().filter_map(|(table, _)| table).any(|table| of(table)[column])
        };
        let listed = |is_listed: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..n_columns).filter(|&column| is_listed(column)).collect()
        };
        let absent = listed(&|column| !is_any(|table| &table.present, column));
        let hidden = listed(&|column| is_any(|table| &table.hidden, column));

        let mut values = Vec::with_capacity(n_rows * n_columns);
        let mut is_whole = Vec::with_capacity(n_rows);
        for (table, span) in tables() {
            let Some(table) = table else {
                values.resize(values.len() + span.len() * n_columns, f64::NAN);
                is_whole.resize(is_whole.len() + span.len(), false);
                continue;
            };
            for row in span {
                let row_values = &table.values[row * n_columns..][..n_columns];
                let mut suspects = absent.iter().chain(&hidden);
                let is_withheld = suspects.any(|&column| row_values[column].is_nan());
                is_whole.push(!table.is_unreadable[row] && !is_withheld);
                values.extend_from_slice(row_values);
            }
        }
        // There are as many values as rows and columns, and all of them are NaN or finite in 32 bits.
        let matrix = Array2::from_shape_vec((n_rows, n_columns), values).ok();
        let records = matrix.and_then(|matrix| Records::new(Arc::clone(schema), matrix).ok());
        let names = |columns: Vec<usize>| {
            let name = |column: usize| schema.features()[column].name().to_owned();
            columns.into_iter().map(name).collect()
        };
        Self { records, is_whole, absent: names(absent), hidden: names(hidden) }
    }
}

/// The outputs of all parts; `None` if there are none, or more than may be.
fn stack<'a>(
    parts: impl Iterator<Item = (Option<&'a Outputs>, Range<usize>)> + Clone,
    n_rows: usize,
) -> Option<Array2<f64>> {
    let n_outputs = parts.clone().find_map(|(outputs, _)| Some(outputs?.width))?;
    n_rows.checked_mul(n_outputs).filter(|&n_values| n_values <= MAX_VALUES)?;
    let mut values = Vec::with_capacity(n_rows * n_outputs);
    for (outputs, span) in parts {
        match outputs.filter(|outputs| outputs.width == n_outputs) {
            Some(outputs) => {
                values.extend_from_slice(
                    &outputs.values[span.start * n_outputs..span.end * n_outputs],
                );
            }
            None => values.resize(values.len() + span.len() * n_outputs, f64::NAN),
        }
    }
    Array2::from_shape_vec((n_rows, n_outputs), values).ok()
}

/// A number for each row of all parts; empty if no part has any.
fn per_row<'a>(
    parts: impl Iterator<Item = (Option<&'a Vec<f64>>, Range<usize>)> + Clone,
) -> Vec<f64> {
    let mut values = Vec::new();
    if parts.clone().all(|(numbers, _)| numbers.is_none()) {
        return values;
    }
    for (numbers, span) in parts {
        // In the original's form, there are no more numbers than features.
        let number = |row: usize| numbers.and_then(|it| it.get(row)).copied().unwrap_or(f64::NAN);
        values.extend(span.map(number));
    }
    values
}
