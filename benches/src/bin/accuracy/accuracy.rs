use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::interval::{Interval, deviation, mean};
use crate::peer::Case;
use crate::rows::LabelledRows;

/// The mean difference may be this much below zero.
const MARGIN: f64 = 0.005;

/// What was compared, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Accuracy {
    /// The version of this project and of the Python packages.
    versions: BTreeMap<String, String>,
    data_sets: Vec<DataSet>,
    /// The mean difference, with the interval of the means of the seeds.
    by_seed: Interval,
    /// The same without the data sets in which values are missing, which ours treats in another way.
    by_seed_if_complete: Interval,
    /// The mean difference, with the interval of the means of the data sets.
    by_data_set: Interval,
}

/// A data set and the AUC of its outliers, ours and scikit-learn's, one for each seed from 0.
#[derive(Debug, Serialize)]
pub(crate) struct DataSet {
    pub(crate) name: String,
    source: String,
    n_rows: usize,
    n_outliers: usize,
    n_features: usize,
    /// The share of the values that are missing.
    missing: f64,
    ours: Vec<f64>,
    sklearn: Vec<f64>,
    /// The seeds that ours failed with, and why.
    failures: BTreeMap<u64, String>,
}

impl Accuracy {
    /// # Errors
    /// If there are no two data sets that ours fits with all seeds.
    pub(crate) fn new(
        mut versions: BTreeMap<String, String>,
        data_sets: Vec<DataSet>,
        n_seeds: u64,
    ) -> Result<Self, Box<dyn Error>> {
        versions.insert("mlops-outlier".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let n_seeds = usize::try_from(n_seeds)?;
        let fitted = || data_sets.iter().filter(|data_set| data_set.failures.is_empty());
        if fitted().any(|data_set| data_set.ours.len() != n_seeds) {
            return Err("a data set without all seeds".into());
        }
        let all: Vec<Vec<f64>> = fitted().map(DataSet::differences).collect();
        let complete = fitted().filter(|data_set| data_set.missing == 0.0);
        let complete: Vec<Vec<f64>> = complete.map(DataSet::differences).collect();
        let by_seed = Interval::of(&means_of_seeds(&all, n_seeds));
        let if_complete = Interval::of(&means_of_seeds(&complete, n_seeds));
        let means_of_sets: Vec<f64> = all.iter().map(|of_set| mean(of_set)).collect();
        let by_data_set = Interval::of(&means_of_sets);
        Ok(Self {
            versions,
            data_sets,
            by_seed: by_seed.ok_or("too few seeds")?,
            by_seed_if_complete: if_complete.ok_or("too few seeds")?,
            by_data_set: by_data_set.ok_or("too few data sets")?,
        })
    }

    /// Whether ours fits all data sets, and is as accurate as scikit-learn's up to the margin.
    pub(crate) fn holds(&self) -> bool {
        self.data_sets.iter().all(|data_set| data_set.failures.is_empty())
            && self.by_seed.low > -MARGIN
    }
}

impl DataSet {
    pub(crate) fn new(case: &Case, rows: &LabelledRows) -> Self {
        let values = rows.records.values();
        let n_missing = values.iter().filter(|value| value.is_nan()).count();
        Self {
            name: case.set.clone(),
            source: case.source.clone(),
            n_rows: values.nrows(),
            n_outliers: rows.is_outlier.iter().filter(|is_outlier| **is_outlier).count(),
            n_features: values.ncols(),
            missing: n_missing as f64 / values.len() as f64,
            ours: Vec::new(),
            sklearn: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Takes a forest of scikit-learn and ours.
    pub(crate) fn push(&mut self, case: &Case, ours: Result<f64, String>) {
        match ours {
            Ok(ours) => {
                self.ours.push(ours);
                self.sklearn.push(case.auc);
            }
            Err(error) => {
                self.failures.insert(case.seed, error);
            }
        }
    }

    fn differences(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.sklearn).map(|(ours, sklearn)| ours - sklearn).collect()
    }
}

/// For each seed, the mean over all data sets.
fn means_of_seeds(differences: &[Vec<f64>], n_seeds: usize) -> Vec<f64> {
    let of_seed = |seed: usize| {
        let of_sets: Vec<f64> = differences.iter().map(|of_set| of_set[seed]).collect();
        mean(&of_sets)
    };
    (0..n_seeds).map(of_seed).collect()
}

impl Display for Accuracy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (name, version) in &self.versions {
            write!(f, "{name} {version}  ")?;
        }
        writeln!(
            f,
            "\n\n{:<14} {:<15} {:>6} {:>8} {:>8} {:>7}  {:<14} {:<14} difference, error",
            "data set",
            "source",
            "rows",
            "outliers",
            "features",
            "missing",
            "ours, sd",
            "sklearn, sd"
        )?;
        for data_set in &self.data_sets {
            writeln!(f, "{data_set}")?;
        }
        writeln!(f, "\nmean difference, ours - sklearn:")?;
        writeln!(f, "{} of the seeds", self.by_seed)?;
        writeln!(f, "{} of the seeds, nothing missing", self.by_seed_if_complete)?;
        writeln!(f, "{} of the data sets", self.by_data_set)?;
        let verdict = if self.holds() { "holds" } else { "does not hold" };
        write!(
            f,
            "the interval of the seeds lies above -{MARGIN}, and all data sets fit: {verdict}"
        )
    }
}

