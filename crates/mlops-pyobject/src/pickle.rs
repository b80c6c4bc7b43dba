//! Python's pickle format, protocols 0 to 5, and joblib's extension of it.
//!
//! A pickle is a program for a stack machine. This one keeps everything a program could call as a
//! name and its arguments as a tuple.

mod escape;
mod input;
mod joblib;
mod objects;
mod opcode;

use std::mem;

use input::Input;

use crate::builder::Builder;
use crate::graph::{Graph, Id, Node};
use crate::{Error, Limit, Limits};

/// Reads a pickle of protocol 0 to 5, or what joblib writes without compression.
///
/// Nothing is imported or called, whatever the file says; the objects can be looked at, and that
/// is all.
///
/// # Errors
/// * [`Error::Pickle`] if the bytes are not one whole pickle
/// * [`Error::Unsupported`] if it refers to objects outside of the file
/// * [`Error::LimitExceeded`] if it is too large
///
/// # Examples
/// ```
/// use mlops_pyobject::{Limits, read_pickle};
///
/// // Python would run a shell command here.
/// let graph = read_pickle(b"cos\nsystem\n(S'rm -r /'\ntR.", &Limits::default())?;
/// assert_eq!(graph.root().class().unwrap().to_string(), "os.system");
/// let error = graph.root().expect_instance("sklearn", "Pipeline").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`root` is an instance of `os.system`, expected an instance of `Pipeline` in `sklearn`"
/// );
/// # Ok::<(), mlops_pyobject::Error>(())
/// ```
pub fn read_pickle(bytes: &[u8], limits: &Limits) -> Result<Graph, Error> {
    let mut machine = Machine {
        input: Input::new(bytes),
        builder: Builder::new(bytes.len(), limits)?,
        frame: Frame::default(),
        is_nested: false,
    };
    let root = machine.run()?;
    if !machine.input.is_at_end() {
        return Err(machine.input.error("the file goes on after its end"));
    }
    Ok(machine.builder.finish(root))
}

#[derive(Debug)]
struct Machine<'a> {
    input: Input<'a>,
    builder: Builder,
    frame: Frame,
    /// Whether this is a pickle inside of a joblib file.
    is_nested: bool,
}

