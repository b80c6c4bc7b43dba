use super::table::Table;

/// Whether a way to deal out the smaller sample is at least as far off as the observed one.
///
/// ```text
/// X^2 grows with T = sum b_j^2 / c_j      b_j of the c_j values of category j are in the sample
/// ```
///
/// T is summed in integers, so that rounding never decides: each `1 / c_j` is rounded down to a
/// multiple of `2^-scale`, and what that loses is allowed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Criterion<'a> {
    /// `1 / c_j` in multiples of `2^-scale`.
    inverse_totals: &'a [u128],
    /// The least T that is far enough off.
    bar: u128,
}

impl<'a> Criterion<'a> {
    /// The criterion of the observed table, in the memory of `inverse_totals`.
    pub(super) fn new(table: &Table<'_>, inverse_totals: &'a mut Vec<u128>) -> Self {
        // T is at most `drawn`: this leaves room for it and for what is lost.
        let scale = 126 - (u64::BITS - table.drawn.leading_zeros());
        let inverse = |total: u64| (1_u128 << scale) / u128::from(total);
        inverse_totals.clear();
        inverse_totals.extend(table.columns.iter().map(|column| inverse(column.total)));
        let mut criterion = Self { inverse_totals, bar: 0 };
        let columns = table.columns.iter().enumerate();
        let observed: u128 =
            columns.map(|(category, column)| criterion.term(category, column.drawn)).sum();
        criterion.bar = observed.saturating_sub(u128::from(table.drawn).pow(2));
        criterion
    }

    /// What `count` values of a category add to T.
    pub(super) fn term(&self, category: usize, count: u64) -> u128 {
        u128::from(count).pow(2) * self.inverse_totals[category]
    }

    /// Whether a draw with this T is at least as far off as the observed one.
    pub(super) fn is_reached(&self, sum: u128) -> bool {
        sum >= self.bar
    }
}
