//! Text that is cut into rows.

use std::io::{self, Read};
use std::ops::Range;

use csv::StringRecord;

/// A row has at most so many bytes.
const MAX_ROW_BYTES: usize = 16 << 20;
/// A batch of fewer rows than wanted ends at so many bytes.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// What some programs write before a text. Readers of CSV pass over it themselves.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// So many bytes are read at once.
const CHUNK: usize = 1 << 16;

/// A text that is cut into batches of whole rows.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    rules: LineRules,
    // What was read beyond the last batch.
    rest: Vec<u8>,
    // Where it begins, counted from 1.
    line: u64,
    is_at_end: bool,
}

/// Where a row of a text ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LineRules {
    /// At a line end outside of quotes; lines without any character are passed over.
    Csv,
    /// At a line feed; lines of white space are passed over, and a byte order mark.
    Json,
}

/// Why there are no more rows.
#[derive(Debug)]
pub(crate) enum LinesError {
    /// The input cannot be read.
    Read(io::Error),
    /// A quote is opened, in the row that begins at `line`, that is not closed before the end.
    OpenQuote { line: u64 },
    /// The row that begins at `line` has more than `limit` bytes.
    RowLength { line: u64, limit: usize },
}

/// Rows of a text, as they are.
#[derive(Debug)]
pub(crate) struct LineBatch {
    /// What the caller put before the rows, the rows, and what ends each.
    pub(crate) text: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    range: Range<usize>,
    line: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, rules: LineRules) -> Self {
        Self { input, rules, rest: Vec::new(), line: 1, is_at_end: false }
    }

    /// The next rows, at most `max_rows`, behind `head`; `None` at the end.
    pub(crate) fn next(
        &mut self,
        head: &[u8],
        max_rows: usize,
    ) -> Result<Option<LineBatch>, LinesError> {
        loop {
            let batch = self.cut(head, max_rows)?;
            if batch.n_rows() > 0 {
                return Ok(Some(batch));
            }
            if self.is_at_end && self.rest.is_empty() {
                return Ok(None);
            }
        }
    }

    /// As [`next`](Self::next), but without rows if there are many lines that are none.
    fn cut(&mut self, head: &[u8], max_rows: usize) -> Result<LineBatch, LinesError> {
        let mut text = Vec::with_capacity(head.len() + self.rest.len() + CHUNK);
        text.extend_from_slice(head);
        text.append(&mut self.rest);
        let mut scan = Scan::new(self.rules, head.len(), self.line);
        while !scan.run(&text, max_rows) {
            if text.len() - scan.begin > MAX_ROW_BYTES {
                return Err(LinesError::RowLength { line: scan.row_line, limit: MAX_ROW_BYTES });
            }
            if self.is_at_end {
                scan.end(&text)?;
                break;
            }
            self.is_at_end = !fill(&mut self.input, &mut text)?;
        }
        let Scan { begin, row_line, rows, .. } = scan;
        self.line = row_line;
        self.rest = text.split_off(begin);
        Ok(LineBatch { text, rows })
    }
}

impl LineBatch {
    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The bytes of a row, without what ends it.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        &self.text[self.rows[row].range.clone()]
    }

    /// The bytes of rows, of which there is one at least, with what is between them.
    pub(crate) fn rows(&self, rows: Range<usize>) -> &[u8] {
        &self.text[self.rows[rows.start].range.start..self.rows[rows.end - 1].range.end]
    }

    /// The line where a row begins, counted from 1.
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.rows[row].line
    }

    /// What follows a row.
    pub(crate) fn after(&self, row: usize) -> &[u8] {
        &self.text[self.rows[row].range.end..]
    }
}

/// The values of a row of CSV; `None` if it is not UTF-8 or a quote stands where none may.
pub(crate) fn cells(row: &[u8]) -> Option<StringRecord> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).from_reader(row);
    let mut records = reader.records();
    let record = records.next()?.ok()?;
    records.next().is_none().then_some(record)
}

/// Reads on; false at the end.
fn fill(input: &mut impl Read, text: &mut Vec<u8>) -> Result<bool, LinesError> {
    // Many small pieces, as pipes give them, are no reason to look at a long row again and again.
    let n_read = input.by_ref().take(CHUNK as u64).read_to_end(text);
    n_read.map(|n_read| n_read > 0).map_err(LinesError::Read)
}

/// The search for the ends of rows.
struct Scan {
    rules: LineRules,
    // What was looked at.
    position: usize,
    // Where the row that has not ended begins, and in which line.
    begin: usize,
    row_line: u64,
    line: u64,
    is_quoted: bool,
    rows: Vec<Row>,
}

impl Scan {
    fn new(rules: LineRules, begin: usize, line: u64) -> Self {
        let rows = Vec::new();
        Self { rules, position: begin, begin, row_line: line, line, is_quoted: false, rows }
    }

