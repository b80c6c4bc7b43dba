//! A client of HTTP/1.1 that does as little as it can.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// A connection for one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What has come of the next responses.
    received: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The lines before the body.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Nobody is waited for longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// So much is read at once.
const RECEIVE: usize = 16 * 1024;

impl Connection {
    /// Connects to a port of this machine.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn open(port: u16) -> io::Result<Self> {
        Self::new(TcpStream::connect(("127.0.0.1", port))?)
    }

    /// Takes a stream that is connected.
    ///
    /// # Errors
    /// If its options cannot be set.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a request as it is and waits for the response.
    ///
    /// # Errors
    /// If the connection ends before, or the response has no status or length.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Response> {
        self.write(request)?;
        self.read()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends what the connection takes at once, and returns how much that was.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = send(&self.stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        Ok(at_once(sent.map_err(io::Error::from))?.unwrap_or(0))
    }

    /// Waits for the next response.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn read(&mut self) -> io::Result<Response> {
        loop {
            if let Some(response) = self.next()? {
                return Ok(response);
            }
            self.receive(RecvFlags::empty())?;
        }
    }

    /// The next response, if all of it is there.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn try_read(&mut self) -> io::Result<Option<Response>> {
        loop {
            let next = self.next()?;
            if next.is_some() || at_once(self.receive(RecvFlags::DONTWAIT))?.is_none() {
                return Ok(next);
            }
        }
    }

    fn receive(&mut self, flags: RecvFlags) -> io::Result<()> {
        self.received.reserve(RECEIVE);
        let mut receive = || recv(&self.stream, spare_capacity(&mut self.received), flags);
        match retry_on_intr(&mut receive)? {
            (_, 0) => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Takes a response from what has come.
    fn next(&mut self) -> io::Result<Option<Response>> {
        let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let body = end + 4;
        let head = String::from_utf8_lossy(&self.received[..body]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("a response without a status"))?;
        let mut response = Response { status, head, body: Vec::new() };
        let length = response.header("content-length").and_then(|length| length.parse().ok());
        let length: usize =
            length.ok_or_else(|| io::Error::other("a response without a length"))?;
        let Some(bytes) = self.received.get(body..).and_then(|bytes| bytes.get(..length)) else {
            return Ok(None);
        };
        response.body = bytes.to_vec();
        self.received.drain(..body + length);
        Ok(Some(response))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// `None` if it would have to wait.
fn at_once<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        outcome => outcome.map(Some),
    }
}

impl Response {
    /// The value of a header, if there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Whether the connection has no further response.
    pub fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A request for a connection that stays open.
pub fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_response_in_pieces_is_there_when_its_last_piece_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap().port()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        for piece in ["HTTP/1.1 200 OK\r\ncontent-", "length: 3\r\n\r", "\n{}"] {
            stream.write_all(piece.as_bytes()).unwrap();
            assert!(connection.try_read().unwrap().is_none());
        }
        stream.write_all(b" ").unwrap();
        assert_eq!(connection.read().unwrap().body, b"{} ");
        // Nobody reads: some of it is taken, and then nothing.
        let many = vec![0; 1 << 24];
        assert!((1..many.len()).contains(&connection.try_write(&many).unwrap()));
        while connection.try_write(&many).unwrap() > 0 {}
    }

    #[test]
    fn responses_are_read_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let first = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            let last = "HTTP/1.1 503 No\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(format!("{first}{last}").as_bytes()).unwrap();
        });
        let mut connection = Connection::open(port).unwrap();
        let first = connection.read().unwrap();
        assert_eq!((first.status, &first.body[..], first.is_last()), (200, &b"{}"[..], false));
        let last = connection.read().unwrap();
        assert_eq!((last.status, last.body.len(), last.is_last()), (503, 0, true));
        assert_eq!(connection.read().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        server.join().unwrap();
    }
}
