use mlops_core::Random;

use super::*;

/// Labels of which one in four is positive, and the probabilities of a model that knows `knowledge` of them, in `[0, 1]`.
fn scored(n_rows: usize, knowledge: f64, seed: u64) -> (Vec<f32>, Vec<bool>) {
    let mut random = Random::new(seed);
    let labels: Vec<bool> = (0..n_rows).map(|_| random.below(4) == 0).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a probability")]
    let probabilities = labels
        .iter()
        .map(|label| {
            let certain =
                if random.unit() < knowledge { f64::from(u8::from(*label)) } else { 0.25 };
            (0.9 * certain + 0.1 * random.unit()) as f32
        })
        .collect();
    (probabilities, labels)
}

fn is_failed(verdict: &Verdict, what: &str) -> bool {
    verdict.failures().any(|check| check.to_string().starts_with(what))
}

#[test]
fn a_better_challenger_passes_and_a_worse_one_does_not() {
    let (champion, labels) = scored(500, 0.3, 1);
    let challenger: Vec<f32> = champion
        .iter()
        .zip(&labels)
        .map(|(p, label)| if *label { p.max(0.3) } else { *p })
        .collect();
    let champion = ScoredRows::new(&champion, &labels).unwrap();
    let challenger = ScoredRows::new(&challenger, &labels).unwrap();
    let gate = Gate::new().margin(0.0);
    let verdict = gate.judge(&champion, &challenger, &[]).unwrap();
    assert!(verdict.is_passed(), "{verdict}");
    let verdict = gate.judge(&challenger, &champion, &[]).unwrap();
    assert!(is_failed(&verdict, "AUC"), "{verdict}");
}

#[test]
fn a_challenger_that_is_as_good_passes_with_a_margin() {
    let (probabilities, labels) = scored(500, 0.5, 2);
    let rows = ScoredRows::new(&probabilities, &labels).unwrap();
    assert!(Gate::new().margin(0.0).judge(&rows, &rows, &[]).unwrap().is_passed());
}

#[test]
fn the_margin_decides_about_a_challenger_that_is_a_little_worse() {
    let (champion, labels) = scored(2000, 0.5, 8);
    // One in ten rows is told nothing of.
    let challenger: Vec<f32> =
        (0..).zip(&champion).map(|(row, p)| if row % 10 == 0 { 0.3 } else { *p }).collect();
    let champion = ScoredRows::new(&champion, &labels).unwrap();
    let challenger = ScoredRows::new(&challenger, &labels).unwrap();
    let comparison = PairedBootstrap::new().compare(&champion, &challenger).unwrap().roc_auc;
    assert!(comparison.high < 0.0, "{comparison:?}");
    let is_failed = |margin| {
        let verdict = Gate::new().margin(margin).judge(&champion, &challenger, &[]).unwrap();
        is_failed(&verdict, "AUC")
    };
    assert!(is_failed(-comparison.estimate) && is_failed(-comparison.low - 1e-6));
    assert!(!is_failed(-comparison.low + 1e-6));
}

#[test]
fn labels_that_are_exchanged_are_not_believed() {
    let (champion, labels) = scored(300, 0.5, 9);
    let exchanged: Vec<bool> = labels.iter().map(|label| !label).collect();
    let challenger: Vec<f32> = champion.iter().map(|p| 1.0 - p).collect();
    let champion = ScoredRows::new(&champion, &exchanged).unwrap();
    let challenger = ScoredRows::new(&challenger, &exchanged).unwrap();
    let verdict = Gate::new().judge(&champion, &challenger, &[]).unwrap();
    assert!(is_failed(&verdict, "labels"), "{verdict}");
    assert_eq!(verdict.failures().count(), 1, "{verdict}");
}

#[test]
fn few_rows_of_a_class_are_not_judged() {
    let (probabilities, mut labels) = scored(400, 0.8, 3);
    let positives: Vec<usize> = (0..400).filter(|row| labels[*row]).collect();
    positives[19..].iter().for_each(|row| labels[*row] = false);
    let rows = ScoredRows::new(&probabilities, &labels).unwrap();
    let verdict = Gate::new().judge(&rows, &rows, &[]).unwrap();
    assert_eq!(verdict.checks().len(), 1);
    assert_eq!(
        verdict.to_string(),
        "FAILED: rows: 19 positive and 381 negative ones, at least 20 of each are needed"
    );
    let verdict = Gate::new().min_rows_of_class(19).judge(&rows, &rows, &[]).unwrap();
    assert!(verdict.checks().len() > 1);
    let negative = vec![false; 400];
    let rows = ScoredRows::new(&probabilities, &negative).unwrap();
    assert!(!Gate::new().min_rows_of_class(0).judge(&rows, &rows, &[]).unwrap().is_passed());
}

