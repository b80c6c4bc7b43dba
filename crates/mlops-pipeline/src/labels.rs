//! Rows that were predicted, joined with what they turned out to be: the training data of the next model.
//!
//! A service logs the rows of its requests; whether a wine was good, a customer left or a part broke is known days later.
//! [`LabelJoin`] takes both in any order, from logs, from tables ([`LabelCsv`]) or from elsewhere ([`RowLabel`]), and gives
//! the rows of which the truth is known. What cannot be used is left out and counted.

mod counts;
mod error;
mod joined;
mod label_csv;
mod row_label;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mlops_core::Schema;
use mlops_telemetry::{Logged, LoggedRequest};

pub use counts::JoinCounts;
pub use error::LabelError;
pub use joined::{Joined, LabelledRows, RowKey};
pub use label_csv::LabelCsv;
pub use row_label::RowLabel;

use joined::LabelledRow;
use truth::{Claim, Truth, truth};

/// Joins requests that were logged with the truth about their rows.
///
/// Requests and labels may come in any order and more than once: what comes out depends on what was pushed, not on when.
/// Lines of one request that a reader gave out apart are put together again.
///
/// - **A row has one label.** The same label again is harmless; a row with two different ones is left out.
/// - **A row has the values that the model saw.** A value that was missing in the request is missing here. A row of which the
///   log hides, lacks or cannot read a value ([`LoggedRequest::is_whole`]) is left out, and so is one that came with
///   different values under the same name.
/// - **Time goes forward.** A label from before its request is left out, and one from too long after it if there is a
///   [bound](Self::max_delay). Where one of the two times is not known, neither is asked.
///
/// Which model answered is of no importance: a request without a model is one like any other. Challengers' answers are
/// passed over, since their rows stand in the request that they answered, too.
///
/// Memory grows with what is pushed, since a label may still come: 8 bytes for each value, and about 80 for each row, 150 for
/// each request and 40 to 80 for each label. A request that is pushed again takes none. [`finish`](Self::finish) takes once
/// more what the rows with labels hold.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Feature, Schema};
/// use mlops_pipeline::labels::{LabelCsv, LabelJoin};
/// use mlops_telemetry::LogReader;
///
/// let log = r#"
/// {"ts":"2026-03-01T10:00:00Z","type":"inference","request_id":"a1","inputs":{"columns":["alcohol"],"data":[[9.4],[12.5]]}}
/// {"ts":"2026-03-01T11:00:00Z","type":"inference","request_id":"a2","inputs":{"columns":["alcohol"],"data":[[null]]}}
/// {"ts":"2026-03-08T09:00:00Z","type":"feedback","request_id":"a1","row":1,"label":1}
/// "#;
/// let table = "row,label,request_id\n0,0,a2\n0,1,a3\n";
///
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")])?);
/// let mut reader = LogReader::new(Arc::clone(&schema));
/// let mut join = LabelJoin::new(schema);
/// for logged in reader.read(log.as_bytes()) {
///     join.push(logged?);
/// }
/// for logged in reader.finish() {
///     join.push(logged);
/// }
/// for label in LabelCsv::new(table.as_bytes())? {
///     join.push_label(label?);
/// }
///
/// let joined = join.finish();
/// assert_eq!(joined.rows.labels, [1.0, 0.0]);
/// assert_eq!(joined.rows.records.row(0)[0], 12.5);
/// assert!(joined.rows.records.row(1)[0].is_nan());
/// assert_eq!((&*joined.rows.keys[0].request_id, joined.rows.keys[0].row), ("a1", 1));
/// assert_eq!((joined.counts.unlabelled, joined.counts.unknown_requests), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LabelJoin {
    schema: Arc<Schema>,
    max_delay: Option<Duration>,
    // Where in `requests` the one of a name is.
    positions: BTreeMap<String, usize>,
    requests: Vec<Request>,
    // By the position of the request and the row.
    values: BTreeMap<(usize, usize), Values>,
    claims: Vec<Claim>,
    n_shadows: u64,
}

/// A request; or nothing yet but its name, which a label brought.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    n_rows: Option<usize>,
    /// The earliest time that was told.
    time: Option<SystemTime>,
}

/// What is known of the values of a row.
#[derive(Clone, Debug)]
enum Values {
    Known(Box<[f64]>),
    /// They were told in different ways.
    Ambiguous,
}

