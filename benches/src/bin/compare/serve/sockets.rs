//! Sockets that answer at once: what a service on this machine cannot be quicker than.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use mlops_benches::http::Connection;
use mlops_benches::open_loop::{self, OpenLoop};

/// Measures so many connections, a thread for each, that read the request and write the answer.
pub(crate) fn measure(
    connections: usize,
    request: &[u8],
    answer: &[u8],
    per_second: f64,
    seconds: f64,
) -> io::Result<OpenLoop> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
    let response = [head.as_bytes(), answer].concat();
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(Connection::open(port)?);
            let (stream, _) = listener.accept()?;
            scope.spawn(|| serve(stream, request.len(), &response));
        }
        open_loop::run(clients, request, per_second, seconds, open_loop::succeeded)
    })
}

/// Until the client leaves.
fn serve(mut stream: TcpStream, request: usize, response: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = vec![0; request];
    loop {
        stream.read_exact(&mut received)?;
        stream.write_all(response)?;
    }
}
