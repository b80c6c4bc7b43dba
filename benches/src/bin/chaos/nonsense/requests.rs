use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use mlops_benches::http::request;
use mlops_benches::wine;

/// A request that makes no sense.
#[derive(Debug)]
pub(super) struct Nonsense {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// The status that is documented for it, where there is one.
    pub(super) status: Option<u16>,
}

/// Stands in requests and must not stand in answers.
pub(super) const MARKER: &str = "5e5a3e";

/// The values of a number that no row may have, and other bodies that are none.
fn bodies() -> Vec<(&'static str, Vec<u8>, u16)> {
    let digits = "7".repeat(1_000_000);
    let bad_utf8 = [b"[{\"alcohol\":\"\xff\xfe".as_slice(), MARKER.as_bytes(), b"\"}]"].concat();
    vec![
        ("depth bomb", b"[".repeat(1_000_000), 400),
        ("depth bomb of objects", br#"[{"alcohol":"#.repeat(100_000), 400),
        ("depth bomb that ends", [b"[".repeat(1000), b"]".repeat(1000)].concat(), 422),
        ("a number of 10^6 digits", with_alcohol(&digits), 422),
        ("1e400", with_alcohol("1e400"), 422),
        ("-1e400", with_alcohol("-1e400"), 422),
        ("NaN", with_alcohol("NaN"), 400),
        ("Infinity", with_alcohol("Infinity"), 400),
        ("hexadecimal number", with_alcohol("0x5e5a3e"), 400),
        ("text for a number", with_alcohol("\"5e5a3e\""), 422),
        ("huge text", with_alcohol(&format!("\"{}\"", MARKER.repeat(400_000))), 422),
        ("list for a number", with_alcohol("[\"5e5a3e\"]"), 422),
        ("duplicate key", with_alcohol("9.4,\"alcohol\":9.5"), 422),
        ("homoglyph key", wines().replace("alcohol", "\u{430}lcohol").into_bytes(), 422),
        ("huge key", wines().replace("alcohol", &"k".repeat(600_000)).into_bytes(), 422),
        ("10,000 faults", format!("[{}{{}}]", "{},".repeat(9_999)).into_bytes(), 422),
        ("10,001 rows", wine::json(10_001).into_bytes(), 413),
        ("byte order mark", [b"\xef\xbb\xbf", wines().as_bytes()].concat(), 400),
        ("bad UTF-8", bad_utf8, 400),
        ("UTF-16", wines().encode_utf16().flat_map(u16::to_le_bytes).collect(), 400),
        ("lone surrogate", br#"[{"\ud800":1}]"#.to_vec(), 400),
        ("control characters", b"[{\"a\n\x1b[2J5e5a3e\":1}]".to_vec(), 400),
        ("no rows", b"[]".to_vec(), 422),
        ("nothing", Vec::new(), 400),
        ("positional row", b"[[7.4,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,1]]".to_vec(), 422),
    ]
}

pub(super) fn all() -> io::Result<Vec<Nonsense>> {
    let mut all = Vec::new();
    for (name, body, status) in bodies() {
        all.push(Nonsense { name, bytes: post("", &body), status: Some(status) });
    }
    let mut push = |name, status, bytes: Vec<u8>| all.push(Nonsense { name, bytes, status });
    push("64 MB with their length", Some(413), post("", &vec![b' '; 64_000_000]));
    push(
        "16 MB in chunks",
        Some(413),
        chunked(&format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)), 256),
    );
    push("3 MB in chunks of a byte", Some(400), chunked("1\r\n \r\n", 3_000_000));
    let bomb = compressed(64_000_000)?;
    push("gzip bomb", Some(415), post("content-encoding: gzip\r\n", &bomb));
    push("other media type", Some(415), with_head("content-type", "content-type: text/5e5a3e"));
    push("large header", Some(431), head(&format!("x: {}\r\n", MARKER.repeat(40_000))));
    push("65 headers", Some(431), head(&"x: 5e5a3e\r\n".repeat(65)));
    let line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", MARKER.repeat(12_000));
    push("long path", None, line.into_bytes());
    for (name, line) in [
        ("chunks of an unknown coding", "transfer-encoding: 5e5a3e"),
        ("chunks that are not last", "transfer-encoding: chunked, identity"),
        ("two lengths", "content-length: 1\r\ncontent-length: 2"),
        ("negative length", "content-length: -1"),
        ("signed length", "content-length: +1"),
        ("length beyond 64 bits", "content-length: 99999999999999999999"),
        ("folded header", "x: a\r\n 5e5a3e"),
        ("space before a colon", "x : 5e5a3e"),
        ("null in a header", "x-request-id: 5e5a3e\0"),
        ("escape in a header", "x-request-id: \u{1b}[2J5e5a3e"),
        ("bare return in a header", "traceparent: 5e5a3e\r{\"forged\":1}"),
    ] {
        push(name, Some(400), head(&format!("{line}\r\n")));
    }
    let bad_chunk = [&head("transfer-encoding: chunked\r\n")[..], b"5e5a3e!\r\n\r\n"].concat();
    push("bad chunk", Some(400), bad_chunk);
    for (name, status, method, path) in [
        ("GET /predict", 405, "GET", "/predict"),
        ("DELETE /predict", 405, "DELETE", "/predict"),
        ("TRACE /predict", 405, "TRACE", "/predict"),
        ("POST /healthz", 405, "POST", "/healthz"),
        ("unknown method", 405, "5E5A3E", "/predict"),
        ("unknown path", 404, "POST", "/predict/5e5a3e"),
        ("path upwards", 404, "GET", "/docs/../../5e5a3e"),
        ("encoded path upwards", 404, "GET", "/docs/%2e%2e%2f5e5a3e"),
        ("unknown model", 404, "POST", "/v1/models/5e5a3e/predict"),
        ("strange query", 400, "POST", "/v1/models/wine_quality/predict?explain=5e5a3e"),
        ("metrics of the other port", 404, "GET", "/metrics"),
    ] {
        push(name, Some(status), request(method, path, ""));
    }
    push("no HTTP", Some(400), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec());
    push("HTTP/0.9", Some(400), b"GET /5e5a3e\r\n\r\n".to_vec());
    Ok(all)
}

