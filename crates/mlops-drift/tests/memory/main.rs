//! What a test takes; a program of its own, as it replaces the allocator.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::sync::Arc;

use allocation_counter::measure;
use mlops_core::{DriftReport, Feature, Records, Schema};
use mlops_drift::{Scratch, TabularDrift};
use mlops_testing::SplitMix64;
use ndarray::Array2;

/// Numbers with and without ties, few and many categories, of which batches have new ones, and missing
/// values.
fn rows(random: &mut SplitMix64, schema: &Arc<Schema>, size: usize, is_batch: bool) -> Records {
    let n_categories = if is_batch { 34.0 } else { 30.0 };
    let values = Array2::from_shape_fn((size, 6), |(_, column)| {
        let u = random.next_f64();
        match column {
            0 => u,
            1 => (u * 100.0).floor(),
            2 => f64::from(u8::from(u < 0.3)),
            3 => (u * u * 5.0).floor(),
            4 => (u * u * u * n_categories).floor(),
            _ if is_batch && u < 0.2 => f64::NAN,
            _ => u,
        }
    });
    Records::new(Arc::clone(schema), values).unwrap()
}

#[test]
fn a_second_batch_takes_no_memory() {
    let features = ["untied", "tied", "two", "five", "many", "gaps"];
    let features = features.iter().enumerate().map(|(column, name)| match column {
        2..5 => Feature::integer(*name),
        _ => Feature::numeric(*name),
    });
    let schema = Arc::new(Schema::new(features.collect()).unwrap());
    let mut random = SplitMix64::new(7);
    let reference = rows(&mut random, &schema, 4000, false);
    let builder = TabularDrift::builder().categorical(["two", "five", "many"]);
    let detector = builder.fit(&reference).unwrap();
    for size in [1, 2, 17, 100, 1000] {
        let batches: Vec<_> = (0..20).map(|_| rows(&mut random, &schema, size, true)).collect();
        // A batch in which nothing is missing makes room for those that lack something, and so does one
        // without any number.
        let complete = rows(&mut random, &schema, size, false);
        let mut without = complete.values().to_owned();
        for column in [0, 1, 5] {
            without.column_mut(column).fill(f64::NAN);
        }
        let without = Records::new(Arc::clone(&schema), without).unwrap();
        for first in [complete, without] {
            let (mut scratch, mut report) = (Scratch::default(), DriftReport::new(0.05, vec![]));
            detector.test_into(&first, &mut scratch, &mut report).unwrap();
            for batch in &batches {
                let taken =
                    measure(|| detector.test_into(batch, &mut scratch, &mut report).unwrap());
                assert_eq!(taken.count_total, 0, "{size} rows");
            }
            let is_unseen = report.features.iter().any(|feature| feature.n_unseen > 0);
            assert!(is_unseen || size < 1000);
        }
    }
}
