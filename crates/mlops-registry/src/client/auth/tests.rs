use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mlops_testing::{MockRequest, MockServer, Reply};

use crate::client::{Auth, Entra, MlflowClient, MlflowClientBuilder, Retries};
use crate::{Error, ErrorKind, RunId};

const RUN: &str = r#"{"run":{"info":{"run_id":"0123456789abcdef0123456789abcdef","experiment_id":"1","status":"RUNNING"}}}"#;
const METADATA: &str = "GET /oidc/.well-known/oauth-authorization-server";
const TOKENS: &str = "POST /oidc/v1/token";
const ENDED: &str = r#"{"error_code":"UNAUTHENTICATED","message":"Token is expired: t1"}"#;

fn quick(uri: &str) -> MlflowClientBuilder {
    let first = Duration::from_millis(1);
    MlflowClient::builder(uri).retries(Retries { count: 3, first, longest: 50 * first })
}

fn principal(uri: &str) -> MlflowClientBuilder {
    let client_id = "principal".to_owned();
    quick(uri).auth(Auth::ServicePrincipal { client_id, client_secret: "s3cret".to_owned() })
}

fn run_id() -> RunId {
    "0123456789abcdef0123456789abcdef".parse().unwrap()
}

/// Everything that an error says, to whom looks closely.
fn told(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        write!(text, " {error} {error:?}").unwrap();
        source = error.source();
    }
    text
}

