//! Which wines train, which choose, and which test.
//!
//! A quarter of the rows are exact copies of others. A split row by row puts copies on both sides: a model then
//! recognises wines instead of judging them. The default split keeps the copies of a wine together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mlops_core::Random;

use crate::data::Wines;

/// The rows of each part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    /// Where training stops and models are compared.
    pub(crate) validation: Vec<usize>,
    /// What is measured in the end.
    pub(crate) test: Vec<usize>,
}

/// Why a file with test rows cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitError {
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line} is not the number of a row, 0 to {}", path.display(), n_rows - 1)]
    NotARow { path: PathBuf, line: usize, n_rows: usize },
    #[error("{} names no row, or leaves none to train on", path.display())]
    OneSided { path: PathBuf },
    #[error("{}, line {line} is not the number of a row, 0 to {}, and `train`, `validation` or `test`", path.display(), n_rows - 1)]
    NotAPart { path: PathBuf, line: usize, n_rows: usize },
    #[error("{}, line {line} names a row for the second time", path.display())]
    Twice { path: PathBuf, line: usize },
    #[error("{} leaves a part without wines", path.display())]
    EmptyPart { path: PathBuf },
}

impl Split {
    /// 60 % to train, 20 % to choose, 20 % to test; all copies of a wine in the same part.
    pub(crate) fn grouped(wines: &Wines, seed: u64) -> Self {
        let mut groups = groups(wines, &(0..wines.n_wines()).collect::<Vec<_>>());
        let n_groups = groups.len();
        Random::new(seed).choose(&mut groups, n_groups);
        let mut split = Self { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
        let share = wines.n_wines() / 5;
        for group in groups {
            if split.test.len() < share {
                split.test.extend(group);
            } else if split.validation.len() < share {
                split.validation.extend(group);
            } else {
                split.train.extend(group);
            }
        }
        split
    }

    /// The parts that the file at `path` lists, in the form of [`to_csv`](Self::to_csv).
    pub(crate) fn read(wines: &Wines, path: &Path) -> Result<Self, SplitError> {
        let mut split = Self { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
        let n_rows = wines.n_wines();
        let mut is_named = vec![false; n_rows];
        for (line, text) in lines(&read(path)?) {
            let (row, part) = text.split_once(',').unwrap_or((text, ""));
            let row = row.parse().ok().filter(|row| *row < n_rows);
            let part = match part {
                "train" => Some(&mut split.train),
                "validation" => Some(&mut split.validation),
                "test" => Some(&mut split.test),
                _ => None,
            };
            let (Some(row), Some(part)) = (row, part) else {
                return Err(SplitError::NotAPart { path: path.to_owned(), line, n_rows });
            };
            if std::mem::replace(&mut is_named[row], true) {
                return Err(SplitError::Twice { path: path.to_owned(), line });
            }
            part.push(row);
        }
        if [&split.train, &split.validation, &split.test].iter().any(|part| part.is_empty()) {
            return Err(SplitError::EmptyPart { path: path.to_owned() });
        }
        Ok(split)
    }

    /// The original's way: a quarter of the rows, whether copies or not, both chooses and tests.
    pub(crate) fn original(wines: &Wines, seed: u64) -> Self {
        let mut rows: Vec<usize> = (0..wines.n_wines()).collect();
        let n_test = rows.len().div_ceil(4);
        Random::new(seed).choose(&mut rows, n_test);
        let train = rows.split_off(n_test);
        Self { train, validation: rows.clone(), test: rows }
    }

    /// The original's way, with the test rows that the file at `path` lists: row numbers from 0, red wines before
    /// white ones, under the header `row`.
    pub(crate) fn original_from(wines: &Wines, path: &Path) -> Result<Self, SplitError> {
        let n_rows = wines.n_wines();
        let mut is_test = vec![false; n_rows];
        for (line, text) in lines(&read(path)?) {
            match text.parse::<usize>() {
                Ok(row) if row < n_rows => is_test[row] = true,
                _ => return Err(SplitError::NotARow { path: path.to_owned(), line, n_rows }),
            }
        }
        let (test, train): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|&row| is_test[row]);
        if test.is_empty() || train.is_empty() {
            return Err(SplitError::OneSided { path: path.to_owned() });
        }
        Ok(Self { train, validation: test.clone(), test })
    }

    /// The rows that are not for the test, in their order.
    pub(crate) fn known(&self) -> Vec<usize> {
        let test: BTreeSet<_> = self.test.iter().collect();
        let mut known: Vec<usize> = [self.train.as_slice(), &self.validation].concat();
        known.retain(|row| !test.contains(row));
        known.sort_unstable();
        known
    }

    /// The number of test rows that are copies of training rows.
    pub(crate) fn n_copies(&self, wines: &Wines) -> usize {
        let seen: std::collections::HashSet<Vec<u64>> =
            self.train.iter().map(|&row| wines.identity(row)).collect();
        self.test.iter().filter(|&&row| seen.contains(&wines.identity(row))).count()
    }

    /// The split as a table of rows and parts, for whoever wants to measure again.
    pub(crate) fn to_csv(&self) -> String {
        let parts =
            [(&self.train, "train"), (&self.validation, "validation"), (&self.test, "test")];
        let rows: BTreeMap<usize, &str> = parts
            .into_iter()
            .flat_map(|(rows, part)| rows.iter().map(move |&row| (row, part)))
            .collect();
        let lines = rows.iter().map(|(row, part)| format!("{row},{part}\n"));
        std::iter::once("row,part\n".to_owned()).chain(lines).collect()
    }
}

fn read(path: &Path) -> Result<String, SplitError> {
    fs::read_to_string(path).map_err(|source| SplitError::Io { path: path.to_owned(), source })
}

/// The lines below the header that hold something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate().skip(1);
    lines.filter(|(_, line)| !line.is_empty()).map(|(index, line)| (index + 1, line))
}

