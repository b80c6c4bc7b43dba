use std::fmt;

use serde::Serialize;

/// What became of all rows and labels of a join.
///
/// Each row is one of `labelled`, `unlabelled`, `contradictory`, `without_values` and `ambiguous`; together they are `rows`.
/// Each label is that of a row which is not `unlabelled`, or else one of `repeated`, `contradictions`, `unknown_requests`,
/// `unknown_rows`, `not_labels`, `early` and `late`; together they are `labels`.
///
/// As text it is a line for each count that is not zero.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Feature, Schema};
/// use mlops_pipeline::labels::{LabelJoin, RowLabel};
///
/// let schema = Schema::new(vec![Feature::numeric("alcohol")])?;
/// let mut join = LabelJoin::new(Arc::new(schema));
/// join.push_label(RowLabel::new("a1", 0, 1.0));
/// let counts = join.finish().counts;
/// assert_eq!((counts.labels, counts.unknown_requests), (1, 1));
/// assert_eq!(counts.to_string(), "1 label\n1 label of an unknown request");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JoinCounts {
    /// Requests, however often they were pushed; without challengers' answers.
    pub requests: u64,
    /// Their rows, also those of which the log has nothing but their number.
    pub rows: u64,
    /// Rows that came out with their label.
    pub labelled: u64,
    /// Rows without a label that can be used.
    pub unlabelled: u64,
    /// Rows with two or more different labels.
    pub contradictory: u64,
    /// Rows with a label of which the log hides, lacks or cannot read a value.
    pub without_values: u64,
    /// Rows with a label that were logged with different values under one name.
    pub ambiguous: u64,
    /// Labels, as often as they were pushed.
    pub labels: u64,
    /// Labels that say what another one of their row says.
    pub repeated: u64,
    /// Labels that say something else than those of their row that were counted before.
    pub contradictions: u64,
    /// Labels of requests that were not pushed.
    pub unknown_requests: u64,
    /// Labels of rows that their request does not have.
    pub unknown_rows: u64,
    /// Labels that are NaN or infinite.
    pub not_labels: u64,
    /// Labels from before their request.
    pub early: u64,
    /// Labels from too long after their request.
    pub late: u64,
    /// Answers of challengers, as often as they were pushed.
    pub shadows: u64,
}

impl fmt::Display for JoinCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            (self.requests, "request", ""),
            (self.rows, "row", ""),
            (self.labelled, "row", " with a label"),
            (self.unlabelled, "row", " without a label"),
            (self.contradictory, "row", " left out, with different labels"),
            (self.without_values, "row", " left out, with values that the log does not show"),
            (self.ambiguous, "row", " left out, logged with different values under one name"),
            (self.labels, "label", ""),
            (self.repeated, "label", " repeated"),
            (self.contradictions, "label", " in contradiction to another"),
            (self.unknown_requests, "label", " of an unknown request"),
            (self.unknown_rows, "label", " of a row that the request does not have"),
            (self.not_labels, "label", " without a finite number"),
            (self.early, "label", " from before the request"),
            (self.late, "label", " from too long after the request"),
            (self.shadows, "challenger answer", " passed over"),
        ];
        let mut separator = "";
        for (count, what, which) in lines.into_iter().filter(|(count, ..)| *count > 0) {
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{separator}{count} {what}{plural}{which}")?;
            separator = "\n";
        }
        Ok(())
    }
}
