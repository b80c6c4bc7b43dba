use std::fmt;

use crate::graph::{Id, LONGEST_NAME, Name, Node};

/// The type of the elements of a numpy array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DType {
    pub(crate) element: Element,
    /// The size of an element in bytes.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
}

/// The kinds of elements that are told apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    Boolean,
    Signed,
    Unsigned,
    Float,
    /// Text of fixed length, four bytes a character, padded with zeros.
    Text,
    /// Bytes of fixed length, padded with zeros.
    Bytes,
    /// References to objects.
    Object,
    Record(Box<[Field]>),
    /// A kind that no reader needs, by its letter in numpy's codes.
    Other(char),
}

/// The names of fields, and where they lie, as a pickle has them.
type PickledFields<'n> = &'n [(Id, Id)];

/// A field of a structured array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// Where the field begins within an element.
    pub(crate) offset: usize,
    pub(crate) dtype: DType,
}

impl DType {
    /// The type that one of numpy's codes means, such as `<f8`, `|b1` or `U5`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let (order, code) = match code.as_bytes().first()? {
            b'<' | b'>' | b'|' | b'=' => code.split_at(1),
            _ => ("<", code),
        };
        let mut letters = code.chars();
        let kind = letters.next()?;
        let digits = letters.as_str();
        let size = match (digits, kind) {
            ("", '?' | 'O' | 'U' | 'S' | 'a') => 1,
            _ => digits.parse::<u32>().ok()? as usize,
        };
        let (element, size) = match (kind, size) {
            ('b' | '?', 1) => (Element::Boolean, 1),
            ('i', 1 | 2 | 4 | 8) => (Element::Signed, size),
            ('u', 1 | 2 | 4 | 8) => (Element::Unsigned, size),
            ('f', 4 | 8) => (Element::Float, size),
            ('U', _) => (Element::Text, size.checked_mul(CHARACTER)?),
            ('S' | 'a', _) => (Element::Bytes, size),
            ('O', _) => (Element::Object, 8),
            _ => (Element::Other(kind), size),
        };
        Some(Self { element, size, big_endian: order == ">" })
    }

    /// A structured type of `size` bytes; nested and overlong ones are refused.
    pub(crate) fn record(fields: Vec<Field>, size: usize) -> Result<Self, &'static str> {
        let fits = |field: &Field| {
            let end = field.offset.checked_add(field.dtype.size);
            end.is_some_and(|end| end <= size)
                && !matches!(field.dtype.element, Element::Record(_) | Element::Object)
        };
        if fields.len() > MAX_FIELDS || !fields.iter().all(fits) {
            return Err(UNSUPPORTED);
        }
        Ok(Self { element: Element::Record(fields.into()), size, big_endian: false })
    }

    /// The type that a pickled `numpy.dtype` means: its code, and the state that a file gives to
    /// the object afterwards.
    pub(crate) fn from_pickled(nodes: &[Node], id: Id) -> Result<Self, &'static str> {
        let (dtype, fields) = Self::without_fields(nodes, id)?;
        let Some(fields) = fields else { return Ok(dtype) };
        if fields.len() > MAX_FIELDS {
            return Err(UNSUPPORTED);
        }
        let field = |(name, place): &(Id, Id)| {
            let name = nodes[name.position()].as_text().ok_or(MALFORMED)?;
            if name.len() > LONGEST_NAME {
                return Err(UNSUPPORTED);
            }
            let Node::Tuple(place) = &nodes[place.position()] else { return Err(MALFORMED) };
            let [dtype, offset, ..] = &**place else { return Err(MALFORMED) };
            let Node::Integer(offset) = nodes[offset.position()] else { return Err(MALFORMED) };
            let offset = usize::try_from(offset).map_err(|_| MALFORMED)?;
            let (dtype, None) = Self::without_fields(nodes, *dtype)? else {
                return Err(UNSUPPORTED);
            };
            Ok(Field { name: name.into(), offset, dtype })
        };
        Self::record(fields.iter().map(field).collect::<Result<_, _>>()?, dtype.size)
    }

    /// A pickled type, and the fields of a structured one, still to be read.
    fn without_fields(
        nodes: &[Node],
        id: Id,
    ) -> Result<(Self, Option<PickledFields<'_>>), &'static str> {
        let Node::Instance(instance) = &nodes[id.position()] else { return Err(MALFORMED) };
        let name = nodes[instance.class.position()].as_name();
        let Node::Tuple(arguments) = &nodes[instance.arguments.position()] else {
            return Err(MALFORMED);
        };
        let code = arguments.first().and_then(|code| nodes[code.position()].as_text());
        let code = code.filter(|_| name.is_some_and(|name| name.is("numpy", "dtype")));
        let mut dtype = code.and_then(Self::from_code).ok_or(MALFORMED)?;
        let Some(state) = instance.state else { return Ok((dtype, None)) };
        let Node::Tuple(state) = &nodes[state.position()] else { return Err(MALFORMED) };
        let [_, order, subarray, _, fields, ..] = &**state else { return Err(MALFORMED) };
        if !matches!(nodes[subarray.position()], Node::None) {
            return Err("has a type with subarrays, which is not supported");
        }
        dtype.big_endian = nodes[order.position()].as_text() == Some(">");
        match &nodes[fields.position()] {
            Node::Dict(entries) => Ok((dtype, Some(entries))),
            _ => Ok((dtype, None)),
        }
    }

    /// The memory that the type takes beside itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.element {
            Element::Record(fields) => {
                fields.iter().map(|field| size_of::<Field>() + field.name.len()).sum()
            }
            _ => 0,
        }
    }
}

/// As in numpy's codes.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, size) = match &self.element {
            Element::Boolean => ('b', self.size),
            Element::Signed => ('i', self.size),
            Element::Unsigned => ('u', self.size),
            Element::Float => ('f', self.size),
            Element::Text => ('U', self.size / CHARACTER),
            Element::Bytes => ('S', self.size),
            Element::Object => ('O', self.size),
            Element::Record(_) => ('V', self.size),
            Element::Other(letter) => (*letter, self.size),
        };
        write!(f, "{letter}{size}")
    }
}

impl Node {
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_name(&self) -> Option<&Name> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }
}

/// The size of a character of fixed-length text.
const CHARACTER: usize = 4;
/// Structured types with more fields are refused: there are no such models, and every array of the
/// type costs the reading of all fields.
const MAX_FIELDS: usize = 256;
const MALFORMED: &str = "has a malformed numpy type";
const UNSUPPORTED: &str = "has a structured type that is not supported";
