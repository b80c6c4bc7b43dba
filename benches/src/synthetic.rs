//! Rows that are drawn.

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

/// Rows of 12 numbers, normally distributed around 0 with a deviation that is drawn for each row, from 1 to 2: some are
/// far more abnormal than others.
pub fn spread(n: usize, seed: u64) -> Records {
    let mut random = Random::new(seed);
    let mut values = Array2::zeros((n, FEATURES));
    for mut row in values.rows_mut() {
        let deviation = 1.0 + random.unit();
        // The sum of twelve uniform numbers has a variance of 1, and is as good as normal.
        row.map_inplace(|x| *x = deviation * ((0..12).map(|_| random.unit()).sum::<f64>() - 6.0));
    }
    records((0..FEATURES).map(|column| Feature::numeric(name(column))).collect(), values)
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
    use std::ops::Range;

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

    #[test]
    fn rows_of_a_large_deviation_spread_far() {
        let values = spread(10_000, 1);
        let mean_square = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>() / FEATURES as f64;
        let squares: Vec<f64> = values.rows().map(mean_square).collect();
        // The mean of the squares of what is uniform between 1 and 2.
        assert!((squares.iter().sum::<f64>() / 10_000.0 - 7.0 / 3.0).abs() < 0.05);
        let share =
            |range: Range<f64>| squares.iter().filter(|square| range.contains(square)).count();
        assert!(share(0.0..1.0) > 500 && share(4.0..f64::INFINITY) > 500);
        assert!(values.values().sum().abs() / 120_000.0 < 0.02);
    }
}