/// The beginning of HTTP/2.
pub(super) const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request with two lengths, and another one behind the end of the shorter. A proxy that believes the other length
/// takes the second for a part of the first.
pub(super) fn smuggled() -> Vec<u8> {
    b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 48\r\n\
      transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\nx: 123456\r\n\r\n"
        .to_vec()
}

/// Requests that are answered, with headers that look like a part of a line of the log.
pub(super) fn forgeries() -> Vec<Vec<u8>> {
    let forged = r#"","forged":1,"type":""#;
    [
        format!("x-request-id: {forged}"),
        format!("traceparent: 00-{forged}-00f067aa0ba902b7-01"),
        format!("user-agent: {forged}"),
        "x-request-id: \\n{\"forged\":1}".to_owned(),
        "x-request-id: \u{e9}\u{2028}{\"forged\":1}".to_owned(),
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\"forged\""
            .to_owned(),
    ]
    .map(|line| post(&format!("{line}\r\n"), wines().as_bytes()))
    .to_vec()
}

fn wines() -> String {
    wine::json(2)
}

/// Two wines, of which the first has another alcohol.
fn with_alcohol(value: &str) -> Vec<u8> {
    wines().replacen("\"alcohol\":9.4", &format!("\"alcohol\":{value}"), 1).into_bytes()
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A good request in which a header is another.
fn with_head(name: &str, line: &str) -> Vec<u8> {
    let request = String::from_utf8_lossy(&post("", wines().as_bytes())).into_owned();
    let lines = request.split("\r\n").map(|own| if own.starts_with(name) { line } else { own });
    lines.collect::<Vec<_>>().join("\r\n").into_bytes()
}

/// A head without a body.
fn head(headers: &str) -> Vec<u8> {
    format!("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n")
        .into_bytes()
}

fn chunked(chunk: &str, n: usize) -> Vec<u8> {
    let head = head("transfer-encoding: chunked\r\n");
    [&head, chunk.repeat(n).as_bytes(), b"0\r\n\r\n"].concat()
}

fn compressed(n_bytes: usize) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b' '; n_bytes])?;
    encoder.finish()
}
