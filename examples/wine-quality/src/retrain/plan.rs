use std::collections::BTreeSet;

use mlops_core::Random;

use super::evidence::{Evidence, Standing};
use crate::data::Wines;
use crate::fingerprint::Fingerprint;
use crate::known_wines::KnownWines;
use crate::split::{Split, distinct, groups};

/// Which wines train the challenger, and which judge it.
#[derive(Debug)]
pub(super) struct Plan {
    /// The old ones, and those of the evidence after them.
    pub(super) wines: Wines,
    /// The wines of the test are those that neither champion nor challenger was trained on, each once.
    pub(super) split: Split,
    /// Wines as the detectors should expect them from now on, each once; none if wines are as they were.
    pub(super) reference: Option<Vec<usize>>,
}

impl Plan {
    /// Of the fresh wines, those since the shift if there is one, the later half judges, as wines to come would; the other ones
    /// train, with the old wines. The wines by which the champion was measured stay out.
    pub(super) fn draw(old: &Wines, evidence: &Evidence, known: &KnownWines, seed: u64) -> Self {
        let wines = old.with(&evidence.records, &evidence.is_good);
        let n_old = old.n_wines();
        let is_fresh = |row: &usize| evidence.standings[*row] == Standing::Fresh;
        let fresh = (0..evidence.standings.len()).filter(is_fresh);
        let since = evidence.shift.as_ref().and_then(|shift| shift.since);
        let is_recent = |row: &usize| since.is_none_or(|since| evidence.times[*row] >= Some(since));
        let recent: Vec<usize> = fresh.filter(is_recent).map(|row| n_old + row).collect();

        // In the order of their requests.
        let mut judges = distinct(&wines, &recent);
        let judges = judges.split_off(judges.len() / 2);

        let of_judges: BTreeSet<Fingerprint> =
            judges.iter().map(|row| wines.fingerprint(*row)).collect();
        let may_train = |row: &usize| {
            let wine = wines.fingerprint(*row);
            !known.tested.contains(&wine) && !of_judges.contains(&wine)
        };
        let pool: Vec<usize> = (0..wines.n_wines()).filter(may_train).collect();
        let mut groups = groups(&wines, &pool);
        let n_groups = groups.len();
        Random::stream(seed, 1).choose(&mut groups, n_groups);
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for group in groups {
            let is_full = validation.len() >= pool.len() / 4;
            if is_full { &mut train } else { &mut validation }.extend(group);
        }
        let reference = evidence.shift.as_ref().map(|_| distinct(&wines, &recent));
        Self { split: Split { train, validation, test: judges }, reference, wines }
    }

    /// How many of the judges are good, and how many are not.
    pub(super) fn n_judges_of_classes(&self) -> [usize; 2] {
        let labels = self.wines.labels(&self.split.test);
        let n_good = labels.iter().filter(|is_good| **is_good).count();
        [n_good, labels.len() - n_good]
    }
}
