//! The columns of exported log tables.

/// Where the columns stand that are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    message: usize,
    time: Option<usize>,
}

/// What a record says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) message: String,
    pub(super) time: Option<String>,
}

impl Header {
    /// Reads the first line of a file; `None` if it names no column that holds log lines.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let names = fields(str::from_utf8(line).ok()?);
        // Some exports name the time zone behind the column.
        let position = |column| {
            let is_column = |name: &String| name.split(" [").next().map(str::trim) == Some(column);
            names.iter().position(is_column)
        };
        let message = position("LogMessage").or_else(|| position("LogEntry"))?;
        Some(Self { message, time: position("TimeGenerated") })
    }

    /// Reads a record; `None` if it ends before the message.
    pub(super) fn record(self, record: &str) -> Option<Record> {
        let mut fields = fields(record);
        let time = self.time.and_then(|time| fields.get(time).cloned());
        let message = fields.get_mut(self.message).map(std::mem::take)?;
        Some(Record { message, time })
    }
}

/// The fields of a record, without quotes.
fn fields(record: &str) -> Vec<String> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut characters = record.trim_end_matches(['\r', '\n']).chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let header = Header::read(b"\"TimeGenerated [UTC]\",PodName,LogMessage\r").unwrap();
        let record =
            header.record("2022-01-12T15:06:40Z,\"a,b\",\"{\"\"type\"\":\"\"x\"\"}\"\r").unwrap();
        assert_eq!(record.message, r#"{"type":"x"}"#);
        assert_eq!(record.time.as_deref(), Some("2022-01-12T15:06:40Z"));
        assert_eq!(header.record("2022-01-12T15:06:40Z,a"), None);
        let header = Header::read(b"LogEntry").unwrap();
        assert_eq!(header.record("a").unwrap(), Record { message: "a".to_owned(), time: None });
    }

    #[test]
    fn other_lines_are_no_header() {
        for line in ["", "hello, world", "{\"LogEntry\":1}", "My LogEntry,b"] {
            assert_eq!(Header::read(line.as_bytes()), None, "{line}");
        }
        assert_eq!(Header::read(&[0xFF, b',']), None);
    }
}
