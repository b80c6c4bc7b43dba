//! JSON records that were changed, or made of parts that are hard to read.

use std::sync::Arc;

use mlops_core::{Feature, RecordsLimits, Schema};
use mlops_testing::{Mutator, n_mutations};
use proptest::prelude::{Just, Strategy, prop, proptest};
use proptest::sample::select;

use crate::json_oracle::is_read;

const FILES: [(&[u8], bool); 3] = [
    (include_bytes!("../data/records.json"), true),
    (include_bytes!("../data/numbers.json"), true),
    (include_bytes!("../data/refused.json"), false),
];

fn schema() -> Arc<Schema> {
    let region = Feature::categorical("region", ["Douro", "Minho"]);
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red"), region];
    Arc::new(Schema::new(features).unwrap())
}

fn limits() -> RecordsLimits {
    RecordsLimits::default().max_rows(5)
}

#[test]
fn changed_records_are_read_as_serde_json_reads_them_or_refused() {
    let schema = schema();
    let (mut mutator, mut n_read) = (Mutator::new(0x5C0), 0);
    for (file, is_good) in FILES {
        assert_eq!(is_read(&schema, file, limits()), is_good);
        for _ in 0..n_mutations() {
            n_read += usize::from(is_read(&schema, mutator.mutate(file), limits()));
        }
    }
    assert!(n_read > n_mutations() / 100, "{n_read}");
}

const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "1.0",
    "10e-1",
    "0.1",
    "9.4",
    "5e-324",
    "1e-999",
    "16777217",
    "9007199254740993",
    "-9223372036854775809",
    "340282346638528859811704183484516925440",
    "123456789e-8",
    "null",
];
const REFUSED: [&str; 10] =
    ["1e39", "1e400", "\"1\"", "true", "[]", "{}", "01", "1.", "NaN", "\"\\ud800\""];
const TEXTS: [&str; 4] = [r#""Douro""#, r#""M\u0069nho""#, r#""\u0044ouro""#, "null"];

/// A row whose fields stand in any order, now and then with a flaw.
fn row() -> impl Strategy<Value = String> {
    let values = (select(&NUMBERS[..]), select(&NUMBERS[..]), select(&TEXTS[..]));
    let order = Just([0, 1, 2]).prop_shuffle();
    (order, values, 0..24_usize, select(&REFUSED[..])).prop_map(|(order, values, flaw, refused)| {
        let (alcohol, is_red, region) = values;
        let mut fields =
            [("alcohol", alcohol), (r"is\u005fred", is_red), ("region", region)].map(Some);
        if let Some(Some((_, value))) = fields.get_mut(flaw) {
            *value = refused;
        } else if let Some(field) = fields.get_mut(flaw.wrapping_sub(3)) {
            *field = None;
        }
        let fields = order.into_iter().filter_map(|position| fields[position]);
        let mut fields: Vec<_> =
            fields.map(|(name, value)| format!(r#""{name}" : {value}"#)).collect();
        if flaw == 6 {
            fields.push(r#""alcohol":1"#.to_owned());
        }
        format!("{{{}}}", fields.join(" ,\n"))
    })
}

proptest! {
    #[test]
    fn records_are_read_as_serde_json_reads_them_or_refused(
        rows in prop::collection::vec(row(), 0..7),
    ) {
        is_read(&schema(), format!(" [{}] ", rows.join(",")).as_bytes(), limits());
    }
}