/// What a pickle works with, beside the objects.
#[derive(Debug, Default)]
struct Frame {
    stack: Vec<Id>,
    /// The heights of the stack to which the sequences of items below go down.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, Error> {
        loop {
            let opcode = self.input.byte()?;
            if opcode == opcode::STOP {
                return self.pop();
            }
            self.builder.count()?;
            self.execute(opcode)?;
        }
    }

    fn execute(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::PROTO => match self.input.byte()? {
                0..=5 => Ok(()),
                _ => Err(Error::Unsupported { what: "a pickle protocol above 5" }),
            },
            // Frames only help whoever reads from a stream.
            opcode::FRAME => self.input.take(8).map(|_| ()),
            opcode::MARK => {
                let height = self.frame.stack.len();
                self.builder.budget.push(&mut self.frame.marks, height)
            }
            opcode::POP => match self.frame.marks.last() {
                Some(height) if *height == self.frame.stack.len() => {
                    self.frame.marks.pop();
                    Ok(())
                }
                _ => self.pop().map(|_| ()),
            },
            opcode::POP_MARK => {
                let start = self.pop_mark()?;
                self.frame.stack.truncate(start);
                Ok(())
            }
            opcode::DUP => self.push(self.top()?),
            opcode::PERSID | opcode::BINPERSID => {
                Err(Error::Unsupported { what: "a pickle with persistent ids" })
            }
            opcode::EXT1 | opcode::EXT2 | opcode::EXT4 => {
                Err(Error::Unsupported { what: "a pickle with extension codes" })
            }
            opcode::NEXT_BUFFER | opcode::READONLY_BUFFER => {
                Err(Error::Unsupported { what: "a pickle with buffers outside of it" })
            }
            _ => self.number(opcode),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), Error> {
        let builder = &mut self.builder;
        let id = match opcode {
            opcode::NONE => Builder::none(),
            opcode::NEWTRUE => Builder::boolean(true),
            opcode::NEWFALSE => Builder::boolean(false),
            opcode::INT => match self.input.text_line()? {
                "00" => Builder::boolean(false),
                "01" => Builder::boolean(true),
                digits => {
                    let integer = digits.trim().parse();
                    builder.integer(integer.map_err(|_| self.input.error("not an integer"))?)?
                }
            },
            opcode::LONG => {
                let digits = self.input.text_line()?;
                let digits = digits.strip_suffix('L').unwrap_or(digits);
                let unsigned = digits.strip_prefix('-').unwrap_or(digits);
                if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(self.input.error("not an integer"));
                }
                match digits.parse() {
                    Ok(integer) => builder.integer(integer)?,
                    Err(_) => builder.add(Node::BigInteger)?,
                }
            }
            opcode::BININT => builder.integer(i32::from_le_bytes(self.input.array()?).into())?,
            opcode::BININT1 => builder.integer(self.input.byte()?.into())?,
            opcode::BININT2 => builder.integer(u16::from_le_bytes(self.input.array()?).into())?,
            opcode::LONG1 => builder.long(self.input.counted(1)?)?,
            opcode::LONG4 => builder.long(self.input.counted(4)?)?,
            opcode::FLOAT => builder.float(self.input.parsed_line()?)?,
            opcode::BINFLOAT => builder.float(f64::from_be_bytes(self.input.array()?))?,
            _ => return self.text(opcode),
        };
        self.push(id)
    }

    fn text(&mut self, opcode: u8) -> Result<(), Error> {
        let builder = &mut self.builder;
        let id = match opcode {
            opcode::SHORT_BINUNICODE => builder.text(self.input.counted_text(1)?)?,
            opcode::BINUNICODE => builder.text(self.input.counted_text(4)?)?,
            opcode::BINUNICODE8 => builder.text(self.input.counted_text(8)?)?,
            opcode::UNICODE => return self.line_of_text(),
            opcode::SHORT_BINBYTES => builder.bytes(self.input.counted(1)?)?,
            opcode::BINBYTES => builder.bytes(self.input.counted(4)?)?,
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => builder.bytes(self.input.counted(8)?)?,
            opcode::STRING => return self.quoted_line(),
            opcode::SHORT_BINSTRING => builder.byte_string(self.input.counted(1)?)?,
            opcode::BINSTRING => builder.byte_string(self.input.counted(4)?)?,
            _ => return self.container(opcode),
        };
        self.push(id)
    }

    fn line_of_text(&mut self) -> Result<(), Error> {
        let line = self.input.line()?;
        // For the text while it is put together.
        let room = line.len().saturating_mul(2);
        self.builder.budget.charge(room)?;
        let text = escape::unescape(line).ok_or_else(|| self.input.error(MALFORMED_LINE))?;
        let id = self.builder.text(&text)?;
        self.builder.budget.release(room);
        self.push(id)
    }

    fn quoted_line(&mut self) -> Result<(), Error> {
        let line = self.input.line()?;
        self.builder.budget.charge(line.len())?;
        let string = escape::unquote(line).ok_or_else(|| self.input.error(MALFORMED_LINE))?;
        let id = self.builder.byte_string(&string)?;
        self.builder.budget.release(line.len());
        self.push(id)
    }

    fn container(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::EMPTY_LIST => self.push_new(Node::List(Vec::new())),
            opcode::EMPTY_DICT => self.push_new(Node::Dict(Vec::new())),
            opcode::EMPTY_SET => self.push_new(Node::Set(Vec::new())),
            opcode::EMPTY_TUPLE => self.push_tuple(self.frame.stack.len()),
            opcode::TUPLE1 => self.push_tuple(self.start_of(1)?),
            opcode::TUPLE2 => self.push_tuple(self.start_of(2)?),
            opcode::TUPLE3 => self.push_tuple(self.start_of(3)?),
            opcode::TUPLE => {
                let start = self.pop_mark()?;
                self.push_tuple(start)
            }
            opcode::LIST | opcode::FROZENSET => {
                let start = self.pop_mark()?;
                let mut items = Vec::new();
                self.builder.budget.extend(&mut items, &self.frame.stack[start..])?;
                self.frame.stack.truncate(start);
                let is_list = opcode == opcode::LIST;
                self.push_new(if is_list { Node::List(items) } else { Node::Set(items) })
            }
            opcode::DICT => {
                let start = self.pop_mark()?;
                let dict = self.builder.add(Node::Dict(Vec::new()))?;
                self.set_entries(dict, start)?;
                self.push(dict)
            }
            opcode::APPEND => self.append_items(self.start_of(1)?),
            opcode::SETITEM => {
                let start = self.start_of(2)?;
                self.set_items_below(start)
            }
            opcode::APPENDS | opcode::ADDITEMS => {
                let start = self.pop_mark()?;
                self.append_items(start)
            }
            opcode::SETITEMS => {
                let start = self.pop_mark()?;
                self.set_items_below(start)
            }
            _ => self.memo(opcode),
        }
    }

    fn memo(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            opcode::PUT => {
                let index = self.input.parsed_line()?;
                self.remember(index)
            }
            opcode::BINPUT => {
                let index = self.input.length(1)?;
                self.remember(index)
            }
            opcode::LONG_BINPUT => {
                let index = self.input.length(4)?;
                self.remember(index)
            }
            opcode::MEMOIZE => self.remember(self.frame.memo.len()),
            opcode::GET => {
                let index = self.input.parsed_line()?;
                self.recall(index)
            }
            opcode::BINGET => {
                let index = self.input.length(1)?;
                self.recall(index)
            }
            opcode::LONG_BINGET => {
                let index = self.input.length(4)?;
                self.recall(index)
            }
            _ => self.object(opcode),
        }
    }

    fn remember(&mut self, index: usize) -> Result<(), Error> {
        let id = self.top()?;
        let memo = &mut self.frame.memo;
        if index >= memo.len() {
            // Whoever writes a pickle counts upwards, so there are no more entries than bytes.
            if index > self.input.offset() {
                return Err(self.input.error("a memo index out of order"));
            }
            self.builder.limits.check(Limit::MemoEntries, index + 1)?;
            self.builder.budget.reserve(memo, index + 1 - memo.len())?;
            memo.resize(index + 1, None);
        }
        memo[index] = Some(id);
        Ok(())
    }

    fn recall(&mut self, index: usize) -> Result<(), Error> {
        let id = self.frame.memo.get(index).copied().flatten();
        self.push(id.ok_or_else(|| self.input.error("a memo index that was not set"))?)
    }

    fn push(&mut self, id: Id) -> Result<(), Error> {
        self.builder.budget.push(&mut self.frame.stack, id)
    }

    fn push_new(&mut self, node: Node) -> Result<(), Error> {
        let id = self.builder.add(node)?;
        self.push(id)
    }

    /// Makes a tuple of all that is on the stack from `start`.
    fn push_tuple(&mut self, start: usize) -> Result<(), Error> {
        let id = self.builder.tuple(&self.frame.stack[start..])?;
        self.frame.stack.truncate(start);
        self.push(id)
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let start = self.start_of(1)?;
        let id = self.frame.stack[start];
        self.frame.stack.truncate(start);
        Ok(id)
    }

    fn top(&self) -> Result<Id, Error> {
        self.start_of(1).map(|start| self.frame.stack[start])
    }

    /// Where the uppermost `n` objects begin; they may not reach below the last mark.
    fn start_of(&self, n: usize) -> Result<usize, Error> {
        let bottom = self.frame.marks.last().copied().unwrap_or(0);
        let start = self.frame.stack.len().checked_sub(n).filter(|start| *start >= bottom);
        start.ok_or_else(|| self.input.error("an opcode needs more objects than there are"))
    }

    fn pop_mark(&mut self) -> Result<usize, Error> {
        self.frame.marks.pop().ok_or_else(|| self.input.error("an opcode needs a mark"))
    }

    /// Runs a pickle that stands in the middle of this one and knows nothing of it.
    fn nested(&mut self) -> Result<Id, Error> {
        let outer = mem::take(&mut self.frame);
        self.is_nested = true;
        let root = self.run()?;
        self.is_nested = false;
        let inner = mem::replace(&mut self.frame, outer);
        self.builder.budget.release_vec(&inner.stack);
        self.builder.budget.release_vec(&inner.marks);
        self.builder.budget.release_vec(&inner.memo);
        Ok(root)
    }
}

const MALFORMED_LINE: &str = "a malformed line of text";
