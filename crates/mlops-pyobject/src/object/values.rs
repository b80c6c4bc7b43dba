use super::{Kind, Object};
use crate::Error;
use crate::array::Array;
use crate::graph::{Id, Node};

/// A Python `slice` of positions; parts that are `None` are so here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a slice has three parts in Python")]
pub struct Slice<T> {
    /// Where it begins.
    pub start: Option<T>,
    /// Where it ends.
    pub stop: Option<T>,
    /// The step from one position to the next.
    pub step: Option<i64>,
}

impl<'g> Object<'g> {
    /// A boolean.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    pub fn boolean(&self) -> Result<bool, Error> {
        if let Node::Boolean(boolean) = self.node() {
            return Ok(*boolean);
        }
        self.scalar("a boolean", Array::booleans)
    }

    /// An integer of 64 bits.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    /// * [`Error::Invalid`] if it needs more bits
    pub fn integer(&self) -> Result<i64, Error> {
        match self.node() {
            Node::Integer(integer) => Ok(*integer),
            Node::BigInteger => Err(self.invalid("is beyond 64 bits")),
            _ => self.scalar("an integer", Array::integers),
        }
    }

    /// An integer that counts something.
    ///
    /// # Errors
    /// As [`integer`](Self::integer), and [`Error::Invalid`] if it is negative.
    pub fn count(&self) -> Result<usize, Error> {
        usize::try_from(self.integer()?).map_err(|_| self.invalid("is negative"))
    }

    /// A number; an integer counts as one if 64-bit floating point holds it exactly.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none, and no numpy scalar of one
    /// * [`Error::Invalid`] if it is an integer beyond 53 bits
    pub fn float(&self) -> Result<f64, Error> {
        match self.node() {
            Node::Float(float) => Ok(*float),
            Node::Integer(integer) => {
                exact(*integer).ok_or_else(|| self.invalid("is beyond 53 bits"))
            }
            Node::BigInteger => Err(self.invalid("is beyond 53 bits")),
            _ => self.scalar("a number", Array::floats),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is none
    pub fn text(&self) -> Result<&'g str, Error> {
        self.node().as_text().ok_or_else(|| self.unexpected("a text"))
    }

    /// The content of a bytes object or bytearray.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is neither
    pub fn bytes(&self) -> Result<&'g [u8], Error> {
        bytes(self.graph.nodes(), self.id).ok_or_else(|| self.unexpected("bytes"))
    }

    /// A slice of positions.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no slice or not one of integers
    pub fn slice(&self) -> Result<Slice<i64>, Error> {
        self.slice_of(Object::integer)
    }

    /// A slice between names.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is no slice or not one of texts
    pub fn slice_of_names(&self) -> Result<Slice<&'g str>, Error> {
        self.slice_of(Object::text)
    }

    /// Whether the object is a slice.
    pub fn is_slice(&self) -> bool {
        self.is_instance("builtins", "slice")
    }

    /// A numpy array or scalar.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the object is neither
    /// * [`Error::Invalid`] if its parts do not belong together
    pub fn array(&self) -> Result<Array<'g>, Error> {
        Array::new(self)
    }

    fn scalar<T>(
        &self,
        expected: &str,
        values: impl Fn(&Array<'g>) -> Result<Vec<T>, Error>,
    ) -> Result<T, Error> {
        if self.kind() != Kind::Array {
            return Err(self.unexpected(expected));
        }
        let array = self.array()?;
        if !array.shape().is_empty() {
            return Err(self.unexpected(expected));
        }
        values(&array)?.pop().ok_or_else(|| self.unexpected(expected))
    }

    fn slice_of<T>(&self, convert: impl Fn(&Self) -> Result<T, Error>) -> Result<Slice<T>, Error> {
        if !self.is_slice() {
            return Err(self.unexpected("a slice"));
        }
        let part = |index| {
            let part = self.argument(index)?;
            Ok(if part.is_none() { None } else { Some(part) })
        };
        let end = |index| part(index)?.as_ref().map(&convert).transpose();
        let step = part(2)?.as_ref().map(Self::integer).transpose()?;
        Ok(Slice { start: end(0)?, stop: end(1)?, step })
    }
}

/// `integer` in 64-bit floating point, if it is there exactly.
pub(crate) fn exact(integer: i64) -> Option<f64> {
    (integer.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then_some(integer as f64)
}

/// The content of a bytes object or bytearray.
pub(crate) fn bytes(nodes: &[Node], id: Id) -> Option<&[u8]> {
    match &nodes[id.position()] {
        Node::Bytes(bytes) => Some(bytes),
        Node::Instance(instance) => {
            let class = nodes[instance.class.position()].as_name();
            class.filter(|class| class.is("builtins", "bytearray"))?;
            let Node::Tuple(arguments) = &nodes[instance.arguments.position()] else {
                return None;
            };
            match arguments.first().map(|content| &nodes[content.position()]) {
                None => Some(&[]),
                Some(Node::Bytes(bytes)) => Some(bytes),
                Some(_) => None,
            }
        }
        _ => None,
    }
}
