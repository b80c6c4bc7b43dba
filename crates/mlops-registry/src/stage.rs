use std::fmt;
use std::str::FromStr;

/// The stage of a model version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Not in any stage, as every version starts.
    None,
    /// Being tried.
    Staging,
    /// In use.
    Production,
    /// No longer in use.
    Archived,
}

impl Stage {
    const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// The name as MLflow writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    /// Reads the name of a stage, upper or lower case.
    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let mut stages = Self::ALL.into_iter();
        stages
            .find(|stage| stage.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownStage { stage: text.to_owned() })
    }
}

/// A text that is not the name of a [`Stage`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{stage}` is not a stage, expected None, Staging, Production or Archived")]
#[non_exhaustive]
pub struct UnknownStage {
    /// The text.
    pub stage: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_written_as_mlflow_does() {
        for stage in Stage::ALL {
            assert_eq!(stage.to_string().parse(), Ok(stage));
            assert_eq!(stage.to_string().to_lowercase().parse(), Ok(stage));
        }
        "Deleted_Internal".parse::<Stage>().unwrap_err();
    }
}
