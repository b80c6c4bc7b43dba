//! What a file may make the reader allocate. In a program of its own, in which nothing else does.

use std::fs;
use std::path::Path;

use mlops_pyobject::{Limits, read};
use mlops_testing::{Mutator, n_mutations};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

#[test]
fn no_file_takes_more_than_eight_times_its_size_and_16_mebibytes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let file = |name| fs::read(folder.join(name)).unwrap();
    let small = [
        "forest.p0.pkl",
        "forest.p5.pkl",
        "arrays.p2.pkl",
        "forest.joblib",
        "forest.deflated.skops",
    ];
    check(&small.map(file), n_mutations() / 10);
    // Each byte makes an object, each two a reference, each four a text.
    let large = [b"]".repeat(1 << 20), b"]q\0h\0".repeat(1 << 18), b"(\x8c\x01al0".repeat(1 << 17)];
    check(&large, n_mutations() / 1000);
}

fn check(files: &[Vec<u8>], rounds: usize) {
    let mut mutator = Mutator::new(0x3E3);
    for round in 0..rounds {
        let bytes = mutator.mutate(&files[round % files.len()]);
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        drop(read(bytes, &Limits::default()));
        let used = ALLOCATOR.peak_usage().saturating_sub(before);
        let allowed = 8 * bytes.len() + (16 << 20);
        assert!(used <= allowed, "{used} bytes for a file of {}", bytes.len());
    }
}
