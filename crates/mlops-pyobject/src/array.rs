use std::fmt;

use ndarray::Array2;

use crate::Error;
use crate::dtype::{DType, Element};
use crate::graph::{Id, Node};
use crate::object::{Object, bytes, exact};
use crate::path::{Segment, shown};

/// A numpy array or scalar: a shape, a type and bytes, converted when asked for.
///
/// Elements come in row-major order, whatever their order in the file.
#[derive(Clone)]
pub struct Array<'g> {
    object: Object<'g>,
    dtype: DType,
    shape: Box<[usize]>,
    fortran_order: bool,
    data: Data<'g>,
    // Invariant: every element and every field of one lies in the bytes.
    offset: usize,
    stride: usize,
}

#[derive(Clone, Copy)]
enum Data<'g> {
    Bytes(&'g [u8]),
    Objects(&'g [Id]),
}

impl<'g> Array<'g> {
    pub(crate) fn new(object: &Object<'g>) -> Result<Self, Error> {
        let nodes = object.graph().nodes();
        let parts = match object.node() {
            Node::Array(array) => Ok(Parts {
                dtype: array.dtype.clone(),
                shape: array.shape.clone(),
                fortran_order: array.fortran_order,
                data: array.data,
            }),
            _ => match Parts::of_call(object) {
                Some(parts) => parts,
                None => return Err(object.unexpected("an array")),
            },
        };
        let Parts { dtype, shape, fortran_order, data } =
            parts.map_err(|problem| object.invalid(problem))?;
        object.graph().charge_copy(dtype.heap_bytes() + size_of_val(&*shape))?;
        let data = match (&dtype.element, &nodes[data.position()]) {
            (Element::Object, Node::List(objects))
                if size_of_data(&shape, 1) == Some(objects.len()) =>
            {
                Data::Objects(objects)
            }
            // Python 2 has one type for texts and bytes.
            (_, Node::Text(text)) if has_size(text.as_bytes(), &shape, &dtype) => {
                Data::Bytes(text.as_bytes())
            }
            _ => {
                let bytes = bytes(nodes, data)
                    .ok_or_else(|| object.invalid("is an array whose data is not bytes"))?;
                if !has_size(bytes, &shape, &dtype) {
                    return Err(object.invalid("is an array whose shape does not fit its data"));
                }
                Data::Bytes(bytes)
            }
        };
        let stride = dtype.size;
        let object = object.clone();
        Ok(Self { object, dtype, shape, fortran_order, data, offset: 0, stride })
    }

    /// The number of elements along each dimension; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The way to the array as Python would write it.
    pub fn path(&self) -> String {
        self.object.path()
    }

    /// numpy's code of the type, without the byte order, such as `f8`.
    pub fn dtype(&self) -> String {
        self.dtype.to_string()
    }

    /// Whether the elements are booleans.
    pub fn is_boolean(&self) -> bool {
        self.dtype.element == Element::Boolean
    }

    /// Whether the elements are integers.
    pub fn is_integer(&self) -> bool {
        matches!(self.dtype.element, Element::Signed | Element::Unsigned)
    }

    /// Whether a structured array has a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        matches!(&self.dtype.element, Element::Record(fields)
            if fields.iter().any(|field| &*field.name == name))
    }

    /// One field of a structured array, as an array of the same shape.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if the array is not structured
    /// * [`Error::MissingKey`] if it has no such field
    pub fn field(&self, name: &str) -> Result<Self, Error> {
        let Element::Record(fields) = &self.dtype.element else {
            return Err(self.unexpected("a structured array"));
        };
        let field = fields.iter().rev().find(|field| &*field.name == name);
        let field =
            field.ok_or_else(|| Error::MissingKey { path: self.path(), key: name.to_owned() })?;
        let (object, shape) = (self.object.clone(), self.shape.clone());
        let offset = self.offset + field.offset;
        let Self { fortran_order, data, stride, .. } = *self;
        Ok(Self { object, dtype: field.dtype.clone(), shape, fortran_order, data, offset, stride })
    }

    /// The elements as numbers, which booleans are not; integers must be exact in 64-bit floating
    /// point.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if they are no numbers
    /// * [`Error::Invalid`] if one is an integer beyond 53 bits
    /// * [`Error::LimitExceeded`] if too much was copied
    pub fn floats(&self) -> Result<Vec<f64>, Error> {
        self.charge::<f64>()?;
        match (&self.dtype.element, self.dtype.size) {
            (Element::Float, 8) => Ok(self.elements(f64::from_le_bytes)),
            (Element::Float, 4) => Ok(self.elements(|element| f32::from_le_bytes(element).into())),
            (Element::Signed | Element::Unsigned, _) => {
                let integers = self.integers()?.into_iter().map(exact);
                integers.collect::<Option<_>>().ok_or_else(|| self.object.invalid(BEYOND_53_BITS))
            }
            _ => self.convert("an array of numbers", Object::float),
        }
    }

    /// The elements of a table, rows x columns, as numbers; see [`floats`](Self::floats).
    ///
    /// # Errors
    /// As [`floats`](Self::floats), and [`Error::Unexpected`] if the array has not two dimensions.
    pub fn matrix(&self) -> Result<Array2<f64>, Error> {
        let [n_rows, n_columns] = self.shape[..] else {
            return Err(self.unexpected("an array with two dimensions"));
        };
        Array2::from_shape_vec((n_rows, n_columns), self.floats()?)
            .map_err(|_| self.object.invalid("is an array whose shape does not fit its data"))
    }

    /// The elements as integers.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if they are none
    /// * [`Error::Invalid`] if one is beyond 64 bits with a sign
    /// * [`Error::LimitExceeded`] if too much was copied
    pub fn integers(&self) -> Result<Vec<i64>, Error> {
        self.charge::<i64>()?;
        match (&self.dtype.element, self.dtype.size) {
            (Element::Signed, 1) => Ok(self.elements(|element| i8::from_le_bytes(element).into())),
            (Element::Signed, 2) => Ok(self.elements(|element| i16::from_le_bytes(element).into())),
            (Element::Signed, 4) => Ok(self.elements(|element| i32::from_le_bytes(element).into())),
            (Element::Signed, 8) => Ok(self.elements(i64::from_le_bytes)),
            (Element::Unsigned, 1) => Ok(self.elements(|[byte]| byte.into())),
            (Element::Unsigned, 2) => {
                Ok(self.elements(|element| u16::from_le_bytes(element).into()))
            }
            (Element::Unsigned, 4) => {
                Ok(self.elements(|element| u32::from_le_bytes(element).into()))
            }
            (Element::Unsigned, 8) => {
                let integers = self.elements(|element| i64::try_from(u64::from_le_bytes(element)));
                let integers = integers.into_iter().collect::<Result<_, _>>();
                integers.map_err(|_| self.object.invalid("is beyond 64 bits with a sign"))
            }
            _ => self.convert("an array of integers", Object::integer),
        }
    }

    /// The elements as booleans.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if they are none
    /// * [`Error::LimitExceeded`] if too much was copied
    pub fn booleans(&self) -> Result<Vec<bool>, Error> {
        self.charge::<bool>()?;
        match &self.dtype.element {
            Element::Boolean => Ok(self.elements(|[byte]| byte != 0)),
            _ => self.convert("an array of booleans", Object::boolean),
        }
    }

    /// The elements as texts: of fixed length, or texts in an array of objects.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if they are none
    /// * [`Error::Invalid`] if one holds what is no character
    /// * [`Error::LimitExceeded`] if too much was copied
    pub fn texts(&self) -> Result<Vec<String>, Error> {
        self.charge::<String>()?;
        let (Element::Text, Data::Bytes(bytes)) = (&self.dtype.element, self.data) else {
            return self.convert("an array of texts", |object| {
                let text = object.text()?;
                object.graph().charge_copy(text.len())?;
                Ok(text.to_owned())
            });
        };
        self.object.graph().charge_copy(bytes.len())?;
        let text = |start: usize| {
            let (characters, _) = bytes[start..start + self.dtype.size].as_chunks::<4>();
            let code = |bytes: &[u8; 4]| {
                let from_bytes =
                    if self.dtype.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
                from_bytes(*bytes)
            };
            let padding = characters.iter().rev().take_while(|bytes| code(bytes) == 0).count();
            let characters = &characters[..characters.len() - padding];
            characters.iter().map(|bytes| char::from_u32(code(bytes))).collect::<Option<_>>()
        };
        let texts = self.starts().map(text).collect::<Option<_>>();
        texts.ok_or_else(|| self.object.invalid("holds what is no character"))
    }

    /// The elements of an array of objects.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] if it is none
    /// * [`Error::LimitExceeded`] if the way to them is too long, or too much was copied
    pub fn objects(&self) -> Result<Vec<Object<'g>>, Error> {
        let Data::Objects(objects) = self.data else {
            return Err(self.unexpected("an array of objects"));
        };
        self.object.charge_objects(objects.len())?;
        let order = (0..self.len()).map(|index| (index, self.position(index)));
        order
            .map(|(index, position)| self.object.child(objects[position], Segment::Item(index)))
            .collect()
    }

    /// Counts the elements as values of type `T`, which are about to be copied.
    fn charge<T>(&self) -> Result<(), Error> {
        // Finding an element takes a step per dimension.
        let size = size_of::<T>().max(self.shape.len());
        self.object.graph().charge_copy(self.len().saturating_mul(size))
    }

    /// Elements that are objects, one by one.
    fn convert<T>(
        &self,
        expected: &str,
        value: impl Fn(&Object<'g>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self.data {
            Data::Objects(_) => self.objects()?.iter().map(value).collect(),
            Data::Bytes(_) => Err(self.unexpected(expected)),
        }
    }

    /// Elements of `N` bytes, turned to little-endian.
    fn elements<const N: usize, T>(&self, decode: impl Fn([u8; N]) -> T) -> Vec<T> {
        let Data::Bytes(bytes) = self.data else { return Vec::new() };
        let element = |start: usize| {
            let mut element = [0; N];
            element.copy_from_slice(&bytes[start..start + N]);
            if self.dtype.big_endian {
                element.reverse();
            }
            decode(element)
        };
        self.starts().map(element).collect()
    }

    /// Where the elements begin in the bytes, in row-major order.
    fn starts(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|index| self.position(index) * self.stride + self.offset)
    }

    /// The position in the file's order of the element that is at `index` in row-major order.
    fn position(&self, mut index: usize) -> usize {
        if !self.fortran_order || self.shape.len() < 2 {
            return index;
        }
        let mut step = self.len();
        let mut position = 0;
        for n in self.shape.iter().rev() {
            step /= n;
            position += index % n * step;
            index /= n;
        }
        position
    }

    fn unexpected(&self, expected: &str) -> Error {
        let got = format!("an array of type `{}`", shown(&self.dtype()));
        Error::Unexpected { path: self.path(), expected: expected.to_owned(), got }
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array")
            .field("path", &self.path())
            .field("dtype", &self.dtype())
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// What an array consists of.
struct Parts {
    dtype: DType,
    shape: Box<[usize]>,
    fortran_order: bool,
    data: Id,
}

impl Parts {
    /// The parts of an array that a pickle writes as a call of one of numpy's functions.
    fn of_call(object: &Object<'_>) -> Option<Result<Self, &'static str>> {
        const MALFORMED: &str = "is a malformed array";
        let nodes = object.graph().nodes();
        let class = object.class()?;
        let arguments = object.arguments()?;
        let parts = |dtype: &Id, shape: Option<&Id>, fortran_order: bool, data: &Id| {
            let shape = shape.map_or_else(|| Some(Box::default()), |shape| lengths(nodes, *shape));
            let shape = shape.ok_or(MALFORMED)?;
            let dtype = DType::from_pickled(nodes, *dtype)?;
            Ok(Self { dtype, shape, fortran_order, data: *data })
        };
        if class.is("numpy", "_reconstruct") {
            Some(match object.state_tuple() {
                Some([_, shape, dtype, order, data]) => {
                    let fortran_order = matches!(nodes[order.position()], Node::Boolean(true));
                    parts(dtype, Some(shape), fortran_order, data)
                }
                _ => Err(MALFORMED),
            })
        } else if class.is("numpy", "_frombuffer") {
            Some(match arguments {
                [data, dtype, shape, order] => {
                    let fortran_order = nodes[order.position()].as_text() == Some("F");
                    parts(dtype, Some(shape), fortran_order, data)
                }
                _ => Err(MALFORMED),
            })
        } else if class.is("numpy", "scalar") {
            Some(match arguments {
                [dtype, data] => parts(dtype, None, false, data),
                _ => Err(MALFORMED),
            })
        } else {
            None
        }
    }
}

/// The size of the data of an array whose items take `size`, if it can be one: of at most as many
/// dimensions as numpy has.
pub(crate) fn size_of_data(shape: &[usize], size: usize) -> Option<usize> {
    let n_items = shape.iter().try_fold(1_usize, |count, n| count.checked_mul(*n));
    n_items.filter(|_| shape.len() <= MAX_DIMENSIONS)?.checked_mul(size)
}

/// Whether bytes are the data of an array.
fn has_size(bytes: &[u8], shape: &[usize], dtype: &DType) -> bool {
    // Items of no size could be any number.
    let is_bounded = dtype.size > 0 || size_of_data(shape, 1) == Some(0);
    size_of_data(shape, dtype.size) == Some(bytes.len()) && is_bounded
}

/// The shape of an array: a tuple of lengths, or one length.
pub(crate) fn lengths(nodes: &[Node], shape: Id) -> Option<Box<[usize]>> {
    let length = |id: &Id| match nodes[id.position()] {
        Node::Integer(n) => usize::try_from(n).ok(),
        _ => None,
    };
    match &nodes[shape.position()] {
        Node::Tuple(shape) if shape.len() <= MAX_DIMENSIONS => shape.iter().map(length).collect(),
        _ => length(&shape).map(|n| [n].into()),
    }
}

/// numpy's own limit.
const MAX_DIMENSIONS: usize = 64;
const BEYOND_53_BITS: &str = "is an array with an integer beyond 53 bits";
