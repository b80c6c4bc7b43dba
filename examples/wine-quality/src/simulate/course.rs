use std::fmt;

use mlops_pipeline::report;
use serde::Serialize;

use super::year::{SHIFT_MONTH, SHIFTED};
use crate::error::Error;
use crate::retrain::Decision;

/// How the year went.
#[derive(Debug, Default, Serialize)]
pub(super) struct Course {
    pub(super) months: Vec<MonthOutcome>,
}

/// How a month went.
#[derive(Debug, Serialize)]
pub(super) struct MonthOutcome {
    pub(super) month: usize,
    pub(super) n_wines: usize,
    /// The area under the ROC curve of what the service said.
    pub(super) auc: f64,
    /// The same of the model that there was when the year began.
    pub(super) auc_of_first_model: f64,
    /// The features with an alarm at the end of the month.
    pub(super) drift: Vec<String>,
    /// What became of labels in the wrong order, tried at the first alarm.
    pub(super) shuffled: Option<Decision>,
    pub(super) decision: Decision,
    /// The model in use at the end of the month.
    pub(super) model: String,
}

impl Course {
    /// The month at whose end new models came into use.
    fn promotion(&self) -> Option<usize> {
        let promoted = self.months.iter().find(|month| month.decision == Decision::Promoted);
        promoted.map(|month| month.month)
    }

    /// The mean over some months.
    fn mean(
        &self,
        is_meant: impl Fn(&MonthOutcome) -> bool,
        value: impl Fn(&MonthOutcome) -> f64,
    ) -> Option<f64> {
        let months = self.months.iter().filter(|month| is_meant(month));
        let values: Vec<f64> = months.map(value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// What should hold, and whether it does.
    pub(super) fn checks(&self) -> Vec<(String, bool)> {
        let is_before = |month: &MonthOutcome| month.month < SHIFT_MONTH;
        let of_shift = self.months.iter().find(|month| month.month == SHIFT_MONTH);
        let mut checks = vec![
            (
                "no alarm and no retraining before the shift".to_owned(),
                self.months
                    .iter()
                    .filter(|month| is_before(month))
                    .all(|month| month.drift.is_empty() && month.decision == Decision::NoDrift),
            ),
            (
                format!("the shift of {SHIFTED} is noticed in month {SHIFT_MONTH}"),
                of_shift.is_some_and(|month| month.drift.iter().any(|it| it == SHIFTED)),
            ),
            (
                "labels in the wrong order do not pass the gate".to_owned(),
                self.months
                    .iter()
                    .filter_map(|month| month.shuffled)
                    .all(|it| it == Decision::Rejected),
            ),
        ];
        let Some(promotion) = self.promotion() else {
            checks.push(("new models come into use".to_owned(), false));
            return checks;
        };
        checks.push((
            format!("new models come into use at the end of month {promotion}"),
            promotion >= SHIFT_MONTH,
        ));
        let is_after = |month: &MonthOutcome| month.month > promotion;
        let clean = self.mean(is_before, |month| month.auc);
        let kept = self.mean(is_after, |month| month.auc_of_first_model);
        let served = self.mean(is_after, |month| month.auc);
        let Some(((clean, kept), served)) = clean.zip(kept).zip(served) else {
            checks.push(("there is a month with the new models".to_owned(), false));
            return checks;
        };
        checks.push((

                format!(
                    "the AUC recovers: mean {clean:.3} before the shift, {kept:.3} after it with the first model, \
                     {served:.3} with the new one"
                ),
                served > kept && served - kept >= (clean - kept) / 2.0,
            ));
        checks
    }

    /// A picture of it.
    pub(super) fn picture(&self) -> Result<String, Error> {
        let served: Vec<f64> = self.months.iter().map(|month| month.auc).collect();
        let kept: Vec<f64> = self.months.iter().map(|month| month.auc_of_first_model).collect();
        let series = [("the models in use", &*served), ("the first model", &*kept)];
        let promotion = self.promotion().map(|month| ("new models in use", (month + 1) as f64));
        let shift = ("alcohol in degrees proof", SHIFT_MONTH as f64);
        let events: Vec<(&str, f64)> = [shift].into_iter().chain(promotion).collect();
        Ok(report::over_time("AUC", "month", &series, &events)?)
    }
}

impl MonthOutcome {
    /// The heads of the columns.
    pub(super) const HEADER: &str =
        "month  wines    AUC  AUC of the first model  drift            outcome";

    /// Whether there is no alarm.
    pub(super) fn is_quiet(&self) -> bool {
        self.drift.is_empty()
    }
}

impl fmt::Display for MonthOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { month, n_wines, auc, auc_of_first_model, drift, decision, model, .. } = self;
        let drift = if drift.is_empty() { "-".to_owned() } else { drift.join(", ") };
        let outcome = match decision {
            Decision::Promoted => format!("retrained: {model} from now on"),
            Decision::NoDrift => "-".to_owned(),
            other => other.to_string(),
        };
        write!(
            f,
            "{month:>5}  {n_wines:>5}  {auc:.3}  {auc_of_first_model:>22.3}  {drift:<15}  {outcome}"
        )
    }
}
