use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use super::MAX_DEPTH;
use super::document::{Document, Number};
use crate::error::Error;

/// Reads JSON as XGBoost writes it: with the bare words `NaN` and `Infinity`, and without duplicate keys.
pub(super) fn read(bytes: &[u8]) -> Result<Document<'_>, Error> {
    let text = str::from_utf8(bytes)
        .map_err(|error| Error::Syntax { offset: error.valid_up_to(), problem: "not UTF-8" })?;
    let mut reader = Reader { text, offset: 0 };
    let document = reader.value(0)?;
    reader.skip_space();
    if reader.offset == text.len() {
        Ok(document)
    } else {
        Err(reader.error("more than one value"))
    }
}

/// Writes JSON that XGBoost reads.
pub(super) fn write(document: &Document<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(document, &mut out);
    out
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Document<'a>, Error> {
        if depth == MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Document::Text),
            b't' => self.word("true", Document::Boolean(true)),
            b'f' => self.word("false", Document::Boolean(false)),
            b'n' => self.word("null", Document::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Document<'a>, Error> {
        let mut entries = BTreeMap::new();
        self.offset += 1;
        if self.peek()? == b'}' {
            self.offset += 1;
            return Ok(Document::Object(entries));
        }
        loop {
            if self.peek()? != b'"' {
                return Err(self.error("expected a key"));
            }
            let key = self.string()?;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            if entries.insert(key, value).is_some() {
                return Err(self.error("a key stands twice"));
            }
            if self.ends_with(b'}')? {
                return Ok(Document::Object(entries));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Document<'a>, Error> {
        let mut values = Vec::new();
        self.offset += 1;
        if self.peek()? == b']' {
            self.offset += 1;
            return Ok(Document::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.ends_with(b']')? {
                return Ok(Document::Array(values));
            }
        }
    }

    /// Reads the comma or the closing bracket behind an element.
    fn ends_with(&mut self, close: u8) -> Result<bool, Error> {
        let next = self.peek()?;
        if next != close && next != b',' {
            return Err(self.error("expected a comma or a closing bracket"));
        }
        self.offset += 1;
        Ok(next == close)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.offset;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let mut escaped = false;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
                None => return Err(self.error("a text without end")),
            }
        }
        self.offset = end + 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..end]));
        }
        match serde_json::from_str(&self.text[start..=end]) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => Err(Error::Syntax { offset: start, problem: "a malformed escape in a text" }),
        }
    }

    fn number(&mut self) -> Result<Document<'a>, Error> {
        let rest = &self.text[self.offset..];
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
            .count();
        let text = &rest[..length];
        // Rust's parser takes the same numbers and bare words, whatever their case, and rounds correctly.
        if text.parse::<f64>().is_err() {
            return Err(self.error("expected a value"));
        }
        self.offset += length;
        Ok(Document::Number(Number::Text(text)))
    }

    fn word(&mut self, word: &str, document: Document<'a>) -> Result<Document<'a>, Error> {
        if !self.text[self.offset..].starts_with(word) {
            return Err(self.error("expected a value"));
        }
        self.offset += word.len();
        Ok(document)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek()? != byte {
            return Err(self.error("expected a colon"));
        }
        self.offset += 1;
        Ok(())
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Result<u8, Error> {
        self.skip_space();
        match self.text.as_bytes().get(self.offset) {
            Some(&byte) => Ok(byte),
            None => Err(self.error("the text ends early")),
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.offset..];
        self.offset += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn error(&self, problem: &'static str) -> Error {
        Error::Syntax { offset: self.offset, problem }
    }
}

fn write_value(document: &Document<'_>, out: &mut Vec<u8>) {
    match document {
        Document::Null => out.extend(b"null"),
        Document::Boolean(value) => out.extend(value.to_string().bytes()),
        Document::Number(number) => write_number(*number, out),
        Document::Text(text) => write_text(text, out),
        Document::Array(values) => write_list(values, out, write_value),
        Document::Floats(values) => {
            write_list(values, out, |value, out| write_number(Number::Float32(*value), out));
        }
        Document::Integers(values, _) => {
            write_list(values, out, |value, out| write_number(Number::Integer(*value), out));
        }
        Document::Object(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_list<T>(values: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

fn write_number(number: Number<'_>, out: &mut Vec<u8>) {
    // Shortest text that reads back as the same number. Writing to memory cannot fail.
    let _ = match number {
        Number::Text(text) => write!(out, "{text}"),
        Number::Integer(value) => write!(out, "{value}"),
        Number::Float32(value) if value.is_finite() => write!(out, "{value:E}"),
        Number::Float64(value) if value.is_finite() => write!(out, "{value:E}"),
        Number::Float32(value) => write!(out, "{}", bare_word(f64::from(value))),
        Number::Float64(value) => write!(out, "{}", bare_word(value)),
    };
}

fn bare_word(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // A text can always be written, and writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_kinds_are_read_and_written() {
        let text = r#"{"a":[1,-2.5E-1,NaN,-Infinity],"b":{"c":"x\"y","d":true,"e":null},"f":[]}"#;
        let document = read(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(write(&document)).unwrap(), text);
    }

    #[test]
    fn space_between_values_does_not_matter() {
        assert_eq!(read(b" { \"a\" :\n[ 1 , 2 ]\t} \r").unwrap(), read(b"{\"a\":[1,2]}").unwrap());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{1:2}",
            "[1]x",
            "\"a",
            "\"\\q\"",
            "\"\\",
            "tru",
            "-",
            "1e",
            "[1 2]",
            "{\"a\":1,\"a\":2}",
            &deep,
        ] {
            assert!(matches!(read(text.as_bytes()), Err(Error::Syntax { .. })), "{text:.20}");
        }
        assert_eq!(
            read(b"[\"\xff\"]").unwrap_err(),
            Error::Syntax { offset: 2, problem: "not UTF-8" }
        );
    }

    proptest::proptest! {
        #[test]
        fn floats_survive_the_text(values: Vec<f32>) {
            let bytes = write(&Document::object([("v", Document::Floats(values.clone()))]));
            let document = read(&bytes).unwrap();
            let read: Vec<u32> = document.require_floats("v").unwrap().iter().map(|v| v.to_bits()).collect();
            let is_same = read.iter().zip(&values).all(|(a, b)| *a == b.to_bits() || b.is_nan());
            proptest::prop_assert!(is_same && read.len() == values.len());
        }
    }
}
