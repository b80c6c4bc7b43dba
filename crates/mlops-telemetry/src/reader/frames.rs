//! Cuts a file into pieces of bounded length: lines, elements of a JSON array, or records of CSV.

use std::io::{self, BufRead};

use super::csv::Header;

/// The pieces of one file; of which kind they are, its beginning tells.
#[derive(Debug)]
pub(super) struct Frames<R> {
    input: R,
    scanner: Scanner,
}

/// What is known of a piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Frame {
    Whole,
    /// The file ended before the piece did.
    Torn,
    /// The piece is longer than allowed, and only its beginning is there.
    TooLong,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(input: R, max_bytes: usize) -> Self {
        let (state, frame) = (State::Start, Vec::new());
        Self { input, scanner: Scanner { state, frame, is_too_long: false, max_bytes } }
    }

    /// Reads the next piece; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame>> {
        let scanner = &mut self.scanner;
        scanner.frame.clear();
        scanner.is_too_long = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok(scanner.end());
            }
            let end = scanner.scan(bytes);
            let n_used = end.unwrap_or(bytes.len());
            self.input.consume(n_used);
            if end.is_some() {
                return Ok(Some(if scanner.is_too_long { Frame::TooLong } else { Frame::Whole }));
            }
        }
    }

    /// The piece that was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.scanner.frame
    }

    /// Where the columns stand, if the pieces are records of CSV.
    pub(super) fn header(&self) -> Option<Header> {
        match self.scanner.state {
            State::Record { header, .. } => Some(header),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Scanner {
    state: State,
    frame: Vec<u8>,
    is_too_long: bool,
    max_bytes: usize,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    /// Behind a bracket that opens an array, or else the time of a line.
    Bracket,
    /// In the first line, which may be the header of CSV.
    FirstLine,
    Line,
    BetweenElements,
    Element {
        depth: usize,
        text: Text,
    },
    Record {
        header: Header,
        is_quoted: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Text {
    Outside,
    Inside,
    Escaped,
}

impl Scanner {
    /// Where in `bytes` the piece ends, if it does.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut n_used = 0;
        while n_used < bytes.len() {
            if matches!(self.state, State::FirstLine | State::Line) {
                let rest = &bytes[n_used..];
                let length = rest.iter().position(|&it| it == b'\n').unwrap_or(rest.len());
                self.push(&rest[..length]);
                n_used += length;
                if n_used == bytes.len() {
                    break;
                }
            }
            n_used += 1;
            if self.step(bytes[n_used - 1]) {
                return Some(n_used);
            }
        }
        None
    }

    /// Takes one byte; whether the piece ends with it.
    fn step(&mut self, byte: u8) -> bool {
        let (state, is_end) = match self.state {
            // A byte-order mark is no part of what follows it.
            State::Start if byte.is_ascii_whitespace() || BYTE_ORDER_MARK.contains(&byte) => {
                (State::Start, false)
            }
            State::Start => {
                self.push(&[byte]);
                (if byte == b'[' { State::Bracket } else { State::FirstLine }, false)
            }
            State::Bracket if byte.is_ascii_whitespace() => (State::Bracket, false),
            State::Bracket if byte == b'{' => {
                self.frame.clear();
                self.element(byte, 0, Text::Outside)
            }
            State::Bracket if byte == b']' => {
                self.frame.clear();
                (State::Start, false)
            }
            State::Bracket => {
                self.push(&[byte]);
                (State::Line, false)
            }
            State::FirstLine => match Header::read(&self.frame) {
                Some(header) => {
                    self.frame.clear();
                    (State::Record { header, is_quoted: false }, false)
                }
                None => (State::Line, true),
            },
            State::Line => (State::Line, true),
            State::BetweenElements if matches!(byte, b'{' | b'[') => {
                self.element(byte, 0, Text::Outside)
            }
            State::BetweenElements if byte == b']' => (State::Start, false),
            State::BetweenElements => (State::BetweenElements, false),
            State::Element { depth, text } => self.element(byte, depth, text),
            State::Record { header, is_quoted } => {
                // A quote that nobody closes costs no more than the longest record.
                let is_end = byte == b'\n' && (!is_quoted || self.is_too_long);
                if !is_end {
                    self.push(&[byte]);
                }
                let is_quoted = !is_end && is_quoted != (byte == b'"');
                (State::Record { header, is_quoted }, is_end)
            }
        };
        self.state = state;
        is_end
    }

    fn element(&mut self, byte: u8, depth: usize, text: Text) -> (State, bool) {
        self.push(&[byte]);
        let (depth, text) = match (text, byte) {
            (Text::Outside, b'"') | (Text::Escaped, _) => (depth, Text::Inside),
            (Text::Outside, b'{' | b'[') => (depth + 1, Text::Outside),
            (Text::Outside, b'}' | b']') => (depth.saturating_sub(1), Text::Outside),
            // No text in JSON goes on behind a newline.
            (Text::Inside, b'"' | b'\n') => (depth, Text::Outside),
            (Text::Inside, b'\\') => (depth, Text::Escaped),
            (text, _) => (depth, text),
        };
        let is_end = depth == 0;
        (if is_end { State::BetweenElements } else { State::Element { depth, text } }, is_end)
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = (self.max_bytes - self.frame.len()).min(bytes.len());
        self.frame.extend_from_slice(&bytes[..room]);
        self.is_too_long |= room < bytes.len();
    }

    /// What is left at the end of the file.
    fn end(&self) -> Option<Frame> {
        let is_header =
            matches!(self.state, State::FirstLine) && Header::read(&self.frame).is_some();
        if self.frame.is_empty() || is_header {
            return None;
        }
        Some(if self.is_too_long { Frame::TooLong } else { Frame::Torn })
    }
}

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The pieces of a file, however it is buffered.
    fn frames(file: &str, max_bytes: usize) -> Vec<(Frame, String)> {
        let read = |capacity| {
            let mut frames =
                Frames::new(BufReader::with_capacity(capacity, file.as_bytes()), max_bytes);
            let mut pieces = Vec::new();
            while let Some(frame) = frames.next().unwrap() {
                let text = String::from_utf8(frames.bytes().to_vec()).unwrap();
                assert!(text.len() <= max_bytes);
                pieces.push((frame, text));
            }
            pieces
        };
        let pieces = read(1 << 16);
        for capacity in [1, 2, 3, 7] {
            assert_eq!(read(capacity), pieces, "read in pieces of {capacity}");
        }
        pieces
    }

    fn whole(file: &str) -> Vec<String> {
        let pieces = frames(file, 1000).into_iter();
        pieces.map(|(frame, text)| if frame == Frame::Whole { text } else { "?".into() }).collect()
    }

    #[test]
    fn lines_end_with_newlines() {
        assert_eq!(
            whole("{\"a\":1}\n\n[2022-01-12 15:06:40,007] INFO\nx\n"),
            ["{\"a\":1}", "", "[2022-01-12 15:06:40,007] INFO", "x"]
        );
        assert_eq!(whole("\u{feff}\n [2022] a\nb\n"), ["[2022] a", "b"]);
        assert_eq!(frames("a\nb", 9)[1], (Frame::Torn, "b".to_owned()));
        assert!(whole("").is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_takes_no_memory_and_hides_no_other() {
        let pieces = frames("123456789\n12345678\n1\n", 8);
        assert_eq!(pieces[0].0, Frame::TooLong);
        assert_eq!(pieces[1..], [(Frame::Whole, "12345678".into()), (Frame::Whole, "1".into())]);
    }

    #[test]
    fn an_array_is_read_element_by_element() {
        let array = "[ {\"a\": \"}\\\"{\"}, 5,\n  {\"b\": [{}, []]}\n]\n[{}] [] {\"c\":1}\n";
        assert_eq!(whole(array), ["{\"a\": \"}\\\"{\"}", "{\"b\": [{}, []]}", "{}", "{\"c\":1}"]);
        assert_eq!(frames("[{\"a\":1},{\"b\"", 99)[1], (Frame::Torn, "{\"b\"".to_owned()));
    }

    #[test]
    fn a_record_of_csv_may_hold_newlines() {
        let file = "Time,LogEntry\n1,\"a\n\"\"b\"\"\"\r\n2,c\n";
        assert_eq!(whole(file), ["1,\"a\n\"\"b\"\"\"\r", "2,c"]);
        assert!(whole("Time,LogEntry").is_empty());
        let pieces = frames("LogEntry\n\"never closed\nand on and on\n\"next\"\n", 20);
        assert_eq!(pieces[0].0, Frame::TooLong);
        assert_eq!(pieces[1..], [(Frame::Whole, "\"next\"".to_owned())]);
    }
}
