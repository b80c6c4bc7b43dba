//! Filters and orders, evaluated on what a local store has.

use std::cmp::Ordering;

use crate::field::Field;
use crate::filter::Condition;
use crate::order_by::OrderBy;
use crate::{Compare, Error, ErrorKind, Filter};

/// Something that filters select.
pub(crate) trait Searched {
    /// The operation that an error names.
    const OPERATION: &'static str;
    /// The attributes that are texts.
    const TEXTS: &'static [&'static str];
    /// The attributes that are whole numbers.
    const INTEGERS: &'static [&'static str];
    /// Whether there are metrics and parameters.
    const HAS_METRICS: bool;

    /// The value of a field that may be searched, if it is there.
    fn value(&self, field: &Field) -> Result<Option<Value>, Error>;
}

#[derive(Debug)]
pub(crate) enum Value {
    Integer(i64),
    Number(f64),
    Text(String),
}

/// Those for which the filter holds.
pub(crate) fn select<T: Searched>(items: Vec<T>, filter: &Filter) -> Result<Vec<T>, Error> {
    for term in filter.terms() {
        let is_comparable = match (&term.field, &term.condition) {
            (Field::Attribute(name), Condition::Integer(..)) => {
                T::INTEGERS.contains(&name.as_str())
            }
            (Field::Attribute(name), _) => T::TEXTS.contains(&name.as_str()),
            (field, _) => is_searched::<T>(field),
        };
        if !is_comparable {
            return Err(refused::<T>(&term.field));
        }
    }
    let mut selected = Vec::new();
    for item in items {
        if matches(&item, filter)? {
            selected.push(item);
        }
    }
    Ok(selected)
}

/// Orders by each of the clauses, the first one above all; what they leave open stays as it is.
pub(crate) fn sort<T: Searched>(items: Vec<T>, order_by: &[&str]) -> Result<Vec<T>, Error> {
    let clauses = order_by.iter().map(|clause| OrderBy::parse(clause));
    let clauses = clauses.collect::<Result<Vec<_>, _>>()?;
    if let Some(clause) = clauses.iter().find(|clause| !is_searched::<T>(&clause.field)) {
        return Err(refused::<T>(&clause.field));
    }
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let values = clauses.iter().map(|clause| item.value(&clause.field));
        keyed.push((values.collect::<Result<Vec<_>, _>>()?, item));
    }
    keyed.sort_by(|(left, _), (right, _)| {
        clauses.iter().zip(left.iter().zip(right)).fold(Ordering::Equal, |order, (clause, pair)| {
            order.then_with(|| compare(pair.0.as_ref(), pair.1.as_ref(), clause.is_descending))
        })
    });
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

fn is_searched<T: Searched>(field: &Field) -> bool {
    match field {
        Field::Tag(_) => true,
        Field::Metric(_) | Field::Param(_) => T::HAS_METRICS,
        Field::Attribute(name) => {
            T::INTEGERS.contains(&name.as_str()) || T::TEXTS.contains(&name.as_str())
        }
    }
}

fn refused<T: Searched>(field: &Field) -> Error {
    let words = field.words().unwrap_or_default();
    Error::new(ErrorKind::Refused, T::OPERATION, format_args!("by `{words}`"))
}

