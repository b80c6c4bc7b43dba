use std::cell::RefCell;

use crate::correction::Family;
use crate::reference::Memory;

/// What batches are tested in, kept from one to the next so that it is allocated once.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) memory: Memory,
    pub(crate) family: Family,
}

impl Scratch {
    /// Lends the scratch of this thread to a test of `n_rows`. A large batch gets one of its own, so that its memory is
    /// given back.
    pub(crate) fn lend<T>(n_rows: usize, test: impl FnOnce(&mut Self) -> T) -> T {
        if n_rows > MOST_KEPT_ROWS {
            return test(&mut Self::default());
        }
        SCRATCH.with_borrow_mut(test)
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Testing more rows takes so long that allocations do not count.
const MOST_KEPT_ROWS: usize = 1024;
