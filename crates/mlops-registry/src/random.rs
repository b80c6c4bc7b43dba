//! Random identifiers from the standard library.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// The 32 hexadecimal digits of a random UUID (RFC 9562, version 4), as MLflow names runs.
pub(crate) fn hexadecimal_id() -> String {
    let version = 0x4 << 76;
    let variant = 0b10 << 62;
    let bits = bits() & !(0xF << 76) & !(0b11 << 62) | version | variant;
    format!("{bits:032x}")
}

/// 18 random digits without a leading zero, as MLflow names experiments.
pub(crate) fn decimal_id() -> String {
    const SMALLEST: u128 = 100_000_000_000_000_000;
    (SMALLEST + bits() % (9 * SMALLEST)).to_string()
}

/// A random number in `[0, 1)`.
#[cfg(feature = "client")]
pub(crate) fn unit() -> f64 {
    (bits() >> 75) as f64 * 2.0_f64.powi(-53)
}

/// 128 random bits: two hashes under keys that the operating system seeded.
///
/// Every `RandomState` has keys of its own. Process and time are hashed too, in case that two
/// processes were given one seed.
fn bits() -> u128 {
    let half = || {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(process::id());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        hasher.write_u128(since.as_nanos());
        u128::from(hasher.finish())
    };
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn ids_have_the_form_of_mlflow() {
        let id = hexadecimal_id();
        assert_eq!(id.len(), 32);
        assert_eq!(&id[12..13], "4");
        assert!(matches!(&id[16..17], "8" | "9" | "a" | "b"));
        let id = decimal_id();
        assert_eq!(id.len(), 18);
        assert!(id.parse::<u64>().is_ok() && !id.starts_with('0'));
    }

    #[test]
    fn threads_draw_different_ids() {
        let draw = || (0..1000).map(|_| hexadecimal_id()).collect::<Vec<_>>();
        let (first, second) = (thread::spawn(draw), thread::spawn(draw));
        let ids: HashSet<_> =
            first.join().unwrap().into_iter().chain(second.join().unwrap()).collect();
        assert_eq!(ids.len(), 2000);
    }
}
