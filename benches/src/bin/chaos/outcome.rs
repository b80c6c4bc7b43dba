use std::error::Error;
use std::fmt;
use std::process::ExitStatus;

use crate::Stage;

/// What a scenario measured, and whether each figure keeps its promise.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    figures: Vec<(String, bool)>,
}

impl Outcome {
    /// The outcome of a scenario that could not be played to its end.
    pub(crate) fn failed(error: &dyn Error) -> Self {
        Self { figures: vec![(error.to_string(), false)] }
    }

    /// Notes a figure and whether it is as promised.
    pub(crate) fn promise(&mut self, holds: bool, figure: impl Into<String>) {
        self.figures.push((figure.into(), holds));
    }

    /// Notes a figure that is a promise on a machine without other work only: in small size it is told of, no more.
    pub(crate) fn speed(&mut self, stage: &Stage, holds: bool, figure: impl Into<String>) {
        self.promise(holds || stage.is_short, figure);
    }

    /// Notes how a process ended, which should have been with code 0.
    pub(crate) fn success(&mut self, status: Option<ExitStatus>) {
        let holds = status.is_some_and(|status| status.success());
        self.promise(holds, status.map_or_else(|| "no end".to_owned(), |it| it.to_string()));
    }

    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|(_, holds)| *holds)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (figure, holds) in &self.figures {
            let mark = if *holds { "" } else { "BROKEN: " };
            write!(f, "{mark}{figure}; ")?;
        }
        f.write_str(if self.holds() { "holds" } else { "BROKEN" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_breaks_a_scenario_and_is_marked() {
        let mut outcome = Outcome::default();
        outcome.promise(true, "0 failed");
        assert_eq!(outcome.to_string(), "0 failed; holds");
        outcome.promise(false, "exit code 1");
        assert!(!outcome.holds());
        assert_eq!(outcome.to_string(), "0 failed; BROKEN: exit code 1; BROKEN");
    }
}
