//! Replays the samples that the golden values were computed for.

use mlops_testing::SplitMix64;
use serde_json::Value;

/// The values of a list, in which null is a missing one, or of the recipe of a generator as `tests/data/golden_drift.py` describes
/// it.
pub(crate) fn sample(source: &Value) -> Vec<f64> {
    if let Some(values) = source.as_array() {
        return values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
    }
    let number = |key: &str, default: f64| source[key].as_f64().unwrap_or(default);
    let (scale, shift, levels) =
        (number("scale", 1.0), number("shift", 0.0), number("levels", 1.0));
    let mut random = SplitMix64::new(source["seed"].as_u64().unwrap());
    let draw = |random: &mut SplitMix64| match source["kind"].as_str().unwrap() {
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
    (0..source["n"].as_u64().unwrap())
        .map(|_| {
            let x = draw(&mut random) * scale + shift;
            match source["round"].as_i64() {
                Some(digits) => {
                    let power = 10.0_f64.powi(i32::try_from(digits).unwrap());
                    (x * power + 0.5).floor() / power
                }
                None => x,
            }
        })
        .collect()
}
