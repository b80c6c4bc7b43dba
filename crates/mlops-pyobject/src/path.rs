use std::fmt;

/// The way from the root of a graph to an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path<'g>(Vec<Segment<'g>>);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment<'g> {
    Attribute(&'g str),
    Argument(usize),
    Item(usize),
    IntegerKey(i64),
    TextKey(&'g str),
}

impl<'g> Path<'g> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn then(&self, segment: Segment<'g>) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else { return f.write_str("root") };
        if !matches!(first, Segment::Attribute(_)) {
            f.write_str("root")?;
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Attribute(name) if position == 0 => f.write_str(&shown(name))?,
                Segment::Attribute(name) => write!(f, ".{}", shown(name))?,
                Segment::Argument(index) => write!(f, ".arguments[{index}]")?,
                Segment::Item(index) => write!(f, "[{index}]")?,
                Segment::IntegerKey(key) => write!(f, "[{key}]")?,
                Segment::TextKey(key) => write!(f, "['{}']", shown(key))?,
            }
        }
        Ok(())
    }
}

/// A text of the file as it may stand in an error: short and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let start = characters.by_ref().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if characters.next().is_some() { start + ".." } else { start }
}

const LONGEST_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_python() {
        let path = Path::default();
        assert_eq!(path.to_string(), "root");
        assert_eq!(path.then(Segment::Item(2)).to_string(), "root[2]");
        let path = path.then(Segment::Attribute("steps")).then(Segment::Item(1));
        let path = path.then(Segment::Attribute("_meta")).then(Segment::TextKey("name"));
        assert_eq!(path.to_string(), "steps[1]._meta['name']");
        let path = path.then(Segment::IntegerKey(11)).then(Segment::Argument(0));
        assert_eq!(path.to_string(), "steps[1]._meta['name'][11].arguments[0]");
    }

    #[test]
    fn texts_of_a_file_are_cut_and_escaped() {
        assert_eq!(shown("a\n\u{7}b"), "a\\n\\u{7}b");
        assert_eq!(shown(&"x".repeat(500)).len(), LONGEST_SHOWN + 2);
    }
}
