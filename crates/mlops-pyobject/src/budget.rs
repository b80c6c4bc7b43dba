use std::collections::HashMap;
use std::hash::Hash;

use crate::{Error, Limit, Limits};

/// The memory that a reader has left; everything that grows with the file is charged to it before
/// it is allocated.
#[derive(Debug)]
pub(crate) struct Budget {
    used: usize,
    maximum: usize,
}

impl Budget {
    /// The budget for a file of `file_bytes`.
    pub(crate) fn new(file_bytes: usize, limits: &Limits) -> Self {
        let proportional = file_bytes.saturating_mul(BYTES_PER_BYTE).saturating_add(FIXED);
        Self { used: 0, maximum: proportional.min(limits.maximum(Limit::MemoryBytes)) }
    }

    /// What has been charged and not given back, in bytes.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Takes the place of one allocation of `bytes`.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        let used = self.used.saturating_add(bytes).saturating_add(ALLOCATION);
        if used > self.maximum {
            let limit = Limit::MemoryBytes;
            return Err(Error::LimitExceeded { limit, maximum: self.maximum });
        }
        self.used = used;
        Ok(())
    }

    /// Gives back the place of one allocation of `bytes`.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes.saturating_add(ALLOCATION));
    }

    /// Gives back the place of a vector that is dropped.
    pub(crate) fn release_vec<T>(&mut self, vec: &Vec<T>) {
        if vec.capacity() > 0 {
            self.release(vec.capacity() * size_of::<T>());
        }
    }

    /// Makes room for `additional` items.
    pub(crate) fn reserve<T>(&mut self, vec: &mut Vec<T>, additional: usize) -> Result<(), Error> {
        let (length, capacity) = (vec.len(), vec.capacity());
        if additional <= capacity - length {
            return Ok(());
        }
        let grown = length.saturating_add(additional).max(capacity.saturating_mul(2)).max(4);
        // While it grows, the vector is in its old and its new place.
        self.charge(grown.saturating_mul(size_of::<T>()))?;
        let old = capacity * size_of::<T>();
        vec.reserve_exact(grown - length);
        if capacity > 0 {
            self.release(old);
        }
        Ok(())
    }

    pub(crate) fn push<T>(&mut self, vec: &mut Vec<T>, item: T) -> Result<(), Error> {
        self.reserve(vec, 1)?;
        vec.push(item);
        Ok(())
    }

    pub(crate) fn extend<T: Copy>(&mut self, vec: &mut Vec<T>, items: &[T]) -> Result<(), Error> {
        self.reserve(vec, items.len())?;
        vec.extend_from_slice(items);
        Ok(())
    }

    pub(crate) fn insert<K: Eq + Hash, V>(
        &mut self,
        table: &mut HashMap<K, V>,
        key: K,
        value: V,
    ) -> Result<Option<V>, Error> {
        if table.len() == table.capacity() {
            // A table of twice the entries, with up to twice the places that they need.
            let grown = table.len().max(4).saturating_mul(4);
            self.charge(grown.saturating_mul(size_of::<(K, V)>() + 1))?;
        }
        Ok(table.insert(key, value))
    }

    pub(crate) fn boxed<T: Copy>(&mut self, items: &[T]) -> Result<Box<[T]>, Error> {
        self.charge(size_of_val(items))?;
        Ok(items.into())
    }
}

const BYTES_PER_BYTE: usize = 8;
const FIXED: usize = 16 << 20;
/// What an allocator keeps for itself per allocation.
const ALLOCATION: usize = 16;
