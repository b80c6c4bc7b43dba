use crate::rank::Rank;

/// How many levels of a tree a block of rows is taken through at once: as many as take less time so than row by row.
pub(crate) const LEVELS: usize = 4;
const N_SPLITS: usize = (1 << LEVELS) - 1;

/// The first levels of a tree, level by level, as if none of their nodes was a leaf: a leaf has itself below it.
///
/// All rows of a block are compared with all of these splits. That is many more comparisons than a row needs, but they
/// stand side by side, and the machine does as many of them at a time as fit a vector, sixteen or eight at the least.
#[derive(Clone, Debug)]
pub(crate) struct Top<R, const SLOTS: usize> {
    slots: [u16; N_SPLITS],
    ranks: [R; N_SPLITS],
    /// The nodes below, from left to right.
    nodes: [u32; N_SPLITS + 1],
}

impl<R: Rank, const SLOTS: usize> Top<R, SLOTS> {
    pub(crate) fn new(nodes: &[R::Node], root: u32) -> Self {
        let mut levels = vec![root];
        for at in 0..N_SPLITS {
            let (left, ..) = R::parts(nodes[levels[at] as usize]);
            levels.extend([left, left + 1]);
        }
        let parts = |at: usize| R::parts(nodes[levels[at] as usize]);
        Self {
            #[expect(clippy::cast_possible_truncation, reason = "rows have fewer places")]
            slots: std::array::from_fn(|at| parts(at).1 as u16),
            ranks: std::array::from_fn(|at| parts(at).2),
            nodes: std::array::from_fn(|at| levels[N_SPLITS + at]),
        }
    }

    /// Finds which of the nodes below each row of a block comes to; the ranks of the block stand slot by slot.
    pub(crate) fn walk<const N: usize>(&self, ranks: &[[R; N]; SLOTS], reached: &mut [R; N]) {
        let values = self.slots.map(|slot| &ranks[slot as usize % SLOTS]);
        for (row, reached) in reached.iter_mut().enumerate() {
            // All bits are set where a row goes right: of the split at a position, and of the one that it comes to
            // one, two and three levels below, if it goes a, b and c before.
            let first = |at: usize| {
                if values[at][row] >= self.ranks[at] { R::MAX } else { R::default() }
            };
            let second = |at: usize, a| select(a, first(2 * at + 2), first(2 * at + 1));
            let third = |at: usize, a, b| select(a, second(2 * at + 2, b), second(2 * at + 1, b));
            let fourth =
                |at: usize, a, b, c| select(a, third(2 * at + 2, b, c), third(2 * at + 1, b, c));
            let a = first(0);
            let b = second(0, a);
            let c = third(0, a, b);
            let d = fourth(0, a, b, c);
            let bit = |mask, weight: u8| mask & R::from(weight);
            *reached = bit(a, 8) | bit(b, 4) | bit(c, 2) | bit(d, 1);
        }
    }

    /// The node that a row has come to.
    pub(crate) fn node(&self, reached: R) -> u32 {
        self.nodes[reached.into() % (N_SPLITS + 1)]
    }
}

fn select<R: Rank>(mask: R, yes: R, no: R) -> R {
    mask & yes | !mask & no
}
