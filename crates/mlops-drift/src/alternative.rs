use serde::{Deserialize, Serialize};

/// What the batch is suspected of, compared with the reference.
///
/// A one-sided test has more power against the one drift that matters, such as more missing values,
/// and none against the opposite one. Which of them it is has to be said before the batch is seen.
///
/// # Examples
/// ```
/// use mlops_drift::{Alternative, fisher_exact};
///
/// // Missing and present values: 10 of 1000 were missing, and now it is 3 of 20.
/// let outcome = fisher_exact([10, 990], [3, 17], Alternative::Greater)?;
/// assert!(outcome.p_value < 0.002);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a number differs from another in no other way")]
pub enum Alternative {
    /// Any difference.
    #[default]
    TwoSided,
    /// Smaller values: the batch's distribution function is somewhere above that of the reference.
    /// In counts of two kinds, a smaller share of the first one.
    Less,
    /// Greater values: the batch's distribution function is somewhere below that of the reference,
    /// as SciPy's `ks_2samp(reference, batch, alternative="greater")` has it. In counts of two
    /// kinds, a greater share of the first one.
    Greater,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_written_in_words() {
        for (alternative, json) in [
            (Alternative::TwoSided, r#""two_sided""#),
            (Alternative::Less, r#""less""#),
            (Alternative::Greater, r#""greater""#),
        ] {
            assert_eq!(serde_json::to_string(&alternative).unwrap(), json);
            assert_eq!(serde_json::from_str::<Alternative>(json).unwrap(), alternative);
        }
        assert_eq!(Alternative::default(), Alternative::TwoSided);
    }
}
