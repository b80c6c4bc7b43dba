//! What people look at after a training: charts, a card, and the figures of the test in full.

use std::fs;
use std::path::Path;

use mlops_core::Records;
use mlops_pipeline::evaluation::{Evaluation, ScoredRows};
use mlops_pipeline::{ModelCard, SearchOutcome, report};
use mlops_xgboost::{Booster, Importance};

use crate::data::IS_RED;
use crate::error::Error;
use crate::search::{Parts, THRESHOLD};

/// What is told of: a booster, the data that it was trained and tested on, and the search that found it.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) booster: &'a Booster,
    pub(crate) parts: &'a Parts,
    pub(crate) search: &'a SearchOutcome,
    /// The name of the registered model.
    pub(crate) name: &'static str,
    pub(crate) run_id: String,
    /// Of all wines.
    pub(crate) digest: String,
}

const FIGURES: &str = "figures";
const OBJECTIVE: &str = "AUC on the validation wines";
const INTENDED_USE: &str = "Tells how likely a Portuguese Vinho Verde is to be graded 7 or better by its laboratory \
                            values, for sorting wines before they are tasted. Not for prices, health or single bottles \
                            that matter.";
const LIMITATIONS: [&str; 3] = [
    "Grades are medians of three tasters at least; the labels are as uncertain as tasters are.",
    "The wines are of one region and of the years before 2009; others are shifted, which the drift model tells.",
    "A quarter of the rows are copies of others; all copies of a wine are in the same part of the data.",
];

impl Report<'_> {
    /// Writes the report into a folder, and returns what was measured on the test wines.
    pub(crate) fn write(&self, folder: &Path) -> Result<Evaluation, Error> {
        let (records, labels) = self.parts.test();
        let probabilities = self.booster.predict(records.values())?;
        let rows = ScoredRows::new(&probabilities, labels)?;
        let evaluation = Evaluation::of(&rows, THRESHOLD);
        let figures = folder.join(FIGURES);
        fs::create_dir_all(&figures).map_err(Error::io(&figures))?;
        let mut card = self.card(&evaluation);
        for (name, wines) in [("red wines", 1.0), ("white wines", 0.0)] {
            let rows = rows.select(&of_color(records, wines));
            // A test of few wines may have those of one colour only.
            let evaluation = rows.map(|rows| Evaluation::of(&rows, THRESHOLD));
            card = evaluation.into_iter().fold(card, |card, it| card.slice(name, &it));
        }
        for (caption, file, svg) in self.figures(&evaluation, records)? {
            let path = figures.join(file);
            fs::write(&path, svg).map_err(Error::io(&path))?;
            card = card.figure(caption, &format!("{FIGURES}/{file}"));
        }
        let json = serde_json::to_string(&evaluation).map_err(Error::Answer)?;
        for (file, text) in [("model_card.md", card.to_string()), ("evaluation.json", json)] {
            let path = folder.join(file);
            fs::write(&path, text).map_err(Error::io(&path))?;
        }
        Ok(evaluation)
    }

    fn card(&self, evaluation: &Evaluation) -> ModelCard {
        let n_rows = self.parts.known().n_rows();
        let card = ModelCard::new(self.name)
            .run(&self.run_id)
            .intended_use(INTENDED_USE)
            .data("training and validation", n_rows, &self.digest)
            .data("test", evaluation.n_rows, &self.digest)
            .metrics("test", evaluation.metrics());
        LIMITATIONS.iter().fold(card, |card, limitation| card.limitation(limitation))
    }

    /// Each with its caption and the name of its file.
    fn figures(
        &self,
        evaluation: &Evaluation,
        records: &Records,
    ) -> Result<Vec<(&'static str, &'static str, String)>, Error> {
        let Evaluation { roc, precision_recall, calibration, .. } = evaluation;
        let mut figures = Vec::new();
        if let Some(curve) = roc {
            figures.push(("ROC curve", "roc_curve.svg", report::roc_curve(&[("test", curve)])?));
        }
        if let Some(curve) = precision_recall {
            let svg = report::precision_recall_curve(&[("test", curve)])?;
            figures.push(("Precision and recall", "precision_recall_curve.svg", svg));
        }
        let svg = report::calibration_curve(&[("test", calibration)])?;
        figures.push(("Calibration", "calibration_curve.svg", svg));
        let names: Vec<&str> = records.schema().names().collect();
        let gains = self.booster.importance(Importance::TotalGain);
        let svg = report::importance(&names, &gains, "total gain")?;
        figures.push(("Importance of the features", "importance.svg", svg));
        let contributions = self.booster.contributions(records.values())?;
        let contributions = contributions.values.index_axis(ndarray::Axis(1), 0);
        let output = "log-odds of a good wine";
        let svg = report::shap_summary(contributions, records.values(), &names, output)?;
        figures.push(("Contributions of the features", "shap_summary.svg", svg));
        let svg = report::search_history(self.search, OBJECTIVE)?;
        figures.push(("Search for parameters", "search_history.svg", svg));
        Ok(figures)
    }
}

/// The rows of the red wines, or of the white ones.
pub(crate) fn of_color(records: &Records, is_red: f64) -> Vec<usize> {
    let column = records.schema().names().position(|name| name == IS_RED);
    let is_of_color = |row: &usize| column.is_some_and(|at| records.values()[[*row, at]] == is_red);
    (0..records.n_rows()).filter(is_of_color).collect()
}
