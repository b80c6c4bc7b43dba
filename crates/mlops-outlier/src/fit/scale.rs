use mlops_core::{Random, Records, StandardScaler};

use super::sampler::Sampler;

/// How many rows are looked at.
const N_ROWS: usize = 1024;

/// What to subtract from each column and divide it by before it is rounded to 32 bits, so that rounding
/// loses nothing that matters: the median, and the largest distance from it, of at most 1024 rows. A
/// column without a value there is looked through for the first that it has.
///
/// A 32-bit number has 24 binary digits wherever it is small or large. Counted from the median, they
/// hold the small differences of a column around 1e9, and those in the crowd of a column with a single
/// value of 1e12, which a mean would follow.
pub(super) fn fit(records: &Records, seed: u64) -> StandardScaler {
    // No tree has this number.
    let mut random = Random::stream(seed, u64::MAX);
    let rows = Sampler::new(records.n_rows()).draw(N_ROWS.min(records.n_rows()), &mut random);
    let width = records.schema().len();
    let (mut medians, mut distances) = (vec![0.0; width], vec![1.0; width]);
    let mut values = Vec::with_capacity(rows.len());
    for column in 0..width {
        let all = records.column(column);
        values.clear();
        values.extend(rows.iter().map(|row| all[*row]).filter(|value| !value.is_nan()));
        if values.is_empty() {
            let Some(first) = all.iter().find(|value| !value.is_nan()) else { continue };
            values.push(*first);
        }
        let middle = values.len() / 2;
        let (_, &mut median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let distance = values.iter().fold(0.0_f64, |most, value| most.max((value - median).abs()));
        medians[column] = median;
        if distance > 0.0 {
            distances[column] = distance;
        }
    }
    let scaler = StandardScaler::from_parts(&medians, &distances);
    scaler.unwrap_or_else(|error| unreachable!("finite medians, positive distances: {error}"))
}

#[cfg(test)]
mod tests {
    use mlops_forest::to_f32;
    use ndarray::Array2;

    use super::*;
    use crate::testing::records;

    #[test]
    fn a_column_of_few_values_is_centred_too() {
        let mut values = Array2::from_elem((100_000, 1), f64::NAN);
        for row in 0..10 {
            values[[50_000 + row, 0]] = 1e9 + (row % 2) as f64;
        }
        let scaler = fit(&records(values), 0);
        let scaled = [1e9, 1e9 + 1.0].map(|value| to_f32(scaler.transform_value(0, value)));
        assert!(scaled[0] < scaled[1], "{scaled:?}");
    }
}
