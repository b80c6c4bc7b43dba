use super::kernel::Kernel;

/// Where the paths that stayed inside of the corridor are: a probability for each count from
/// `first` on.
#[derive(Debug, Default)]
pub(super) struct Front {
    first: usize,
    mass: Vec<f64>,
    // What `advance` reads from and writes to, kept so that it is allocated once.
    padded: Vec<f64>,
    next: Vec<f64>,
}

/// The paths on one side of the corridor: a probability for each count from `first` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) first: usize,
    pub(super) mass: &'a [f64],
}

impl Front {
    /// Takes memory for counts up to `most`.
    pub(super) fn reserve(&mut self, most: usize) {
        for masses in [&mut self.mass, &mut self.next, &mut self.padded] {
            masses.clear();
            masses.reserve(most + 2 * TAPS);
        }
    }

    /// All paths begin at count 0.
    pub(super) fn reset(&mut self) {
        self.first = 0;
        self.mass.clear();
        self.mass.push(1.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mass.is_empty()
    }

    /// How many multiplications `advance` takes at most.
    pub(super) fn work(&self, kernel: Kernel<'_>) -> usize {
        self.mass.len() * kernel.weights.len()
    }

    /// Takes a binomial step; counts above `most` are dropped.
    pub(super) fn advance(&mut self, kernel: Kernel<'_>, most: usize) {
        let first = self.first + kernel.first;
        let reached = self.mass.len() + kernel.weights.len() - 1;
        let length = reached.min((most + 1).saturating_sub(first));
        self.next.clear();
        self.next.resize(length, 0.0);
        self.padded.clear();
        self.padded.extend_from_slice(&[0.0; TAPS - 1]);
        self.padded.extend_from_slice(&self.mass);
        self.padded.extend_from_slice(&[0.0; TAPS - 1]);
        for (shift, weights) in (0..length).step_by(TAPS).zip(kernel.weights.chunks(TAPS)) {
            let mut taps = [0.0; TAPS];
            for (tap, weight) in taps.iter_mut().rev().zip(weights) {
                *tap = *weight;
            }
            for (next, masses) in self.next[shift..].iter_mut().zip(self.padded.windows(TAPS)) {
                *next += taps.iter().zip(masses).map(|(tap, mass)| tap * mass).sum::<f64>();
            }
        }
        std::mem::swap(&mut self.mass, &mut self.next);
        self.first = first;
    }

    /// The paths with less than `count`.
    pub(super) fn below(&self, count: usize) -> Part<'_> {
        let end = count.saturating_sub(self.first).min(self.mass.len());
        Part { first: self.first, mass: &self.mass[..end] }
    }

    /// The paths with more than `count`.
    pub(super) fn above(&self, count: usize) -> Part<'_> {
        let begin = (count + 1).saturating_sub(self.first).min(self.mass.len());
        Part { first: self.first + begin, mass: &self.mass[begin..] }
    }

    /// Keeps the paths with `lowest..=highest`, without the negligible ones at either end.
    pub(super) fn cut(&mut self, lowest: usize, highest: usize, negligible: f64) {
        self.mass.truncate((highest + 1).saturating_sub(self.first));
        let kept =
            self.mass.iter().rposition(|mass| *mass >= negligible).map_or(0, |last| last + 1);
        self.mass.truncate(kept);
        let outside = lowest.saturating_sub(self.first).min(kept);
        let inside = &self.mass[outside..];
        let small = inside.iter().position(|mass| *mass >= negligible).unwrap_or(inside.len());
        self.mass.drain(..outside + small);
        self.first += outside + small;
    }
}

/// How many weights are applied at a time.
const TAPS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_spreads_and_a_cut_keeps_the_corridor() {
        let kernel = Kernel { first: 1, weights: &[0.5, 0.25, 0.25] };
        let mut front = Front::default();
        front.reset();
        front.advance(kernel, 9);
        front.advance(kernel, 5);
        assert_eq!((front.first, &front.mass[..]), (2, &[0.25, 0.25, 0.3125, 0.125][..]));
        assert_eq!((front.below(3).first, front.below(3).mass), (2, &[0.25][..]));
        assert_eq!((front.above(4).first, front.above(4).mass), (5, &[0.125][..]));
        front.cut(3, 4, 0.3);
        assert_eq!((front.first, &front.mass[..]), (4, &[0.3125][..]));
        front.cut(5, 9, 0.0);
        assert!(front.is_empty());
    }
}
