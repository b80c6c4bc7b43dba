use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::ReportError;
use super::style::{self, LABEL};

/// An axis with what stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) range: Range<f64>,
    /// Where labels stand, and what they say.
    pub(super) ticks: Vec<(f64, String)>,
    /// Whether a line goes from each label through the chart.
    pub(super) has_lines: bool,
}

/// No axis reaches further, so that no difference overflows.
const FURTHEST: f64 = 1e300;
/// So many numbers have a label each.
const MOST_NUMBERS: usize = 24;
/// About so many parts are between the labels.
const PARTS: f64 = 6.0;

impl Axis {
    /// From 0 to 1, with a little room beyond.
    pub(super) fn share(title: &str) -> Self {
        let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(|at| (at, format!("{at:.1}")));
        Self { title: title.to_owned(), range: -0.01..1.01, ticks: ticks.to_vec(), has_lines: true }
    }

    /// From the lowest to the highest of some values, with a share of what is between them as room at either end.
    pub(super) fn of(
        title: &str,
        what: &'static str,
        values: impl IntoIterator<Item = f64>,
        rooms: [f64; 2],
    ) -> Result<Self, ReportError> {
        let mut ends: Option<(f64, f64)> = None;
        for value in values {
            if !(-FURTHEST..=FURTHEST).contains(&value) {
                return Err(ReportError::NotFinite { what, value });
            }
            ends =
                Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        }
        let (low, high) = ends.ok_or(ReportError::Empty { what })?;
        let size = low.abs().max(high.abs());
        // What cannot be told apart is a constant.
        let span = if high - low > size * 1e-9 && size > 1.0 / FURTHEST {
            high - low
        } else if size > 1.0 / FURTHEST {
            size / 10.0
        } else {
            1.0
        };
        let range = low - rooms[0] * span..high + rooms[1] * span;
        let range = if range.end - range.start < span / 2.0 {
            range.start - span / 2.0..range.end + span / 2.0
        } else {
            range
        };
        let ticks = ticks(&range);
        Ok(Self { title: title.to_owned(), range, ticks, has_lines: true })
    }

    /// Whole numbers from 0.
    pub(super) fn count(title: &str, largest: usize) -> Self {
        let range = 0.0..largest.max(1) as f64 * 1.1;
        let ticks = whole(ticks(&range));
        Self { title: title.to_owned(), range, ticks, has_lines: true }
    }

    /// Whole numbers from the first to the last, each with a label where they are few.
    pub(super) fn numbers(title: &str, first: usize, last: usize) -> Result<Self, ReportError> {
        let ends = [first as f64, last.max(first + 1) as f64];
        let mut axis = Self::of(title, "number", ends, [0.03; 2])?;
        if last - first < MOST_NUMBERS {
            axis.ticks = (first..=last).map(|number| (number as f64, number.to_string())).collect();
        } else {
            axis.ticks = whole(axis.ticks);
            axis.ticks.retain(|(at, _)| *at >= first as f64);
        }
        Ok(axis)
    }

    /// One row for each name, the first on top; the middle of a row is at a half.
    pub(super) fn rows(names: impl ExactSizeIterator<Item = String>) -> Self {
        let n_rows = names.len() as f64;
        let ticks = names.enumerate().map(|(row, name)| (n_rows - row as f64 - 0.5, name));
        Self { title: String::new(), range: 0.0..n_rows, ticks: ticks.collect(), has_lines: false }
    }

    /// How much room the labels need beside a vertical axis.
    pub(super) fn width(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| style::width(label, LABEL)).fold(0.0, f64::max)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + style::units(share * f64::from(limit.1 - limit.0))
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // No lines between those with a label.
        let ticks = if hint.weight().allow_light_points() { &[][..] } else { &self.ticks };
        ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at == value);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Round numbers in a range, with as many decimals as tell them apart.
fn ticks(range: &Range<f64>) -> Vec<(f64, String)> {
    let part = (range.end - range.start) / PARTS;
    let power = part.log10().floor();
    let unit = 10_f64.powf(power);
    let round = [1.0, 2.0, 5.0].into_iter().find(|round| round * unit >= part);
    let step = round.unwrap_or(10.0) * unit;
    let power = if round.is_some() { power } else { power + 1.0 };
    let mut ticks = Vec::new();
    let mut count = (range.start / step).ceil();
    while count * step <= range.end {
        // Zero has no sign.
        ticks.push((count * step + 0.0, label(count * step + 0.0, range, power)));
        count += 1.0;
    }
    ticks
}

/// Those of whole numbers, which have no decimals.
fn whole(ticks: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let whole = ticks.into_iter().map(|(at, _)| at).filter(|at| at.fract() == 0.0);
    whole.map(|at| (at, format!("{at}"))).collect()
}

fn label(value: f64, range: &Range<f64>, power: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is at most the number of decimal places of a double"
    )]
    let decimals = |power: f64| power.max(0.0) as usize;
    let size = range.start.abs().max(range.end.abs());
    if (1e-3..1e6).contains(&size) {
        format!("{value:.*}", decimals(-power))
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.*e}", decimals(value.abs().log10().floor() - power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::of("", "value", values.iter().copied(), [0.05; 2]).unwrap();
        assert!(axis.ticks.iter().all(|(at, _)| axis.range.contains(at)), "{axis:?}");
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_round_numbers() {
        assert_eq!(labels(&[0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[-3.0, 7.0]), ["-2", "0", "2", "4", "6"]);
        assert_eq!(
            labels(&[0.871, 0.872]),
            ["0.8710", "0.8712", "0.8714", "0.8716", "0.8718", "0.8720"]
        );
        assert_eq!(labels(&[0.0, 5e7]), ["0", "1e7", "2e7", "3e7", "4e7", "5e7"]);
    }

    #[test]
    fn any_values_have_a_few_labels_that_differ() {
        let hard = [
            vec![0.0],
            vec![0.5],
            vec![-1e300, 1e300],
            vec![1e-310],
            vec![5e-300, 6e-300],
            vec![1e16, 1e16 + 2.0],
            vec![1.0, 1.0 + 1e-8],
            vec![f64::MIN_POSITIVE, 1e300],
            vec![-0.0, 0.0],
        ];
        for values in hard {
            let labels = labels(&values);
            assert!((2..=14).contains(&labels.len()), "{values:?} {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{values:?} {labels:?}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_axis() {
        for value in [f64::NAN, f64::INFINITY, -1e301] {
            let error = Axis::of("", "value", [0.0, value], [0.0; 2]).unwrap_err();
            assert!(matches!(error, ReportError::NotFinite { .. }));
        }
        let error = Axis::of("", "value", [], [0.0; 2]).unwrap_err();
        assert_eq!(error.to_string(), "no value, expected at least one");
    }

    #[test]
    fn numbers_have_labels_that_do_not_touch() {
        let labels = |first, last| {
            let axis = Axis::numbers("", first, last).unwrap();
            axis.ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(0, 0), "0");
        assert_eq!(labels(1, 12), "1 2 3 4 5 6 7 8 9 10 11 12");
        assert_eq!(labels(1, 120), "50 100");
        assert_eq!(labels(0, 999_999), "0 200000 400000 600000 800000 1000000");
    }

    #[test]
    fn counts_are_whole() {
        for largest in [0, 1, 3, 10, 1234, 1_000_000_000] {
            let axis = Axis::count("", largest);
            assert!(axis.ticks.len() >= 2, "{axis:?}");
            assert!(axis.ticks.iter().all(|(_, label)| !label.contains('.')));
        }
    }
}
