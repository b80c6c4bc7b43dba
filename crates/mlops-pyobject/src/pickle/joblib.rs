use super::Machine;
use crate::array::{lengths, size_of_data};
use crate::dtype::{DType, Element};
use crate::graph::{Id, Node, StoredArray};
use crate::{Error, Limit};

impl Machine<'_> {
    /// Takes the array whose data follow here, as joblib writes them, in the place of the wrapper
    /// that is on top of the stack. `state` is the dict of the wrapper's attributes.
    pub(super) fn joblib_array(&mut self, state: Id) -> Result<(), Error> {
        if self.is_nested {
            return Err(self.input.error("an array in an array of objects"));
        }
        let attribute = |name: &str| {
            let Node::Dict(entries) = self.builder.node(state) else { return None };
            // They are searched for each array, and may be those of all.
            let entries = entries.get(..MAX_ATTRIBUTES.min(entries.len()))?;
            let is_name = |id: Id| self.builder.node(id).as_text() == Some(name);
            entries.iter().rev().find(|(key, _)| is_name(*key)).map(|(_, value)| *value)
        };
        let parts = attribute("dtype").zip(attribute("shape")).zip(attribute("order"));
        let ((dtype, shape), order) =
            parts.ok_or_else(|| self.input.error("an array without a type or shape"))?;
        let is_aligned = attribute("numpy_array_alignment_bytes")
            .is_some_and(|bytes| !matches!(self.builder.node(bytes), Node::None));
        let dtype = DType::from_pickled(self.builder.nodes(), dtype)
            .map_err(|_| self.input.error("an array of an unsupported type"))?;
        let array = if dtype.element == Element::Object {
            self.nested()?
        } else {
            let fortran_order = self.builder.node(order).as_text() == Some("F");
            let shape = lengths(self.builder.nodes(), shape);
            let shape = shape.ok_or_else(|| self.input.error(IMPOSSIBLE_SHAPE))?;
            if is_aligned {
                self.input.counted(1)?;
            }
            let size = size_of_data(&shape, dtype.size);
            let size = size.ok_or_else(|| self.input.error(IMPOSSIBLE_SHAPE))?;
            self.builder.limits.check(Limit::ArrayBytes, size)?;
            let data = self.builder.bytes(self.input.take(size)?)?;
            self.builder.array(StoredArray { dtype, shape, fortran_order, data })?
        };
        self.pop()?;
        self.push(array)
    }
}

/// A wrapper has six.
const MAX_ATTRIBUTES: usize = 16;
const IMPOSSIBLE_SHAPE: &str = "an array of an impossible shape";
