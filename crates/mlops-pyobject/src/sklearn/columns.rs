use std::collections::HashMap;

use crate::object::Slice;
use crate::{Error, Kind, Object};

/// The columns of a table, to choose some of them.
#[derive(Debug)]
pub(super) struct Columns {
    count: usize,
    /// The positions of the names, if the table had any.
    names: HashMap<String, usize>,
}

impl Columns {
    pub(super) fn new(count: usize, names: Vec<String>) -> Self {
        let names = names.into_iter().enumerate().map(|(position, name)| (name, position));
        Self { count, names: names.filter(|(_, position)| *position < count).collect() }
    }

    /// The positions of the columns that `choice` stands for: a slice, a position or name, a
    /// sequence of them, or a boolean for each column.
    pub(super) fn chosen(&self, choice: &Object<'_>) -> Result<Vec<usize>, Error> {
        match choice.kind() {
            Kind::Text => Ok(vec![self.named(choice.text()?, choice)?]),
            Kind::Integer => Ok(vec![self.at(choice.integer()?, choice)?]),
            Kind::List | Kind::Tuple => self.listed(choice),
            Kind::Array => self.in_array(choice),
            _ if choice.is_slice() => self.sliced(choice),
            // Versions 1.5 to 1.8 wrap the list.
            _ if choice.is_instance("sklearn.compose", "_RemainderColsList") => {
                self.listed(&choice.attribute("data")?)
            }
            _ => Err(choice.unexpected("columns by slice, position, name or boolean")),
        }
    }

    fn listed(&self, choice: &Object<'_>) -> Result<Vec<usize>, Error> {
        let items = choice.items()?;
        if !items.is_empty() && items.iter().all(|item| item.kind() == Kind::Boolean) {
            let mask = items.iter().map(Object::boolean).collect::<Result<Vec<_>, _>>()?;
            return self.masked(&mask, choice);
        }
        let column = |item: &Object<'_>| match item.kind() {
            Kind::Text => self.named(item.text()?, item),
            _ => self.at(item.integer()?, item),
        };
        items.iter().map(column).collect()
    }

    fn in_array(&self, choice: &Object<'_>) -> Result<Vec<usize>, Error> {
        let array = choice.array()?;
        if array.is_boolean() {
            self.masked(&array.booleans()?, choice)
        } else if array.is_integer() {
            array.integers()?.into_iter().map(|position| self.at(position, choice)).collect()
        } else {
            array.texts()?.iter().map(|name| self.named(name, choice)).collect()
        }
    }

    fn masked(&self, mask: &[bool], choice: &Object<'_>) -> Result<Vec<usize>, Error> {
        if mask.len() != self.count {
            return Err(choice.invalid("has not one boolean per column"));
        }
        let positions = mask.iter().enumerate().filter(|(_, is_chosen)| **is_chosen);
        Ok(positions.map(|(position, _)| position).collect())
    }

    fn sliced(&self, choice: &Object<'_>) -> Result<Vec<usize>, Error> {
        let has_names = (0..2)
            .map(|end| choice.argument(end))
            .any(|end| end.is_ok_and(|end| end.kind() == Kind::Text));
        if !has_names {
            let slice = choice.slice()?;
            let positions = positions(slice, self.count);
            return positions.ok_or_else(|| choice.invalid("is a slice with step 0"));
        }
        // Between names, the last one counts in.
        let Slice { start, stop, step } = choice.slice_of_names()?;
        if step.is_some_and(|step| step != 1) {
            return Err(choice.invalid("is a slice of names with a step"));
        }
        let position = |name: Option<&str>| name.map(|name| self.named(name, choice)).transpose();
        let start = position(start)?.unwrap_or(0);
        let stop = position(stop)?.map_or(self.count, |last| last + 1);
        Ok((start..stop).collect())
    }

    fn named(&self, name: &str, choice: &Object<'_>) -> Result<usize, Error> {
        let position = self.names.get(name).copied();
        position.ok_or_else(|| choice.invalid("names a column that the table does not have"))
    }

    /// The column at `position`, counted from the end if it is negative.
    fn at(&self, position: i64, choice: &Object<'_>) -> Result<usize, Error> {
        let from_start = usize::try_from(position).ok().filter(|position| *position < self.count);
        let from_end = || {
            let back = usize::try_from(position.unsigned_abs()).ok()?;
            (position < 0).then(|| self.count.checked_sub(back))?
        };
        let position = from_start.or_else(from_end);
        position.ok_or_else(|| choice.invalid("is a position that the table does not have"))
    }
}

/// The positions of `slice` in a sequence of `count`, as Python's `range(count)[slice]` has them.
fn positions(slice: Slice<i64>, count: usize) -> Option<Vec<usize>> {
    let count = i64::try_from(count).ok()?;
    let step = slice.step.unwrap_or(1);
    if step == 0 {
        return None;
    }
    let (first, last) = if step > 0 { (0, count) } else { (-1, count - 1) };
    let within = |end: i64| {
        let end = if end < 0 { end.saturating_add(count) } else { end };
        end.clamp(first, last)
    };
    let (default_start, default_stop) = if step > 0 { (first, last) } else { (last, first) };
    let start = slice.start.map_or(default_start, within);
    let stop = slice.stop.map_or(default_stop, within);
    let is_before_stop =
        |position: &i64| if step > 0 { *position < stop } else { *position > stop };
    let next = |position: &i64| position.checked_add(step);
    let positions = std::iter::successors(Some(start), next).take_while(is_before_stop);
    positions.map(|position| usize::try_from(position).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_mean_what_they_mean_in_python() {
        let of_five = |start, stop, step| positions(Slice { start, stop, step }, 5);
        assert_eq!(of_five(None, None, None).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(of_five(Some(1), Some(-1), Some(2)).unwrap(), [1, 3]);
        assert_eq!(of_five(None, None, Some(-2)).unwrap(), [4, 2, 0]);
        assert_eq!(of_five(Some(-100), Some(100), None).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(of_five(Some(3), Some(i64::MIN), Some(-1)).unwrap(), [3, 2, 1, 0]);
        assert_eq!(of_five(Some(4), Some(2), None).unwrap(), [0; 0]);
        assert_eq!(of_five(Some(0), Some(5), Some(i64::MAX)).unwrap(), [0]);
        assert_eq!(of_five(None, None, Some(0)), None);
    }
}
