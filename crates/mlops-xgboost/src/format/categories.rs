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
    Integers(Width),
}

/// XGBoost's numbers for types of integers; it takes no floats, and fails to write other widths of unsigned ones.
const INTEGERS: [(i64, Width); 5] =
    [(9, Width::I8), (10, Width::U8), (11, Width::I16), (13, Width::I32), (15, Width::I64)];

/// The categories of each feature, or none at all.
pub(super) fn read(model: &Document<'_>) -> Result<Vec<CategoryNames>, Error> {
    let Some(Document::Array(features)) = model.get("cats").and_then(|cats| cats.get("enc")) else {
        return Ok(Vec::new());
    };
    features.iter().map(CategoryNames::read).collect()
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
    fn read(feature: &Document<'_>) -> Result<Self, Error> {
        if feature.get("offsets").is_some() {
            return Ok(Self { names: texts(feature)?, kind: Kind::Text });
        }
        let kind = feature.require_integer("type")?;
        let expected = "integers, for XGBoost takes no other numbers as categories";
        let wrong = Error::WrongType { key: "cats", expected };
        let (_, width) = INTEGERS.iter().find(|(number, _)| *number == kind).ok_or(wrong)?;
        let values = feature.require_integers("values")?;
        let names = values.iter().map(i64::to_string).collect();
        Ok(Self { names, kind: Kind::Integers(*width) })
    }

    fn write(&self) -> Document<'static> {
        let Kind::Integers(width) = self.kind else { return self.write_texts() };
        let number =
            INTEGERS.iter().find(|(_, each)| *each == width).map_or(0, |(number, _)| *number);
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
            Kind::Integers(_) => {
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
/// XGBoost 3.2 counts characters instead of bytes for some data frames, and cuts its own texts in the wrong places if
/// they are not ASCII. Such a model is refused.
fn texts(feature: &Document<'_>) -> Result<Vec<String>, Error> {
    let wrong = || Error::WrongType { key: "cats", expected: "texts of categories" };
    let (offsets, values) =
        (feature.require_integers("offsets")?, feature.require_integers("values")?);
    let byte = |value: &i64| i8::try_from(*value).map(i8::cast_unsigned).map_err(|_| wrong());
    let bytes = values.iter().map(byte).collect::<Result<Vec<u8>, Error>>()?;
    // Ascending ends make texts that share nothing.
    if !offsets.is_sorted() {
        return Err(wrong());
    }
    let text = |ends: &[i64]| -> Option<String> {
        let range = usize::try_from(ends[0]).ok()?..usize::try_from(ends[1]).ok()?;
        str::from_utf8(bytes.get(range)?).ok().map(str::to_owned)
    };
    offsets.windows(2).map(|ends| text(ends).ok_or_else(wrong)).collect()
}
