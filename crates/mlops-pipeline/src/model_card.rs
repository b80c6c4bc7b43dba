mod markdown;

use std::fmt::{self, Display, Formatter};

use markdown::{path, row, text};

use crate::evaluation::Evaluation;

/// What somebody should know of a model before using it, as a page in Markdown (Mitchell and others 2019, *Model cards for
/// model reporting*, FAT\* 19).
///
/// Whatever is given is plain text: it is escaped. What is not given is left out. The page is what [`Display`] writes.
///
/// # Examples
/// ```
/// use mlops_pipeline::ModelCard;
/// use mlops_pipeline::evaluation::{Evaluation, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// let evaluation = Evaluation::of(&rows, 0.5);
/// let card = ModelCard::new("wine_quality")
///     .version("3")
///     .intended_use("Ranks wines for a tasting.")
///     .data("training", 3900, "sha256:4a402cf0")
///     .metrics("test", evaluation.metrics())
///     .slice("red wines", &evaluation)
///     .limitation("Portuguese wines only.")
///     .figure("ROC curve", "figures/roc.svg");
/// let page = card.to_string();
/// assert!(page.starts_with("# wine\\_quality\n"));
/// assert!(page.contains("| roc\\_auc | 0.7500 |"));
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct ModelCard {
    name: String,
    version: Option<String>,
    run: Option<String>,
    intended_use: Option<String>,
    data: Vec<Data>,
    measured: Vec<Measured>,
    slices: Vec<Slice>,
    limitations: Vec<String>,
    figures: Vec<Figure>,
}

#[derive(Clone, Debug, PartialEq)]
struct Data {
    part: String,
    n_rows: usize,
    digest: String,
}

/// The metrics of a part of the data: a column of the table.
#[derive(Clone, Debug, PartialEq)]
struct Measured {
    part: String,
    metrics: Vec<(String, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Slice {
    name: String,
    n_rows: usize,
    n_positives: usize,
    roc_auc: Option<f64>,
    log_loss: f64,
    accuracy: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Figure {
    caption: String,
    path: String,
}

impl ModelCard {
    /// The card of a model with a name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The version that the registry gives it.
    pub fn version(self, version: &str) -> Self {
        Self { version: Some(version.to_owned()), ..self }
    }

    /// The run that trained it.
    pub fn run(self, run: &str) -> Self {
        Self { run: Some(run.to_owned()), ..self }
    }

    /// What it is for, and what it is not for, in as many lines as it takes.
    pub fn intended_use(self, intended_use: &str) -> Self {
        Self { intended_use: Some(intended_use.to_owned()), ..self }
    }

    /// A part of the data, such as `training`, with its number of rows and its digest.
    pub fn data(mut self, part: &str, n_rows: usize, digest: &str) -> Self {
        self.data.push(Data { part: part.to_owned(), n_rows, digest: digest.to_owned() });
        self
    }

    /// What was measured on a part of the data, such as [`Evaluation::metrics`]: a column of the table.
    pub fn metrics<'a>(
        mut self,
        part: &str,
        metrics: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Self {
        let metrics = metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.measured.push(Measured { part: part.to_owned(), metrics });
        self
    }

    /// How good it is on some of the rows, such as those of one kind of wine.
    pub fn slice(mut self, name: &str, evaluation: &Evaluation) -> Self {
        self.slices.push(Slice {
            name: name.to_owned(),
            n_rows: evaluation.n_rows,
            n_positives: evaluation.n_positives,
            roc_auc: evaluation.roc.as_ref().map(|curve| curve.auc),
            log_loss: evaluation.log_loss,
            accuracy: evaluation.confusion.accuracy(),
        });
        self
    }

    /// Something that it cannot do, or that is not known.
    pub fn limitation(mut self, limitation: &str) -> Self {
        self.limitations.push(limitation.to_owned());
        self
    }

    /// A picture, by its path from where the page is.
    pub fn figure(mut self, caption: &str, path: &str) -> Self {
        self.figures.push(Figure { caption: caption.to_owned(), path: path.to_owned() });
        self
    }

    fn write_metrics(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let head = self.measured.iter().map(|measured| text(&measured.part));
        writeln!(f, "\n## Metrics\n")?;
        row(f, std::iter::once("Metric".to_owned()).chain(head))?;
        row(f, (0..=self.measured.len()).map(|column| rule(column > 0)))?;
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.measured.iter().flat_map(|measured| &measured.metrics) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        for name in names {
            let values = self.measured.iter().map(|measured| {
                let metric = measured.metrics.iter().find(|(other, _)| other == name);
                number(metric.map(|(_, value)| *value))
            });
            row(f, std::iter::once(text(name)).chain(values))?;
        }
        Ok(())
    }

    fn write_slices(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Slices\n")?;
        let head = ["Slice", "Rows", "Positive", "ROC AUC", "Log-loss", "Accuracy"];
        row(f, head.map(str::to_owned))?;
        row(f, (0..head.len()).map(|column| rule(column > 0)))?;
        for Slice { name, n_rows, n_positives, roc_auc, log_loss, accuracy } in &self.slices {
            let counts = [text(name), n_rows.to_string(), n_positives.to_string()];
            let values = [*roc_auc, Some(*log_loss), Some(*accuracy)].map(number);
            row(f, counts.into_iter().chain(values))?;
        }
        Ok(())
    }
}

impl Display for ModelCard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", text(&self.name))?;
        let facts = [("Version", &self.version), ("Run", &self.run)];
        let facts: Vec<_> =
            facts.iter().filter_map(|(fact, it)| Some((fact, it.as_ref()?))).collect();
        for (at, (fact, value)) in facts.into_iter().enumerate() {
            let before = if at == 0 { "\n" } else { "" };
            writeln!(f, "{before}- {fact}: {}", text(value))?;
        }
        if let Some(intended_use) = &self.intended_use {
            writeln!(f, "\n## Intended use\n")?;
            for line in intended_use.trim().lines() {
                writeln!(f, "{}", text(line))?;
            }
        }
        if !self.data.is_empty() {
            writeln!(f, "\n## Data\n")?;
            row(f, ["Part", "Rows", "Digest"].map(str::to_owned))?;
            row(f, [false, true, false].map(rule))?;
            for Data { part, n_rows, digest } in &self.data {
                row(f, [text(part), n_rows.to_string(), text(digest)])?;
            }
        }
        if !self.measured.is_empty() {
            self.write_metrics(f)?;
        }
        if !self.slices.is_empty() {
            self.write_slices(f)?;
        }
        if !self.limitations.is_empty() {
            writeln!(f, "\n## Limitations\n")?;
            for limitation in &self.limitations {
                writeln!(f, "- {}", text(limitation))?;
            }
        }
        if !self.figures.is_empty() {
            writeln!(f, "\n## Figures")?;
            for Figure { caption, path: to } in &self.figures {
                writeln!(f, "\n![{}]({})", text(caption), path(to))?;
            }
        }
        Ok(())
    }
}

/// The line below the head of a column.
fn rule(is_number: bool) -> String {
    if is_number { "---:" } else { "---" }.to_owned()
}

fn number(value: Option<f64>) -> String {
    let value = value.filter(|value| value.is_finite());
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.4}"))
}

#[cfg(test)]
mod tests;
