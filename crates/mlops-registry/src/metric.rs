use std::cmp::Ordering;

/// One value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// When it was logged, in milliseconds since 1970 in UTC.
    pub timestamp: i64,
    /// The value; NaN and infinities are kept.
    pub value: f64,
    /// The step of the training, or 0.
    pub step: i64,
}

impl Metric {
    pub(crate) fn new(timestamp: i64, value: f64, step: i64) -> Self {
        Self { timestamp, value, step }
    }

    /// The line of the metric's file, written as Python writes floats.
    pub(crate) fn to_line(self) -> String {
        let Self { timestamp, value, step } = self;
        if value.is_nan() {
            // Rust would write `NaN`.
            format!("{timestamp} nan {step}\n")
        } else {
            format!("{timestamp} {value:?} {step}\n")
        }
    }

    /// Reads the lines of a metric's file; `None` if one is malformed.
    ///
    /// A last line without end may be what a crash left, and is dropped if it is malformed.
    pub(crate) fn parse_history(text: &str) -> Option<Vec<Self>> {
        let mut history = Vec::new();
        for line in text.split_inclusive('\n') {
            match Self::parse_line(line) {
                Some(metric) => history.push(metric),
                None if !line.ends_with('\n') => {}
                None => return None,
            }
        }
        Some(history)
    }

    /// The value that stands for the whole history: that of the last step.
    pub(crate) fn latest(history: &[Self]) -> Option<Self> {
        history.iter().copied().max_by(Self::compare)
    }

    /// Reads `timestamp value [step [dataset digest]]`.
    fn parse_line(line: &str) -> Option<Self> {
        let parts: Vec<&str> = line.trim().split(' ').collect();
        let step = match parts.len() {
            2 => 0,
            3 | 5 => parts[2].parse().ok()?,
            _ => return None,
        };
        Some(Self::new(parts[0].parse().ok()?, parts[1].parse().ok()?, step))
    }

    fn compare(&self, other: &Self) -> Ordering {
        (self.step, self.timestamp)
            .cmp(&(other.step, other.timestamp))
            .then_with(|| self.value.total_cmp(&other.value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_written_as_python_does() {
        for (value, text) in [
            (0.1, "7 0.1 2\n"),
            (1.0, "7 1.0 2\n"),
            (1e-7, "7 1e-7 2\n"),
            (f64::NAN, "7 nan 2\n"),
            (-f64::NAN, "7 nan 2\n"),
            (f64::INFINITY, "7 inf 2\n"),
            (f64::NEG_INFINITY, "7 -inf 2\n"),
        ] {
            assert_eq!(Metric::new(7, value, 2).to_line(), text);
        }
    }

    #[test]
    fn all_forms_of_lines_are_read() {
        let text = "1 0.5\n2 nan -3\n3 NaN 1\n4 0.9 3 wine ba7cd68f\n5 -inf 0";
        let history = Metric::parse_history(text).unwrap();
        let steps: Vec<_> = history.iter().map(|metric| metric.step).collect();
        assert_eq!(steps, [0, -3, 1, 3, 0]);
        assert!(history[1].value.is_nan() && history[2].value.is_nan());
        assert_eq!(history[4].value, f64::NEG_INFINITY);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_a_malformed_one_is_an_error() {
        assert_eq!(Metric::parse_history("1 0.5 0\n17953"), Some(vec![Metric::new(1, 0.5, 0)]));
        assert_eq!(Metric::parse_history("17953\n1 0.5 0\n"), None);
        assert_eq!(Metric::parse_history(""), Some(vec![]));
    }

    #[test]
    fn the_latest_value_is_that_of_the_largest_step() {
        let history = [Metric::new(9, 0.5, 0), Metric::new(3, 0.25, 1), Metric::new(3, 0.75, 1)];
        assert_eq!(Metric::latest(&history), Some(Metric::new(3, 0.75, 1)));
        assert_eq!(Metric::latest(&[]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(timestamp in any::<i64>(), bits in any::<u64>(), step in any::<i64>()) {
            let metric = Metric::new(timestamp, f64::from_bits(bits), step);
            let read = Metric::parse_history(&metric.to_line()).unwrap()[0];
            prop_assert_eq!((read.timestamp, read.step), (timestamp, step));
            prop_assert!(read.value.to_bits() == bits || read.value.is_nan() && metric.value.is_nan());
        }
    }
}
