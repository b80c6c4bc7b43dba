//! What was read lately.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

/// Stands for a line or a request.
pub(super) type Fingerprint = [u8; 16];

/// The fingerprint of some texts in this order.
pub(super) fn fingerprint(parts: &[Option<&str>]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        // No two lists of texts are the same bytes.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

/// The last lines, by their fingerprints.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<Fingerprint>,
    lines: HashSet<Fingerprint>,
}

impl Recent {
    /// The number of lines that are remembered.
    pub(super) const CAPACITY: usize = 1 << 16;

    /// Remembers a line; whether it is new.
    pub(super) fn insert(&mut self, line: Fingerprint) -> bool {
        let is_new = self.lines.insert(line);
        if is_new {
            self.order.push_back(line);
            if self.order.len() > Self::CAPACITY {
                let oldest = self.order.pop_front();
                oldest.map(|oldest| self.lines.remove(&oldest));
            }
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_new_again_when_many_others_came_between() {
        let mut recent = Recent::default();
        let line = |number: usize| fingerprint(&[Some(&number.to_string())]);
        assert!(recent.insert(line(0)));
        assert!(!recent.insert(line(0)));
        assert!((1..Recent::CAPACITY).all(|number| recent.insert(line(number))));
        assert!(!recent.insert(line(0)));
        assert!(recent.insert(line(Recent::CAPACITY)));
        assert!(recent.insert(line(0)));
        assert_eq!(recent.lines.len(), Recent::CAPACITY);
    }

    #[test]
    fn texts_are_kept_apart() {
        let prints = [
            fingerprint(&[Some("ab"), Some("c")]),
            fingerprint(&[Some("a"), Some("bc")]),
            fingerprint(&[Some("abc"), None]),
            fingerprint(&[Some("abc"), Some("")]),
        ];
        assert_eq!(prints.iter().collect::<HashSet<_>>().len(), prints.len());
    }
}
