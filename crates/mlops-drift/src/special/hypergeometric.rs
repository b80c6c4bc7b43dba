use mlops_core::Random;

use super::binomial::Binomial;

/// The probability that `drawn` draws without replacement from `total` things, of which `marked`
/// are marked, hold exactly `k` marked ones. `0 < drawn < total`, and `k` is possible.
pub(crate) fn pmf(k: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    let draws = Binomial::with_odds(drawn as f64, (total - drawn) as f64);
    let ln_pmf = draws.ln_pmf(k, marked) + draws.ln_pmf(drawn - k, total - marked)
        - draws.ln_pmf(drawn, total);
    ln_pmf.exp()
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
    let mode = u128::from(drawn + 1) * u128::from(marked + 1) / u128::from(total + 2);
    let mode = u64::try_from(mode).unwrap_or(most).clamp(least, most);
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
