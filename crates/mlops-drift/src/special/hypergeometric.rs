use super::binomial::Binomial;

/// The probability that `drawn` draws without replacement from `total` things, of which `marked`
/// are marked, hold exactly `k` marked ones. `0 < drawn < total`, and `k` is possible.
pub(crate) fn pmf(k: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    let draws = Binomial::with_odds(drawn, total - drawn);
    let ln_pmf = draws.ln_pmf(k, marked) + draws.ln_pmf(drawn - k, total - marked)
        - draws.ln_pmf(drawn, total);
    ln_pmf.exp()
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
}
