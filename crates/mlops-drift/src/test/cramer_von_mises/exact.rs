use super::pool::Pool;
use crate::special::hypergeometric;

/// `P(T' >= T)` of all relabellings; `None` if it would take too long.
///
/// A relabelling is a path: up to the g-th distinct value there are H of all N values, j of them in
/// the smaller sample, which has s. T grows with
///
/// ```text
/// sum over g of w j (j N - 2 H s) / c      w: the size of the ties at g and at g + 1
/// ```
///
/// an integer, where c is the greatest common divisor of s and N. Paths that agree in j and in the
/// sum so far go on as one. Where no continuation of a path reaches the bar, or all of them do, or
/// only one value is left to be placed, it ends.
pub(super) fn p_value(pool: &Pool) -> Option<f64> {
    Paths::new(pool)?.probability()
}

#[derive(Debug)]
struct Paths {
    /// s
    drawn: usize,
    /// H, ascending from 0 to N.
    ends: Vec<usize>,
    /// w of each end; 0 of the first and the last one.
    weights: Vec<i64>,
    /// `s / c` and `N / c`
    ratio: (i64, i64),
    /// The sum of the observed path.
    observed: i64,
}

/// Paths of the same sum so far.
#[derive(Clone, Copy, Debug)]
struct State {
    sum: i64,
    probability: f64,
}

impl Paths {
    fn new(pool: &Pool) -> Option<Self> {
        let (drawn, total) = (pool.reference.min(pool.batch), pool.size());
        // A sum is at most 4 (N s)^2.
        if total.checked_mul(drawn)? > 1 << 30 {
            return None;
        }
        let is_batch_smaller = pool.batch == drawn;
        let mut ends = vec![0];
        let mut counts = vec![0];
        for group in &pool.groups {
            let count = if is_batch_smaller { group.batch } else { group.reference };
            ends.push(ends[ends.len() - 1] + group.size());
            counts.push(counts[counts.len() - 1] + count);
        }
        let mut weights = vec![0; ends.len()];
        for end in 1..ends.len() - 1 {
            weights[end] = integer(ends[end + 1] - ends[end - 1]);
        }
        let divisor = greatest_common_divisor(drawn, total);
        let ratio = (integer(drawn / divisor), integer(total / divisor));
        let mut paths = Self { drawn, ends, weights, ratio, observed: 0 };
        paths.observed = (0..counts.len()).map(|end| paths.term(end, counts[end])).sum();
        Some(paths)
    }

    /// What a path adds to the sum that has `count` values up to an end.
    fn term(&self, end: usize, count: usize) -> i64 {
        let (drawn, total) = self.ratio;
        let count = integer(count);
        self.weights[end] * count * (count * total - 2 * integer(self.ends[end]) * drawn)
    }

    fn last(&self) -> usize {
        self.ends.len() - 1
    }

    /// How many values a path can have up to an end, from the least to the most.
    fn counts(&self, end: usize) -> (usize, usize) {
        let left = self.ends[self.last()] - self.ends[end];
        (self.drawn.saturating_sub(left), self.drawn.min(self.ends[end]))
    }

    fn probability(&self) -> Option<f64> {
        let placing = Placing::new(self);
        let start = State { sum: 0, probability: 1.0 };
        if self.drawn == 1 {
            return Some(placing.probability(0, start));
        }
        if self.is_hopeless() {
            return None;
        }
        let bounds = Bounds::new(self)?;
        let mut budget = MOST_STATES;
        let mut probability = 0.0;
        // For each count up to the end the states with a sum that ascends.
        let mut open = vec![vec![]; self.drawn + 1];
        let mut next = open.clone();
        open[0].push(start);
        for end in 1..=self.last() {
            let size = self.ends[end] - self.ends[end - 1];
            let left = self.ends[self.last()] - self.ends[end - 1];
            for (count, states) in open.iter_mut().enumerate() {
                if states.is_empty() {
                    continue;
                }
                let (first, kernel) = kernel(size, self.drawn - count, left);
                budget = budget.checked_sub(states.len() * kernel.len())?;
                for (taken, relative) in (first..).zip(kernel) {
                    let count = count + taken;
                    let term = self.term(end, count);
                    next[count].extend(states.iter().map(|state| State {
                        sum: state.sum + term,
                        probability: state.probability * relative,
                    }));
                }
                states.clear();
            }
            for (count, states) in next.iter_mut().enumerate() {
                merge(states);
                if count + 1 == self.drawn {
                    budget = budget.checked_sub(states.len() * PLACING)?;
                    let placed = states.drain(..).map(|state| placing.probability(end, state));
                    probability += placed.sum::<f64>();
                } else if !states.is_empty() {
                    probability += bounds.settle(end, count, states);
                }
            }
            std::mem::swap(&mut open, &mut next);
        }
        Some(probability)
    }

