use plotters::series::LineSeries;
use plotters::style::RGBColor;

use super::ReportError;
use super::axis::Axis;
use super::figure::{self, Chart, Entry, Fault, Figure, Mark};
use super::style::{self, PALETTE, QUIET};
use crate::evaluation::{PrecisionRecallCurve, RocCurve};

/// Of the charts whose axes are shares, in units of half a pixel.
pub(super) const SIDE: i32 = 1100;

/// The ROC curves of one to six models by their names, with the areas under them.
///
/// # Errors
/// * [`Curves`](ReportError::Curves) if there is none or more than six
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn roc_curve(curves: &[(&str, &RocCurve)]) -> Result<String, ReportError> {
    let texts = curves.iter().map(|(name, curve)| {
        format!("{} (area under the curve {:.3})", style::shown(name), curve.auc)
    });
    let mut legend = legend(texts)?;
    legend.push(Entry { mark: Mark::Line(QUIET), text: "chance (0.500)".to_owned() });
    let axes = [Axis::share("false positive rate"), Axis::share("true positive rate")];
    draw("ROC curve", legend, &axes, |chart| {
        line(chart, [(0.0, 0.0), (1.0, 1.0)], QUIET, 3)?;
        curves.iter().zip(PALETTE).try_for_each(|((_, curve), color)| {
            let points = &curve.points;
            let points = points.iter().map(|at| (at.false_positive_rate, at.true_positive_rate));
            line(chart, thinned(points), color, 5)
        })
    })
}

/// The precision-recall curves of one to six models by their names, with their average precisions. The curves are steps:
/// the area under them is the average precision.
///
/// # Errors
/// * [`Curves`](ReportError::Curves) if there is none or more than six
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn precision_recall_curve(
    curves: &[(&str, &PrecisionRecallCurve)],
) -> Result<String, ReportError> {
    let texts = curves.iter().map(|(name, curve)| {
        format!("{} (average precision {:.3})", style::shown(name), curve.average_precision)
    });
    let mut legend = legend(texts)?;
    let mut shares: Vec<f64> = curves.iter().map(|(_, curve)| curve.positive_share).collect();
    shares.dedup();
    let text = match shares[..] {
        [share] => format!("chance (share of positive rows {share:.3})"),
        _ => "chance (shares of positive rows)".to_owned(),
    };
    legend.push(Entry { mark: Mark::Line(QUIET), text });
    let axes = [Axis::share("recall"), Axis::share("precision")];
    draw("Precision-recall curve", legend, &axes, |chart| {
        for share in &shares {
            line(chart, [(0.0, *share), (1.0, *share)], QUIET, 3)?;
        }
        curves.iter().zip(PALETTE).try_for_each(|((_, curve), color)| {
            let mut recall = 0.0;
            let steps = curve.points.iter().flat_map(|point| {
                let before = std::mem::replace(&mut recall, point.recall);
                [(before, point.precision), (point.recall, point.precision)]
            });
            line(chart, thinned(steps), color, 5)
        })
    })
}

/// A line of the legend for each curve.
pub(super) fn legend(
    texts: impl ExactSizeIterator<Item = String>,
) -> Result<Vec<Entry>, ReportError> {
    let (got, most) = (texts.len(), PALETTE.len());
    if got == 0 || got > most {
        return Err(ReportError::Curves { got, most });
    }
    let entry = |(text, color)| Entry { mark: Mark::Line(color), text };
    Ok(texts.zip(PALETTE).map(entry).collect())
}

pub(super) fn line(
    chart: &mut Chart<'_, '_>,
    points: impl IntoIterator<Item = (f64, f64)>,
    color: RGBColor,
    width: u32,
) -> Result<(), Fault> {
    chart.draw_series(LineSeries::new(points, style::line(color, width)))?;
    Ok(())
}

fn draw(
    title: &str,
    legend: Vec<Entry>,
    [x, y]: &[Axis; 2],
    draw: impl FnOnce(&mut Chart<'_, '_>) -> Result<(), Fault>,
) -> Result<String, ReportError> {
    let figure = Figure { title, legend, size: (SIDE, SIDE) };
    figure.draw(|area| {
        let mut chart = figure::chart(area, x, y, figure::beside_axis(y))?;
        draw(&mut chart)?;
        Ok(String::new())
    })
}

/// The points without those that would be drawn where the one before is.
fn thinned(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let place = |(x, y): (f64, f64)| [x, y].map(|share| (share * f64::from(SIDE)).round());
    let mut thinned: Vec<(f64, f64)> = points.collect();
    thinned.dedup_by(|next, before| place(*next) == place(*before));
    thinned
}
