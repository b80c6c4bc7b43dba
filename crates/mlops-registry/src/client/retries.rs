use std::time::Duration;

/// How often a request that failed for a passing reason is sent again, and after which waits.
///
/// The n-th wait is `2^(n-1)` times the first, shortened by chance by up to a half, so that clients that failed together
/// do not come back together. A server that says how long to wait (`Retry-After`) is obeyed; if that is longer than
/// [`longest`](Self::longest), the request fails at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// How often a request is sent again, at most; 5 by default.
    pub count: u32,
    /// The first wait; 500 ms by default.
    pub first: Duration,
    /// No wait is longer; 20 s by default.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { count: 5, first: Duration::from_millis(500), longest: Duration::from_secs(20) }
    }
}

impl Retries {
    /// Every request is sent once.
    pub const NONE: Self = Self { count: 0, first: Duration::ZERO, longest: Duration::ZERO };

    /// How long to wait before the next attempt, after so many that failed; `None`: the failure is final.
    ///
    /// `chance` is in `[0, 1)`.
    pub(crate) fn wait(
        &self,
        failure: &Failure,
        repeat: Repeat,
        attempts: u32,
        chance: f64,
    ) -> Option<Duration> {
        let may = match failure.passes() {
            Passes::No => false,
            Passes::Unseen => true,
            Passes::Maybe => repeat == Repeat::Safe,
            Passes::Seldom => repeat == Repeat::Safe && attempts <= MAX_UNEXPLAINED,
        };
        if !may || attempts > self.count {
            return None;
        }
        if let Some(asked) = failure.retry_after() {
            return (asked <= self.longest).then_some(asked);
        }
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempts - 1));
        Some(doubled.min(self.longest).mul_f64(1.0 - chance / 2.0))
    }
}

/// A server that fails without a reason is asked that often again.
const MAX_UNEXPLAINED: u32 = 2;

/// Whether doing something twice is the same as doing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Safe,
    /// Sent again only if the server has not seen it.
    Unsafe,
}

/// What came in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was sent.
    Unreachable,
    /// The server may have got the request; nobody knows what it made of it.
    Lost,
    /// A status that is not of the two hundreds.
    Status {
        status: u16,
        /// Whether it is MLflow that answered: proxies send pages.
        is_explained: bool,
        retry_after: Option<Duration>,
    },
    /// The token is not taken any more, and there can be another one.
    Expired,
    /// Nothing that passes.
    Final,
}

/// Whether another attempt may end otherwise.
enum Passes {
    No,
    /// The server did not begin with it.
    Unseen,
    Maybe,
    Seldom,
}

impl Failure {
    /// Whether the server may have done what it was asked for.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(self.passes(), Passes::Maybe | Passes::Seldom)
    }

    fn passes(&self) -> Passes {
        match self {
            Self::Unreachable | Self::Status { status: 408 | 429 | 503, .. } => Passes::Unseen,
            Self::Lost | Self::Status { status: 502 | 504, .. } => Passes::Maybe,
            // MLflow says 500 where it will say so again, such as for a stage that cannot be archived.
            Self::Status { status: 500, is_explained: false, .. } => Passes::Seldom,
            Self::Status { .. } | Self::Expired | Self::Final => Passes::No,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Unreachable | Self::Lost | Self::Expired | Self::Final => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn status(status: u16) -> Failure {
        Failure::Status { status, is_explained: false, retry_after: None }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_shortened_by_up_to_a_half() {
        let retries = Retries { count: 9, first: 100 * MS, longest: 1000 * MS };
        let wait = |attempts, chance| {
            retries.wait(&Failure::Unreachable, Repeat::Unsafe, attempts, chance)
        };
        let waits = [1, 2, 3, 4, 5, 9].map(|attempts| wait(attempts, 0.0).unwrap().as_millis());
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(wait(3, 0.5), Some(300 * MS));
        assert_eq!(wait(10, 0.0), None);
        assert_eq!(Retries::NONE.wait(&Failure::Unreachable, Repeat::Safe, 1, 0.0), None);
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_changes_nothing() {
        let retries = Retries::default();
        let wait = |failure: &Failure, repeat| retries.wait(failure, repeat, 1, 0.0).is_some();
        for (failure, safe, not_safe) in [
            (Failure::Unreachable, true, true),
            (status(408), true, true),
            (status(429), true, true),
            (status(503), true, true),
            (Failure::Lost, true, false),
            (status(502), true, false),
            (status(504), true, false),
            (status(500), true, false),
            (status(400), false, false),
            (status(401), false, false),
            (status(403), false, false),
            (status(404), false, false),
            (status(409), false, false),
            (status(501), false, false),
        ] {
            assert_eq!(wait(&failure, Repeat::Safe), safe, "{failure:?}");
            assert_eq!(wait(&failure, Repeat::Unsafe), not_safe, "{failure:?}");
        }
    }

    #[test]
    fn an_internal_error_of_mlflow_is_final_and_that_of_a_proxy_is_tried_twice_again() {
        let explained = Failure::Status { status: 500, is_explained: true, retry_after: None };
        let retries = Retries::default();
        assert_eq!(retries.wait(&explained, Repeat::Safe, 1, 0.0), None);
        assert!(retries.wait(&status(500), Repeat::Safe, 2, 0.0).is_some());
        assert_eq!(retries.wait(&status(500), Repeat::Safe, 3, 0.0), None);
    }

    #[test]
    fn a_server_that_says_when_is_obeyed_unless_that_is_too_late() {
        let retries = Retries::default();
        let busy = |seconds| Failure::Status {
            status: 429,
            is_explained: true,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let wait = |seconds| retries.wait(&busy(seconds), Repeat::Unsafe, 1, 0.9);
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(21), None);
    }
}
