use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use super::GrowPolicy;
use super::histogram::Histogram;
use super::split::Split;
use super::weight::Bounds;

/// A leaf with the split that it may become.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) node: usize,
    pub(super) depth: usize,
    pub(super) bounds: Bounds,
    pub(super) histogram: Histogram,
    pub(super) rows: Range<usize>,
    pub(super) split: Split,
}

/// The leaves that may be split, and which of them is next.
#[derive(Debug)]
pub(super) enum Frontier {
    /// Level by level.
    Levels(VecDeque<Open>),
    /// By gain.
    Gains(BinaryHeap<ByGain>),
}

impl Frontier {
    pub(super) fn new(policy: GrowPolicy) -> Self {
        match policy {
            GrowPolicy::Depthwise => Self::Levels(VecDeque::new()),
            GrowPolicy::Lossguide => Self::Gains(BinaryHeap::new()),
        }
    }

    pub(super) fn push(&mut self, open: Open) {
        match self {
            Self::Levels(queue) => queue.push_back(open),
            Self::Gains(heap) => heap.push(ByGain(open)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        match self {
            Self::Levels(queue) => queue.pop_front(),
            Self::Gains(heap) => heap.pop().map(|ByGain(open)| open),
        }
    }
}

/// Leaves in the order of their gain, the older first where it is the same.
#[derive(Debug)]
pub(super) struct ByGain(Open);

impl ByGain {
    fn key(&self) -> (f32, Reverse<usize>) {
        (self.0.split.gain, Reverse(self.0.node))
    }
}

impl Ord for ByGain {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((gain, age), (other_gain, other_age)) = (self.key(), other.key());
        gain.total_cmp(&other_gain).then(age.cmp(&other_age))
    }
}

impl PartialOrd for ByGain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByGain {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByGain {}
