//! A client of HTTP/1.1 that does as little as it can.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection for one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
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
const PATIENCE: Duration = Duration::from_secs(60);

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
        Ok(Self { stream: BufReader::new(stream) })
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
        self.stream.get_mut().write_all(bytes)
    }

    /// Waits for the next response.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn read(&mut self) -> io::Result<Response> {
        let mut head = String::with_capacity(512);
        let mut line = 0;
        while line == 0 || head.len() > line + 2 {
            line = head.len();
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("a response without a status"))?;
        let mut response = Response { status, head, body: Vec::new() };
        let length = response.header("content-length").and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| io::Error::other("a response without a length"))?;
        response.body.resize(length, 0);
        self.stream.read_exact(&mut response.body)?;
        Ok(response)
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
