//! Which wines a model knows: they cannot tell how good it is.

use std::collections::BTreeSet;
use std::fs;

use mlops_core::{ModelDir, ModelDirWriter, ModelError, SaveModel};

use crate::data::Wines;
use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::split::Split;

/// The wines that a model has learned from or was chosen by, which cannot judge another one beside it, and those by which the
/// first of its line was measured, which none may learn from: the figure would be worth nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KnownWines {
    pub(crate) learned: BTreeSet<Fingerprint>,
    pub(crate) tested: BTreeSet<Fingerprint>,
}

/// Beside the model.
const FILE: &str = "known_wines.csv";
const HEADER: &str = "wine,part";
const LEARNED: &str = "learned";
const TESTED: &str = "tested";

impl KnownWines {
    /// The wines that a model knows which was trained by this split.
    pub(crate) fn of(wines: &Wines, split: &Split) -> Self {
        let fingerprints =
            |rows: &[usize]| rows.iter().map(|row| wines.fingerprint(*row)).collect();
        Self { learned: fingerprints(&split.known()), tested: fingerprints(&split.test) }
    }

    /// Reads what stands beside a model.
    pub(crate) fn read(dir: &ModelDir) -> Result<Self, Error> {
        let path = dir.path().join(FILE);
        if !path.is_file() {
            return Err(Error::NoKnownWines { path });
        }
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let mut known = Self::default();
        for (index, line) in text.lines().enumerate().skip(1) {
            let part = match line.split_once(',') {
                Some((wine, LEARNED)) => Some((wine, &mut known.learned)),
                Some((wine, TESTED)) => Some((wine, &mut known.tested)),
                _ => None,
            };
            let part = part.and_then(|(wine, part)| Some((wine.parse().ok()?, part)));
            let Some((wine, part)) = part else {
                return Err(Error::NotAKnownWine { path, line: index + 1 });
            };
            part.insert(wine);
        }
        Ok(known)
    }

    fn to_csv(&self) -> String {
        let parts = [(LEARNED, &self.learned), (TESTED, &self.tested)];
        let lines = parts
            .into_iter()
            .flat_map(|(part, wines)| wines.iter().map(move |wine| format!("{wine},{part}\n")));
        std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
    }
}

/// A model that is saved with the wines that it knows.
#[derive(Debug)]
pub(crate) struct WithKnownWines<'a, M> {
    model: &'a M,
    known: &'a KnownWines,
}

impl<'a, M> WithKnownWines<'a, M> {
    pub(crate) fn new(model: &'a M, known: &'a KnownWines) -> Self {
        Self { model, known }
    }
}

impl<M: SaveModel> SaveModel for WithKnownWines<'_, M> {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        self.model.save(dir)?;
        dir.file(FILE, self.known.to_csv().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl SaveModel for Nothing {
        fn save(&self, _: &mut ModelDirWriter) -> Result<(), ModelError> {
            Ok(())
        }
    }

    #[test]
    fn what_was_saved_beside_a_model_is_read() {
        let wines = Wines::bundled().unwrap();
        let split = Split::grouped(&wines, 1);
        let known = KnownWines::of(&wines, &split);
        assert!(known.learned.is_disjoint(&known.tested));
        assert!(known.learned.len() < split.known().len());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let dir = ModelDir::create(&path, &WithKnownWines::new(&Nothing, &known)).unwrap();
        assert_eq!(KnownWines::read(&dir).unwrap(), known);

        fs::write(path.join(FILE), "wine,part\n0123456789abcdef,learned\n1,tested\n").unwrap();
        let error = KnownWines::read(&dir).unwrap_err().to_string();
        assert!(error.ends_with("known_wines.csv, line 3 names no wine and its part"), "{error}");
        fs::remove_file(path.join(FILE)).unwrap();
        let error = KnownWines::read(&dir).unwrap_err().to_string();
        assert!(error.contains("known_wines.csv is not there"), "{error}");
    }
}