fn matches(item: &impl Searched, filter: &Filter) -> Result<bool, Error> {
    for term in filter.terms() {
        match item.value(&term.field)? {
            Some(value) if holds(&term.condition, &value) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn holds(condition: &Condition, value: &Value) -> bool {
    match (condition, value) {
        (Condition::Number(compare, bound), Value::Number(value)) => stands(*compare, value, bound),
        (Condition::Integer(compare, bound), Value::Integer(value)) => {
            stands(*compare, value, bound)
        }
        (Condition::Text(Compare::Like, pattern), Value::Text(text)) => like(pattern, text),
        (Condition::Text(Compare::LikeAnyCase, pattern), Value::Text(text)) => {
            like(&pattern.to_lowercase(), &text.to_lowercase())
        }
        (Condition::Text(compare, other), Value::Text(text)) => stands(*compare, text, other),
        (Condition::OneOf(texts), Value::Text(text)) => texts.contains(text),
        // `select` has refused it.
        _ => false,
    }
}

fn stands<T: PartialOrd>(compare: Compare, left: &T, right: &T) -> bool {
    match compare {
        Compare::Equal => left == right,
        Compare::NotEqual => left != right,
        Compare::Less => left < right,
        Compare::AtMost => left <= right,
        Compare::Greater => left > right,
        Compare::AtLeast => left >= right,
        // Patterns are for texts, and `holds` looks at them itself.
        Compare::Like | Compare::LikeAnyCase => false,
    }
}

/// Whether `text` is what the pattern of SQL describes: `%` is any characters, `_` is one.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // The last `%`, and where what follows it has been tried.
    let mut last: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(from) {
            Some('%') => {
                last = Some((from, at));
                from += 1;
            }
            Some(&c) if c == '_' || c == text[at] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((percent, tried)) = last else { return false };
                last = Some((percent, tried + 1));
                (at, from) = (tried + 1, percent + 1);
            }
        }
    }
    pattern[from..].iter().all(|&c| c == '%')
}

/// In both directions, what is not there comes last, and what is not a number comes just before.
fn compare(left: Option<&Value>, right: Option<&Value>, is_descending: bool) -> Ordering {
    let absence = |value: Option<&Value>| match value {
        Some(Value::Number(number)) if number.is_nan() => 1,
        Some(_) => 0,
        None => 2,
    };
    let order = match (left, right) {
        (Some(Value::Integer(left)), Some(Value::Integer(right))) => left.cmp(right),
        (Some(Value::Number(left)), Some(Value::Number(right))) => left.total_cmp(right),
        (Some(Value::Text(left)), Some(Value::Text(right))) => left.cmp(right),
        _ => Ordering::Equal,
    };
    absence(left).cmp(&absence(right)).then(if is_descending { order.reverse() } else { order })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_those_of_sql() {
        for (pattern, text, expected) in [
            ("wine%", "wine quality", true),
            ("%quality", "wine quality", true),
            ("%e q%", "wine quality", true),
            ("w_ne", "wine", true),
            ("w_ne", "wne", false),
            ("wine", "wine quality", false),
            ("Wine%", "wine", false),
            ("%%", "", true),
            ("", "", true),
            ("", "a", false),
            ("_", "ü", true),
            ("a.c", "abc", false),
            ("%a\n%", "b\na\nb", true),
            ("%ab", "aab", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern:?} {text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_like_itself_with_anything_left_out(text in "[a%_]{0,12}", from in 0..12_usize, to in 0..12_usize) {
            prop_assert!(like(&text, &text));
            let (from, to) = (from.min(text.len()), to.min(text.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}%{}", &text[..from], &text[to..]);
            prop_assert!(like(&pattern, &text));
        }
    }

    #[test]
    fn what_is_missing_comes_last_in_both_directions() {
        let values = [None, Some(f64::NAN), Some(2.0), Some(1.0)];
        for (is_descending, expected) in
            [(false, ["1.0", "2.0", "NaN"]), (true, ["2.0", "1.0", "NaN"])]
        {
            let mut values = values.map(|value| value.map(Value::Number));
            values.sort_by(|a, b| compare(a.as_ref(), b.as_ref(), is_descending));
            let texts = values.iter().flatten().map(|value| match value {
                Value::Number(number) => format!("{number:?}"),
                _ => unreachable!("numbers"),
            });
            assert_eq!(texts.collect::<Vec<_>>(), expected);
            assert!(values[3].is_none());
        }
    }

    #[test]
    fn nothing_but_inequality_holds_of_what_is_not_a_number() {
        let holds = |compare| holds(&Condition::Number(compare, 1.0), &Value::Number(f64::NAN));
        assert!(holds(Compare::NotEqual));
        assert!(!holds(Compare::Equal) && !holds(Compare::Less) && !holds(Compare::AtLeast));
    }
}
