use std::convert::Infallible;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::*;

fn space() -> SearchSpace {
    SearchSpace::new().uniform("x", -5.0..5.0).log_uniform("y", 0.01..10.0).integer("z", 0..=20)
}

/// The lowest value, 0, is at x = 1, y = 1, z = 7.
fn bowl(candidate: &Candidate) -> f64 {
    let (x, y, z) = (candidate.real("x"), candidate.real("y"), candidate.integer("z"));
    (x - 1.0).powi(2) + y.ln().powi(2) + ((f64::from(z) - 7.0) / 4.0).powi(2)
}

/// Reports ten steps to the bowl.
#[expect(clippy::unnecessary_wraps, reason = "it is an objective")]
fn in_steps(trial: &mut Trial<'_>) -> Result<f64, Infallible> {
    let value = bowl(trial.candidate());
    for step in 0..10 {
        if trial.report(value + f64::from(9 - step)).is_break() {
            break;
        }
    }
    Ok(value)
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_jobs() {
    let search = Search::minimize(space()).trials(60).seed(3).pruning(Pruning::new().warm_up(3));
    let alone = search.run(in_steps).unwrap();
    assert!(alone.trials().iter().any(|trial| trial.is_pruned));
    for jobs in [2, 4, 9] {
        let slowly = |trial: &mut Trial<'_>| {
            thread::sleep(Duration::from_millis((trial.index() as u64 * 7) % 5));
            in_steps(trial)
        };
        assert_eq!(search.clone().jobs(jobs).run(slowly).unwrap(), alone, "{jobs}");
    }
    assert_ne!(search.seed(4).run(in_steps).unwrap(), alone);
}

#[test]
fn the_estimator_finds_more_than_chance() {
    let best = |n_startup| {
        let searches = (0..20).map(|seed| {
            let search = Search::minimize(space()).seed(seed).trials(60).startup_trials(n_startup);
            let outcome = search.run(|trial| Ok::<_, Infallible>(bowl(trial.candidate())));
            outcome.unwrap().best().value
        });
        searches.sum::<f64>() / 20.0
    };
    let (listening, deaf) = (best(20), best(60));
    assert!(listening < 0.7 * deaf, "{listening} {deaf}");
}

#[test]
fn a_search_that_was_cut_off_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let search = Search::minimize(space()).trials(40).seed(5).pruning(Pruning::new().warm_up(3));
    let whole = search.run(in_steps).unwrap();
    let journaled = search.journal(&path, "a bowl");
    for stop in [7, 25, 33] {
        let error = journaled.clone().jobs(2).run(|trial| {
            if trial.index() == stop {
                return Err(io::Error::other("cut off"));
            }
            in_steps(trial).map_err(io::Error::other)
        });
        assert!(matches!(error, Err(SearchError::Objective { index, .. }) if index == stop));
        // As if it had been killed in mid-write.
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{}", r#"{"index":39,"cand"#)).unwrap();
    }
    let n_tried = AtomicUsize::new(0);
    let counted = |trial: &mut Trial<'_>| {
        n_tried.fetch_add(1, Ordering::Relaxed);
        in_steps(trial)
    };
    assert_eq!(journaled.run(counted).unwrap(), whole);
    assert!((4..=7).contains(&n_tried.swap(0, Ordering::Relaxed)));
    assert_eq!(journaled.run(counted).unwrap(), whole);
    assert_eq!(n_tried.load(Ordering::Relaxed), 0);
    // More trials go on where it ended.
    let more = journaled.clone().trials(45).run(in_steps).unwrap();
    assert_eq!(more.trials()[..40], *whole.trials());
    assert_eq!(journaled.trials(10).run(in_steps).unwrap().trials(), &whole.trials()[..10]);
}

#[test]
fn a_journal_is_of_one_search_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let search = Search::minimize(space()).trials(3).journal(&path, "a bowl");
    search.run(in_steps).unwrap();
    let others = [
        search.clone().seed(9),
        search.clone().journal(&path, "another bowl"),
        search.clone().pruning(Pruning::new()),
        Search::maximize(space()).trials(3).journal(&path, "a bowl"),
    ];
    for other in others {
        let error = other.run(in_steps).unwrap_err();
        assert!(matches!(error, SearchError::Journal(JournalError::OtherSearch { .. })), "{error}");
    }
    let more = search.clone().trials(4);
    let within = more.run(|_| search.run(in_steps).map(|_| 0.0)).unwrap_err();
    let SearchError::Objective { source, .. } = within else { panic!("{within}") };
    assert!(matches!(source, SearchError::Journal(JournalError::InUse { .. })), "{source}");
    let text = fs::read_to_string(&path).unwrap();
    for foreign in ["a letter", "a letter\nof two lines"] {
        fs::write(&path, foreign).unwrap();
        let error = search.run(in_steps).unwrap_err();
        assert!(matches!(error, SearchError::Journal(JournalError::OtherSearch { .. })), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
    }
    fs::write(&path, &text[..10]).unwrap();
    search.run(in_steps).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    fs::write(&path, format!("{text}nonsense\n")).unwrap();
    let error = search.run(in_steps).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the journal `{}` makes no sense in line 5", path.display())
    );
}

#[test]
fn a_panic_ends_the_search() {
    let search = Search::minimize(space()).trials(20).jobs(4);
    let panicking = |trial: &mut Trial<'_>| {
        assert!(trial.index() != 2, "a bug");
        in_steps(trial)
    };
    catch_unwind(AssertUnwindSafe(|| search.run(panicking))).unwrap_err();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let search = Search::minimize(space());
    let error = search.clone().trials(0).run(in_steps).unwrap_err();
    assert_eq!(error.to_string(), "the search has no trials");
    let nothing = Search::minimize(SearchSpace::new().uniform("x", 1.0..0.0)).run(in_steps);
    assert_eq!(
        nothing.unwrap_err().to_string(),
        "parameter `x` cannot be searched for: its range is empty or its name is taken"
    );
    for value in [f64::NAN, f64::INFINITY] {
        let error = search.run(|_| Ok::<_, Infallible>(value)).unwrap_err();
        assert!(matches!(error, SearchError::NotFinite { index: 0 }));
        let reported = search.run(|trial| {
            let _ = trial.report(value);
            Ok::<_, Infallible>(1.0)
        });
        assert!(matches!(reported.unwrap_err(), SearchError::NotFinite { index: 0 }));
    }
}

#[test]
fn trials_have_seeds_of_their_own() {
    let seeds = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let search = Search::minimize(space()).trials(30);
    let outcome = search.run(|trial| {
        seeds.lock().unwrap().insert(trial.seed());
        in_steps(trial)
    });
    assert_eq!(outcome.unwrap().trials().len(), 30);
    assert_eq!(seeds.lock().unwrap().len(), 30);
}
