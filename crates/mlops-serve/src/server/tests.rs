mod shutdown;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use mlops_telemetry::Telemetry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{SharedBuffer, Stub, body, classifier, model};
use crate::{Limits, Model, ModelSource, Service, ServiceBuilder};

fn builder() -> ServiceBuilder {
    Service::builder(model().drift(Stub::new()).outliers(Stub::new()))
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
    let telemetry = Telemetry::builder("Wine", buffer.clone()).start().unwrap();
    let running = Running::start(builder().telemetry(telemetry)).await;
    let mut stream = running.connect().await;
    for alcohol in [9.4, 13.0] {
        stream.write_all(request(&body(&[alcohol])).as_bytes()).await.unwrap();
        let reply = read_until(&mut stream, ANSWER_END).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        assert!(reply.ends_with(&format!("\"instance_score\":[{alcohol:?}]}}}}}}]")), "{reply}");
    }
    assert_eq!(running.stop().await, Ok(()));
    assert_eq!(buffer.text().lines().count(), 2, "all is written when the server has ended");
}

#[tokio::test]
async fn headers_that_do_not_end_close_the_connection() {
    let running = Running::start(builder().limits(short())).await;
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
    let running = Running::start(builder().limits(short())).await;
    let mut stream = running.connect().await;
    // The declared length is longer than what comes.
    let request = request(&body(&[9.4])).replace("content-length: ", "content-length: 1");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{reply}");
    assert!(reply.contains(r#""type":"urn:mlops-serve:problem:timeout","title":"Request timeout","status":408,"detail":"the body did not arrive in time""#), "{reply}");
}

#[tokio::test]
async fn bodies_that_do_not_end_keep_nobody_from_being_answered() {
    let running = Running::start(builder().limits(Limits { requests: 1, ..short() })).await;
    let slower = "expect: 100-continue\r\ncontent-length: 1";
    let half = request(&body(&[9.4])).replace("content-length: ", slower);
    let mut slow = [running.connect().await, running.connect().await];
    for stream in &mut slow {
        stream.write_all(half.as_bytes()).await.unwrap();
        // The body is being read.
        assert_eq!(read_until(stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    let mut stream = running.connect().await;
    stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    let reply = read_until(&mut stream, ANSWER_END).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    for mut stream in slow {
        let reply = read_to_close(&mut stream).await;
        assert!(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{reply}");
    }
}

#[tokio::test]
async fn whoever_is_turned_away_may_send_all_and_keeps_the_connection() {
    let running =
        Running::start(builder().limits(Limits { requests: 0, ..Limits::default() })).await;
    let mut stream = running.connect().await;
    for _ in 0..2 {
        stream.write_all(request(&" ".repeat(1 << 20)).as_bytes()).await.unwrap();
        let reply = read_until(&mut stream, "\"errors\":[]}").await;
        assert!(reply.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{reply}");
    }
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_passes_the_limit() {
    let running =
        Running::start(builder().limits(Limits { body_bytes: 1000, ..Limits::default() })).await;
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
    let running = Running::start(builder()).await;
    let mut stream = running.connect().await;
    let request = request("").replace("content-length: 0", "content-length: 4194305");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{reply}");
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let running = Running::start(builder()).await;
    let mut stream = running.connect().await;
    let headers = "x-flood: 1\r\n".repeat(65);
    stream.write_all(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

/// An output that nobody reads.
struct Unread(mpsc::Receiver<()>);

impl Write for Unread {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn connections_above_the_limit_are_answered_for_health_and_turned_away_otherwise() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = Running::start(builder().limits(limits)).await;
    let mut first = running.connect().await;
    first.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    read_until(&mut first, ANSWER_END).await;
    let mut health = running.connect().await;
    health.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let reply = read_to_close(&mut health).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    let mut second = running.connect().await;
    second.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    let reply = read_to_close(&mut second).await;
    assert!(reply.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{reply}");
    drop(first);
    // The place is free as soon as the server has seen the end of the connection.
    loop {
        let mut third = running.connect().await;
        third.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
        let reply = read_until(&mut third, ANSWER_END).await;
        if reply.starts_with("HTTP/1.1 200 OK\r\n") {
            break;
        }
    }
}

/// A source whose next version is set by the test.
#[derive(Clone, Default)]
struct Versions(Arc<Mutex<Option<&'static str>>>);

impl ModelSource for Versions {
    fn poll(&mut self) -> Result<Option<Model>, Box<dyn std::error::Error + Send + Sync>> {
        let version = self.0.lock().unwrap().take();
        match version {
            Some("broken") => Err("the registry is away".into()),
            Some("panic") => panic!("a broken source"),
            Some("refused") => Ok(Some(Model::regressor("wines", Stub::new()))),
            version => Ok(version.map(|version| model().version(version))),
        }
    }
}

async fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_close(&mut stream).await
}

#[tokio::test]
async fn administration_has_a_port_of_its_own() {
    let versions = Versions::default();
    let builder = Service::builder(model().version("1"));
    let builder = builder.source(versions.clone(), Duration::from_secs(3600));
    let service = builder.build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, admin_address) = (listener.local_addr().unwrap(), admin.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = Server::new(service).event_loops(0).admin(admin);
    let server = tokio::spawn(server.run(listener, shutdown));

    for path in ["GET /metrics", "POST /admin/reload"] {
        let reply = ask(address, path).await;
        assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    }
    assert!(ask(admin_address, "POST /predict").await.starts_with("HTTP/1.1 404 "));
    assert!(ask(admin_address, "GET /livez").await.starts_with("HTTP/1.1 200 "));
    let reload = || ask(admin_address, "POST /admin/reload");
    assert!(reload().await.ends_with(r#"{"swapped":0}"#));
    *versions.0.lock().unwrap() = Some("2");
    assert!(reload().await.ends_with(r#"{"swapped":1}"#));
    for (version, cause) in [
        ("broken", "the source of new versions failed: the registry is away"),
        ("panic", "the source of new versions panicked"),
    ] {
        *versions.0.lock().unwrap() = Some(version);
        let reply = reload().await;
        assert!(reply.starts_with("HTTP/1.1 409 ") && reply.contains(cause), "{reply}");
    }
    *versions.0.lock().unwrap() = Some("refused");
    // The source has nothing else to offer the second time, and the version is not in place.
    for _ in 0..2 {
        let reply = reload().await;
        assert!(reply.starts_with("HTTP/1.1 409 ") && reply.contains("was refused"), "{reply}");
    }
    let page = ask(admin_address, "GET /metrics").await;
    assert!(page.contains("mlops_model_swaps_total{outcome=\"failed\"} 2\n"), "{page}");
    assert!(page.contains("mlops_model_swaps_total{outcome=\"refused\"} 1\n"), "{page}");
    assert!(page.contains(r#"mlops_model_info{name="wines",version="2",sha256=""} 1"#), "{page}");
    stop.send(()).unwrap();
    assert_eq!(server.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_source_is_asked_now_and_then() {
    let versions = Versions::default();
    let builder = Service::builder(model().version("1"));
    let service = builder.source(versions.clone(), Duration::from_millis(5)).build().unwrap();
    *versions.0.lock().unwrap() = Some("2");
    let started = Instant::now();
    while service.slot("wines").unwrap().champion().version().version.as_deref() != Some("2") {
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[cfg(feature = "api-keys")]
#[tokio::test]
async fn without_a_key_there_is_no_prediction_and_still_health() {
    // printf %s secret | sha256sum
    let keys = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let keys = crate::ApiKeys::parse(keys).unwrap();
    let running = Running::start(builder().api_keys(keys)).await;
    let mut stream = running.connect().await;
    let body = body(&[9.4]);
    stream.write_all(request(&body).as_bytes()).await.unwrap();
    let reply = read_until(&mut stream, "]}").await;
    assert!(reply.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{reply}");
    assert!(reply.contains("www-authenticate: Bearer\r\n"), "{reply}");
    let mut stream = running.connect().await;
    let request = request(&body).replace("host: x", "host: x\r\nauthorization: Bearer secret");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = read_until(&mut stream, ANSWER_END).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(ask(running.address, "GET /livez").await.starts_with("HTTP/1.1 200 "));
}

#[cfg(feature = "tls")]
mod tls {
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;
    use crate::server::{TlsConfig, TlsError};

    // openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout localhost.key.pem \
    //   -out localhost.pem -days 36500 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    //   -addext basicConstraints=critical,CA:FALSE
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/localhost.pem");
    const KEY: &[u8] = include_bytes!("../../tests/data/localhost.key.pem");

    #[tokio::test]
    async fn requests_are_answered_over_tls_and_silence_in_the_handshake_ends_it() {
        let service = builder().limits(short()).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(service).tls(TlsConfig::from_pem(CERTIFICATE, KEY).unwrap());
        let server = tokio::spawn(server.run(listener, std::future::pending()));

        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        let body = body(&[9.4]);
        stream.write_all(request(&body).as_bytes()).await.unwrap();
        let mut reply = vec![0; 4096];
        let n_read = stream.read(&mut reply).await.unwrap();
        assert!(reply[..n_read].starts_with(b"HTTP/1.1 200 OK\r\n"));

        let mut silent = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        assert_eq!(read_to_close(&mut silent).await, "");
        assert!(started.elapsed() < Duration::from_secs(5));
        server.abort();
    }

    #[test]
    fn what_is_no_certificate_or_key_is_named() {
        let error = |certificate, key| TlsConfig::from_pem(certificate, key).unwrap_err();
        assert_eq!(error(b"", KEY), TlsError::Certificate);
        assert_eq!(error(KEY, KEY), TlsError::Certificate);
        assert_eq!(error(CERTIFICATE, CERTIFICATE), TlsError::Key);
        assert_eq!(error(CERTIFICATE, b"secret"), TlsError::Key);
    }
}
