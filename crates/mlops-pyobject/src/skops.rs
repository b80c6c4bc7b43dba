//! The format of the Python library skops: a zip archive with a tree of nodes in `schema.json` and
//! the arrays in files beside it.

mod node;
mod schema;
mod zip;

use std::borrow::Cow;
use std::collections::HashMap;

use zip::Archive;

use crate::builder::Builder;
use crate::graph::{Graph, Id};
use crate::{Error, Limits};

/// Reads a skops file: a zip archive, stored or deflated.
///
/// The objects have the shape that they have in a pickle: an instance has a class by name,
/// attributes, and arguments where the file keeps them.
///
/// # Errors
/// * [`Error::Archive`] if the bytes are no zip archive
/// * [`Error::Entry`] if a file in it is missing or malformed
/// * [`Error::Unsupported`] if the archive is encrypted, in 64-bit format or compressed otherwise
/// * [`Error::LimitExceeded`] if it is too large
pub fn read_skops(bytes: &[u8], limits: &Limits) -> Result<Graph, Error> {
    let mut builder = Builder::new(bytes.len(), limits)?;
    let archive = Archive::open(bytes, limits, &mut builder.budget)?;
    let mut reader = Reader { builder, archive, arrays: HashMap::new(), cached: HashMap::new() };
    let schema = reader.file(SCHEMA)?;
    let root = schema::read(&schema, &mut reader)?;
    Ok(reader.builder.finish(root))
}

#[derive(Debug)]
struct Reader<'a> {
    builder: Builder,
    archive: Archive<'a>,
    /// The arrays that have been read, by the names of their files.
    arrays: HashMap<&'a str, Id>,
    /// The objects that have been read, by the numbers with which the schema refers to them.
    cached: HashMap<u64, Id>,
}

impl<'a> Reader<'a> {
    fn file(&mut self, name: &'a str) -> Result<Cow<'a, [u8]>, Error> {
        let Builder { limits, budget, .. } = &mut self.builder;
        self.archive.read(name, limits, budget)
    }

    /// Gives back the place of a file that was decompressed.
    fn release(&mut self, content: Cow<'_, [u8]>) {
        if let Cow::Owned(content) = content {
            self.builder.budget.release(content.capacity());
        }
    }
}

const SCHEMA: &str = "schema.json";
