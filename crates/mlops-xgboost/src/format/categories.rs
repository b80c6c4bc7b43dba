//! The names of categories, which models of XGBoost from 3.1 on have if they were trained on a data frame.

use super::document::{Document, Number, Width};
use crate::Error;

/// The categories of a feature in the order of their codes; none for a feature without names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CategoryNames {
    /// Integers by their digits.
    pub(crate) names: Vec<String>,
    kind: Kind,
}

/// The type that the column of the data frame had.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Text,
    /// XGBoost's number for the type, and its width.
    Integers(i64, Width),
}

/// XGBoost's numbers for types of integers; it takes no floats, and fails to write other widths of unsigned ones.
const INTEGERS: [(i64, Width); 5] =
    [(9, Width::I8), (10, Width::U8), (11, Width::I16), (13, Width::I32), (15, Width::I64)];

/// From this version on, XGBoost counts the bytes of texts and not their characters.
const COUNTS_BYTES: (u64, u64) = (3, 4);

/// The categories of each feature, or none at all, in a model of that version.
pub(super) fn read(model: &Document<'_>, version: (u64, u64)) -> Result<Vec<CategoryNames>, Error> {
    let Some(Document::Array(features)) = model.get("cats").and_then(|cats| cats.get("enc")) else {
        return Ok(Vec::new());
    };
    features.iter().map(|feature| CategoryNames::read(feature, version)).collect()
}

/// What [`read`] reads.
pub(super) fn write(features: &[CategoryNames]) -> Document<'static> {
    let integers = |values: Vec<usize>| {
        let values = values.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        Document::Integers(values.collect(), Width::I32)
    };
    let ends = features.iter().scan(0, |end, feature| {
        *end += feature.names.len();
        Some(*end)
    });
    Document::object([
        ("enc", Document::Array(features.iter().map(CategoryNames::write).collect())),
        ("feature_segments", integers([0].into_iter().chain(ends).collect())),
        ("sorted_idx", integers(features.iter().flat_map(CategoryNames::sorted).collect())),
    ])
}

impl CategoryNames {
    fn read(feature: &Document<'_>, version: (u64, u64)) -> Result<Self, Error> {
        if feature.get("offsets").is_some() {
            return Ok(Self { names: texts(feature, version)?, kind: Kind::Text });
        }
        let kind = feature.require_integer("type")?;
        let expected = "integers, for XGBoost takes no other numbers as categories";
        let wrong = Error::WrongType { key: "cats", expected };
        let known = INTEGERS.into_iter().find(|(number, _)| *number == kind);
        let (number, width) = known.ok_or_else(|| wrong.clone())?;
        let values = feature.require_integers("values")?;
        if !values.iter().all(|value| width.fits(*value)) {
            return Err(wrong);
        }
        let names = values.iter().map(i64::to_string).collect();
        Ok(Self { names, kind: Kind::Integers(number, width) })
    }

    fn write(&self) -> Document<'static> {
        let Kind::Integers(number, width) = self.kind else { return self.write_texts() };
        let values = self.integers().collect();
        Document::object([
            ("type", Document::Number(Number::Integer(number))),
            ("values", Document::Integers(values, width)),
        ])
    }

    fn write_texts(&self) -> Document<'static> {
        let bytes = self.names.iter().flat_map(|name| name.bytes().map(u8::cast_signed));
        let ends = self.names.iter().scan(0, |end, name| {
            *end += i64::try_from(name.len()).unwrap_or(i64::MAX);
            Some(*end)
        });
        // XGBoost writes no beginning where there is no name.
        let offsets = [0].into_iter().chain(ends).filter(|_| !self.names.is_empty());
        Document::object([
            ("offsets", Document::Integers(offsets.collect(), Width::I32)),
            ("values", Document::Integers(bytes.map(i64::from).collect(), Width::I8)),
        ])
    }

    /// The codes in the order of their categories; XGBoost compares bytes of texts with their signs.
    fn sorted(&self) -> Vec<usize> {
        let mut codes: Vec<usize> = (0..self.names.len()).collect();
        match self.kind {
            Kind::Text => codes.sort_by_cached_key(|code| -> Vec<i8> {
                self.names[*code].bytes().map(u8::cast_signed).collect()
            }),
            Kind::Integers(..) => {
                let values: Vec<i64> = self.integers().collect();
                codes.sort_by_key(|code| values[*code]);
            }
        }
        codes
    }

    fn integers(&self) -> impl Iterator<Item = i64> {
        // They were integers when they were read.
        self.names.iter().map(|name| name.parse().unwrap_or_default())
    }
}

