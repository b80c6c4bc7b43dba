use mlops_pyobject::{Limits, read};
use mlops_testing::{Mutator, n_mutations};

use crate::support::{ask, sample};

/// One file of each format.
const FILES: [&str; 7] = [
    "forest.p0.pkl",
    "forest.p2.pkl",
    "forest.p5.pkl",
    "arrays.p4.pkl",
    "columns.p5.pkl",
    "forest.joblib",
    "forest.deflated.skops",
];

/// Reads what may be anything, and asks for everything that is in it.
fn look_at(bytes: &[u8]) {
    if let Ok(graph) = read(bytes, &Limits::default()) {
        ask(&graph.root(), &mut 300);
    }
}

#[test]
fn a_file_that_ends_early_is_an_error() {
    for file in FILES {
        let bytes = sample(file);
        for length in 0..bytes.len() {
            let outcome = read(&bytes[..length], &Limits::default());
            assert!(outcome.is_err(), "{file} cut to {length} bytes");
        }
    }
}

#[test]
fn changed_files_are_values_or_errors() {
    let files = FILES.map(sample);
    let mut mutator = Mutator::new(0x0B1E);
    for round in 0..n_mutations() {
        look_at(mutator.mutate(&files[round % files.len()]));
    }
}

#[test]
fn changed_arrays_and_schemas_in_an_archive_are_values_or_errors() {
    // The checksums of an archive would catch most changes before they are read.
    let files = crate::support::files(&sample("forest.stored.skops"));
    let mut mutator = Mutator::new(0x5C0);
    for round in 0..n_mutations() / 10 {
        let changed = round % files.len();
        let mut contents: Vec<(&str, &[u8])> =
            files.iter().map(|(name, content)| (&**name, &**content)).collect();
        contents[changed].1 = mutator.mutate(&files[changed].1);
        look_at(&crate::support::archive(&contents));
    }
}
