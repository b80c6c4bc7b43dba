use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, Mac};
use mlops_core::{Feature, Schema};
use sha2::Sha256;

/// Which columns are not logged as they are.
///
/// A column that is dropped or hashed has no p-value in the log either: of a request with one row, that
/// tells where the value stands among the training rows. Outlier scores are written: they are made of all
/// columns, and of a model with few of them they tell something of each.
#[derive(Clone, Default)]
pub struct Privacy {
    treatments: BTreeMap<String, Treatment>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Treatment {
    Drop,
    Hash { key: [u8; 32] },
}

impl Privacy {
    /// Leaves `columns` out of the log, also those that are hashed otherwise.
    #[must_use]
    pub fn drop<'n>(self, columns: impl IntoIterator<Item = &'n str>) -> Self {
        self.treat(columns, Treatment::Drop)
    }

    /// Writes a keyed hash (HMAC-SHA-256, 16 hexadecimal digits) for each value of `columns`: equal values
    /// of a column have equal hashes, and who does not know `key` cannot tell which value it is.
    #[must_use]
    pub fn hash<'n>(self, key: [u8; 32], columns: impl IntoIterator<Item = &'n str>) -> Self {
        self.treat(columns, Treatment::Hash { key })
    }

    /// The columns that are named and not in `schema`; a misspelt name would protect nothing.
    pub fn unknown_columns(&self, schema: &Schema) -> Vec<&str> {
        let names = self.treatments.keys().map(String::as_str);
        names.filter(|name| schema.position(name).is_none()).collect()
    }

    fn treat<'n>(
        mut self,
        columns: impl IntoIterator<Item = &'n str>,
        treatment: Treatment,
    ) -> Self {
        for column in columns {
            if !self.drops(column) {
                self.treatments.insert(column.to_owned(), treatment);
            }
        }
        self
    }

    /// For each column of `schema` whether it may be shown as it is; `None` if all may.
    pub(crate) fn shown(&self, schema: &Schema) -> Option<Vec<bool>> {
        let is_shown = |name: &str| !self.treatments.contains_key(name);
        (!self.treatments.is_empty()).then(|| schema.names().map(is_shown).collect())
    }

    /// Whether a column is left out.
    pub(crate) fn drops(&self, name: &str) -> bool {
        self.treatments.get(name) == Some(&Treatment::Drop)
    }

    /// What is written for a value: a hash, or `None` if it is written as it is.
    pub(crate) fn hashed(&self, feature: &Feature, value: f64) -> Option<String> {
        let Some(Treatment::Hash { key }) = self.treatments.get(feature.name()) else {
            return None;
        };
        // A missing value stays one: its hash would be the same everywhere and tell as much.
        if value.is_nan() {
            return None;
        }
        // A key of any length is taken.
        let mut hash = Hmac::<Sha256>::new_from_slice(key).ok()?;
        hash.update(feature.name().as_bytes());
        // -0 and 0 are the same value.
        hash.update(&(value + 0.0).to_bits().to_le_bytes());
        let digest = hash.finalize().into_bytes();
        let first = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Some(format!("{first:016x}"))
    }
}

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.treatments.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_a_column_have_equal_hashes_that_depend_on_key_and_column() {
        let privacy = |key| Privacy::default().hash([key; 32], ["age", "income"]);
        let (age, income) = (Feature::numeric("age"), Feature::numeric("income"));
        let hash = privacy(1).hashed(&age, 0.0).unwrap();
        assert_eq!(hash.len(), 16);
        assert_eq!(privacy(1).hashed(&age, -0.0), Some(hash.clone()));
        assert_ne!(privacy(1).hashed(&age, 1.0), Some(hash.clone()));
        assert_ne!(privacy(1).hashed(&income, 0.0), Some(hash.clone()));
        assert_ne!(privacy(2).hashed(&age, 0.0), Some(hash));
        assert_eq!(privacy(1).hashed(&age, f64::NAN), None);
        assert_eq!(privacy(1).hashed(&Feature::numeric("pH"), 1.0), None);
    }

    #[test]
    fn the_hash_is_the_standard_one() {
        // python3 -c "import hmac, struct; print(hmac.new(b'\1' * 32, b'age' + struct.pack('<d', 41.5), 'sha256').hexdigest()[:16])"
        let privacy = Privacy::default().hash([1; 32], ["age"]);
        let hash = privacy.hashed(&Feature::numeric("age"), 41.5);
        assert_eq!(hash.as_deref(), Some("e863029e7aa0f7b2"));
    }

    #[test]
    fn a_misspelt_column_is_found_and_the_key_is_not_shown() {
        let schema = Schema::new(vec![Feature::numeric("age"), Feature::numeric("pH")]).unwrap();
        let privacy = Privacy::default().drop(["agee", "pH"]).hash([77; 32], ["age"]);
        assert_eq!(privacy.unknown_columns(&schema), ["agee"]);
        assert_eq!(privacy.shown(&schema), Some(vec![false, false]));
        assert_eq!(Privacy::default().shown(&schema), None);
        let both = Privacy::default().drop(["age"]).hash([1; 32], ["age"]);
        assert!(both.drops("age"), "what is dropped stays dropped");
        assert!(!format!("{privacy:?}").contains("77"));
    }
}
