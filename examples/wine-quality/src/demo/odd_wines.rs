use mlops_core::Records;

/// A wine that nobody made.
#[derive(Debug)]
pub(super) struct OddWine {
    pub(super) description: &'static str,
    /// The values in the order of the schema.
    pub(super) values: [f64; 12],
}

impl OddWine {
    pub(super) fn all(reference: &Records) -> Vec<Self> {
        vec![
            Self {
                description: "a vinegar (volatile acidity 2.8, pH 2.4)",
                values: [15.5, 2.8, 0.9, 1.0, 0.2, 3.0, 8.0, 1.0120, 2.4, 0.5, 5.5, 1.0],
            },
            Self {
                description: "a liqueur (sugar 160 g/l, alcohol 19 %)",
                values: [4.1, 0.2, 1.2, 160.0, 0.02, 2.0, 6.0, 1.0450, 3.9, 0.3, 19.0, 0.0],
            },
            Self {
                description: "a cask of brine (chlorides 0.9, sulphates 2.5)",
                values: [7.0, 0.3, 0.3, 2.0, 0.9, 140.0, 420.0, 1.0300, 4.2, 2.5, 8.0, 0.0],
            },
            Self::odd_in_combination(reference),
        ]
    }

    /// No value is unusual, each has 3 % of the wines beyond it, but no wine has them together: light yet sweet, sharp
    /// yet not acid, with much free sulphur dioxide and little in total.
    fn odd_in_combination(reference: &Records) -> Self {
        const LOW: f64 = 0.03;
        const HIGH: f64 = 0.97;
        let shares = [HIGH, HIGH, LOW, HIGH, LOW, HIGH, LOW, LOW, HIGH, HIGH, LOW];
        let mut values = [1.0; 12];
        for (column, share) in shares.into_iter().enumerate() {
            values[column] = quantile(reference, column, share);
        }
        Self {
            description: "odd in combination only (each value within the middle 94 % of wines)",
            values,
        }
    }
}

/// The value that a share of the reference does not exceed.
fn quantile(reference: &Records, column: usize, share: f64) -> f64 {
    let mut values = reference.column(column).to_vec();
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
    let position = ((values.len() - 1) as f64 * share).round() as usize;
    values[position]
}
