/// The part of Python's literals that stands in headers.
#[derive(Debug)]
pub(super) enum Literal<'a> {
    Boolean(bool),
    Integer(i64),
    Text(&'a str),
    /// A list or tuple.
    Sequence(Vec<Self>),
    Dict(Vec<(&'a str, Self)>),
}

impl<'a> Literal<'a> {
    /// The literal that `source` consists of, apart from white space after it.
    pub(super) fn parse(source: &'a [u8]) -> Option<Self> {
        let mut parser = Parser { rest: str::from_utf8(source).ok()? };
        let literal = parser.literal(0)?;
        parser.rest.trim().is_empty().then_some(literal)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    pub(super) fn length(&self) -> Option<usize> {
        if let Self::Integer(n) = self { usize::try_from(*n).ok() } else { None }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn literal(&mut self, depth: usize) -> Option<Literal<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.rest = self.rest.trim_start();
        match self.rest.as_bytes().first()? {
            b'{' => self.dict(depth),
            b'(' => self.sequence(')', depth),
            b'[' => self.sequence(']', depth),
            b'\'' | b'"' => self.text().map(Literal::Text),
            b'T' => self.word("True").then_some(Literal::Boolean(true)),
            b'F' => self.word("False").then_some(Literal::Boolean(false)),
            _ => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-');
                let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                // Python 2 marks long integers.
                self.rest = rest.strip_prefix('L').unwrap_or(rest);
                digits.parse().ok().map(Literal::Integer)
            }
        }
    }

    fn sequence(&mut self, end: char, depth: usize) -> Option<Literal<'a>> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        while !self.ends(end) {
            items.push(self.literal(depth + 1)?);
            self.comma_before(end)?;
        }
        Some(Literal::Sequence(items))
    }

    fn dict(&mut self, depth: usize) -> Option<Literal<'a>> {
        self.rest = &self.rest[1..];
        let mut entries = Vec::new();
        while !self.ends('}') {
            self.rest = self.rest.trim_start();
            let key = self.text()?;
            self.rest = self.rest.trim_start().strip_prefix(':')?;
            entries.push((key, self.literal(depth + 1)?));
            self.comma_before('}')?;
        }
        Some(Literal::Dict(entries))
    }

    /// A text in quotes, without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        (!text.contains('\\')).then_some(text)
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Whether the sequence ends here; its end is taken then.
    fn ends(&mut self, end: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(end);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes a comma; it may be left out before the end of the sequence.
    fn comma_before(&mut self, end: char) -> Option<()> {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => self.rest = rest,
            None if self.rest.starts_with(end) => {}
            None => return None,
        }
        Some(())
    }
}

/// A list of fields in a dict takes three.
const MAX_DEPTH: usize = 8;
