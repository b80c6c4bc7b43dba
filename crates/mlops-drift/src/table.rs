use std::fmt::{self, Display, Formatter};

use mlops_core::{Correction, DriftReport, DriftStatus, DriftTest, FeatureDrift, PValueMethod};

/// A report as a table that a person reads in a terminal: the verdict, and a line per feature.
///
/// P-values that are not exact are marked with `~`.
///
/// # Examples
/// ```
/// use mlops_core::{DriftReport, DriftTest, FeatureDrift, PValueMethod};
/// use mlops_drift::DriftTable;
///
/// let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
/// let report = DriftReport::new(
///     0.05,
///     vec![FeatureDrift::tested("alcohol", test, 0.5, 0.001, method)],
/// );
/// let table = DriftTable::new(&report).to_string();
/// assert!(table.starts_with("drift: yes"), "{table}");
/// assert!(table.lines().any(|line| line.starts_with("alcohol") && line.ends_with("yes")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DriftTable<'a> {
    report: &'a DriftReport,
}

impl<'a> DriftTable<'a> {
    /// The table of a report.
    pub fn new(report: &'a DriftReport) -> Self {
        Self { report }
    }
}

const HEADER: [&str; 11] = [
    "feature",
    "test",
    "statistic",
    "p-value",
    "adjusted",
    "distance",
    "moved by",
    "psi",
    "missing",
    "unseen",
    "drift",
];

/// The columns from which on numbers stand, aligned at their ends.
const NUMBERS: std::ops::Range<usize> = 2..10;

impl Display for DriftTable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let DriftReport { alpha, correction, minimum_effect, n_rows, p_value, is_drift, .. } =
            self.report;
        write!(f, "drift: {}", verdict(*is_drift))?;
        if let Some(p_value) = p_value {
            write!(f, " (p = {}, ", short(*p_value))?;
            write!(f, "{}, alpha = {alpha}", correction_name(*correction))?;
            if let Some(effect) = minimum_effect {
                write!(f, ", distance at least {effect}")?;
            }
            f.write_str(")")?;
        }
        write!(f, "; {n_rows} rows")?;
        if let Some(id) = &self.report.reference_id {
            write!(f, "; reference {id}")?;
        }
        f.write_str("\n\n")?;
        let lines: Vec<_> = self.report.features.iter().map(cells).collect();
        let header = HEADER.map(str::to_owned);
        let mut widths = HEADER.map(str::len);
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for line in std::iter::once(&header).chain(&lines) {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                let is_number = NUMBERS.contains(&column);
                let (before, after) =
                    if is_number { (padding.as_str(), "") } else { ("", padding.as_str()) };
                text.extend([before, cell, after, "  "]);
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

fn cells(drift: &FeatureDrift) -> [String; 11] {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
    let p_value = match (drift.p_value, drift.method) {
        (Some(p_value), Some(PValueMethod::Exact)) => short(p_value),
        (Some(p_value), _) => format!("~{}", short(p_value)),
        (None, _) => "-".to_owned(),
    };
    let missing = match drift.missing {
        Some(missing) => {
            format!("{} (adjusted {})", drift.n_missing, short(missing.adjusted_p_value))
        }
        None => drift.n_missing.to_string(),
    };
    let moved = drift.effects.and_then(|effects| effects.wasserstein);
    let status = match drift.status {
        DriftStatus::Tested => verdict(drift.is_drift).to_owned(),
        status => format!("{} ({})", verdict(drift.is_drift), status_name(status)),
    };
    [
        printable(&drift.feature),
        test_name(drift.test).to_owned(),
        number(drift.statistic),
        p_value,
        number(drift.adjusted_p_value),
        number(drift.effects.map(|effects| effects.distance)),
        moved.map_or_else(|| "-".to_owned(), |moved| format!("{} sd", short(moved))),
        number(drift.effects.map(|effects| effects.population_stability_index)),
        missing,
        drift.n_unseen.to_string(),
        status,
    ]
}

/// A name without what would break the line or change the terminal.
fn printable(name: &str) -> String {
    let mut printed = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_control() {
            printed.extend(letter.escape_default());
        } else {
            printed.push(letter);
        }
    }
    printed
}

/// Three digits.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-3..1e4).contains(&value.abs()) {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    }
}

fn verdict(is_drift: Option<bool>) -> &'static str {
    match is_drift {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not tested",
    }
}

fn test_name(test: DriftTest) -> &'static str {
    match test {
        DriftTest::KolmogorovSmirnov => "KS",
        DriftTest::ChiSquared => "chi-squared",
        _ => "other",
    }
}

fn status_name(status: DriftStatus) -> &'static str {
    match status {
        DriftStatus::TooFewRows => "too few rows",
        DriftStatus::Constant => "constant",
        DriftStatus::EmptyBatch => "empty batch",
        DriftStatus::AllMissing => "all missing",
        DriftStatus::EmptyReference => "empty reference",
        _ => "tested",
    }
}

fn correction_name(correction: Correction) -> &'static str {
    match correction {
        Correction::Bonferroni => "Bonferroni",
        Correction::Holm => "Holm",
        Correction::BenjaminiHochberg => "Benjamini-Hochberg",
        Correction::BenjaminiYekutieli => "Benjamini-Yekutieli",
        Correction::None => "not corrected",
        _ => "corrected",
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{EffectSizes, MissingDrift};

    use super::*;

    #[test]
    fn a_table_shows_what_was_found() {
        let tested = |name: &str, statistic: f64, p_value: f64, method: PValueMethod| {
            FeatureDrift::tested(name, DriftTest::KolmogorovSmirnov, statistic, p_value, method)
        };
        let mut alcohol = tested("alcohol", 0.5, 0.000_012_34, PValueMethod::Exact);
        alcohol.effects = Some(EffectSizes::new(0.5, Some(1.25), 0.75));
        (alcohol.n_values, alcohol.n_unseen) = (40, 3);
        let mut sugar = tested("residual sugar", 0.125, 0.25, PValueMethod::Asymptotic);
        (sugar.n_missing, sugar.missing) = (2, Some(MissingDrift::new(0.0, 0.05, 0.5)));
        sugar.status = DriftStatus::TooFewRows;
        let region =
            FeatureDrift::untested("reg\u{1b}ion", DriftTest::ChiSquared, DriftStatus::AllMissing);
        let mut report = DriftReport::new(0.05, vec![alcohol, sugar, region]);
        (report.n_rows, report.minimum_effect) = (40, Some(0.1));
        report.reference_id = Some("0123456789abcdef".into());
        insta::assert_snapshot!(DriftTable::new(&report), @r"
        drift: yes (p = 1.2e-5, not corrected, alpha = 0.05, distance at least 0.1); 40 rows; reference 0123456789abcdef

        feature         test         statistic  p-value  adjusted  distance  moved by    psi             missing  unseen  drift
        alcohol         KS               0.500   1.2e-5    1.2e-5     0.500  1.250 sd  0.750                   0       3  yes
        residual sugar  KS               0.125   ~0.250     0.250         -         -      -  2 (adjusted 0.500)       0  no (too few rows)
        reg\u{1b}ion    chi-squared          -        -         -         -         -      -                   0       0  not tested (all missing)
        ");
    }
}
