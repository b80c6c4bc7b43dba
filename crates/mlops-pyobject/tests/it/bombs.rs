//! Small files that would become large, deep or endless.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Error, Kind, Limit, Limits, read};

use crate::support::{archive, ask, sample};

fn error(bytes: &[u8]) -> Error {
    read(bytes, &Limits::default()).unwrap_err()
}

fn exceeded(bytes: &[u8], limits: Limits) -> Limit {
    match read(bytes, &limits).unwrap_err() {
        Error::LimitExceeded { limit, .. } => limit,
        error => panic!("{error}"),
    }
}

#[test]
fn a_call_is_a_name_and_never_made() {
    let marker = std::env::temp_dir().join("mlops-pyobject-was-executed");
    let shell = format!("cos\nsystem\n(S'touch {}'\ntR.", marker.display());
    let graph = read(shell.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(graph.root().class().unwrap().to_string(), "os.system");
    assert_eq!(graph.root().kind(), Kind::Instance);
    let pipeline = Pipeline::read(&graph.root()).unwrap();
    let error = pipeline.estimator.expect_instance("sklearn.ensemble", "IsolationForest");
    assert!(error.unwrap_err().to_string().contains("`os.system`"));
    assert!(!marker.exists());
}

#[test]
fn nesting_costs_no_stack() {
    let depth = 100_000;
    let nested = [&b"]".repeat(depth)[..], &b"a".repeat(depth - 1), b"."].concat();
    let graph = read(&nested, &Limits::default()).unwrap();
    let mut object = graph.root();
    let found = loop {
        match object.item(0) {
            Ok(item) => object = item,
            Err(error) => break error,
        }
    };
    assert_eq!(found, Error::LimitExceeded { limit: Limit::Depth, maximum: 100 });
    let tuples = [&b")"[..], &b"\x85".repeat(depth), b"."].concat();
    read(&tuples, &Limits::default()).unwrap();
    let marks = [&b"(".repeat(depth)[..], b"N."].concat();
    assert!(read(&marks, &Limits::default()).is_ok_and(|graph| graph.root().is_none()));
    // Of a schema, serde_json's own limit ends it.
    let schema = [&b"[".repeat(100_000)[..], &b"]".repeat(100_000)].concat();
    let deep = archive(&[("schema.json", &schema)]);
    assert!(matches!(error(&deep), Error::Entry { .. }));
}

#[test]
fn lists_of_lists_of_lists_stay_as_small_as_their_file() {
    // Each of 100 lists holds the one before it ten times: 10^100 items in 2.5 kB.
    let mut bomb = b"\x80\x02]q\x00".to_vec();
    for level in 0..100_u8 {
        bomb.extend([b']', b'q', level + 1, b'(']);
        bomb.extend([b'h', level].repeat(10));
        bomb.push(b'e');
    }
    bomb.push(b'.');
    let graph = read(&bomb, &Limits::default()).unwrap();
    assert_eq!(graph.root().items().unwrap().len(), 10);
    assert!(format!("{:?}", graph.root()).len() < 100);
    ask(&graph.root(), &mut 10_000);
}

#[test]
fn objects_may_contain_themselves() {
    let list = b"\x80\x02]q\x00h\x00a.";
    let graph = read(list, &Limits::default()).unwrap();
    assert_eq!(graph.root().item(0).unwrap().item(0).unwrap().path(), "root[0][0]");
    ask(&graph.root(), &mut 1000);
    let dict = b"\x80\x02}q\x00X\x01\0\0\0ah\x00s.";
    let graph = read(dict, &Limits::default()).unwrap();
    assert_eq!(graph.root().entry("a").unwrap().entry("a").unwrap().kind(), Kind::Dict);
    let state = b"\x80\x02cm\nC\n)\x81q\x00h\x00b.";
    let graph = read(state, &Limits::default()).unwrap();
    assert_eq!(graph.root().find_attribute("a").unwrap().map(|_| ()), None);
    ask(&graph.root(), &mut 1000);
    // What is called is the result of a call.
    let computed = b"\x80\x02cm\nC\n)R)R.";
    let graph = read(computed, &Limits::default()).unwrap();
    assert_eq!((graph.root().kind(), graph.root().class()), (Kind::Instance, None));
}

#[test]
fn what_a_file_refers_to_again_and_again_is_copied_a_bounded_number_of_times() {
    // A megabyte of floats, and 100,000 references to it.
    let data = vec![0; 1 << 20];
    let mut bomb = b"\x80\x03](cnumpy\n_frombuffer\n(B\0\0\x10\0".to_vec();
    bomb.extend(&data);
    bomb.extend(b"cnumpy\ndtype\n(X\x02\0\0\0f8tRK\0cm\nn\ntR");
    // The shape of 2^17 is put in the place of the two objects before the end.
    let shape = b"K\0cm\nn\ntR".len();
    bomb.truncate(bomb.len() - shape);
    bomb.extend(b"J\0\0\x02\0X\x01\0\0\0CtRq\0");
    bomb.extend(b"h\0".repeat(100_000));
    bomb.extend(b"e.");
    let graph = read(&bomb, &Limits::default()).unwrap();
    let arrays = graph.root().items().unwrap();
    assert_eq!(arrays.len(), 100_001);
    let copies = arrays.iter().map(|array| array.array().unwrap().floats());
    let n_copies = copies.take_while(Result::is_ok).count();
    assert!((16..100).contains(&n_copies), "{n_copies}");
    let again = arrays[0].array().unwrap().floats().unwrap_err();
    assert!(matches!(again, Error::LimitExceeded { limit: Limit::CopiedBytes, .. }), "{again}");
}

#[test]
fn steps_without_data_cannot_be_repeated_for_nothing() {
    // A scaler of 100,000 columns that keeps neither means nor scales, 5000 times.
    let mut bomb = b"\x80\x02csklearn.pipeline\nPipeline\n)\x81}X\x05\0\0\0steps](".to_vec();
    bomb.extend(b"X\x01\0\0\0scsklearn.preprocessing._data\nStandardScaler\n)\x81}(");
    bomb.extend(b"X\x09\0\0\0with_mean\x89X\x08\0\0\0with_std\x89");
    bomb.extend(b"X\x0e\0\0\0n_features_in_J\xa0\x86\x01\0ub\x86q\0");
    bomb.extend(b"h\0".repeat(5000));
    bomb.extend(b"esb.");
    let graph = read(&bomb, &Limits::default()).unwrap();
    let error = Pipeline::read(&graph.root()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: Limit::CopiedBytes, .. }), "{error}");
}

