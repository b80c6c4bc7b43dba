//! The format in which numpy saves one array: a header, which is a Python literal, and the data.

mod literal;

use literal::Literal;

use crate::array::size_of_data;
use crate::dtype::{DType, Element, Field};

/// What the header of an array says, and the data after it.
#[derive(Debug)]
pub(crate) struct Npy<'a> {
    pub(crate) dtype: DType,
    pub(crate) shape: Box<[usize]>,
    pub(crate) fortran_order: bool,
    pub(crate) data: &'a [u8],
}

impl<'a> Npy<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const MALFORMED: &str = "is not an array in numpy's format";
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or(MALFORMED)?;
        let (length, rest) = match rest {
            [1, 0, low, high, rest @ ..] => (u16::from_le_bytes([*low, *high]).into(), rest),
            [2 | 3, 0, a, b, c, d, rest @ ..] => {
                (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest)
            }
            _ => return Err(MALFORMED),
        };
        let (header, data) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        if length > LONGEST_HEADER {
            return Err("has a header that is too long");
        }
        let header = Literal::parse(header).ok_or(MALFORMED)?;
        let shape = match header.entry("shape").ok_or(MALFORMED)? {
            Literal::Sequence(shape) => shape.iter().map(Literal::length).collect(),
            _ => None,
        };
        let Some(Literal::Boolean(fortran_order)) = header.entry("fortran_order") else {
            return Err(MALFORMED);
        };
        let dtype = dtype(header.entry("descr").ok_or(MALFORMED)?)?;
        if dtype.element == Element::Object {
            return Err("is an array of objects, which would have to be unpickled");
        }
        let shape: Box<[usize]> = shape.ok_or(MALFORMED)?;
        if size_of_data(&shape, dtype.size) != Some(data.len()) {
            return Err("is an array whose shape does not fit its data");
        }
        Ok(Self { dtype, shape, fortran_order: *fortran_order, data })
    }
}

/// The type that a header describes: a code, or the names and codes of the fields.
fn dtype(descr: &Literal<'_>) -> Result<DType, &'static str> {
    const UNSUPPORTED: &str = "has a type that is not supported";
    let fields = match descr {
        Literal::Text(code) => return DType::from_code(code).ok_or(UNSUPPORTED),
        Literal::Sequence(fields) => fields,
        _ => return Err(UNSUPPORTED),
    };
    let mut offset = 0;
    let mut read = Vec::with_capacity(fields.len());
    for field in fields {
        let Literal::Sequence(field) = field else { return Err(UNSUPPORTED) };
        let [Literal::Text(name), Literal::Text(code)] = &**field else { return Err(UNSUPPORTED) };
        let dtype = DType::from_code(code).ok_or(UNSUPPORTED)?;
        let size = dtype.size;
        read.push(Field { name: (*name).into(), offset, dtype });
        offset += size;
    }
    DType::record(read, offset)
}

/// numpy refuses longer ones, too.
const LONGEST_HEADER: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn plain_and_structured_arrays_are_understood() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (1, 2), }  \n";
        let plain = file(header, &[0, 1, 0, 2]);
        let plain = Npy::parse(&plain).unwrap();
        assert_eq!((&*plain.shape, plain.fortran_order), (&[1, 2][..], true));
        assert!(plain.dtype.big_endian);
        let header = "{'descr': [('left', '<i8'), ('flag', '|u1'), ('', '|V7')], \
                      'fortran_order': False, 'shape': (1,)}";
        let nodes = file(header, &[0; 16]);
        let Element::Record(fields) = Npy::parse(&nodes).unwrap().dtype.element else { panic!() };
        assert_eq!((&*fields[1].name, fields[1].offset), ("flag", 8));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        for shape in ["(3,)", "(4611686018427387904, 8)", "(-1,)", "(1, ", "1"] {
            let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
            assert!(Npy::parse(&file(&header, &[0; 16])).is_err(), "{shape}");
        }
        let objects = file("{'descr': '|O', 'fortran_order': False, 'shape': ()}", b"cos\n");
        assert!(Npy::parse(&objects).unwrap_err().contains("unpickled"));
    }
}