    /// Whether there are by far more states than there is time for, so that not even trying saves it.
    fn is_hopeless(&self) -> bool {
        let ends = self.ends.len() as f64;
        // As many sums as there are between the bar and the path that j N = H s would be.
        let (drawn, total) = (self.ratio.0 as f64, self.ratio.1 as f64);
        let least = |end: usize| self.weights[end] as f64 * (self.ends[end] as f64 * drawn).powi(2);
        let least: f64 = (0..self.ends.len()).map(least).sum();
        let sums = self.observed as f64 + least / total;
        // As many paths as there are ways to choose the ends at which they get a value.
        let mut paths = 1.0;
        let mut states = 0.0;
        for count in 0..self.drawn - 1 {
            states += ends * sums.min(paths);
            paths *= (ends + count as f64) / (count as f64 + 2.0);
        }
        states > HOPELESS * MOST_STATES as f64
    }
}

/// Makes one state of those with the same sum.
fn merge(states: &mut Vec<State>) {
    // Few ascending runs: this sort merges them.
    states.sort_by_key(|state| state.sum);
    states.dedup_by(|next, state| {
        let is_same = next.sum == state.sum;
        if is_same {
            state.probability += next.probability;
        }
        is_same
    });
}

/// The probabilities that of `drawn` draws from `left` values 0, 1, 2 and so on are among `size` of
/// them; those that are impossible in front are left out, and how many they are comes first.
fn kernel(size: usize, drawn: usize, left: usize) -> (usize, Vec<f64>) {
    let first = (drawn + size).saturating_sub(left);
    let most = drawn.min(size);
    if first == most {
        return (first, vec![1.0]);
    }
    let share = drawn as f64 / left as f64;
    if size == 1 {
        return (first, vec![(left - drawn) as f64 / left as f64, share]);
    }
    let [marked, draws, total] = [size, drawn, left].map(|count| count as u64);
    let mode = hypergeometric::mode(marked, draws, total);
    let peak = hypergeometric::pmf(mode, marked, draws, total);
    let ratio = |k: usize| {
        // Of k + 1 to k.
        (size - k) as f64 * (drawn - k) as f64
            / ((k + 1) as f64 * (left + k + 1 - size - drawn) as f64)
    };
    let mut kernel = vec![peak; most - first + 1];
    let mode = usize::try_from(mode).unwrap_or(most);
    for k in mode..most {
        kernel[k + 1 - first] = kernel[k - first] * ratio(k);
    }
    for k in (first..mode).rev() {
        kernel[k - first] = kernel[k + 1 - first] / ratio(k);
    }
    (first, kernel)
}

/// Where the last value can be placed.
#[derive(Debug)]
struct Placing<'a> {
    paths: &'a Paths,
    /// The terms up to each end of a path that waits for its last value.
    waiting: Vec<i64>,
    /// Those after the first end of a path that has its last value between that end and the one
    /// before, in front of which it waits; one for each end but 0.
    placed: Vec<i64>,
    /// The end from which on `placed` ascends; before, it descends.
    bottom: usize,
}

