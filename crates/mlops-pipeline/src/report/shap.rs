use std::collections::BTreeMap;

use mlops_core::Random;
use ndarray::{ArrayView1, ArrayView2};
use plotters::style::RGBColor;

use super::ReportError;
use super::axis::Axis;
use super::curves;
use super::figure::{self, BELOW_AXIS, Entry, Figure, Mark};
use super::importance::{MOST_FEATURES, PLOT_WIDTH, most_shown, rows_height};
use super::marks;
use super::style::{self, AXIS, GRID, QUIET};

/// So many dots has a feature at most.
const MOST_ROWS: usize = 2000;
/// So many have all features together at most, so that the file stays small.
const MOST_DOTS: usize = 20_000;
const ROW_HEIGHT: i32 = 64;
/// Of the dots of a feature.
const SWARM_HEIGHT: f64 = 52.0;
const DOT: u32 = 7;
/// Dots of as many units beside each other stand one on top of the other.
const COLUMN: i32 = 6;
/// From low values to high ones: the scale *plasma* of Smith and van der Walt (2015) without its lightest part, which
/// rises in lightness and can be read with any kind of colour vision.
const SCALE: [RGBColor; 9] = [
    RGBColor(13, 8, 135),
    RGBColor(65, 4, 157),
    RGBColor(106, 0, 168),
    RGBColor(143, 13, 164),
    RGBColor(177, 42, 144),
    RGBColor(204, 71, 120),
    RGBColor(225, 100, 98),
    RGBColor(242, 132, 75),
    RGBColor(252, 166, 54),
];

/// What features contribute to predictions, and how that goes with their values: a dot for each row and feature, where the
/// contribution says how far from zero it is and the value which colour it has. The features with the largest mean
/// absolute contributions are on top, at most 20.
///
/// `contributions` and `values` are rows x features. Values may be missing (NaN); colours go from their 5th to their 95th
/// percentile. `output` says what the contributions add up to, with its unit, such as `log-odds of a good wine`. Of many
/// rows, some are drawn, chosen at random but always the same: 2,000, or 1,000 of 20 features. In a heap of dots, higher
/// values are above lower ones.
///
/// The chart is that of Lundberg, Erion, Lee 2018, *Consistent individualized feature attribution for tree ensembles*,
/// arXiv:1802.03888.
///
/// # Errors
/// * [`Length`](ReportError::Length) if contributions, values and names are not of as many rows and features
/// * [`Empty`](ReportError::Empty) if there are no rows or no features
/// * [`NotFinite`](ReportError::NotFinite) if a contribution is not a number
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn shap_summary<S: AsRef<str>>(
    contributions: ArrayView2<'_, f64>,
    values: ArrayView2<'_, f64>,
    names: &[S],
    output: &str,
) -> Result<String, ReportError> {
    check(contributions, values, names.len())?;
    let features = most_important(contributions);
    let rows = sampled(contributions.nrows(), features.len());
    let drawn = features
        .iter()
        .flat_map(|feature| rows.iter().map(|row| contributions[[*row, *feature]]).chain([0.0]));
    let title = format!("contribution to the {}", style::shown(output));
    let x = Axis::of(&title, "contribution", drawn, [0.05; 2])?;
    let y = Axis::rows(features.iter().map(|feature| style::shown(names[*feature].as_ref())));
    let mut legend = most_shown(features.len(), names.len());
    let text = "value of the feature, from low to high".to_owned();
    legend.push(Entry { mark: Mark::Scale(SCALE.to_vec()), text });
    let is_missing = |feature: &usize| rows.iter().any(|row| values[[*row, *feature]].is_nan());
    if features.iter().any(is_missing) {
        legend.push(Entry { mark: Mark::Dot(QUIET), text: "missing value".to_owned() });
    }
    let left = figure::beside_axis(&y);
    let size = (left + PLOT_WIDTH, rows_height(features.len(), ROW_HEIGHT) + BELOW_AXIS);
    Figure { title: "Contributions of the features", legend, size }.draw(|area| {
        let mut chart = figure::chart(area, &x, &y, left)?;
        for (middle, _) in &y.ticks {
            let ends = [x.range.start, x.range.end].map(|end| (end, *middle));
            curves::line(&mut chart, ends, GRID, 2)?;
        }
        curves::line(&mut chart, [(0.0, y.range.start), (0.0, y.range.end)], AXIS, 3)?;
        let mut places: BTreeMap<Level, Vec<(i32, i32)>> = BTreeMap::new();
        for (feature, (middle, _)) in features.iter().zip(&y.ticks) {
            let scale = Scale::of(values.column(*feature));
            let dots = rows.iter().map(|row| {
                let place = (contributions[[*row, *feature]], *middle);
                let (right, down) = chart.plotting_area().map_coordinate(&place);
                let value = values[[*row, *feature]];
                Dot { right, down, value, level: scale.level(value) }
            });
            for dot in swarm(dots.collect()) {
                places.entry(dot.level).or_default().push((dot.right, dot.down));
            }
        }
        let color = |level: &Level| level.map_or(QUIET, |level| SCALE[level]);
        Ok(places.iter().map(|(level, places)| marks::dots(places, DOT, color(level))).collect())
    })
}

