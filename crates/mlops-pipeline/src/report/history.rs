use super::ReportError;
use super::axis::Axis;
use super::curves;
use super::figure::{self, BELOW_AXIS, CROSS, DOT, Entry, Figure, Mark};
use super::marks;
use super::style::{self, PALETTE, QUIET};
use crate::search::SearchOutcome;

const WIDTH: i32 = 1300;
const HEIGHT: i32 = 640;

/// How a search went: the value of each trial, the best so far, and which trials were ended early. `objective` says what the
/// values are, with their unit.
///
/// The axis reaches as far as the trials that ran to their end; others are drawn at its ends if they are beyond.
///
/// # Errors
/// * [`NotFinite`](ReportError::NotFinite) if a value is too large
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
pub fn search_history(outcome: &SearchOutcome, objective: &str) -> Result<String, ReportError> {
    let trials = outcome.trials();
    let ended = || trials.iter().filter(|trial| !trial.is_pruned);
    let objective = style::shown(objective);
    let y = Axis::of(&objective, "value", ended().map(|trial| trial.value), [0.05; 2])?;
    let x = Axis::numbers("trial", 0, trials.len().saturating_sub(1))?;
    let best = outcome.best();
    let value = style::number(best.value);
    let entry = |mark, text: String| Entry { mark, text };
    let mut legend = vec![
        entry(Mark::Line(PALETTE[1]), format!("best so far ({value} by trial {})", best.index)),
        entry(Mark::Dot(PALETTE[0]), "trial".to_owned()),
    ];
    let n_pruned = trials.len() - ended().count();
    if n_pruned > 0 {
        legend.push(entry(Mark::Cross(QUIET), format!("ended early ({n_pruned})")));
    }
    let left = figure::beside_axis(&y);
    let size = (left + WIDTH, HEIGHT + BELOW_AXIS);
    Figure { title: "Search history", legend, size }.draw(|area| {
        let mut chart = figure::chart(area, &x, &y, left)?;
        curves::line(&mut chart, best_so_far(outcome), PALETTE[1], 4)?;
        let places = |is_pruned: bool| {
            let trials = trials.iter().filter(|trial| trial.is_pruned == is_pruned);
            let places = trials.map(|trial| {
                let value = trial.value.clamp(y.range.start, y.range.end);
                chart.plotting_area().map_coordinate(&(trial.index as f64, value))
            });
            let mut places: Vec<_> = places.collect();
            places.dedup();
            places
        };
        let pruned = marks::crosses(&places(true), CROSS, QUIET);
        Ok(pruned + &marks::dots(&places(false), DOT, PALETTE[0]))
    })
}

/// The corners of the steps.
fn best_so_far(outcome: &SearchOutcome) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for trial in outcome.trials() {
        let at = trial.index as f64;
        match steps.last() {
            None if trial.is_pruned => {}
            Some((_, best)) if trial.is_pruned || !outcome.is_better(trial.value, *best) => {}
            None => steps.push((at, trial.value)),
            Some((_, best)) => steps.extend([(at, *best), (at, trial.value)]),
        }
    }
    let last = outcome.trials().len().saturating_sub(1) as f64;
    let end = steps.last().map(|(_, best)| (last, *best));
    steps.extend(end);
    steps
}
