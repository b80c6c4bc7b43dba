use plotters::element::{EmptyElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::ReportError;
use super::axis::Axis;
use super::figure::{self, BELOW_AXIS, Entry, Figure, Mark};
use super::style::{self, LABEL, PALETTE};

/// So many features are shown at most.
pub(super) const MOST_FEATURES: usize = 20;
pub(super) const PLOT_WIDTH: i32 = 1000;
const ROW_HEIGHT: i32 = 48;

/// How important features are, the most important on top, at most 20; `measure` says what the values are, with their unit,
/// such as `mean gain of a split`.
///
/// # Errors
/// * [`Length`](ReportError::Length) if there is not one value per name
/// * [`Empty`](ReportError::Empty) if there is none
/// * [`NotFinite`](ReportError::NotFinite) if a value is not a number
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn importance<S: AsRef<str>>(
    names: &[S],
    values: &[f64],
    measure: &str,
) -> Result<String, ReportError> {
    if names.len() != values.len() {
        let (got, expected) = (values.len(), names.len());
        return Err(ReportError::Length { what: "importances", got, expected });
    }
    // No axis is made of those that are not shown.
    if let Some(value) = values.iter().copied().find(|value| !value.is_finite()) {
        return Err(ReportError::NotFinite { what: "importance", value });
    }
    let mut features: Vec<usize> = (0..values.len()).collect();
    features.sort_by(|left, right| values[*right].total_cmp(&values[*left]));
    features.truncate(MOST_FEATURES);
    let shown: Vec<f64> = features.iter().map(|feature| values[*feature]).collect();
    let has_negative = shown.iter().any(|value| *value < 0.0);
    // The values stand at the ends of the bars.
    let rooms = [if has_negative { 0.15 } else { 0.0 }, 0.15];
    let ends = shown.iter().copied().chain((!shown.is_empty()).then_some(0.0));
    let x = Axis::of(&style::shown(measure), "importance", ends, rooms)?;
    let y = Axis::rows(features.iter().map(|feature| style::shown(names[*feature].as_ref())));
    let legend = most_shown(features.len(), names.len());
    let left = figure::beside_axis(&y);
    let size = (left + PLOT_WIDTH, rows_height(features.len(), ROW_HEIGHT) + BELOW_AXIS);
    Figure { title: "Feature importance", legend, size }.draw(|area| {
        let mut chart = figure::chart(area, &x, &y, left)?;
        let bars = || y.ticks.iter().map(|(middle, _)| *middle).zip(shown.iter().copied());
        chart.draw_series(bars().map(|(middle, value)| {
            let corners = [(0.0, middle - 0.34), (value, middle + 0.34)];
            Rectangle::new(corners, PALETTE[0].filled())
        }))?;
        chart.draw_series(bars().map(|(middle, value)| {
            let (side, gap) = if value < 0.0 { (HPos::Right, -10) } else { (HPos::Left, 10) };
            let style = style::font(LABEL).pos(style::beside(side));
            EmptyElement::at((value, middle)) + Text::new(style::number(value), (gap, 0), style)
        }))?;
        Ok(String::new())
    })
}

/// What the legend says if not all features are shown.
pub(super) fn most_shown(shown: usize, all: usize) -> Vec<Entry> {
    let text = format!("the first {shown} of {all} features");
    if shown < all { vec![Entry { mark: Mark::None, text }] } else { Vec::new() }
}

pub(super) fn rows_height(n_rows: usize, height: i32) -> i32 {
    style::units(n_rows as f64 * f64::from(height))
}
