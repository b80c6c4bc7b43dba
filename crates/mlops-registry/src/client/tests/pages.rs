use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

use super::*;

#[tokio::test]
async fn pages_are_asked_for_until_there_is_no_token() {
    let page = |name: &str, token: &str| {
        Reply::json(
            200,
            format!(
                r#"{{"experiments":[{{"experiment_id":"{name}"}}],"next_page_token":"{token}"}}"#
            ),
        )
    };
    let server = serving(vec![page("1", "x=="), page("2", "y"), Reply::json(200, "{}")]);
    let all = client(&server).search_experiments(&Filter::all()).all().await.unwrap();
    assert_eq!(all.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let asked = server.requests();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].body.contains(r#""page_token":"x==""#), "{}", asked[1].body);
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_stream_gives_the_results_of_all_pages_and_ends_after_an_error() {
    let page = |body: &str| Reply::json(200, body);
    let first =
        r#"{"experiments":[{"experiment_id":"1"},{"experiment_id":"2"}],"next_page_token":"x"}"#;
    let empty = r#"{"next_page_token":"y"}"#;
    let last = r#"{"experiments":[{"experiment_id":"3"}]}"#;
    let server = serving(vec![page(first), page(empty), page(last)]);
    let mut stream = client(&server).search_experiments(&Filter::all()).into_stream();
    assert_eq!(server.requests().len(), 0);
    for id in ["1", "2", "3"] {
        assert_eq!(next(&mut stream).await.unwrap().unwrap().id, id);
    }
    for _ in 0..2 {
        assert!(next(&mut stream).await.is_none());
    }
    assert_eq!(server.requests().len(), 3);

    let server = serving(vec![page(first), Reply::json(400, "{}")]);
    let mut stream = client(&server).search_experiments(&Filter::all()).into_stream();
    for id in ["1", "2"] {
        assert_eq!(next(&mut stream).await.unwrap().unwrap().id, id);
    }
    next(&mut stream).await.unwrap().unwrap_err();
    assert!(next(&mut stream).await.is_none());
    assert_eq!(server.requests().len(), 2);
}

/// What `StreamExt::next` does.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}
