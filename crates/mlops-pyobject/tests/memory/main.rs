//! What a file may make the reader allocate. In a program of its own, in which nothing else does.

use std::fs;
use std::path::Path;

use allocation_counter::measure;
use mlops_pyobject::{Limits, read};
use mlops_testing::{Mutator, n_mutations};

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
    check(&[shared_name()], 100);
}

/// A structured type whose 256 fields have one name of a megabyte.
fn shared_name() -> Vec<u8> {
    let mut names = b"\x80\x02X\0\0\x10\0".to_vec();
    names.extend(vec![b'a'; 1 << 20]);
    names.extend(b"q\0cnumpy\ndtype\n(X\x02\0\0\0u1tRK\0\x86q\x010cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(");
    names.extend(b"X\x05\0\0\0dtypecnumpy\ndtype\n(X\x03\0\0\0V99tR(K\x03X\x01\0\0\0|NN}(");
    names.extend(b"h\0h\x01".repeat(256));
    names.extend(b"uK\x08K\x01K\0tbX\x05\0\0\0shapeK\x01X\x05\0\0\0orderX\x01\0\0\0Cub");
    names.extend([b'.'; 100]);
    names
}

fn check(files: &[Vec<u8>], rounds: usize) {
    let mut mutator = Mutator::new(0x3E3);
    for round in 0..rounds {
        let bytes = mutator.mutate(&files[round % files.len()]);
        let used = measure(|| drop(read(bytes, &Limits::default()))).bytes_max;
        let allowed = 8 * bytes.len() as u64 + (16 << 20);
        assert!(used <= allowed, "{used} bytes for a file of {}", bytes.len());
    }
}
