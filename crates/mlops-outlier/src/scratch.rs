use std::cell::RefCell;

use mlops_forest::{Forest, Rows};

/// Room for scoring that is used again and again, by whatever forest; empty by default.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    prepared: Vec<f64>,
    block: Option<Rows>,
}

impl Scratch {
    /// Lends the scratch of this thread.
    pub(crate) fn lend<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        SCRATCH.with_borrow_mut(work)
    }

    /// Prepares rows and hands them to `visit`, as many at a time as are worth walking together, with
    /// the position of the first.
    ///
    /// `prepare` puts what the trees compare into the place of its second argument.
    pub(crate) fn for_each_block<'r, V: Copy + Default>(
        &mut self,
        forest: &Forest<V>,
        rows: impl ExactSizeIterator<Item = &'r [f64]>,
        prepare: impl Fn(&[f64], &mut Vec<f64>),
        mut visit: impl FnMut(usize, &Rows),
    ) {
        let n_rows = rows.len();
        let capacity = n_rows.min(forest.block());
        let block = self.block.take().filter(|rows| rows.n_features() == forest.n_features());
        let mut block = block.unwrap_or_else(|| forest.rows(capacity));
        block.clear();
        for (at, row) in rows.enumerate() {
            prepare(row, &mut self.prepared);
            block.push(&self.prepared);
            if block.len() == forest.block() || at + 1 == n_rows {
                visit(at + 1 - block.len(), &block);
                block.clear();
            }
        }
        self.block = Some(block);
    }
}