/// Texts, one behind the other in UTF-8, and where each begins and ends.
///
/// XGBoost 3.1 and 3.2 count characters instead of bytes, so that texts which are not ASCII are cut in the wrong places
/// and end too soon. What they were cannot be told, and the model is refused.
fn texts(feature: &Document<'_>, version: (u64, u64)) -> Result<Vec<String>, Error> {
    let expected = "texts of categories, which are ASCII in models before XGBoost 3.4";
    let wrong = || Error::WrongType { key: "cats", expected };
    let (offsets, values) =
        (feature.require_integers("offsets")?, feature.require_integers("values")?);
    let byte = |value: &i64| i8::try_from(*value).map(i8::cast_unsigned).map_err(|_| wrong());
    let bytes = values.iter().map(byte).collect::<Result<Vec<u8>, Error>>()?;
    // Ascending ends make texts that share nothing.
    let is_readable = bytes.is_ascii() || version >= COUNTS_BYTES;
    if !offsets.is_sorted() || !is_readable {
        return Err(wrong());
    }
    let text = |ends: &[i64]| -> Option<String> {
        let range = usize::try_from(ends[0]).ok()?..usize::try_from(ends[1]).ok()?;
        str::from_utf8(bytes.get(range)?).ok().map(str::to_owned)
    };
    offsets.windows(2).map(|ends| text(ends).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(offsets: &[i64], values: &[i64]) -> Document<'static> {
        Document::object([
            ("offsets", Document::Integers(offsets.to_vec(), Width::I32)),
            ("values", Document::Integers(values.to_vec(), Width::I8)),
        ])
    }

    fn names(offsets: &[i64], values: &[i64], version: (u64, u64)) -> Option<Vec<String>> {
        CategoryNames::read(&feature(offsets, values), version).ok().map(|read| read.names)
    }

    #[test]
    fn texts_are_ascii_until_bytes_are_counted() {
        let ascii = [b'r', b'e', b'd', b'x'].map(i64::from);
        let read = Some(vec!["red".to_owned(), "x".to_owned()]);
        assert_eq!(names(&[0, 3, 4], &ascii, (3, 1)), read);
        let uber: Vec<i64> = "überx".bytes().map(|byte| byte.cast_signed().into()).collect();
        let read = Some(vec!["über".to_owned(), "x".to_owned()]);
        assert_eq!(names(&[0, 5, 6], &uber, (3, 4)), read);
        // What XGBoost 3.2 writes of the same: characters are counted.
        assert_eq!(names(&[0, 4, 5], &uber[..5], (3, 2)), None);
    }

    #[test]
    fn texts_that_are_not_there_are_refused() {
        let text = [114, 101, 100];
        assert_eq!(names(&[], &[], (3, 4)), Some(Vec::new()));
        for offsets in [&[0, 4][..], &[-1, 2], &[2, 1], &[0, i64::MAX]] {
            assert_eq!(names(offsets, &text, (3, 4)), None, "{offsets:?}");
        }
        assert_eq!(names(&[0, 3], &[114, 300, 100], (3, 4)), None);
        // Half of a character.
        assert_eq!(names(&[0, 1], &[-61], (3, 4)), None);
    }

    #[test]
    fn integers_fit_their_type() {
        let read = |kind: i64, values: &[i64]| {
            let feature = Document::object([
                ("type", Document::Number(Number::Integer(kind))),
                ("values", Document::Integers(values.to_vec(), Width::I64)),
            ]);
            CategoryNames::read(&feature, (3, 4))
        };
        for (kind, least, most) in
            [(9, -128, 127), (10, 0, 255), (11, -32_768, 32_767), (15, i64::MIN, i64::MAX)]
        {
            assert_eq!(read(kind, &[least, most]).unwrap().names.len(), 2);
            for value in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
                read(kind, &[value]).unwrap_err();
            }
        }
    }

    #[test]
    fn codes_are_sorted_as_xgboost_sorts_them() {
        let text = |names: &[&str]| CategoryNames {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            kind: Kind::Text,
        };
        assert_eq!(text(&["b", "a", "ab"]).sorted(), [1, 2, 0]);
        // The first byte of what is not ASCII is negative.
        assert_eq!(text(&["a", "ü"]).sorted(), [1, 0]);
        let kind = Kind::Integers(15, Width::I64);
        let numbers = CategoryNames { kind, ..text(&["7", "-2", "10"]) };
        assert_eq!(numbers.sorted(), [1, 0, 2]);
    }
}
