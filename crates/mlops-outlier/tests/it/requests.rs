use mlops_core::OutlierDetectorExt;
use mlops_outlier::Contamination;

use super::*;

#[test]
fn requests_of_every_length_have_one_entry_per_row() {
    let contamination = Contamination::new(0.02).unwrap();
    let params = IsolationForest::params().contamination(contamination);
    let forest = params.fit(&records(normal(2000, 12, 1))).unwrap();
    let odd = |row: usize| row % 5 == 3;
    for n_rows in [1, 2, 12, 13, 5000] {
        let mut values = normal(n_rows, 12, 2) * 0.5;
        for row in (0..n_rows).filter(|row| odd(*row)) {
            values.row_mut(row).fill(9.0);
        }
        let report = forest.detect(&records(values)).unwrap();
        assert_eq!(report.rows.len(), n_rows);
        for (at, row) in report.rows.iter().enumerate() {
            assert_eq!(row.is_outlier, odd(at), "row {at} of {n_rows}");
            assert_eq!(row.is_outlier, row.score > report.threshold);
            assert_eq!(row.reasons.is_empty(), !row.is_outlier);
            let percentile = row.percentile.unwrap();
            assert_eq!(percentile > 98.0, row.is_outlier, "{percentile}");
        }
    }
}

#[test]
fn a_report_names_the_feature_that_made_an_outlier() {
    let contamination = Contamination::new(0.05).unwrap();
    let params = IsolationForest::params().contamination(contamination).seed(2);
    let forest = params.fit(&records(normal(2000, 4, 1))).unwrap();
    let mut values = normal(20, 4, 2) * 0.1;
    for row in 0..20 {
        values[[row, row % 4]] = if row % 2 == 0 { 8.0 } else { -8.0 };
        values[[row, (row + 1) % 4]] = 8.0;
    }
    let report = forest.detect(&records(values)).unwrap();
    for (at, row) in report.rows.iter().enumerate() {
        assert!(row.is_outlier, "{at}");
        let mut named: Vec<&str> = row.reasons[..2].iter().map(|reason| &*reason.feature).collect();
        named.sort_unstable();
        let mut expected = [format!("x{}", at % 4), format!("x{}", (at + 1) % 4)];
        expected.sort_unstable();
        assert_eq!(named, expected, "{at}");
        assert!(row.reasons.is_sorted_by(|a, b| a.contribution >= b.contribution));
        assert!(
            row.reasons.len() <= 5 && row.reasons.iter().all(|reason| reason.contribution > 0.0)
        );
    }
}
