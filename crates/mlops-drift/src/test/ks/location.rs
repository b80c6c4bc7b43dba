use crate::Alternative;
use crate::pooled::Pooled;

/// Where the two distribution functions are farthest apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Location {
    pub(super) value: f64,
    /// `Greater` if the reference's function is ahead there, `Less` if the batch's is.
    pub(super) direction: Alternative,
}

/// The first value at which the distance in the direction of `alternative` is largest, and which
/// function is ahead there: the first reference value, or if there is none, the first batch value.
pub(super) fn location(pooled: &Pooled<'_>, alternative: Alternative) -> Location {
    let (reference, batch) = (pooled.reference.values(), pooled.batch.values());
    let (n, m) = (pooled.reference_size() as i128, pooled.batch_size() as i128);
    let mut at_reference = Vec::with_capacity(reference.len());
    let mut at_batch = Vec::with_capacity(batch.len());
    for (position, stretch) in pooled.stretches.iter().enumerate() {
        let ahead =
            |rank: usize| pooled.reference.below(rank) as i128 * m - stretch.batch as i128 * n;
        if let Some(before) = position.checked_sub(1) {
            let value = batch[before];
            at_batch.push((ahead(stretch.first), value));
            if stretch.first.checked_sub(1).is_some_and(|rank| reference[rank] == value) {
                at_reference.push((ahead(stretch.first), value));
            }
        }
        let ranks = stretch.first..stretch.last;
        at_reference.extend(ranks.map(|rank| (ahead(rank + 1), reference[rank])));
    }
    let values = at_reference.into_iter().chain(at_batch);
    let first = values.clone().next().unwrap_or((0, f64::NAN));
    let (mut lowest, mut highest) = (first, first);
    for next in values {
        if next.0 < lowest.0 {
            lowest = next;
        }
        if next.0 > highest.0 {
            highest = next;
        }
    }
    let direction = match alternative {
        Alternative::TwoSided if -lowest.0 > highest.0 => Alternative::Less,
        Alternative::TwoSided => Alternative::Greater,
        one_sided => one_sided,
    };
    let value = if direction == Alternative::Less { lowest.1 } else { highest.1 };
    Location { value, direction }
}
