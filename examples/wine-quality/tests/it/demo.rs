//! `demo`.

use std::fs;

use serde_json::Value;

use crate::program::{run, text};

#[test]
fn the_demo_passes_and_writes_what_it_measured() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--seed", "3", "--json", "demo.json"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("The demo passed."), "{shown}");
    let measured = fs::read(folder.path().join("demo.json")).unwrap();
    let measured: Value = serde_json::from_slice(&measured).unwrap();
    assert!(measured["drift"].as_array().unwrap().contains(&measured["shifted_feature"]));
    assert!(measured["auc"].as_f64() < measured["auc_original_protocol"].as_f64());
    assert_eq!(measured["odd_wines"].as_array().unwrap().len(), 4);
}

#[test]
fn two_demos_at_once_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let demos = ["5", "6"].map(|seed| {
            let folder = folder.path();
            scope.spawn(move || run(folder, &["demo", "--seed", seed]))
        });
        for demo in demos {
            let output = demo.join().unwrap();
            assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        }
    });
}
