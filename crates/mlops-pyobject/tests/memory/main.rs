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
    let files = [
        "forest.p0.pkl",
        "forest.p5.pkl",
        "arrays.p2.pkl",
        "forest.joblib",
        "forest.deflated.skops",
    ];
    let mut files: Vec<Vec<u8>> =
        files.iter().map(|file| fs::read(folder.join(file)).unwrap()).collect();
    // Each byte makes an object, each two a reference, each four a text.
    files.extend([
        b"]".repeat(1 << 20),
        b"]q\0h\0".repeat(1 << 18),
        b"(\x8c\x01al0".repeat(1 << 17),
    ]);
    let mut mutator = Mutator::new(0x3E3);
    for round in 0..n_mutations() / 10 {
        let bytes = mutator.mutate(&files[round % files.len()]);
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        drop(read(bytes, &Limits::default()));
        let used = ALLOCATOR.peak_usage().saturating_sub(before);
        let allowed = 8 * bytes.len() + (16 << 20);
        assert!(used <= allowed, "{used} bytes for a file of {}", bytes.len());
    }
}