#[test]
fn labels_that_say_nothing_let_nobody_pass() {
    let mut n_passed = 0;
    for seed in 0..300 {
        let (champion, mut labels) = scored(200, 0.5, seed);
        let (challenger, _) = scored(200, 0.5, 1000 + seed);
        let n_rows = labels.len();
        Random::new(seed).choose(&mut labels, n_rows);
        let champion = ScoredRows::new(&champion, &labels).unwrap();
        let challenger = ScoredRows::new(&challenger, &labels).unwrap();
        let gate = Gate::new().margin(0.2).bootstrap(PairedBootstrap::new().resamples(50));
        n_passed += usize::from(gate.judge(&champion, &challenger, &[]).unwrap().is_passed());
    }
    // Of 300, 0.3 are expected to be better than chance.
    assert!(n_passed <= 2, "{n_passed}");
}

#[test]
fn a_slice_in_which_the_challenger_is_worse_beyond_doubt_is_named() {
    let (champion, labels) = scored(1000, 0.6, 4);
    let slice: Vec<usize> = (0..300).collect();
    let rest: Vec<usize> = (300..1000).collect();
    let mut challenger: Vec<f32> = champion
        .iter()
        .zip(&labels)
        .map(|(p, label)| if *label { p.max(0.4) } else { *p })
        .collect();
    let mut random = Random::new(5);
    for probability in &mut challenger[..slice.len()] {
        *probability = if random.unit() < 0.5 { 0.4 } else { 0.5 };
    }
    let champion = ScoredRows::new(&champion, &labels).unwrap();
    let challenger = ScoredRows::new(&challenger, &labels).unwrap();
    let slices = [("red wines", &*slice), ("white wines", &*rest), ("rosé", &[1, 2, 3][..])];
    let verdict = Gate::new().margin(0.1).judge(&champion, &challenger, &slices).unwrap();
    assert!(is_failed(&verdict, "AUC of red wines"), "{verdict}");
    assert!(!is_failed(&verdict, "AUC of white wines"), "{verdict}");
    assert!(
        verdict.to_string().contains("passed: AUC of rosé: too few rows to judge"),
        "{verdict}"
    );
    let outcome = Gate::new().judge(&champion, &challenger, &[("none", &[1000])]);
    assert_eq!(outcome.unwrap_err(), EvaluationError::NoSuchRow { row: 1000, n_rows: 1000 });
}

#[test]
fn probabilities_may_be_wrong_only_if_the_champions_are_more_so() {
    let (right, labels) = scored(1000, 0.7, 6);
    let boasting: Vec<f32> =
        right.iter().map(|p| if *p > 0.25 { 0.999 } else { *p / 100.0 }).collect();
    let right = ScoredRows::new(&right, &labels).unwrap();
    let boasting = ScoredRows::new(&boasting, &labels).unwrap();
    let gate = Gate::new().margin(1.0);
    assert!(is_failed(&gate.judge(&right, &boasting, &[]).unwrap(), "calibration"));
    assert!(!is_failed(&gate.judge(&boasting, &right, &[]).unwrap(), "calibration"));
}

#[test]
fn a_margin_that_is_none_is_refused() {
    let rows = ScoredRows::new(&[0.5], &[true]).unwrap();
    for got in [-0.1, 1.1] {
        let error = Gate::new().margin(got).judge(&rows, &rows, &[]).unwrap_err();
        assert_eq!(error, EvaluationError::Margin { got });
    }
    Gate::new().margin(f64::NAN).judge(&rows, &rows, &[]).unwrap_err();
}

#[test]
fn a_verdict_is_written_as_json() {
    let (probabilities, labels) = scored(200, 0.5, 7);
    let rows = ScoredRows::new(&probabilities, &labels).unwrap();
    let verdict = Gate::new().judge(&rows, &rows, &[("red", &[0])]).unwrap();
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["checks"][0]["check"], "rows");
    assert_eq!(json["is_passed"], true);
    assert_eq!(json["checks"][2]["check"], "order");
    assert_eq!(json["checks"][3]["difference"]["estimate"], 0.0);
    assert_eq!(json["checks"][4]["difference"], serde_json::Value::Null);
    assert_eq!(json["checks"][5]["is_passed"], true);
}
