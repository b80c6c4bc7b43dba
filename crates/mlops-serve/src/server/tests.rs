use std::net::SocketAddr;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use mlops_core::Classifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::limits::Limits;
use crate::testing::{Blocked, SharedBuffer, Stub, body};
use crate::{Service, ServiceBuilder};

fn builder() -> ServiceBuilder {
    Service::builder(Classifier::new(Stub::new())).drift(Stub::new()).outliers(Stub::new())
}

/// Limits for tests that wait for their end.
fn short() -> Limits {
    Limits {
        header_time: Duration::from_millis(200),
        body_time: Duration::from_millis(200),
        grace: Duration::from_millis(300),
        ..Limits::default()
    }
}

struct Running {
    address: SocketAddr,
    service: Service,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), Error>>,
}

impl Running {
    async fn start(builder: ServiceBuilder) -> Self {
        let service = builder.build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let server = tokio::spawn(serve(listener, service.clone(), shutdown));
        Self { address, service, stop, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) -> Result<(), Error> {
        self.stop.send(()).unwrap();
        self.server.await.unwrap()
    }
}

fn request(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Reads until `end` has come in, or the connection is closed.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !text.ends_with(end.as_bytes()) || end.is_empty() {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(n) => text.extend_from_slice(&buffer[..n]),
        }
    }
    String::from_utf8(text).unwrap()
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    read_until(stream, "").await
}

/// The end of every answer of a service with detectors.
const ANSWER_END: &str = "}}}]";

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let buffer = SharedBuffer::default();
    let running = Running::start(builder().log(buffer.clone())).await;
    let mut stream = running.connect().await;
    for alcohol in [9.4, 13.0] {
        stream.write_all(request(&body(&[alcohol])).as_bytes()).await.unwrap();
        let reply = read_until(&mut stream, ANSWER_END).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        assert!(reply.ends_with(&format!("\"instance_score\":[{alcohol:?}]}}}}}}]")), "{reply}");
    }
    assert_eq!(running.stop().await, Ok(()));
    assert_eq!(buffer.text().lines().count(), 6, "the log is written when the server has ended");
}

#[tokio::test]
async fn headers_that_do_not_end_close_the_connection() {
    let running = Running::start(builder().without_log().limits(short())).await;
    let started = Instant::now();
    let mut stream = running.connect().await;
    stream.write_all(b"POST /predict HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    read_to_close(&mut stream).await;
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(150), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_a_timeout() {
    let running = Running::start(builder().without_log().limits(short())).await;
    let mut stream = running.connect().await;
    // The declared length is longer than what comes.
    let request = request(&body(&[9.4])).replace("content-length: ", "content-length: 1");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{reply}");
    assert!(reply.contains(r#""type":"urn:mlops-serve:problem:timeout","title":"Request timeout","status":408,"detail":"the body did not arrive in time""#), "{reply}");
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_passes_the_limit() {
    let running = Running::start(builder().without_log().max_body_bytes(1000)).await;
    let mut stream = running.connect().await;
    let head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..11 {
        stream.write_all(format!("64\r\n{}\r\n", " ".repeat(100)).as_bytes()).await.unwrap();
    }
    // The body has no end yet: the answer does not wait for it.
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{reply}");
    assert!(reply.contains("urn:mlops-serve:problem:body-too-large"), "{reply}");
}

#[tokio::test]
async fn a_declared_length_above_the_limit_is_refused_before_the_body() {
    let running = Running::start(builder().without_log()).await;
    let mut stream = running.connect().await;
    let request = request("").replace("content-length: 0", "content-length: 4194305");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{reply}");
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let running = Running::start(builder().without_log()).await;
    let mut stream = running.connect().await;
    let headers = "x-flood: 1\r\n".repeat(65);
    stream.write_all(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_a_place() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = Running::start(builder().without_log().limits(limits)).await;
    let (mut first, mut second) = (running.connect().await, running.connect().await);
    for stream in [&mut first, &mut second] {
        stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    }
    read_until(&mut first, ANSWER_END).await;
    let waiting = timeout(Duration::from_millis(100), read_until(&mut second, ANSWER_END)).await;
    assert!(waiting.is_err(), "the second connection was served beside the first");
    drop(first);
    let reply = read_until(&mut second, ANSWER_END).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
}

/// A service whose model says when it has begun and waits until it may go on.
async fn start_held(limits: Limits) -> (Running, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let model = Stub::new().before(move || {
        begin.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
    });
    let builder = Service::builder(Classifier::new(model)).without_log().limits(limits);
    (Running::start(builder).await, begun, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_lets_a_request_in_flight_finish() {
    let (running, begun, release) = start_held(Limits::default()).await;
    let mut stream = running.connect().await;
    // Large enough to be scored on a thread of its own.
    stream.write_all(request(&body(&[13.0; 100])).as_bytes()).await.unwrap();
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();

    let (address, service) = (running.address, running.service.clone());
    let stopped = tokio::spawn(running.stop());
    while !service.is_stopping() {
        tokio::task::yield_now().await;
    }
    // Ends when a new connection is refused.
    while TcpStream::connect(address).await.is_ok() {}
    assert!(!stopped.is_finished());

    release.send(()).unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with(r#"1],"monitoring":{}}]"#), "{reply}");
    assert_eq!(stopped.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_cuts_what_does_not_finish_in_its_grace() {
    let (running, begun, release) = start_held(short()).await;
    let mut stream = running.connect().await;
    stream.write_all(request(&body(&[13.0; 100])).as_bytes()).await.unwrap();
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
    let expected = Error::ConnectionsCut { connections: 1, grace: short().grace };
    assert_eq!(running.stop().await, Err(expected));
    assert_eq!(read_to_close(&mut stream).await, "");
    release.send(()).unwrap();
}

#[tokio::test]
async fn a_blocked_log_slows_no_request_and_its_losses_are_counted() {
    let (blocked, release) = Blocked::new();
    let limits = Limits { log_bytes: 10_000, ..short() };
    let running = Running::start(builder().log(blocked).limits(limits)).await;
    let mut stream = running.connect().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let started = Instant::now();
        stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
        let reply = read_until(&mut stream, ANSWER_END).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let lost = running.service.metrics().log_lines_dropped.get();
    assert!((200..600).contains(&lost), "{lost} lines were dropped");
    let expected = Error::LogNotWritten { grace: short().grace };
    assert_eq!(running.stop().await, Err(expected));
    drop(release);
}

#[test]
fn running_out_of_descriptors_is_no_matter_of_one_connection() {
    const EMFILE: i32 = 24;
    assert!(!concerns_one_connection(&io::Error::from_raw_os_error(EMFILE)));
    assert!(concerns_one_connection(&io::ErrorKind::ConnectionAborted.into()));
}
