use super::*;
use crate::evaluation::ScoredRows;

fn evaluation(probabilities: &[f32], labels: &[bool]) -> Evaluation {
    Evaluation::of(&ScoredRows::new(probabilities, labels).unwrap(), 0.5)
}

#[test]
fn a_card_says_what_it_was_told() {
    let test = evaluation(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]);
    let one_class = evaluation(&[0.25, 0.25], &[false, false]);
    let card = ModelCard::new("wine_quality")
        .version("3")
        .run("0a1b2c")
        .intended_use("Ranks wines for a tasting.\nNot for prices.")
        .data("training", 3900, "sha256:4a402cf0")
        .data("test", 4, "sha256:76c3f809")
        .metrics("validation", [("roc_auc", 0.9), ("seconds", 1.5)])
        .metrics("test", test.metrics())
        .slice("all", &test)
        .slice("red | rosé", &one_class)
        .limitation("Portuguese wines only.")
        .limitation("<b>Old</b> data.")
        .figure("ROC curve", "figures/roc.svg")
        .figure("Calibration", "figures/cali bration.svg");
    insta::assert_snapshot!(card.to_string(), @"");
}

#[test]
fn what_is_not_given_is_left_out() {
    assert_eq!(ModelCard::new("m").to_string(), "# m\n");
    assert_eq!(ModelCard::new("m").run("r").to_string(), "# m\n\n- Run: r\n");
}

#[test]
fn hostile_text_makes_no_new_cells_and_no_tags() {
    let hostile = "a|b\n| c | <script>alert(1)</script> & \"d\"";
    let test = evaluation(&[0.25, 0.75], &[false, true]);
    let card = ModelCard::new(hostile)
        .data(hostile, 1, hostile)
        .metrics(hostile, [(hostile, f64::NAN)])
        .slice(hostile, &test)
        .figure(hostile, hostile);
    let page = card.to_string();
    assert!(!page.replace("\\<", "").contains('<'), "{page}");
    let n_cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        assert!([3, 4, 7].contains(&n_cells(line)), "{line}");
    }
    assert!(page.contains("| n/a |"));
}
