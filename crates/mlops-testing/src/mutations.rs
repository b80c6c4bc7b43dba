use std::env;

use crate::SplitMix64;

/// The number of mutations that a test of a reader makes: the environment variable
/// `MLOPS_MUTATIONS`, else 10,000.
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
pub fn n_mutations() -> usize {
    let number = env::var("MLOPS_MUTATIONS").ok();
    number.and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

/// Changes files at random; the same seed makes the same changes.
#[derive(Clone, Debug)]
pub struct Mutator {
    random: SplitMix64,
    mutated: Vec<u8>,
}

impl Mutator {
    /// A mutator whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), mutated: Vec::new() }
    }

    /// `file` with one to four places changed: a byte or bit, a number at one of its ends, a part
    /// that is cut out, doubled or taken from elsewhere.
    pub fn mutate(&mut self, file: &[u8]) -> &[u8] {
        self.mutated.clear();
        self.mutated.extend_from_slice(file);
        for _ in 0..=self.below(4) {
            self.change();
        }
        &self.mutated
    }

    fn change(&mut self) {
        let place = self.below(self.mutated.len());
        let length = self.below(16.min(self.mutated.len() - place)) + 1;
        let part = place..(place + length).min(self.mutated.len());
        match self.below(7) {
            _ if self.mutated.is_empty() => self.mutated.push(0),
            0 => self.mutated[place] ^= 1 << self.below(8),
            1 => self.mutated[place] = self.byte(),
            2 => self.mutated[part].fill(0xFF),
            3 => self.mutated[part].fill(0),
            4 => drop(self.mutated.drain(part)),
            5 => {
                let copy = self.mutated[part].to_vec();
                self.mutated.splice(place..place, copy);
            }
            _ => {
                let from = self.below(self.mutated.len() - length.min(self.mutated.len() - 1));
                let copy =
                    self.mutated[from..].iter().take(part.len()).copied().collect::<Vec<_>>();
                self.mutated[part].iter_mut().zip(copy).for_each(|(old, new)| *old = new);
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.random.next_u64().to_le_bytes()[7]
    }

    /// A number below `bound`, or 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.random.next_u64() % bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_follow_from_the_seed_and_change_something() {
        let file = b"a file of some length, to be changed".repeat(4);
        let (mut one, mut other) = (Mutator::new(1), Mutator::new(1));
        let changed = (0..1000).filter(|_| {
            let mutated = one.mutate(&file);
            assert_eq!(mutated, other.mutate(&file));
            mutated != file
        });
        assert!(changed.count() > 950);
        assert!(Mutator::new(2).mutate(b"").len() <= 4);
    }
}
