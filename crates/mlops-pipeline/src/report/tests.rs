//! What holds for every chart.

use std::convert::Infallible;

use mlops_core::Random;
use ndarray::Array2;

use super::*;
use crate::evaluation::{CalibrationCurve, PrecisionRecallCurve, RocCurve, ScoredRows};
use crate::{Pruning, Search, SearchSpace};

const HOSTILE: &str = "<script>alert(1)</script>&\"'\u{0}\n]]>";

/// Scores of a model that knows something.
fn scores(n: usize, skill: f64, seed: u64) -> (Vec<f32>, Vec<bool>) {
    let mut random = Random::new(seed);
    let labels: Vec<bool> = (0..n).map(|_| random.unit() < 0.2).collect();
    let scores = labels.iter().map(|label| {
        let logit = 3.0 * (random.unit() + random.unit() - 1.6) + if *label { skill } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "a probability has 32 bits")]
        let probability = (1.0 / (1.0 + (-logit).exp())) as f32;
        probability
    });
    (scores.collect(), labels)
}

/// Every chart, with a name wherever one goes.
fn charts(name: &str, n: usize) -> Vec<(&'static str, String)> {
    let (good, labels) = scores(n, 2.0, 1);
    let rows = ScoredRows::new(&good, &labels).unwrap();
    let worse: Vec<f32> = good.iter().map(|score| (score * 8.0).round() / 8.0).collect();
    let worse = ScoredRows::new(&worse, &labels).unwrap();
    let roc = [&rows, &worse].map(|rows| RocCurve::of(rows).unwrap());
    let recall = [&rows, &worse].map(|rows| PrecisionRecallCurve::of(rows).unwrap());
    let calibration = [&rows, &worse].map(|rows| CalibrationCurve::of(rows, 10));
    let mut random = Random::new(3);
    let values = Array2::from_shape_fn((n, 25), |_| random.unit());
    let contributions = Array2::from_shape_fn((n, 25), |(row, feature)| {
        (values[[row, feature]] - 0.5) * 4.0 / (feature + 1) as f64
    });
    let mut values = values;
    values.column_mut(0).fill(f64::NAN);
    values.column_mut(1).fill(f64::INFINITY);
    let names: Vec<String> = (0..25).map(|feature| format!("{feature} {name}")).collect();
    let importances: Vec<f64> = (0..25).map(|at| f64::from(at) - 12.0).collect();
    let space = SearchSpace::new().uniform("x", 0.0..1.0);
    let search = Search::maximize(space).trials(300).startup_trials(300).pruning(Pruning::new());
    let outcome = search.run(|trial| {
        let value = trial.candidate().real("x");
        for step in 0..5 {
            if trial.report(value * f64::from(step)).is_break() {
                break;
            }
        }
        Ok::<_, Infallible>(value)
    });
    let drawn = [
        ("roc", roc_curve(&[(name, &roc[0]), ("other", &roc[1])])),
        ("recall", precision_recall_curve(&[(name, &recall[0]), ("other", &recall[1])])),
        ("calibration", calibration_curve(&[(name, &calibration[0]), ("other", &calibration[1])])),
        ("importance", importance(&names, &importances, name)),
        ("shap", shap_summary(contributions.view(), values.view(), &names, name)),
        ("history", search_history(&outcome.unwrap(), name)),
        ("over time", over_time(name, name, &[(name, &[0.5, 0.25])], &[(name, 2.0)])),
    ];
    drawn.map(|(chart, svg)| (chart, svg.unwrap())).into()
}

#[test]
fn names_are_text_and_never_markup() {
    for (chart, svg) in charts(HOSTILE, 200) {
        assert!(!svg.contains("<script"), "{chart}");
        assert!(svg.contains("&lt;script&gt;"), "{chart}");
        let is_forbidden = |character: char| character.is_control() && character != '\n';
        assert!(!svg.contains(is_forbidden), "{chart}");
        // Each `<` begins an element that a chart has, and each `&` a character.
        for rest in svg.split('<').skip(1) {
            let name = rest.trim_start_matches('/').split(|it: char| !it.is_alphabetic()).next();
            let elements =
                ["svg", "title", "desc", "rect", "text", "line", "polyline", "circle", "path"];
            assert!(elements.contains(&name.unwrap()), "{chart} {name:?}");
        }
        for rest in svg.split('&').skip(1) {
            let known = ["lt;", "gt;", "amp;", "quot;", "apos;"];
            assert!(known.iter().any(|it| rest.starts_with(it)), "{chart}");
        }
    }
}

