use std::sync::Mutex;

use object_store::memory::InMemory;

use super::*;

fn objects(root: &str) -> (Arc<InMemory>, Objects) {
    let store = Arc::new(InMemory::new());
    let bucket = Bucket::S3 { bucket: "models".to_owned(), path: root.to_owned() };
    (Arc::clone(&store), Objects::new(store, &bucket))
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|at| at.to_le_bytes()[1]).collect()
}

async fn all(mut content: Content) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = content.chunks.next().await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    all
}

#[tokio::test]
async fn files_around_the_size_of_a_part_go_and_come() {
    let (_, objects) = objects("1/run");
    let folder = tempfile::tempdir().unwrap();
    for n in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 5 * PART + 7] {
        let source = folder.path().join("file");
        std::fs::write(&source, bytes(n)).unwrap();
        let told = Arc::new(Mutex::new(0));
        let telling = Arc::clone(&told);
        let sent: Sent = Arc::new(move |n_bytes| *telling.lock().unwrap() = n_bytes);
        objects.write("a/file", &source, sent).await.unwrap();
        assert_eq!(*told.lock().unwrap(), n as u64);
        let content = objects.read("a/file", None).await.unwrap();
        assert_eq!((content.start, content.size), (0, Some(n as u64)));
        assert!(all(content).await == bytes(n), "{n}");
    }
}

#[tokio::test]
async fn a_file_that_is_still_the_same_is_gone_on_with() {
    let (store, objects) = objects("");
    let key = Path::parse("file").unwrap();
    store.put(&key, b"0123456789".to_vec().into()).await.unwrap();
    let tag = objects.read("file", None).await.unwrap().tag.unwrap();
    let from = |start| Span { start, end: None, tag: Some(tag.clone()) };
    let rest = objects.read("file", Some(&from(4))).await.unwrap();
    assert_eq!((rest.start, rest.size), (4, Some(10)));
    assert_eq!(all(rest).await, b"456789");
    for start in [10, 11] {
        assert_eq!(objects.read("file", Some(&from(start))).await.unwrap().start, 0);
    }
    store.put(&key, b"abcdefghij".to_vec().into()).await.unwrap();
    let other = objects.read("file", Some(&from(4))).await.unwrap();
    assert_eq!(other.start, 0);
    assert_eq!(all(other).await, b"abcdefghij");
    assert!(objects.read("gone", Some(&from(4))).await.map(drop).unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_folder_has_what_is_in_it_and_not_what_is_beside_it() {
    let (store, objects) = objects("1");
    for key in ["1/model", "1/model/a", "1/model/b/c", "1/model2/d", "1/x"] {
        store.put(&Path::parse(key).unwrap(), b"abc".to_vec().into()).await.unwrap();
    }
    let listed = async |folder: &'static str| {
        let mut artifacts = objects.list(folder).await.unwrap();
        artifacts.sort_by(|left, right| left.path.cmp(&right.path));
        artifacts.into_iter().map(|it| (it.path, it.size, it.is_folder)).collect::<Vec<_>>()
    };
    let expected = [("model/a".to_owned(), Some(3), false), ("model/b".to_owned(), None, true)];
    assert_eq!(listed("model").await, expected);
    assert_eq!(listed("").await.len(), 4);
    assert_eq!(listed("nothing").await, []);
}

#[tokio::test]
async fn a_file_that_ends_too_early_leaves_nothing() {
    let (store, objects) = objects("");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("file");
    std::fs::write(&source, bytes(PART)).unwrap();
    let key = Path::parse("file").unwrap();
    let sent: Sent = Arc::new(|_| {});
    let outcome = objects.send_parts(&key, "file", &source, 2 * PART as u64, &sent).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Io);
    store.head(&key).await.unwrap_err();
}