impl LabelJoin {
    /// A join of rows that have the columns of `schema`.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self {
            schema,
            max_delay: None,
            positions: BTreeMap::new(),
            requests: Vec::new(),
            values: BTreeMap::new(),
            claims: Vec::new(),
            n_shadows: 0,
        }
    }

    /// Leaves out labels from more than `max_delay` after their request; by default, none is too late.
    #[must_use]
    pub fn max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay: Some(max_delay), ..self }
    }

    /// Takes what a log tells of: a request, or the truth about a row of one.
    ///
    /// A request that was read with other columns than those of the join has no values.
    pub fn push(&mut self, logged: Logged) {
        match logged {
            Logged::Request(request) if request.is_shadow => self.n_shadows += 1,
            Logged::Request(request) => self.push_request(*request),
            Logged::Feedback(feedback) => self.push_label(feedback.into()),
            // Whatever else logs may tell of one day says nothing about rows.
            _ => {}
        }
    }

    /// Takes the truth about a row.
    pub fn push_label(&mut self, label: RowLabel) {
        let RowLabel { request_id, row, label, time } = label;
        let request = self.position(request_id);
        self.claims.push(Claim { request, row, label, time });
    }

    /// The rows whose truth is known, and what became of the rest.
    pub fn finish(mut self) -> Joined {
        let mut request_ids = vec![String::new(); self.requests.len()];
        for (request_id, position) in self.positions {
            request_ids[position] = request_id;
        }
        let mut counts = JoinCounts { shadows: self.n_shadows, ..JoinCounts::default() };
        let mut rows = Vec::new();
        self.claims.sort_unstable_by_key(Claim::order);
        for claims in self.claims.chunk_by(|a, b| (a.request, a.row) == (b.request, b.row)) {
            let Claim { request, row, .. } = claims[0];
            let Request { n_rows, time } = self.requests[request];
            let n_claims = claims.len() as u64;
            counts.labels += n_claims;
            match n_rows {
                None => {
                    counts.unknown_requests += n_claims;
                    continue;
                }
                Some(n_rows) if row >= n_rows => {
                    counts.unknown_rows += n_claims;
                    continue;
                }
                Some(_) => {}
            }
            let truth = truth(claims, time, self.max_delay, &mut counts);
            match (truth, self.values.remove(&(request, row))) {
                (Truth::Unknown, _) => {}
                (Truth::Contradictory, _) => counts.contradictory += 1,
                (Truth::Label(_), None) => counts.without_values += 1,
                (Truth::Label(_), Some(Values::Ambiguous)) => counts.ambiguous += 1,
                (Truth::Label(label), Some(Values::Known(values))) => {
                    counts.labelled += 1;
                    let key = RowKey { request_id: request_ids[request].clone(), row };
                    rows.push(LabelledRow { time, key, values, label });
                }
            }
        }
        for n_rows in self.requests.iter().filter_map(|request| request.n_rows) {
            counts.requests += 1;
            counts.rows = counts.rows.saturating_add(n_rows as u64);
        }
        let JoinCounts { labelled, contradictory, without_values, ambiguous, .. } = counts;
        let n_told = labelled + contradictory + without_values + ambiguous;
        counts.unlabelled = counts.rows - n_told;
        Joined { rows: LabelledRows::new(self.schema, rows), counts }
    }

    /// Where the request of a name is.
    fn position(&mut self, request_id: String) -> usize {
        *self.positions.entry(request_id).or_insert_with(|| {
            self.requests.push(Request::default());
            self.requests.len() - 1
        })
    }

    fn push_request(&mut self, logged: LoggedRequest) {
        let LoggedRequest { request_id, time, n_rows, rows, records, is_whole, .. } = logged;
        let position = self.position(request_id);
        let request = &mut self.requests[position];
        request.n_rows = request.n_rows.max(Some(n_rows));
        request.time = [request.time, time].into_iter().flatten().min();
        let Some(records) = records.filter(|it| it.check_schema(&self.schema).is_ok()) else {
            return;
        };
        for ((row, values), is_whole) in rows.into_iter().zip(records.rows()).zip(is_whole) {
            if is_whole {
                let known = self.values.entry((position, row));
                known
                    .and_modify(|known| known.compare(values))
                    .or_insert_with(|| Values::Known(values.into()));
            }
        }
    }
}

impl Values {
    /// Takes the values as they are told once more.
    fn compare(&mut self, others: &[f64]) {
        let bits = |values: &[f64]| -> Vec<u64> { values.iter().map(|it| it.to_bits()).collect() };
        if let Self::Known(values) = self
            && bits(values) != bits(others)
        {
            *self = Self::Ambiguous;
        }
    }
}
