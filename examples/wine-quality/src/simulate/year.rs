use mlops_core::{Random, Records};
use mlops_xgboost::{Booster, roc_auc};

use crate::data::Wines;
use crate::error::Error;
use crate::split::groups;

pub(super) const MONTHS: usize = 12;
/// From this month on, counted from 1, wines are told of in another way.
pub(super) const SHIFT_MONTH: usize = 7;
/// The feature that another laboratory tells in another unit from then on, and what it says of one percent by volume: so many
/// degrees proof, as in the United States.
pub(super) const SHIFTED: &str = "alcohol";
const PROOF: f64 = 2.0;
/// The share of the wines that there are when the year begins.
const HISTORY: f64 = 0.3;

/// The wines of a year, and those from before it.
#[derive(Debug)]
pub(super) struct Year {
    pub(super) history: Wines,
    pub(super) months: Vec<Month>,
}

/// The wines of a month, each a wine of its own, and whether they turn out to be good.
#[derive(Debug)]
pub(super) struct Month {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) wines: Records,
    pub(super) labels: Vec<bool>,
}

impl Year {
    /// Draws who comes when; as many wines in each month.
    pub(super) fn draw(wines: &Wines, seed: u64) -> Result<Self, Error> {
        let all: Vec<usize> = (0..wines.n_wines()).collect();
        let mut groups = groups(wines, &all);
        let n_groups = groups.len();
        Random::stream(seed, 2).choose(&mut groups, n_groups);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of them"
        )]
        let n_old = (n_groups as f64 * HISTORY) as usize;
        let (old, new) = groups.split_at(n_old);
        let history = wines.select(&old.concat());
        let new: Vec<usize> = new.iter().map(|copies| copies[0]).collect();
        let months = (1..=MONTHS).zip(new.chunks_exact(new.len() / MONTHS));
        let months = months.map(|(number, rows)| Month::new(number, wines, rows));
        Ok(Self { history, months: months.collect::<Result<_, _>>()? })
    }

    /// The number of wines in a month.
    pub(super) fn n_wines_of_month(&self) -> usize {
        self.months[0].labels.len()
    }
}

impl Month {
    fn new(number: usize, wines: &Wines, rows: &[usize]) -> Result<Self, Error> {
        let schema = wines.schema(rows)?;
        let mut wines_of_month = wines.records(&schema, rows)?;
        if number >= SHIFT_MONTH {
            let mut values = wines_of_month.values().to_owned();
            let column = schema.names().position(|name| name == SHIFTED);
            let column = column.ok_or(Error::NotOfWines)?;
            values.column_mut(column).mapv_inplace(|value| value * PROOF);
            wines_of_month = Records::new(schema, values)?;
        }
        Ok(Self { number, wines: wines_of_month, labels: wines.labels(rows) })
    }

    /// The area under the ROC curve that a booster has.
    pub(super) fn auc(&self, booster: &Booster) -> Result<f64, Error> {
        auc(&booster.predict(self.wines.values())?, &self.labels)
    }
}

pub(super) fn auc(probabilities: &[f32], labels: &[bool]) -> Result<f64, Error> {
    Ok(roc_auc(probabilities, labels).ok_or(mlops_xgboost::Error::OneClass)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fingerprint::Fingerprint;

    #[test]
    fn no_wine_comes_twice_and_none_is_known_before() {
        let wines = Wines::bundled().unwrap();
        let year = Year::draw(&wines, 1).unwrap();
        assert_eq!(year.months.len(), MONTHS);
        let old: BTreeSet<Fingerprint> =
            (0..year.history.n_wines()).map(|row| year.history.fingerprint(row)).collect();
        let mut seen = BTreeSet::new();
        for month in &year.months[..SHIFT_MONTH - 1] {
            assert_eq!(month.wines.n_rows(), year.n_wines_of_month());
            for row in 0..month.wines.n_rows() {
                let wine = Fingerprint::of(month.wines.row(row));
                assert!(!old.contains(&wine) && seen.insert(wine));
            }
        }
        let mean = |month: usize| year.months[month - 1].wines.column(10).mean().unwrap();
        let (before, after) = (mean(SHIFT_MONTH - 1), mean(SHIFT_MONTH));
        assert!((after / before - PROOF).abs() < 0.05, "{before} {after}");
    }
}
