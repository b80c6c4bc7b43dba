//! What container runtimes and log tables put around a line.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::clock;

/// A line as the service wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) text: Cow<'a, str>,
    /// When the runtime or the table took it.
    pub(super) time: Option<SystemTime>,
}

/// Why there is no line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoLine {
    /// It goes on in the next piece.
    Partial,
    Malformed,
    TooLong,
}

/// Takes lines out of what is around them, and joins those that a runtime has cut into pieces.
#[derive(Debug)]
pub(super) struct Unwrapper {
    max_bytes: usize,
    stdout: Partial,
    stderr: Partial,
}

#[derive(Debug, Default)]
struct Partial {
    text: String,
    time: Option<SystemTime>,
    is_too_long: bool,
}

impl Unwrapper {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, stdout: Partial::default(), stderr: Partial::default() }
    }

    pub(super) fn unwrap<'a>(&mut self, text: &'a str) -> Result<Line<'a>, NoLine> {
        if text.starts_with('{') {
            // Most lines have nothing around them and need not be looked at twice.
            let is_wrapped = ENVELOPE_KEYS.iter().any(|key| text.contains(key));
            return if is_wrapped { self.unwrap_json(text) } else { Ok(plain(text)) };
        }
        let Some(line) = CriLine::read(text) else { return Ok(plain(text)) };
        let time = Some(line.time);
        self.join(line.is_stderr, line.is_partial, Line { text: line.text.into(), time })
    }

    /// Whether the file ended in the middle of a line.
    pub(super) fn is_within_line(&self) -> bool {
        [&self.stdout, &self.stderr].iter().any(|it| it.is_too_long || !it.text.is_empty())
    }

    fn unwrap_json<'a>(&mut self, text: &'a str) -> Result<Line<'a>, NoLine> {
        // What is no envelope may still be a line with a fault that can be mended.
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
            return Ok(plain(text));
        };
        let time = |time: Option<&str>| time.and_then(clock::rfc_3339);
        match envelope {
            Envelope { log: Some(log), stream, time: taken, .. } if taken.or(stream).is_some() => {
                let log: String = serde_json::from_str(log.get()).map_err(|_| NoLine::Malformed)?;
                let taken: Option<String> =
                    taken.and_then(|it| serde_json::from_str(it.get()).ok());
                let line = Line { time: time(taken.as_deref()), text: log.into() };
                let is_stderr = stream.is_some_and(|stream| stream.get() == "\"stderr\"");
                self.join(is_stderr, !line.text.ends_with('\n'), line)
            }
            Envelope { message: Some(message), generated, .. } => {
                let generated: Option<String> =
                    generated.and_then(|it| serde_json::from_str(it.get()).ok());
                let text = match message.get() {
                    object if object.starts_with('{') => object.into(),
                    string => {
                        let text: Result<String, _> = serde_json::from_str(string);
                        text.map_err(|_| NoLine::Malformed)?.into()
                    }
                };
                Ok(Line { text, time: time(generated.as_deref()) })
            }
            _ => Ok(plain(text)),
        }
    }

    /// Puts a piece behind those before it on its stream.
    fn join<'a>(
        &mut self,
        is_stderr: bool,
        is_partial: bool,
        line: Line<'a>,
    ) -> Result<Line<'a>, NoLine> {
        let partial = if is_stderr { &mut self.stderr } else { &mut self.stdout };
        if !is_partial && partial.text.is_empty() && !partial.is_too_long {
            return Ok(line);
        }
        partial.is_too_long |= partial.text.len() + line.text.len() > self.max_bytes;
        if partial.is_too_long {
            partial.text = String::new();
        } else {
            partial.text.push_str(&line.text);
            partial.time = partial.time.or(line.time);
        }
        if is_partial {
            return Err(NoLine::Partial);
        }
        let Partial { text, time, is_too_long } = std::mem::take(partial);
        if is_too_long { Err(NoLine::TooLong) } else { Ok(Line { text: text.into(), time }) }
    }
}

fn plain(text: &str) -> Line<'_> {
    Line { text: text.into(), time: None }
}

/// Docker's `json-file`, or a row of a log table.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    log: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, rename = "LogMessage", alias = "LogEntry")]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "TimeGenerated")]
    generated: Option<&'a RawValue>,
}

const ENVELOPE_KEYS: [&str; 3] = ["\"log\"", "\"LogMessage\"", "\"LogEntry\""];

/// `<time> <stream> <tags> <text>`, of which the first tag says whether the line goes on.
struct CriLine<'a> {
    time: SystemTime,
    is_stderr: bool,
    is_partial: bool,
    text: &'a str,
}

