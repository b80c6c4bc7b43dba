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
    insta::assert_snapshot!(card.to_string(), @r"
    # wine\_quality

    - Version: 3
    - Run: 0a1b2c

    ## Intended use

    Ranks wines for a tasting.
    Not for prices.

    ## Data

    | Part | Rows | Digest |
    | --- | ---: | --- |
    | training | 3900 | sha256:4a402cf0 |
    | test | 4 | sha256:76c3f809 |

    ## Metrics

    | Metric | validation | test |
    | --- | ---: | ---: |
    | roc\_auc | 0.9000 | 0.7500 |
    | seconds | 1.5000 | n/a |
    | average\_precision | n/a | 0.8333 |
    | log\_loss | n/a | 0.4723 |
    | brier\_score | n/a | 0.1581 |
    | expected\_calibration\_error | n/a | 0.3375 |
    | accuracy | n/a | 0.7500 |
    | precision | n/a | 1.0000 |
    | recall | n/a | 0.5000 |
    | f1 | n/a | 0.6667 |

    ## Slices

    | Slice | Rows | Positive | ROC AUC | Log-loss | Accuracy |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | all | 4 | 2 | 0.7500 | 0.4723 | 0.7500 |
    | red \| rosé | 2 | 0 | n/a | 0.2877 | 1.0000 |

    ## Limitations

    - Portuguese wines only.
    - \<b\>Old\</b\> data.

    ## Figures

    ![ROC curve](figures/roc.svg)

    ![Calibration](figures/cali%20bration.svg)
    ");
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