/// One row of every wine at `rows`: the first of its copies.
pub(crate) fn distinct(wines: &Wines, rows: &[usize]) -> Vec<usize> {
    groups(wines, rows).into_iter().map(|group| group[0]).collect()
}

/// The copies of each wine at `rows`, in the order of their first ones.
pub(crate) fn groups(wines: &Wines, rows: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
    for &row in rows {
        groups.entry(wines.identity(row)).or_default().push(row);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.sort_unstable();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(split: &Split) -> Vec<usize> {
        let mut rows = [split.train.clone(), split.validation.clone(), split.test.clone()].concat();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn every_wine_is_in_one_part_with_all_its_copies() {
        let wines = Wines::bundled().unwrap();
        let split = Split::grouped(&wines, 1);
        assert_eq!(all(&split), (0..wines.n_wines()).collect::<Vec<_>>());
        assert_eq!(split.n_copies(&wines), 0);
        let share = wines.n_wines() / 5;
        assert!(
            split.test.len().abs_diff(share) < 20 && split.validation.len().abs_diff(share) < 20
        );
        assert_ne!(split, Split::grouped(&wines, 2));
    }

    #[test]
    fn the_original_split_has_copies_on_both_sides() {
        let wines = Wines::bundled().unwrap();
        let split = Split::original(&wines, 1);
        assert_eq!(split.validation, split.test);
        assert_eq!(split.test.len(), 1031);
        let mut train = split.train.clone();
        train.sort_unstable();
        assert_eq!(split.known(), train);
        assert!(split.n_copies(&wines) > 100);
    }

    #[test]
    fn test_rows_are_read_from_a_file() {
        let wines = Wines::bundled().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "row\n5\n7\n").unwrap();
        assert_eq!(Split::original_from(&wines, &path).unwrap().test, [5, 7]);
        for (text, problem) in [
            ("row\n5\nx\n", "line 3 is not the number of a row, 0 to 4123"),
            ("row\n4124\n", "line 2 is not the number of a row, 0 to 4123"),
            ("row\n", "names no row, or leaves none to train on"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Split::original_from(&wines, &path).unwrap_err().to_string();
            assert!(error.ends_with(problem), "{error}");
        }
    }

    #[test]
    fn a_split_is_read_as_it_was_written() {
        let wines = Wines::bundled().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.csv");
        let split = Split::grouped(&wines, 1);
        fs::write(&path, split.to_csv()).unwrap();
        let read = Split::read(&wines, &path).unwrap();
        let sorted = |rows: &[usize]| rows.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&read.train), sorted(&split.train));
        assert_eq!(sorted(&read.validation), sorted(&split.validation));
        assert_eq!(read.to_csv(), split.to_csv());
        let what = "is not the number of a row, 0 to 4123, and `train`, `validation` or `test`";
        for (text, problem) in [
            ("row,part\n5,train\n6,both\n", format!("line 3 {what}")),
            ("row,part\n4124,train\n", format!("line 2 {what}")),
            ("row,part\n5\n", format!("line 2 {what}")),
            ("row,part\n5,train\n5,test\n", "line 3 names a row for the second time".to_owned()),
            ("row,part\n5,train\n6,test\n", "leaves a part without wines".to_owned()),
        ] {
            fs::write(&path, text).unwrap();
            let error = Split::read(&wines, &path).unwrap_err().to_string();
            assert!(error.ends_with(&problem), "{error}");
        }
    }

    #[test]
    fn distinct_rows_have_no_copies_among_them() {
        let wines = Wines::bundled().unwrap();
        let rows: Vec<usize> = (0..wines.n_wines()).collect();
        let distinct = distinct(&wines, &rows);
        let identities: BTreeSet<_> = distinct.iter().map(|&row| wines.identity(row)).collect();
        assert_eq!(identities.len(), distinct.len());
        assert!(distinct.len() < rows.len());
    }

    #[test]
    fn the_table_names_the_part_of_every_row() {
        let split = Split { train: vec![2], validation: vec![0], test: vec![1] };
        assert_eq!(split.to_csv(), "row,part\n0,validation\n1,test\n2,train\n");
    }
}
