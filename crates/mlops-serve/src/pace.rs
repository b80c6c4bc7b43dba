use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Whether the detectors of a model have been quick enough to be asked where a request is answered.
///
/// Whoever wrote them, a prediction must go out in time: until they have been quick for a while, and again when they
/// have been slow once, they are asked on another thread and not waited for beyond a deadline.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    quick_calls: AtomicU32,
}

impl Pace {
    pub(crate) fn is_quick(&self) -> bool {
        self.quick_calls.load(Ordering::Relaxed) >= QUICK_CALLS
    }

    /// Takes note of a call for few rows.
    pub(crate) fn observe(&self, duration: Duration) {
        if duration > QUICK {
            self.forget();
        } else if !self.is_quick() {
            self.quick_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn forget(&self) {
        self.quick_calls.store(0, Ordering::Relaxed);
    }
}

/// Detectors are quick after so many calls in a row,
const QUICK_CALLS: u32 = 16;
/// each of which took no longer.
const QUICK: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_are_quick_until_one_call_is_slow() {
        let pace = Pace::default();
        for _ in 0..QUICK_CALLS {
            assert!(!pace.is_quick());
            pace.observe(QUICK);
        }
        assert!(pace.is_quick());
        pace.observe(QUICK + Duration::from_nanos(1));
        assert!(!pace.is_quick());
    }
}
