use std::fmt;

use mlops_pipeline::Verdict;
use serde::Serialize;

use super::evidence::EvidenceCounts;
use super::shift::Shift;
use crate::configuration::Configuration;

/// What came of retraining, and the last line that `retrain` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) decision: Decision,
    pub(crate) evidence: EvidenceCounts,
    /// What windows of the champion's requests say, if it was asked.
    pub(crate) shift: Option<Shift>,
    #[serde(flatten)]
    pub(crate) comparison: Option<Comparison>,
    /// The models in use from now on.
    pub(crate) configuration: Configuration,
}

/// What was decided, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// The challenger is the champion now.
    Promoted,
    /// No window has drifted, and retraining was asked for only when one has.
    NoDrift,
    /// There is no wine with a label that the champion does not know.
    NothingNew,
    /// There are too few to judge a challenger by them.
    TooFewWines,
    /// The challenger did not pass the gate.
    Gate,
    /// The challenger passed the gate, and nothing was to be changed.
    DryRun,
}

/// Champion and challenger on the same wines, which neither was trained on.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) run_id: String,
    pub(crate) n_wines: usize,
    /// The names of measures, with their values for champion and challenger.
    pub(crate) metrics: Vec<(&'static str, [f64; 2])>,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Promoted => "the challenger is the champion now",
            Self::NoDrift => "nothing was trained: no window of the champion's requests has drifted",
            Self::NothingNew => {
                "nothing was trained: there is no wine with a label that the champion does not know"
            }
            Self::TooFewWines => {
                "nothing was trained: there are too few new wines of a class to judge a challenger by"
            }
            Self::Gate => "the champion stays: the challenger did not pass the gate",
            Self::DryRun => "the champion stays, as asked; the challenger would have taken its place",
        })
    }
}

/// As Markdown, for whoever has to approve it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decision, evidence, shift, comparison, configuration } = self;
        writeln!(f, "# Retraining\n\nOutcome: {decision}.\n")?;
        if let Some(Comparison { run_id, n_wines, metrics, verdict }) = comparison {
            writeln!(f, "## Champion and challenger\n")?;
            writeln!(f, "On {n_wines} wines that neither was trained on; run `{run_id}`.\n")?;
            writeln!(f, "| | champion | challenger |\n|---|---:|---:|")?;
            for (name, [champion, challenger]) in metrics {
                writeln!(f, "| {name} | {champion:.4} | {challenger:.4} |")?;
            }
            writeln!(f, "\n## Gate\n")?;
            for line in verdict.to_string().lines() {
                writeln!(f, "- {line}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "## Logs and labels\n")?;
        match shift {
            Some(Shift { features, .. }) => writeln!(f, "- drift in {}", features.join(", "))?,
            None => writeln!(f, "- no drift in the windows of the champion's requests")?,
        }
        for line in evidence.to_string().lines() {
            writeln!(f, "- {line}")?;
        }
        let Configuration { prediction, drift, outliers } = configuration;
        write!(f, "\nIn use: `{prediction}`, `{drift}`, `{outliers}`.")
    }
}

/// A line for each count that is not zero, but for that of the new wines.
impl fmt::Display for EvidenceCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        write!(f, "{} file{} of telemetry", self.files, plural(self.files))?;
        for line in self.joined.to_string().lines() {
            write!(f, "\n{line}")?;
        }
        let lines = [
            (self.not_classes, "left out: the label is neither 0 nor 1"),
            (self.with_missing_values, "left out: a value is missing"),
            (self.tested, "left out: the champion was measured by them"),
            (self.learned, "that the champion was trained on"),
        ];
        for (count, what) in lines.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "\n{count} row{} {what}", plural(count))?;
        }
        write!(f, "\n{} row{} that the champion does not know", self.fresh, plural(self.fresh))
    }
}