#[test]
fn charts_are_small_and_hold_numbers_alone() {
    for (chart, svg) in charts("model", 5000) {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{chart}");
        assert!(svg.len() < 200_000, "{chart} {}", svg.len());
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""));
        assert_eq!(svg.matches("<title>").count(), 1);
        assert!(svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<svg").count() + svg.matches("</svg>").count(), 2);
    }
}

#[test]
fn the_same_data_make_the_same_charts() {
    assert_eq!(charts("model", 3000), charts("model", 3000));
}

#[test]
fn curves_have_a_colour_each() {
    let rows = ScoredRows::new(&[0.25, 0.75], &[false, true]).unwrap();
    let curve = RocCurve::of(&rows).unwrap();
    for got in [0, 7] {
        let error = roc_curve(&vec![("model", &curve); got]).unwrap_err();
        assert_eq!(error.to_string(), format!("{got} curves, expected 1 to 6"));
    }
    assert!(roc_curve(&[("model", &curve); 6]).unwrap().contains("(area under the curve 1.000)"));
}

#[test]
fn features_without_numbers_are_refused() {
    let importance_of = |values: &[f64]| importance(&["a", "b"], values, "gain");
    let error = importance_of(&[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "1 importances, expected 2");
    assert!(matches!(importance_of(&[1.0, f64::NAN]), Err(ReportError::NotFinite { .. })));
    let none: [&str; 0] = [];
    assert!(matches!(importance(&none, &[], "gain"), Err(ReportError::Empty { .. })));
    for extreme in [[0.0, 0.0], [1e-310, 0.0], [-1e300, 1e300], [1e16, 1e16]] {
        importance_of(&extreme).unwrap();
    }
}

#[test]
fn contributions_must_be_of_the_rows_and_features_of_the_values() {
    let names = ["a", "b"];
    let draw = |contributions: &Array2<f64>, values: &Array2<f64>| {
        shap_summary(contributions.view(), values.view(), &names, "margin")
    };
    let zeros = |rows, features| Array2::zeros((rows, features));
    let message = |outcome: Result<String, ReportError>| outcome.unwrap_err().to_string();
    assert_eq!(message(draw(&zeros(3, 2), &zeros(4, 2))), "4 rows of values, expected 3");
    assert_eq!(message(draw(&zeros(3, 2), &zeros(3, 1))), "1 columns of values, expected 2");
    assert_eq!(message(draw(&zeros(3, 3), &zeros(3, 3))), "2 names, expected 3");
    assert_eq!(message(draw(&zeros(0, 2), &zeros(0, 2))), "no rows, expected at least one");
    let mut contributions = zeros(3, 2);
    draw(&contributions, &zeros(3, 2)).unwrap();
    contributions[[1, 1]] = f64::NAN;
    assert!(message(draw(&contributions, &zeros(3, 2))).starts_with("contribution NaN"));
}

/// From where to where a text reaches, sideways or else up and down, and how long the paper is there.
fn extents(svg: &str) -> Vec<(f64, f64, f64, String)> {
    let size = svg.split_once("viewBox=\"0 0 ").unwrap().1.split_once('"').unwrap().0;
    let (width, height) = size.split_once(' ').unwrap();
    let texts = svg.split("<text ").skip(1).map(|text| {
        let (attributes, rest) = text.split_once(">\n").unwrap();
        let attribute = |name: &str| {
            let (_, value) = attributes.split_once(&format!("{name}=\"")).unwrap();
            value.split_once('"').unwrap().0
        };
        let number = |name: &str| attribute(name).parse::<f64>().unwrap();
        let content = rest.split_once("\n</text>").unwrap().0;
        let escaped =
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        let unescape =
            |text: String, (escape, character): (&str, &str)| text.replace(escape, character);
        let content = escaped.into_iter().fold(content.to_owned(), unescape);
        let length = style::width(&content, number("font-size"));
        let before = match attribute("text-anchor") {
            "start" => 0.0,
            "middle" => length / 2.0,
            _ => length,
        };
        let is_upright = attributes.contains("rotate");
        let (at, paper) = if is_upright { (number(" y"), height) } else { (number("x"), width) };
        (at - before, at - before + length, paper.parse().unwrap(), content)
    });
    texts.collect()
}

#[test]
fn every_text_is_on_the_paper() {
    let names = ["W", "酒", "ы", "m_1 ", "LONG NAME ", HOSTILE];
    for name in names.map(|name| name.repeat(20)) {
        for (chart, svg) in charts(&name, 200) {
            let extents = extents(&svg);
            assert!(extents.len() > 5, "{chart}");
            for (from, to, paper, text) in extents {
                assert!(from >= 0.0 && to <= paper, "{chart} {text} {from} {to} {paper}");
            }
        }
    }
}
