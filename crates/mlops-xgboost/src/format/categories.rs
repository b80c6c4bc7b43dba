//! The names of categories, which models of XGBoost from 3.1 on have if they were trained on a data frame.

use super::document::{Document, Number};
use crate::Error;

/// The categories of each feature in the order of their codes; none for a feature without names.
pub(super) fn read(model: &Document<'_>) -> Result<Vec<Vec<String>>, Error> {
    let Some(Document::Array(features)) = model.get("cats").and_then(|cats| cats.get("enc")) else {
        return Ok(Vec::new());
    };
    features.iter().map(names).collect()
}

fn names(feature: &Document<'_>) -> Result<Vec<String>, Error> {
    if feature.get("offsets").is_some() { texts(feature) } else { numbers(feature) }
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

/// Numbers, by the texts that Python has for them: `3`, `1.0`, `2.5`.
fn numbers(feature: &Document<'_>) -> Result<Vec<String>, Error> {
    let wrong = || Error::WrongType { key: "cats", expected: "numbers of categories" };
    match feature.require("values")? {
        Document::Integers(values, _) => Ok(values.iter().map(i64::to_string).collect()),
        Document::Floats(values) => Ok(values.iter().map(|value| format!("{value:?}")).collect()),
        Document::Array(values) => {
            let text = |value: &Document<'_>| match value {
                Document::Number(Number::Text(text)) => match text.parse::<i64>() {
                    Ok(value) => Ok(value.to_string()),
                    Err(_) => text.parse::<f64>().map(|v| format!("{v:?}")).map_err(|_| wrong()),
                },
                Document::Number(Number::Integer(value)) => Ok(value.to_string()),
                Document::Number(Number::Float32(value)) => Ok(format!("{value:?}")),
                Document::Number(Number::Float64(value)) => Ok(format!("{value:?}")),
                _ => Err(wrong()),
            };
            values.iter().map(text).collect()
        }
        _ => Err(wrong()),
    }
}
