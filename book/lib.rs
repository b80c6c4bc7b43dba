//! Doctests of the book, the README and the changelog, and the wines that they use.
//!
//! Chapters lie in `src/`, where mdBook looks for them.

mod wines;

pub use wines::{Wines, wines};

#[cfg(doctest)]
mod doctests {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../CHANGELOG.md")]
    mod changelog {}

    #[doc = include_str!("src/introduction.md")]
    mod introduction {}
    #[doc = include_str!("src/quickstart.md")]
    mod quickstart {}
    #[doc = include_str!("src/data.md")]
    mod data {}
    #[doc = include_str!("src/models.md")]
    mod models {}
    #[doc = include_str!("src/search.md")]
    mod search {}
    #[doc = include_str!("src/evaluation.md")]
    mod evaluation {}
    #[doc = include_str!("src/drift.md")]
    mod drift {}
    #[doc = include_str!("src/outliers.md")]
    mod outliers {}
    #[doc = include_str!("src/python.md")]
    mod python {}
    #[doc = include_str!("src/registry.md")]
    mod registry {}
    #[doc = include_str!("src/serving.md")]
    mod serving {}
    #[doc = include_str!("src/configuration.md")]
    mod configuration {}
    #[doc = include_str!("src/operating.md")]
    mod operating {}
    #[doc = include_str!("src/retraining.md")]
    mod retraining {}
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_chapter_stands_in_the_summary_and_is_doctested() {
        let summary = include_str!("src/SUMMARY.md");
        let doctests = include_str!("lib.rs");
        let mut chapters = 0;
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "SUMMARY.md" || path.extension() != Some("md".as_ref()) {
                continue;
            }
            assert!(summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
            let included = format!("include_str!(\"src/{name}\")");
            assert!(doctests.contains(&included), "{name} is not in lib.rs");
            chapters += 1;
        }
        assert!(chapters > 0);
    }
}