impl<'a> Placing<'a> {
    fn new(paths: &'a Paths) -> Self {
        let sums = |count: usize| {
            let terms = (0..paths.ends.len()).map(|end| paths.term(end, count));
            let sums = terms.scan(0, |sum: &mut i64, term| {
                *sum += term;
                Some(*sum)
            });
            sums.collect::<Vec<i64>>()
        };
        let (waiting, complete) = (sums(paths.drawn - 1), sums(paths.drawn));
        let all = complete[paths.last()];
        let placed = (0..paths.last()).map(|end| waiting[end] + all - complete[end]);
        let placed = std::iter::once(0).chain(placed).collect();
        // Waiting at an end costs less than not to as long as j - 1 is nearer to H s / N than j.
        let (drawn, total) = paths.ratio;
        let middle = (2 * integer(paths.drawn) - 1) * total;
        let bottom = paths.ends.partition_point(|end| 2 * integer(*end) * drawn < middle);
        Self { paths, waiting, placed, bottom }
    }

    /// The probability of a path that waits at an end for its last value and then reaches the bar.
    fn probability(&self, end: usize, state: State) -> f64 {
        let bar = self.paths.observed - state.sum + self.waiting[end];
        let bottom = self.bottom.max(end);
        let reaches = |placed: &i64| *placed >= bar;
        let descending = &self.placed[end + 1..=bottom];
        let ascending = &self.placed[bottom + 1..];
        let low = end + descending.partition_point(reaches);
        let high = bottom + ascending.partition_point(|placed| !reaches(placed));
        let ends = &self.paths.ends;
        let (all, left) = (ends[self.paths.last()], ends[self.paths.last()] - ends[end]);
        let positions = ends[low] - ends[end] + all - ends[high];
        state.probability * positions as f64 / left as f64
    }
}

/// The least and the greatest sum of the terms that are still to come.
#[derive(Debug)]
struct Bounds<'a> {
    paths: &'a Paths,
    /// For each end and count, from the first end and count on.
    sums: Vec<(i64, i64)>,
}

impl<'a> Bounds<'a> {
    fn new(paths: &'a Paths) -> Option<Self> {
        let width = paths.drawn + 1;
        let mut budget = MOST_STATES.checked_sub(paths.ends.len().checked_mul(width)?)?;
        let mut sums = vec![(0, 0); paths.ends.len() * width];
        for end in (0..paths.last()).rev() {
            let size = paths.ends[end + 1] - paths.ends[end];
            let (next_first, next_most) = paths.counts(end + 1);
            let (before, after) = sums.split_at_mut((end + 1) * width);
            let after = &mut after[..width];
            for (count, (least, greatest)) in after.iter_mut().enumerate() {
                let term = paths.term(end + 1, count);
                *least += term;
                *greatest += term;
            }
            let (first, most) = paths.counts(end);
            for count in first..=most {
                let next = &after[next_first.max(count)..=next_most.min(count + size)];
                budget = budget.checked_sub(next.len())?;
                let bounds = next.iter().copied();
                before[end * width + count] = bounds
                    .reduce(|(least, greatest), next| (least.min(next.0), greatest.max(next.1)))?;
            }
        }
        Some(Self { paths, sums })
    }

    /// Ends paths whose continuations all miss the bar or all reach it; returns the probability of
    /// those that reach it. The bounds of an end include its own term, and so do the sums.
    fn settle(&self, end: usize, count: usize, states: &mut Vec<State>) -> f64 {
        let (least, greatest) = self.sums[end * (self.paths.drawn + 1) + count];
        let bar = self.paths.observed + self.paths.term(end, count);
        let open = states.partition_point(|state| state.sum + least < bar);
        let reached = states.drain(open..).map(|state| state.probability).sum();
        let missed = states.partition_point(|state| state.sum + greatest < bar);
        states.drain(..missed);
        reached
    }
}

fn greatest_common_divisor(mut left: usize, mut right: usize) -> usize {
    while right > 0 {
        (left, right) = (right, left % right);
    }
    left
}

fn integer(count: usize) -> i64 {
    #[expect(clippy::cast_possible_wrap, reason = "at most 2^30, or twice as much")]
    let integer = count as i64;
    integer
}

/// About 20 milliseconds.
const MOST_STATES: usize = 4_000_000;

/// What is estimated to take more than so many times too long is not tried.
const HOPELESS: f64 = 30.0;

/// To place the last value takes as long as so many states.
const PLACING: usize = 5;
