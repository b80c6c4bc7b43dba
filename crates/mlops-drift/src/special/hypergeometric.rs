use std::f64::consts::TAU;

use mlops_core::Random;

use super::binomial::{deviance, stirling_error};

/// The probability that `drawn` draws without replacement from `total` things, of which `marked`
/// are marked, hold exactly `k` marked ones. `0 < drawn < total`, `0 < marked < total`, and `k` is
/// possible.
pub(crate) fn pmf(k: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    ln_pmf(k, marked, drawn, total).exp()
}

/// The logarithm of [`pmf`].
///
/// Loader's saddle-point form (see [`Binomial::ln_pmf`](super::binomial::Binomial::ln_pmf)) of all
/// nine factorials at once: what remains of the large numbers is how far the four counts deviate
/// from their means, by the same difference, which is exact.
pub(crate) fn ln_pmf(k: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    let (unmarked, left) = (total - marked, total - drawn);
    let counts = [k, marked - k, drawn - k, unmarked + k - drawn];
    let products = [(marked, drawn), (marked, left), (unmarked, drawn), (unmarked, left)];
    let product = |(row, column): (u64, u64)| u128::from(row) * u128::from(column);
    let difference = u128::from(k) * u128::from(total);
    let mean = product(products[0]);
    let distance = difference.abs_diff(mean) as f64 / total as f64;
    let difference = if difference < mean { -distance } else { distance };
    let differences = [difference, -difference, -difference, difference];
    let deviances = (0..4).map(|index| match counts[index] {
        0 => distance,
        count => {
            let mean = product(products[index]) as f64 / total as f64;
            deviance(count as f64, mean, differences[index])
        }
    });
    let errors = |counts: &[u64]| -> f64 { counts.iter().map(|&n| rest(n)).sum() };
    let scales = |counts: &[u64]| -> f64 { counts.iter().map(|&n| scale(n)).product() };
    let margins = [marked, unmarked, drawn, left];
    errors(&margins) - errors(&counts) - errors(&[total]) - deviances.sum::<f64>()
        + 0.5 * (scales(&margins) / scales(&counts) / scale(total)).ln()
}

/// `ln n! - ln(sqrt(scale) (n / e)^n)`.
fn rest(n: u64) -> f64 {
    if n == 0 { 0.0 } else { stirling_error(n) }
}

/// `2 pi n` of a positive number, 1 of 0.
fn scale(n: u64) -> f64 {
    if n == 0 { 1.0 } else { TAU * n as f64 }
}

/// The probability that `drawn` of `total` things hold `count` or more of the `marked` ones, with
/// the conditions of [`pmf`]; `count` is at least the mean, from which on the terms fall ever faster.
pub(crate) fn upper_tail(count: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    let most = marked.min(drawn);
    if count > most {
        return 0.0;
    }
    let mut term = pmf(count, marked, drawn, total);
    let mut sum = term;
    for k in count..most {
        let others = total - marked - (drawn - k) + 1;
        term *= (marked - k) as f64 / (k + 1) as f64 * ((drawn - k) as f64 / others as f64);
        sum += term;
        if term * ((most - k) as f64) < sum * f64::EPSILON / 16.0 {
            break;
        }
    }
    sum
}

/// The most probable number of the `marked` things among `drawn` of `total`; the greater one if
/// there are two.
pub(crate) fn mode(marked: u64, drawn: u64, total: u64) -> u64 {
    let mode = u128::from(drawn + 1) * u128::from(marked + 1) / u128::from(total + 2);
    let (least, most) = ((marked + drawn).saturating_sub(total), marked.min(drawn));
    u64::try_from(mode).unwrap_or(most).clamp(least, most)
}

/// How many of the `marked` things are among `drawn` random draws without replacement from `total`
/// things.
///
/// Inversion: a uniform number is used up by the probabilities of the mode, its neighbours, their
/// neighbours and so on.
pub(crate) fn draw(random: &mut Random, marked: u64, drawn: u64, total: u64) -> u64 {
    let least = (marked + drawn).saturating_sub(total);
    let most = marked.min(drawn);
    if least == most {
        return most;
    }
    let mode = mode(marked, drawn, total);
    let peak = pmf(mode, marked, drawn, total);
    let (mut low, mut low_weight) = (mode, peak);
    let (mut high, mut high_weight) = (mode, peak);
    let mut left = random.unit() - peak;
    while left >= 0.0 && (low > least || high < most) {
        if high < most {
            high_weight *= (marked - high) as f64 * (drawn - high) as f64
                / ((high + 1) as f64 * (total + high + 1 - marked - drawn) as f64);
            high += 1;
            left -= high_weight;
            if left < 0.0 {
                return high;
            }
        }
        if low > least {
            low_weight *= low as f64 * (total + low - marked - drawn) as f64
                / ((marked - low + 1) as f64 * (drawn - low + 1) as f64);
            low -= 1;
            left -= low_weight;
            if left < 0.0 {
                return low;
            }
        }
    }
    // Either the mode was drawn, or rounding left a rest of the number when all were gone through.
    mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_of_cards() {
        // Two aces among five cards: C(4, 2) C(48, 3) / C(52, 5).
        let expected = 6.0 * 17_296.0 / 2_598_960.0;
        assert!((pmf(2, 4, 5, 52) / expected - 1.0).abs() < 1e-14);
    }

    #[test]
    fn draws_have_their_probabilities() {
        let mut random = Random::new(3);
        for (marked, drawn, total) in [(4, 5, 52), (30, 40, 50), (1, 7, 20), (500, 300, 2000)] {
            let mut counts = vec![0_u32; 501];
            for _ in 0..20_000 {
                let count = draw(&mut random, marked, drawn, total);
                counts[usize::try_from(count).unwrap()] += 1;
            }
            for k in (marked + drawn).saturating_sub(total)..=marked.min(drawn) {
                let expected = 20_000.0 * pmf(k, marked, drawn, total);
                let difference = f64::from(counts[usize::try_from(k).unwrap()]) - expected;
                assert!(difference.abs() < 4.5 * expected.sqrt() + 1.0, "{k}: {difference}");
            }
        }
        // There is only one way.
        assert_eq!(draw(&mut random, 0, 3, 9), 0);
        assert_eq!(draw(&mut random, 9, 3, 9), 3);
        assert_eq!(draw(&mut random, 4, 9, 9), 4);
    }
}