#[test]
fn promised_lengths_are_not_believed() {
    for (bytes, problem) in [
        (&b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f."[..], "ends early"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends early"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "ends early"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "memo index out of order"),
        (b"Np4000000000\n.", "memo index out of order"),
        (b"\x80\x02j\xff\xff\xff\xff.", "memo index that was not set"),
    ] {
        let error = error(bytes).to_string();
        assert!(error.contains(problem), "{error}");
    }
    let shape = b"cnumpy\nscalar\n(cnumpy\ndtype\n(S'f8'\ntRC\x0812345678tR.";
    let graph = read(shape, &Limits::default()).unwrap();
    assert_eq!(graph.root().array().unwrap().len(), 1);
    let huge =
        b"cnumpy\n_frombuffer\n(C\0cnumpy\ndtype\n(S'V0'\ntR(I9223372036854775807\ntS'C'\ntR.";
    let graph = read(huge, &Limits::default()).unwrap();
    assert!(matches!(graph.root().array(), Err(Error::Invalid { .. })));
}

#[test]
fn zip_bombs_are_refused_before_they_expand() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let compressed = encoder.finish().unwrap();
    let size = 64_u32 << 20;
    // The archive of a stored file, turned into one of a deflated file of 64 MiB.
    let mut bomb = archive(&[("schema.json", &compressed)]);
    let directory = bomb.len() - 22 - (46 + "schema.json".len());
    for start in [4, directory + 6] {
        bomb[start + 4] = 8;
        bomb[start + 18..start + 22].copy_from_slice(&size.to_le_bytes());
    }
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    assert_eq!(exceeded(&bomb, Limits::default()), Limit::MemoryBytes);
    let limits = Limits::default().archive_bytes(1 << 20);
    assert_eq!(exceeded(&bomb, limits), Limit::ArchiveBytes);
    // It says that it is small, and is not.
    for start in [4, directory + 6] {
        bomb[start + 18..start + 22].copy_from_slice(&100_u32.to_le_bytes());
    }
    assert!(matches!(error(&bomb), Error::Entry { problem: "is corrupt", .. }));
}

#[test]
fn every_limit_can_be_lowered() {
    let forest = sample("forest.p5.pkl");
    let skops = sample("forest.deflated.skops");
    let limits = Limits::default();
    for (bytes, limits, limit) in [
        (&forest, limits.file_bytes(100), Limit::FileBytes),
        (&forest, limits.memory_bytes(10_000), Limit::MemoryBytes),
        (&forest, limits.opcodes(100), Limit::Opcodes),
        (&forest, limits.text_bytes(10), Limit::TextBytes),
        (&forest, limits.array_bytes(10), Limit::ArrayBytes),
        (&forest, limits.memo_entries(10), Limit::MemoEntries),
        (&skops, limits.archive_entries(2), Limit::ArchiveEntries),
        (&skops, limits.archive_bytes(1000), Limit::ArchiveBytes),
    ] {
        assert_eq!(exceeded(bytes, limits), limit);
    }
    let graph = read(&forest, &limits.depth(2)).unwrap();
    let step = graph.root().attribute("steps").unwrap().item(0).unwrap();
    let limit = Limit::Depth;
    assert_eq!(step.item(0).unwrap_err(), Error::LimitExceeded { limit, maximum: 2 });
}

#[test]
fn what_refers_to_other_files_or_versions_is_refused_by_name() {
    for (bytes, what) in [
        (&b"\x80\x06N."[..], "pickle protocol above 5"),
        (b"P1\n.", "persistent ids"),
        (b"\x80\x02\x82\x01.", "extension codes"),
        (b"\x80\x05\x97.", "buffers outside"),
    ] {
        let error = error(bytes).to_string();
        assert!(error.contains(what) && error.ends_with("is not supported"), "{error}");
    }
    assert!(error(b"N.N.").to_string().contains("goes on after its end"));
    assert!(error(b"").to_string().contains("ends early"));
    assert!(error(b".").to_string().contains("needs more objects"));
}