/// Which colour of the scale a value has; `None` if it is missing.
type Level = Option<usize>;

struct Dot {
    right: i32,
    down: i32,
    value: f64,
    level: Level,
}

/// Moves dots of about the same contribution apart, those with higher values up.
fn swarm(mut dots: Vec<Dot>) -> Vec<Dot> {
    let column = |dot: &Dot| dot.right.div_euclid(COLUMN);
    dots.sort_by(|left, right| {
        let columns = column(left).cmp(&column(right));
        columns.then(left.level.cmp(&right.level)).then(left.value.total_cmp(&right.value))
    });
    let heaps = || dots.chunk_by(|left, right| column(left) == column(right));
    let highest = heaps().map(<[Dot]>::len).max().unwrap_or(1);
    let step = (SWARM_HEIGHT / highest as f64).min(f64::from(DOT));
    for heap in dots.chunk_by_mut(|left, right| column(left) == column(right)) {
        let middle = (heap.len() - 1) as f64 / 2.0;
        for (at, dot) in heap.iter_mut().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "it is at most half a row")]
            let down = ((middle - at as f64) * step).round() as i32;
            dot.down += down;
        }
    }
    // What stands on the same place is one dot.
    dots.dedup_by_key(|dot| (dot.right, dot.down, dot.level));
    dots
}

/// From where to where the colours go.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(values: ArrayView1<'_, f64>) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let percentile = |percent: usize| {
            sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0.0)
        };
        let scale = Self { low: percentile(5), high: percentile(95) };
        // Most values are the same: the others still have a colour.
        let ends = || Self { low: percentile(0), high: percentile(100) };
        if scale.low < scale.high { scale } else { ends() }
    }

    fn level(&self, value: f64) -> Level {
        if value.is_nan() {
            return None;
        }
        let share = (value - self.low) / (self.high - self.low);
        // One value only is in the middle, and infinities are at the ends.
        let share = if value <= self.low && value < self.high {
            0.0
        } else if value >= self.high && value > self.low {
            1.0
        } else if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.5
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is at most the number of colours"
        )]
        let level = (share * SCALE.len() as f64) as usize;
        Some(level.min(SCALE.len() - 1))
    }
}

fn check(
    contributions: ArrayView2<'_, f64>,
    values: ArrayView2<'_, f64>,
    n_names: usize,
) -> Result<(), ReportError> {
    let (n_rows, n_features) = contributions.dim();
    let lengths = [
        ("rows of values", values.nrows(), n_rows),
        ("columns of values", values.ncols(), n_features),
        ("names", n_names, n_features),
    ];
    if let Some((what, got, expected)) = lengths.into_iter().find(|(_, got, other)| got != other) {
        return Err(ReportError::Length { what, got, expected });
    }
    if let Some(what) = [("rows", n_rows), ("features", n_features)].iter().find(|it| it.1 == 0) {
        return Err(ReportError::Empty { what: what.0 });
    }
    let wrong = contributions.iter().copied().find(|contribution| !contribution.is_finite());
    wrong.map_or(Ok(()), |value| Err(ReportError::NotFinite { what: "contribution", value }))
}

/// The features with the largest mean absolute contributions, the largest first.
fn most_important(contributions: ArrayView2<'_, f64>) -> Vec<usize> {
    let means: Vec<f64> = contributions
        .columns()
        .into_iter()
        .map(|column| column.iter().map(|it| it.abs() / column.len() as f64).sum())
        .collect();
    let mut features: Vec<usize> = (0..means.len()).collect();
    features.sort_by(|left, right| means[*right].total_cmp(&means[*left]));
    features.truncate(MOST_FEATURES);
    features
}

fn sampled(n_rows: usize, n_features: usize) -> Vec<usize> {
    let most = MOST_ROWS.min(MOST_DOTS / n_features.max(1));
    let mut rows: Vec<usize> = (0..n_rows).collect();
    Random::new(0).choose(&mut rows, most);
    rows.truncate(most);
    rows
}