/// A workspace that gives the tokens `t1`, `t2` and so on, for so many seconds, and takes those that `takes` says.
fn workspace(
    seconds: &'static str,
    takes: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> MockServer {
    let given = AtomicUsize::new(0);
    MockServer::answering(move |asked| match asked.line.as_str() {
        METADATA => {
            let host = asked.header("host").unwrap();
            Reply::json(200, format!(r#"{{"token_endpoint":"http://{host}/oidc/v1/token"}}"#))
        }
        TOKENS => {
            let n = given.fetch_add(1, Ordering::SeqCst) + 1;
            Reply::json(200, format!(r#"{{"access_token":"t{n}","expires_in":{seconds}}}"#))
        }
        _ if takes(asked.header("authorization").unwrap()) => Reply::json(200, RUN),
        _ => Reply::json(401, ENDED),
    })
    .unwrap()
}

fn asked(server: &MockServer, line: &str) -> Vec<MockRequest> {
    server.requests().into_iter().filter(|asked| asked.line == line).collect()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_it_ends() {
    let server = workspace("3600", |token| token == "Bearer t1");
    let client = principal(&server.uri()).build().unwrap();
    assert_eq!(server.requests(), [], "nothing is sent before it is needed");
    let id = run_id();
    let (first, second, third) = tokio::join!(client.run(&id), client.run(&id), client.run(&id));
    for outcome in [first, second, third, client.run(&run_id()).await] {
        outcome.unwrap();
    }
    assert_eq!(asked(&server, METADATA).len(), 1);
    let [asked_for] = &asked(&server, TOKENS)[..] else { panic!("{:?}", server.requests()) };
    assert_eq!(asked_for.body, "grant_type=client_credentials&scope=all-apis");
    let content_type = asked_for.header("content-type");
    assert_eq!(content_type, Some("application/x-www-form-urlencoded"));
    // principal:s3cret
    assert_eq!(asked_for.header("authorization"), Some("Basic cHJpbmNpcGFsOnMzY3JldA=="));
    assert_eq!(server.requests().len(), 6);
    assert!(!format!("{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed() {
    let server = workspace("0", |_| true);
    let client = principal(&server.uri()).build().unwrap();
    for _ in 0..3 {
        client.run(&run_id()).await.unwrap();
    }
    assert_eq!((asked(&server, METADATA).len(), asked(&server, TOKENS).len()), (1, 3));
    let last = server.requests().pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer t3"));
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once() {
    let server = workspace(r#""3600""#, |token| token == "Bearer t2");
    let client = principal(&server.uri()).retries(Retries::NONE).build().unwrap();
    client.finish_run(&run_id(), crate::RunStatus::Finished).await.unwrap();
    client.run(&run_id()).await.unwrap();
    assert_eq!(asked(&server, TOKENS).len(), 2);

    let server = workspace("3600", |_| false);
    let client = principal(&server.uri()).build().unwrap();
    let error = client.run(&run_id()).await.unwrap_err();
    assert_eq!((error.kind(), error.server().unwrap().attempts), (ErrorKind::Unauthorized, 2));
    assert_eq!(asked(&server, TOKENS).len(), 2);
    let text = told(&error);
    assert!(text.contains("the token, or name and password, were not taken"), "{text}");
}

#[tokio::test]
async fn whoever_gives_no_token_is_named_and_the_secret_is_not() {
    let refused = |status, body: &'static str| {
        let server = MockServer::answering(move |asked| match asked.line.as_str() {
            METADATA => {
                let host = asked.header("host").unwrap();
                Reply::json(200, format!(r#"{{"token_endpoint":"http://{host}/oidc/v1/token"}}"#))
            }
            _ => Reply::json(status, body),
        });
        server.unwrap()
    };
    for (status, body, kind, says) in [
        (
            401,
            r#"{"error":"invalid_client","error_description":"no s3cret"}"#,
            ErrorKind::Unauthorized,
            "status 401: invalid_client: no ***; no token was given for the client's identifier",
        ),
        (400, r#"{"error":"unauthorized_client"}"#, ErrorKind::Unauthorized, "unauthorized_client"),
        (503, "s3cret", ErrorKind::Unavailable, "*** (after 4 attempts)"),
        (500, "s3cret", ErrorKind::Unavailable, "*** (after 4 attempts)"),
        (
            200,
            r#"{"access_token":["s3cret"]}"#,
            ErrorKind::Malformed,
            "not that of a token endpoint",
        ),
        (200, r#"{"access_token":""}"#, ErrorKind::Malformed, "the answer has no token"),
        (200, r#"{"access_token":"s3cret\n"}"#, ErrorKind::Malformed, "the answer has no token"),
    ] {
        let server = refused(status, body);
        let client = principal(&server.uri()).build().unwrap();
        let error = client.run(&run_id()).await.unwrap_err();
        let text = told(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(says) && !text.contains("s3cret"), "{text}");
        assert!(text.contains(&format!("POST {}/oidc/v1/token", server.uri())), "{text}");
        assert!(!error.is_ambiguous(), "nothing was asked of the server: {text}");
    }
    let server = MockServer::start(vec![Reply::text(404, "text/html", "<h1>Not Found")]).unwrap();
    let error = principal(&server.uri()).build().unwrap().run(&run_id()).await.unwrap_err();
    assert!(error.is_unsupported(), "{error:?}");
}

#[tokio::test]
async fn a_secret_goes_to_the_server_alone() {
    let other = MockServer::start(vec![Reply::json(200, RUN)]).unwrap();
    let moved = Reply::text(307, "text/html", "")
        .header("Location", &format!("{}/x?t=s3cret", other.uri()));
    let server = MockServer::start(vec![moved]).unwrap();
    let basic = Auth::Basic { username: "me".to_owned(), password: "s3cret".to_owned() };
    for auth in [basic, Auth::Token("s3cret".to_owned())] {
        let client = quick(&server.uri()).auth(auth).build().unwrap();
        let error = client.run(&run_id()).await.unwrap_err();
        let text = told(&error);
        assert!(text.contains(&format!("moved to {}/x;", other.uri())), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let client = principal(&server.uri()).build().unwrap();
    assert!(told(&client.run(&run_id()).await.unwrap_err()).contains("moved to"));

    let elsewhere = format!(r#"{{"token_endpoint":"{}/oidc/v1/token"}}"#, other.uri());
    let server = MockServer::start(vec![Reply::json(200, elsewhere)]).unwrap();
    let client = principal(&server.uri()).build().unwrap();
    let error = client.run(&run_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(told(&error).contains("the token endpoint is not on this server"), "{error:?}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn entra_is_asked_at_its_own_address() {
    let entra =
        MockServer::start(vec![Reply::json(200, r#"{"access_token":"t","expires_in":3599}"#)]);
    let entra = entra.unwrap();
    let server = workspace("0", |token| token == "Bearer t");
    let application = Entra::new("tenant", "application", "s3cret/=").login_uri(entra.uri());
    let client = quick(&server.uri()).auth(Auth::Entra(application)).build().unwrap();
    client.run(&run_id()).await.unwrap();
    client.run(&run_id()).await.unwrap();
    let [asked_for] = &entra.requests()[..] else { panic!("{:?}", entra.requests()) };
    assert_eq!(asked_for.line, "POST /tenant/oauth2/v2.0/token");
    assert_eq!(asked_for.header("authorization"), None);
    assert_eq!(
        asked_for.body,
        "grant_type=client_credentials&scope=2ff814a6-3304-4ab8-85cb-cd0e6f879c1d%2F.default\
         &client_id=application&client_secret=s3cret%2F%3D"
    );
    assert_eq!(server.requests().len(), 2);
    assert!(!format!("{client:?}").contains("s3cret"));
}

#[test]
fn secrets_that_cannot_be_sent_secretly_are_not_sent() {
    let entra = |uri: &str| Auth::Entra(Entra::new("t", "id", "s3cret").login_uri(uri));
    for builder in [
        principal("http://h"),
        quick("http://h").auth(entra("https://login")),
        quick("https://h").auth(entra("http://login")),
        quick("https://h").auth(entra("login")),
        quick("https://h").auth(Auth::Token("s3cret\n".to_owned())),
        quick("https://h").workspace("a\nb"),
    ] {
        assert!(!format!("{builder:?}").contains("s3cret"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting, "{error:?}");
        assert!(!told(&error).contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn refusals_explain_themselves() {
    let by_token = || Some(Auth::Token("s3cret".to_owned()));
    let denied = r#"{"error_code":"PERMISSION_DENIED","message":"Permission denied"}"#;
    for (status, body, auth, kind, says) in [
        (
            401,
            "<p>You are not authenticated",
            None,
            ErrorKind::Unauthorized,
            "give the client a token",
        ),
        (
            401,
            "who is s3cret",
            by_token(),
            ErrorKind::Unauthorized,
            "who is ***; the token, or name and password, were not taken",
        ),
        (
            403,
            denied,
            by_token(),
            ErrorKind::Forbidden,
            "the server knows who asks, and has not permitted it",
        ),
        (403, denied, None, ErrorKind::Forbidden, "Permission denied"),
        (
            403,
            r#"{"error_code":403,"message":"Invalid access token."}"#,
            by_token(),
            ErrorKind::Unauthorized,
            "status 403 403: Invalid access token.; the token",
        ),
        (403, "Invalid Host header", by_token(), ErrorKind::Forbidden, "host_header"),
    ] {
        let server = MockServer::start(vec![Reply::json(status, body)]).unwrap();
        let client = quick(&server.uri()).auth(auth.unwrap_or_default()).build().unwrap();
        let error = client.run(&run_id()).await.unwrap_err();
        let text = told(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(says) && !text.contains("s3cret"), "{text}");
        assert_eq!(server.requests().len(), 1, "it will not be otherwise in a second: {text}");
    }
}