impl Display for DataSet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, source, n_rows, n_outliers, n_features, missing, ours, sklearn, failures } =
            self;
        write!(f, "{name:<14} {source:<15} {n_rows:>6} {n_outliers:>8} {n_features:>8} ")?;
        write!(f, "{:>5.1} %", 100.0 * missing)?;
        for (seed, error) in failures {
            write!(f, "  seed {seed}: {error}")?;
        }
        if failures.is_empty() {
            for aucs in [ours, sklearn] {
                write!(f, "  {:.4} {:.4} ", mean(aucs), deviation(aucs))?;
            }
            let differences = self.differences();
            let error = deviation(&differences) / (differences.len() as f64).sqrt();
            write!(f, " {:+.4} +- {error:.4}", mean(&differences))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_set(name: &str, ours: &[f64], sklearn: &[f64]) -> DataSet {
        DataSet {
            name: name.to_owned(),
            source: "generated".to_owned(),
            n_rows: 100,
            n_outliers: 10,
            n_features: 2,
            missing: 0.0,
            ours: ours.to_vec(),
            sklearn: sklearn.to_vec(),
            failures: BTreeMap::new(),
        }
    }

    fn accuracy(data_sets: Vec<DataSet>) -> Result<Accuracy, Box<dyn Error>> {
        Accuracy::new(BTreeMap::new(), data_sets, 2)
    }

    #[test]
    fn pairs_are_seeds_of_all_data_sets_or_data_sets_of_all_seeds() {
        let one = data_set("one", &[0.5, 0.75], &[0.5, 0.5]);
        let other = data_set("other", &[1.0, 1.0], &[0.5, 0.75]);
        let accuracy = accuracy(vec![one, other]).unwrap();
        assert_eq!(Some(accuracy.by_seed), Interval::of(&[0.25, 0.25]));
        assert_eq!(Some(accuracy.by_data_set), Interval::of(&[0.125, 0.375]));
    }

    #[test]
    fn data_sets_with_missing_values_are_told_apart() {
        let complete = || data_set("complete", &[0.5, 0.75], &[0.5, 0.5]);
        let missing = DataSet { missing: 0.1, ..data_set("missing", &[1.0, 1.0], &[0.75, 0.5]) };
        let accuracy = accuracy(vec![complete(), complete(), missing]).unwrap();
        assert_eq!(Some(accuracy.by_seed_if_complete), Interval::of(&[0.0, 0.25]));
        assert_eq!(Some(accuracy.by_data_set), Interval::of(&[0.125, 0.125, 0.375]));
    }

    #[test]
    fn worse_forests_and_forests_that_do_not_fit_fail() {
        let equal = || data_set("equal", &[0.5, 0.75], &[0.5, 0.75]);
        let lower = |by: f64| data_set("lower", &[0.5 - by, 0.75 - by], &[0.5, 0.75]);
        assert!(accuracy(vec![equal(), lower(1.0 / 256.0)]).unwrap().holds());
        assert!(!accuracy(vec![equal(), lower(1.0 / 64.0)]).unwrap().holds());
        let mut failed = data_set("failed", &[0.5], &[0.5]);
        failed.failures.insert(1, "no".to_owned());
        let accuracy = accuracy(vec![equal(), equal(), failed]).unwrap();
        assert_eq!(accuracy.by_seed.mean, 0.0);
        assert!(!accuracy.holds());
        assert!(accuracy.to_string().contains("seed 1: no"));
    }

    #[test]
    fn all_seeds_are_there() {
        let short = data_set("short", &[0.5], &[0.5]);
        let whole = || data_set("whole", &[0.5, 0.5], &[0.5, 0.5]);
        let error = accuracy(vec![whole(), whole(), short]).unwrap_err();
        assert_eq!(error.to_string(), "a data set without all seeds");
    }
}