    /// Looks for rows in what was not looked at; true if a batch is full.
    fn run(&mut self, text: &[u8], max_rows: usize) -> bool {
        while self.position < text.len() {
            let byte = text[self.position];
            let ends = match self.rules {
                LineRules::Csv => {
                    self.is_quoted ^= byte == b'"';
                    !self.is_quoted && matches!(byte, b'\n' | b'\r')
                }
                LineRules::Json => byte == b'\n',
            };
            self.line += u64::from(byte == b'\n');
            self.position += 1;
            if ends {
                self.push(text, self.position - 1);
                self.begin = self.position;
                self.row_line = self.line;
                if self.rows.len() >= max_rows || self.begin >= MAX_BATCH_BYTES {
                    return true;
                }
            }
        }
        false
    }

    /// Takes what no line end follows.
    fn end(&mut self, text: &[u8]) -> Result<(), LinesError> {
        if self.is_quoted {
            return Err(LinesError::OpenQuote { line: self.row_line });
        }
        self.push(text, text.len());
        self.begin = text.len();
        Ok(())
    }

    fn push(&mut self, text: &[u8], end: usize) {
        let mut range = self.begin..end;
        let is_blank = match self.rules {
            LineRules::Csv => range.is_empty(),
            LineRules::Json => {
                if self.row_line == 1 && text[range.clone()].starts_with(BYTE_ORDER_MARK) {
                    range.start += BYTE_ORDER_MARK.len();
                }
                text[range.clone()].trim_ascii().is_empty()
            }
        };
        if !is_blank {
            self.rows.push(Row { range, line: self.row_line });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Drops<'t>(&'t [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n_bytes = self.0.len().min(buffer.len()).min(3);
            let (now, later) = self.0.split_at(n_bytes);
            buffer[..n_bytes].copy_from_slice(now);
            self.0 = later;
            Ok(n_bytes)
        }
    }

    fn rows(rules: LineRules, text: &str, max_rows: usize) -> Vec<(u64, String)> {
        let mut lines = Lines::new(Drops(text.as_bytes()), rules);
        let mut rows = Vec::new();
        while let Some(batch) = lines.next(b"head\n", max_rows).unwrap() {
            assert!(batch.text.starts_with(b"head\n") && batch.n_rows() <= max_rows);
            rows.extend(
                (0..batch.n_rows()).map(|row| {
                    (batch.line(row), String::from_utf8(batch.row(row).to_vec()).unwrap())
                }),
            );
        }
        rows
    }

    #[test]
    fn rows_are_cut_at_line_ends_outside_of_quotes() {
        let text = "a,b\r\n\r\n1,\"two\nlines\"\n3,\"a \"\"quote\"\"\r\n\"\r4,5";
        for max_rows in 1..6 {
            let found = rows(LineRules::Csv, text, max_rows);
            let found: Vec<(u64, &str)> = found.iter().map(|(line, row)| (*line, &**row)).collect();
            let expected =
                [(1, "a,b"), (3, "1,\"two\nlines\""), (5, "3,\"a \"\"quote\"\"\r\n\""), (6, "4,5")];
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn quotes_mean_nothing_in_lines_of_json() {
        let found = rows(LineRules::Json, "{\"a\n \t\n}\r\n", 2);
        assert_eq!(found, [(1, "{\"a".to_owned()), (3, "}\r".to_owned())]);
        assert_eq!(rows(LineRules::Json, "", 2), []);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line_of_json() {
        let found = rows(LineRules::Json, "\u{feff}{}\n\u{feff}{}\n", 1);
        assert_eq!(found, [(1, "{}".to_owned()), (2, "\u{feff}{}".to_owned())]);
        assert_eq!(rows(LineRules::Json, "\u{feff}\n", 1), []);
        // Those who look for names pass over it.
        assert_eq!(rows(LineRules::Csv, "\u{feff}a", 1), [(1, "\u{feff}a".to_owned())]);
    }

    #[test]
    fn a_quote_that_is_left_open_is_named_by_line() {
        let mut lines = Lines::new(&b"a\n1\n\"2\n3\n"[..], LineRules::Csv);
        let error = lines.next(b"", 100).unwrap_err();
        assert!(matches!(error, LinesError::OpenQuote { line: 3 }), "{error:?}");
    }

    #[test]
    fn a_row_has_an_end() {
        let mut lines = Lines::new(Read::chain(&b"a\n\""[..], io::repeat(b'\n')), LineRules::Csv);
        let error = lines.next(b"", 100).unwrap_err();
        assert!(matches!(error, LinesError::RowLength { line: 2, .. }), "{error:?}");
    }

    #[test]
    fn many_blank_lines_are_not_kept() {
        let blank = io::repeat(b'\n').take(3 * MAX_BATCH_BYTES as u64 + 5);
        let mut lines = Lines::new(blank.chain(&b"row"[..]), LineRules::Csv);
        let batch = lines.next(b"", 100).unwrap().unwrap();
        assert_eq!((batch.row(0), batch.line(0)), (&b"row"[..], 3 * MAX_BATCH_BYTES as u64 + 6));
        assert!(batch.text.len() < MAX_BATCH_BYTES + 2 * CHUNK);
        assert!(lines.next(b"", 100).unwrap().is_none());
    }
}
