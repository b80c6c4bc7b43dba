use std::sync::Arc;

use ndarray::Array2;

use super::{Records, RecordsError, RecordsLimits, Violation, ViolationCode, is_finite_f32};
use crate::{Feature, FeatureKind, Schema};

/// More violations than this are not collected.
const MAX_VIOLATIONS: usize = 32;
/// Names that are not the schema's are cut after so many characters.
const MAX_FOREIGN_NAME: usize = 64;

/// Fills [`Records`] value by value, and notes every value that does not fit the schema.
///
/// A value goes to a cursor, which is moved by row and by column, so that a body may be read in either order. A value that
/// is not given is missing. What does not fit is noted and the next value may follow; once there is enough to say, the
/// methods return [`Stop`].
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Feature, RecordsBuilder, RecordsLimits, Schema};
///
/// let features = vec![Feature::numeric("alcohol"), Feature::categorical("region", ["Douro", "Minho"])];
/// let schema = Arc::new(Schema::new(features)?);
/// let mut builder = RecordsBuilder::new(&schema, RecordsLimits::default());
/// builder.begin_row()?;
/// builder.select_column(0);
/// builder.number(9.4)?;
/// builder.select_column(1);
/// builder.text("Minho")?;
/// assert_eq!(builder.finish()?.row(0).to_vec(), [9.4, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordsBuilder<'a> {
    schema: &'a Arc<Schema>,
    // Those of the schema, at hand.
    features: &'a [Feature],
    limits: RecordsLimits,
    ignores_unknown: bool,
    // Invariant: `n_rows` rows, each as long as the schema.
    values: Vec<f64>,
    n_rows: usize,
    row: Option<usize>,
    column: Option<usize>,
    // Which fields of an object have been read.
    seen: Vec<bool>,
    violations: Vec<Violation>,
    has_too_many_rows: bool,
    is_stopped: bool,
}

impl<'a> RecordsBuilder<'a> {
    /// A builder of records of `schema`, without rows.
    pub fn new(schema: &'a Arc<Schema>, limits: RecordsLimits) -> Self {
        Self {
            schema,
            features: schema.features(),
            limits,
            ignores_unknown: false,
            values: Vec::new(),
            n_rows: 0,
            row: None,
            column: None,
            seen: vec![false; schema.len()],
            violations: Vec::new(),
            has_too_many_rows: false,
            is_stopped: false,
        }
    }

    /// The same builder, for which a field that is not in the schema is no violation.
    #[must_use]
    pub fn ignore_unknown(self) -> Self {
        Self { ignores_unknown: true, ..self }
    }

