//! The times in log lines.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads a time as RFC 3339 writes it, to the nanosecond; `None` if the text is none, or it names no offset from UTC.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use mlops_telemetry::rfc_3339;
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_642_000_000_007);
/// assert_eq!(rfc_3339("2022-01-12T16:06:40.007+01:00"), Some(time));
/// assert_eq!(rfc_3339("2022-01-12"), None);
/// ```
pub fn rfc_3339(text: &str) -> Option<SystemTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let (seconds, part) = (time.unix_timestamp(), Duration::from_nanos(time.nanosecond().into()));
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    second?.checked_add(part)
}

/// The time with which the original service begins a line, `2022-01-12 15:06:40,007`. It names no zone
/// and is taken as UTC.
pub(super) fn original(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(' ')?;
    let (seconds, milliseconds) = time.split_once(',')?;
    rfc_3339(&format!("{date}T{seconds}.{milliseconds}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond_and_across_zones() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_642_000_000, 7_000_001);
        assert_eq!(rfc_3339("2022-01-12T15:06:40.007000001Z"), Some(time));
        assert_eq!(rfc_3339("2022-01-12T16:06:40.007000001+01:00"), Some(time));
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(rfc_3339("1969-12-31T23:59:58.5Z"), Some(before));
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_642_000_000_007);
        assert_eq!(original("2022-01-12 15:06:40,007"), Some(time));
        for text in ["", "2022-01-12", "2022-13-12T15:06:40Z", "1/12/2022, 3:06:40.007 PM"] {
            assert_eq!(rfc_3339(text).or_else(|| original(text)), None, "{text}");
        }
    }
}