impl<'a> CriLine<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (stream, rest) = rest.split_once(' ')?;
        // Nothing may follow the tags of an empty line.
        let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_stderr = match stream {
            "stdout" => false,
            "stderr" => true,
            _ => return None,
        };
        let is_partial = match tags.split(':').next() {
            Some("P") => true,
            Some("F") => false,
            _ => return None,
        };
        Some(Self { time: clock::rfc_3339(time)?, is_stderr, is_partial, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrap(unwrapper: &mut Unwrapper, text: &str) -> Result<String, NoLine> {
        unwrapper.unwrap(text).map(|line| line.text.into_owned())
    }

    fn one(text: &str) -> Result<Line<'_>, NoLine> {
        Unwrapper::new(100).unwrap(text)
    }

    #[test]
    fn lines_are_taken_out_of_every_envelope() {
        let time = clock::rfc_3339("2022-01-12T15:06:40.007Z");
        let wrapped = [
            r#"2022-01-12T15:06:40.007Z stdout F {"a":1}"#,
            r#"{"log":"{\"a\":1}\n","stream":"stdout","time":"2022-01-12T15:06:40.007Z"}"#,
            r#"{"TimeGenerated":"2022-01-12T15:06:40.007Z","LogEntry":"{\"a\":1}","Pod":{}}"#,
            r#"{"TimeGenerated":"2022-01-12T15:06:40.007Z","LogMessage":"{\"a\":1}"}"#,
            r#"{"TimeGenerated":"2022-01-12T15:06:40.007Z","LogMessage":{"a":1}}"#,
        ];
        for text in wrapped {
            let line = one(text).unwrap();
            assert_eq!((line.text.trim(), line.time), (r#"{"a":1}"#, time), "{text}");
        }
    }

    #[test]
    fn what_has_no_envelope_stays_as_it_is() {
        let plain = [
            r#"{"a":1}"#,
            r#"{"log":"no stream"}"#,
            r#"{"log" broken"#,
            "2022-01-12T15:06:40.007Z stdin F x",
            "2022-01-12T15:06:40.007Z stdout X x",
            "today stdout F x",
            "",
        ];
        for text in plain {
            assert_eq!(one(text), Ok(Line { text: text.into(), time: None }));
        }
        assert_eq!(one(r#"{"LogEntry":5}"#), Err(NoLine::Malformed));
        assert_eq!(one(r#"{"log":5,"time":""}"#), Err(NoLine::Malformed));
    }

    #[test]
    fn pieces_are_joined_stream_by_stream() {
        let mut unwrapper = Unwrapper::new(100);
        let piece = |stream, tag, text| format!("2022-01-12T15:06:40Z {stream} {tag} {text}");
        let partial = Err(NoLine::Partial);
        assert_eq!(unwrap(&mut unwrapper, &piece("stdout", "P", "{\"a")), partial);
        assert_eq!(unwrap(&mut unwrapper, &piece("stderr", "P:x", "oh")), partial);
        assert_eq!(unwrap(&mut unwrapper, &piece("stdout", "P", "\":")), partial);
        assert!(unwrapper.is_within_line());
        assert_eq!(unwrap(&mut unwrapper, &piece("stderr", "F", " no")), Ok("oh no".to_owned()));
        assert_eq!(unwrap(&mut unwrapper, &piece("stdout", "F", "1}")), Ok("{\"a\":1}".to_owned()));
        assert!(!unwrapper.is_within_line());
        let docker = |text: &str| format!("{{\"log\":{text},\"stream\":\"stdout\"}}");
        assert_eq!(unwrap(&mut unwrapper, &docker("\"a\"")), partial);
        assert_eq!(unwrap(&mut unwrapper, &docker("\"b\\n\"")), Ok("ab\n".to_owned()));
    }

    #[test]
    fn pieces_of_a_line_that_is_too_long_take_no_memory() {
        let mut unwrapper = Unwrapper::new(100);
        let piece = format!("2022-01-12T15:06:40Z stdout P {}", "x".repeat(60));
        for _ in 0..1000 {
            assert_eq!(unwrap(&mut unwrapper, &piece), Err(NoLine::Partial));
            assert!(unwrapper.stdout.text.len() <= 100);
        }
        let last = "2022-01-12T15:06:40Z stdout F x";
        assert_eq!(unwrap(&mut unwrapper, last), Err(NoLine::TooLong));
        assert_eq!(unwrap(&mut unwrapper, last), Ok("x".to_owned()));
    }
}
