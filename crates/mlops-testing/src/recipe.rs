use serde_json::Value;

use crate::SplitMix64;

/// The values of a list, in which null is a missing one, or of the recipe of a generator:
///
/// ```text
/// {"kind": K, "seed": s, "n": n, "shift": c, "scale": a, "round": d or null, "levels": L or null}
/// K = "u":   x = u()                        u() of SplitMix64 from seed s
/// K = "s3":  x = ((u() + u()) + u()) - 1.5
/// K = "sq":  v = u(); x = v * v
/// K = "cat": x = floor(u() * levels)
/// then x = x * scale + shift, and with round: x = floor(x * 10^d + 0.5) / 10^d
/// ```
///
/// A script of Python makes the same numbers, bit for bit.
///
/// # Panics
/// If it is neither.
pub fn sample(source: &Value) -> Vec<f64> {
    if let Some(values) = source.as_array() {
        return values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
    }
    let number = |key: &str, default: f64| source[key].as_f64().unwrap_or(default);
    let (scale, shift, levels) =
        (number("scale", 1.0), number("shift", 0.0), number("levels", 1.0));
    let Some((seed, n)) = source["seed"].as_u64().zip(source["n"].as_u64()) else {
        panic!("no recipe: {source}");
    };
    let mut random = SplitMix64::new(seed);
    let draw = |random: &mut SplitMix64| match source["kind"].as_str().unwrap_or_default() {
        "u" => random.next_f64(),
        "s3" => {
            let (a, b, c) = (random.next_f64(), random.next_f64(), random.next_f64());
            ((a + b) + c) - 1.5
        }
        "sq" => {
            let v = random.next_f64();
            v * v
        }
        "cat" => (random.next_f64() * levels).floor(),
        kind => panic!("no generator {kind}"),
    };
    (0..n)
        .map(|_| {
            let x = draw(&mut random) * scale + shift;
            match source["round"].as_i64() {
                Some(digits) => {
                    let power = 10.0_f64.powi(i32::try_from(digits).unwrap_or(0));
                    (x * power + 0.5).floor() / power
                }
                None => x,
            }
        })
        .collect()
}
