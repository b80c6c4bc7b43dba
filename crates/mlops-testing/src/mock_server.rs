use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A server of HTTP/1.1 that answers as it was told, one request a connection, and keeps what it was asked.
#[derive(Clone, Debug)]
pub struct MockServer {
    port: u16,
    requests: Arc<Mutex<Vec<MockRequest>>>,
}

/// What a [`MockServer`] was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MockRequest {
    /// `GET /path?query`.
    pub line: String,
    /// The lines of the head, in lower case up to the colon.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What a [`MockServer`] does with a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Answers with status, content type, further headers and body.
    Answer {
        /// The status.
        status: u16,
        /// The content type.
        content_type: &'static str,
        /// Further lines of the head, each with its end.
        head: String,
        /// The body.
        body: String,
    },
    /// Promises a longer body than it sends, and closes.
    Cut {
        /// The status.
        status: u16,
        /// Further lines of the head, each with its end.
        head: String,
        /// What is sent.
        body: String,
    },
    /// Reads the request and closes without an answer.
    Drop,
    /// Reads the request and says nothing for that long.
    Hang(Duration),
}

impl Reply {
    /// An answer of JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        let (content_type, head) = ("application/json", String::new());
        Self::Answer { status, content_type, head, body: body.into() }
    }

    /// An answer of another type.
    pub fn text(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self::Answer { status, content_type, head: String::new(), body: body.into() }
    }

    /// An answer that ends before its end.
    pub fn cut(body: impl Into<String>) -> Self {
        Self::Cut { status: 200, head: String::new(), body: body.into() }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, code: u16) -> Self {
        if let Self::Answer { status, .. } | Self::Cut { status, .. } = &mut self {
            *status = code;
        }
        self
    }

    /// With a further header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { head, .. } | Self::Cut { head, .. } = &mut self {
            head.extend([name, ": ", value, "\r\n"]);
        }
        self
    }
}

impl MockServer {
    /// Starts a server on a free port. The first request gets the first reply, and so on; requests after the last get
    /// the last again.
    ///
    /// # Errors
    /// If there is no port.
    ///
    /// # Panics
    /// If there is no reply.
    pub fn start(replies: Vec<Reply>) -> io::Result<Self> {
        assert!(!replies.is_empty(), "a mock server without replies");
        Self::serve(move |at, _| replies[at.min(replies.len() - 1)].clone())
    }

    /// Starts a server on a free port whose replies depend on the requests.
    ///
    /// # Errors
    /// If there is no port.
    pub fn answering(
        reply: impl Fn(&MockRequest) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::serve(move |_, request| reply(request))
    }

    /// `reply` is told how many requests came before.
    fn serve(
        reply: impl Fn(usize, &MockRequest) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let server = Self { port, requests: Arc::default() };
        let (requests, reply) = (Arc::clone(&server.requests), Arc::new(reply));
        thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let (requests, reply) = (Arc::clone(&requests), Arc::clone(&reply));
                // What goes wrong with a connection is what the test is about.
                thread::spawn(move || {
                    stream
                        .and_then(|stream| answer(stream, |request| reply(at, request), &requests))
                });
            }
        });
        Ok(server)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<MockRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MockRequest {
    /// The value of a header, if there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn answer(
    stream: TcpStream,
    reply: impl FnOnce(&MockRequest) -> Reply,
    requests: &Mutex<Vec<MockRequest>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    let reply = reply(&request);
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let stream = reader.get_mut();
    match reply {
        Reply::Answer { status, content_type, head, body } => write!(
            stream,
            "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n{head}\r\n{body}",
            body.len()
        )?,
        Reply::Cut { status, head, body } => {
            let length = body.len() + 1;
            write!(stream, "HTTP/1.1 {status} OK\r\ncontent-length: {length}\r\n{head}\r\n{body}")?;
        }
        Reply::Drop => {}
        Reply::Hang(time) => thread::sleep(time),
    }
    stream.shutdown(Shutdown::Both)
}

fn read(reader: &mut impl BufRead) -> io::Result<MockRequest> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut request = MockRequest { line, headers: Vec::new(), body: String::new() };
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        let Some((name, value)) = field.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(request)
}