    /// The schema of the records.
    pub fn schema(&self) -> &'a Arc<Schema> {
        self.schema
    }

    /// The number of rows so far.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Whether [`Stop`] was returned.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Opens the next row, in which every value is missing, and moves to it; no column is selected.
    ///
    /// # Errors
    /// [`Stop`] if there would be more rows than allowed.
    pub fn begin_row(&mut self) -> Result<(), Stop> {
        if self.n_rows == self.limits.max_rows {
            self.has_too_many_rows = true;
            self.is_stopped = true;
            return Err(Stop);
        }
        self.values.resize(self.values.len() + self.features.len(), f64::NAN);
        self.row = Some(self.n_rows);
        self.n_rows += 1;
        self.column = None;
        Ok(())
    }

    /// Moves to an open row, if there is such a row; no column is selected.
    pub fn select_row(&mut self, row: usize) -> bool {
        let is_open = row < self.n_rows;
        if is_open {
            self.row = Some(row);
            self.column = None;
        }
        is_open
    }

    /// Moves to a column, a position of the schema.
    pub fn select_column(&mut self, column: usize) {
        self.column = Some(column);
    }

    /// Sets the value of a numeric or integer feature; NaN is a missing value.
    ///
    /// Without a row and a column, a value is a violation of type.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn number(&mut self, value: f64) -> Result<(), Stop> {
        match self.kind() {
            None | Some(FeatureKind::Categorical { .. }) => self.refuse(ViolationCode::Type),
            Some(_) if !is_finite_f32(value) && !value.is_nan() => {
                self.refuse(ViolationCode::NonFinite)
            }
            Some(FeatureKind::Integer) if value.fract().abs() > 0.0 => {
                self.refuse(ViolationCode::NotInteger)
            }
            Some(_) => {
                self.set(value);
                Ok(())
            }
        }
    }

    /// Sets the value of a categorical feature: one of its levels.
    ///
    /// Without a row and a column, a value is a violation of type.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn text(&mut self, text: &str) -> Result<(), Stop> {
        let Some(FeatureKind::Categorical { levels }) = self.kind() else {
            return self.refuse(ViolationCode::Type);
        };
        match levels.iter().position(|level| level == text) {
            Some(level) => {
                self.set(level as f64);
                Ok(())
            }
            None => self.refuse(ViolationCode::UnknownLevel),
        }
    }

    /// Says that the value of a feature is missing.
    ///
    /// Without a row and a column, a value is a violation of type.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn missing(&mut self) -> Result<(), Stop> {
        if self.kind().is_none() {
            return self.refuse(ViolationCode::Type);
        }
        self.set(f64::NAN);
        Ok(())
    }

    /// Notes what is wrong where the cursor stands.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn refuse(&mut self, code: ViolationCode) -> Result<(), Stop> {
        let field = self.column.and_then(|column| self.name(column));
        self.violate(self.row, field, code)
    }

    /// Notes what is wrong with the row where the cursor stands.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn refuse_row(&mut self, code: ViolationCode) -> Result<(), Stop> {
        self.violate(self.row, None, code)
    }

    /// Notes what is wrong with a whole column, a position of the schema.
    ///
    /// # Errors
    /// [`Stop`] if enough is known to refuse the records.
    pub fn refuse_column(&mut self, column: usize, code: ViolationCode) -> Result<(), Stop> {
        let field = self.name(column);
        self.violate(None, field, code)
    }

    /// The records.
    ///
    /// # Errors
    /// * [`RecordsError::TooManyRows`] above the limit
    /// * [`RecordsError::Invalid`] with everything that was noted, or if there is no row
    pub fn finish(mut self) -> Result<Records, RecordsError> {
        if self.has_too_many_rows {
            return Err(RecordsError::TooManyRows { limit: self.limits.max_rows });
        }
        let violation = |code| Violation { row: None, field: None, code };
        if self.violations.is_empty() && self.n_rows == 0 {
            self.violations.push(violation(ViolationCode::Empty));
        }
        if !self.violations.is_empty() {
            return Err(RecordsError::Invalid(self.violations));
        }
        Array2::from_shape_vec((self.n_rows, self.features.len()), self.values)
            .map(|values| Records::from_checked(Arc::clone(self.schema), values))
            .map_err(|_| RecordsError::Invalid(vec![violation(ViolationCode::Length)]))
    }

    /// Notes a name that is not the schema's, unless those are ignored.
    pub(super) fn refuse_unknown(&mut self, row: Option<usize>, name: &str) -> Result<(), Stop> {
        if self.ignores_unknown {
            return Ok(());
        }
        let name = name.chars().take(MAX_FOREIGN_NAME).collect();
        self.violate(row, Some(name), ViolationCode::Unknown)
    }

    /// The row where the cursor stands.
    pub(super) fn row(&self) -> Option<usize> {
        self.row
    }

    /// The column of `name`; fields mostly stand in schema order, so the next one is tried first.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let next = self.column.map_or(0, |column| column + 1);
        match self.features.get(next) {
            Some(feature) if feature.name() == name => Some(next),
            _ => self.schema.position(name),
        }
    }

    /// Begins to read the fields of a row one by one.
    pub(super) fn begin_fields(&mut self) {
        self.seen.fill(false);
    }

    /// Moves to the next field of a row; false if it stands twice.
    pub(super) fn begin_field(&mut self, column: usize) -> bool {
        self.column = Some(column);
        !std::mem::replace(&mut self.seen[column], true)
    }

    /// Notes the fields that did not stand in a row.
    pub(super) fn end_fields(&mut self) -> Result<(), Stop> {
        for column in 0..self.features.len() {
            if !self.seen[column] {
                let field = self.name(column);
                self.violate(self.row, field, ViolationCode::Missing)?;
            }
        }
        Ok(())
    }

    /// What values are taken where the cursor stands.
    pub(super) fn kind(&self) -> Option<&'a FeatureKind> {
        let column = self.row.and(self.column)?;
        self.features.get(column).map(Feature::kind)
    }

    fn name(&self, column: usize) -> Option<String> {
        self.features.get(column).map(|feature| feature.name().to_owned())
    }

    fn set(&mut self, value: f64) {
        if let (Some(row), Some(column)) = (self.row, self.column) {
            self.values[row * self.features.len() + column] = value;
        }
    }

    fn violate(
        &mut self,
        row: Option<usize>,
        field: Option<String>,
        code: ViolationCode,
    ) -> Result<(), Stop> {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation { row, field, code });
        }
        self.is_stopped |= self.violations.len() == MAX_VIOLATIONS;
        if self.is_stopped { Err(Stop) } else { Ok(()) }
    }
}

/// Enough is known to refuse the records: reading on changes nothing.
///
/// [`RecordsBuilder::finish`] says why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("enough is known to refuse the records")]
#[non_exhaustive]
pub struct Stop;

#[cfg(test)]
mod tests;
