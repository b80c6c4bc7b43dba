use super::ReportError;
use super::axis::Axis;
use super::curves;
use super::figure::{self, BELOW_AXIS, DOT, Entry, Figure};
use super::marks;
use super::style::{self, PALETTE};

const WIDTH: i32 = 1300;
const HEIGHT: i32 = 640;

/// How a measure went from one period to the next, such as from month to month: the values of one or more series by their
/// names, and events by their names and the period at whose beginning they were. Periods count from 1; a value that is NaN
/// is missing. Series and events together are at most six.
///
/// # Errors
/// * [`Curves`](ReportError::Curves) if there is no series, or if they and the events are more than six
/// * [`Empty`](ReportError::Empty) if all values are missing
/// * [`NotFinite`](ReportError::NotFinite) if a value is infinite
/// * [`Drawing`](ReportError::Drawing) if the chart cannot be drawn
///
/// # Examples
/// ```
/// use mlops_pipeline::report;
///
/// let svg = report::over_time("AUC", "month", &[("champion", &[0.9, 0.8, 0.9])], &[("new laboratory", 2.0)])?;
/// assert!(svg.contains("new laboratory"));
/// # Ok::<(), mlops_pipeline::report::ReportError>(())
/// ```
pub fn over_time(
    measure: &str,
    period: &str,
    series: &[(&str, &[f64])],
    events: &[(&str, f64)],
) -> Result<String, ReportError> {
    let names = series.iter().map(|(name, _)| *name).chain(events.iter().map(|(name, _)| *name));
    let names: Vec<String> = names.map(style::shown).collect();
    let legend = legend(series.len(), names)?;
    let values = series.iter().flat_map(|(_, values)| values.iter().copied());
    let measure = style::shown(measure);
    let y = Axis::of(&measure, "value", values.filter(|value| !value.is_nan()), [0.05; 2])?;
    let n_periods = series.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
    let x = Axis::numbers(&style::shown(period), 1, n_periods.max(1))?;
    let left = figure::beside_axis(&y);
    let size = (left + WIDTH, HEIGHT + BELOW_AXIS);
    let title = format!("{measure} over time");
    Figure { title: &title, legend, size }.draw(|area| {
        let mut chart = figure::chart(area, &x, &y, left)?;
        let colors = PALETTE.into_iter().skip(series.len());
        for ((_, at), color) in events.iter().zip(colors) {
            let at = (at - 0.5).clamp(x.range.start, x.range.end);
            curves::line(&mut chart, [(at, y.range.start), (at, y.range.end)], color, 4)?;
        }
        let mut dots = String::new();
        for ((_, values), color) in series.iter().zip(PALETTE) {
            let points = (1..).zip(*values).map(|(period, value)| (f64::from(period), *value));
            let points: Vec<_> = points.collect();
            for run in points.split(|(_, value)| value.is_nan()) {
                curves::line(&mut chart, run.iter().copied(), color, 5)?;
            }
            let there = points.iter().filter(|(_, value)| !value.is_nan());
            let places: Vec<_> =
                there.map(|point| chart.plotting_area().map_coordinate(point)).collect();
            dots += &marks::dots(&places, DOT, color);
        }
        Ok(dots)
    })
}

fn legend(n_series: usize, names: Vec<String>) -> Result<Vec<Entry>, ReportError> {
    let n_entries = if n_series == 0 { 0 } else { names.len() };
    curves::legend(names.into_iter().take(n_entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let curves = |got| ReportError::Curves { got, most: 6 };
        let is = |outcome: Result<String, ReportError>, expected: ReportError| {
            assert_eq!(outcome.unwrap_err().to_string(), expected.to_string());
        };
        is(over_time("AUC", "month", &[], &[("event", 1.0)]), curves(0));
        let series: [(&str, &[f64]); 7] = [("a", &[1.0]); 7];
        is(over_time("AUC", "month", &series, &[]), curves(7));
        is(over_time("AUC", "month", &series[..4], &[("event", 1.0); 3]), curves(7));
        is(
            over_time("AUC", "month", &[("a", &[f64::NAN])], &[]),
            ReportError::Empty { what: "value" },
        );
        let infinite = over_time("AUC", "month", &[("a", &[f64::INFINITY])], &[]);
        assert!(matches!(infinite.unwrap_err(), ReportError::NotFinite { .. }));
    }

    #[test]
    fn a_value_that_is_missing_parts_the_line() {
        let n_lines = |values: &[f64]| {
            let svg = over_time("AUC", "month", &[("a", values)], &[("event", 9.0)]).unwrap();
            svg.matches("<polyline").count()
        };
        let whole = n_lines(&[0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(n_lines(&[0.1, 0.2, f64::NAN, 0.4, 0.5]), whole + 1);
        assert!(n_lines(&[0.1]) <= whole);
    }
}
