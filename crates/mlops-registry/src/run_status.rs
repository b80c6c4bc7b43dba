/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunStatus {
    /// It has started.
    Running,
    /// It will start.
    Scheduled,
    /// It ended well.
    Finished,
    /// It ended with an error.
    Failed,
    /// It was stopped.
    Killed,
}

impl RunStatus {
    const ALL: [Self; 5] =
        [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed];

    /// The number as MLflow's `meta.yaml` has it.
    pub(crate) fn to_number(self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Scheduled => 2,
            Self::Finished => 3,
            Self::Failed => 4,
            Self::Killed => 5,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.to_number() == number)
    }

    /// The name that MLflow gives the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    #[cfg(feature = "client")]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_mlflow() {
        // mlflow.entities.RunStatus.to_string(3) == "FINISHED"
        assert_eq!(RunStatus::from_number(3), Some(RunStatus::Finished));
        for number in 1..=5 {
            assert_eq!(RunStatus::from_number(number).map(RunStatus::to_number), Some(number));
        }
        assert_eq!(RunStatus::from_number(0), None);
        assert_eq!(RunStatus::from_number(6), None);
    }
}
