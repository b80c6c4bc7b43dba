//! Rows that are drawn, for tests of drift.

use std::sync::Arc;

use mlops_core::{Feature, Random, Records, Schema};
use ndarray::Array2;

const FEATURES: usize = 12;

/// Rows of 12 numbers that hardly repeat.
pub fn untied(n: usize, seed: u64) -> Records {
    let mut random = Random::new(seed);
    let values = Array2::from_shape_simple_fn((n, FEATURES), || random.unit() + random.unit());
    records((0..FEATURES).map(|column| Feature::numeric(name(column))).collect(), values)
}

/// Rows of 11 numbers with two decimals, some two hundred different ones, and the category 0 or, for a quarter, 1.
pub fn two_decimal(n: usize, seed: u64) -> Records {
    let mut random = Random::new(seed);
    let category = FEATURES - 1;
    let values = Array2::from_shape_fn((n, FEATURES), |(_, column)| {
        if column == category {
            f64::from(u8::from(random.unit() < 0.25))
        } else {
            ((random.unit() + random.unit()) * 100.0).round() / 100.0
        }
    });
    let features = (0..FEATURES).map(|column| match column {
        _ if column == category => Feature::integer(name(column)),
        _ => Feature::numeric(name(column)),
    });
    records(features.collect(), values)
}

fn name(column: usize) -> String {
    format!("x{column}")
}

#[expect(clippy::expect_used, reason = "the names are unique, and there is one per column")]
fn records(features: Vec<Feature>, values: Array2<f64>) -> Records {
    let schema = Schema::new(features).expect("a schema of unique names");
    Records::new(Arc::new(schema), values).expect("rows of the schema")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn values_repeat_where_they_have_two_decimals() {
        let different = |records: &Records, column: usize| {
            let values = records.column(column);
            values.iter().map(|value| value.to_bits()).collect::<BTreeSet<_>>().len()
        };
        let (untied, two_decimal) = (untied(1000, 1), two_decimal(1000, 1));
        assert_eq!(different(&untied, 11), 1000);
        assert!((100..=201).contains(&different(&two_decimal, 0)));
        assert_eq!(different(&two_decimal, 11), 2);
        assert!((200.0..300.0).contains(&two_decimal.column(11).sum()));
    }
}
