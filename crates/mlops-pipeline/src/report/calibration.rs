use plotters::element::{Circle, PathElement};
use plotters::style::Color;

use super::ReportError;
use super::axis::Axis;
use super::curves::{self, SIDE};
use super::figure::{self, Entry, Figure, Mark};
use super::style::{self, PALETTE, QUIET};
use crate::evaluation::CalibrationCurve;

/// Of the lower chart, with its axis.
const COUNTS_HEIGHT: i32 = 340;

/// The calibration curves of one to six models by their names, with their expected calibration errors, and below them how
/// many rows are in each bin.
///
/// # Errors
/// * [`Curves`](ReportError::Curves) if there is none or more than six
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn calibration_curve(models: &[(&str, &CalibrationCurve)]) -> Result<String, ReportError> {
    let texts = models.iter().map(|(name, curve)| {
        let error = curve.expected_calibration_error;
        format!("{} (expected calibration error {error:.3})", style::shown(name))
    });
    let mut legend = curves::legend(texts)?;
    legend.push(Entry { mark: Mark::Line(QUIET), text: "perfectly calibrated".to_owned() });
    let x = Axis::share("mean predicted probability");
    let shares = Axis::share("observed share of positive rows");
    let bins = models.iter().flat_map(|(_, curve)| &curve.bins);
    let counts = Axis::count("rows", bins.map(|bin| bin.n_rows).max().unwrap_or(0));
    // One chart stands below the other.
    let left = figure::beside_axis(&shares).max(figure::beside_axis(&counts));
    let figure = Figure { title: "Calibration curve", legend, size: (SIDE, SIDE + COUNTS_HEIGHT) };
    figure.draw(|area| {
        let (upper, lower) = area.split_vertically(SIDE);
        let mut chart =
            figure::chart(&upper, &Axis { title: String::new(), ..x.clone() }, &shares, left)?;
        curves::line(&mut chart, [(0.0, 0.0), (1.0, 1.0)], QUIET, 3)?;
        for ((_, curve), color) in models.iter().zip(PALETTE) {
            let points = curve.bins.iter().map(|bin| (bin.mean_predicted, bin.observed_share));
            curves::line(&mut chart, points.clone(), color, 5)?;
            chart.draw_series(points.map(|point| Circle::new(point, 8, color.filled())))?;
        }
        let mut chart = figure::chart(&lower, &x, &counts, left)?;
        for ((_, curve), color) in models.iter().zip(PALETTE) {
            chart.draw_series(curve.bins.iter().map(|bin| {
                let stem = [0.0, bin.n_rows as f64].map(|count| (bin.mean_predicted, count));
                PathElement::new(stem.to_vec(), style::line(color, 4))
            }))?;
            let tops = curve.bins.iter().map(|bin| (bin.mean_predicted, bin.n_rows as f64));
            chart.draw_series(tops.map(|top| Circle::new(top, 6, color.filled())))?;
        }
        Ok(String::new())
    })
}
