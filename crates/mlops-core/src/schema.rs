use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The ordered features that a model reads: what a column means, and in which order columns stand.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Schema {
    // Invariant: not empty, names unique.
    features: Vec<Feature>,
    positions: HashMap<String, usize>,
}

impl Schema {
    /// Makes a schema of `features`, in this order.
    ///
    /// # Errors
    /// * [`Error::EmptySchema`] without features
    /// * [`Error::DuplicateFeature`] if two features share a name
    ///
    /// # Examples
    /// ```
    /// use mlops_core::{Feature, Schema};
    ///
    /// let schema = Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")])?;
    /// assert_eq!(schema.position("is_red"), Some(1));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(features: Vec<Feature>) -> Result<Self, Error> {
        if features.is_empty() {
            return Err(Error::EmptySchema);
        }
        let mut positions = HashMap::with_capacity(features.len());
        for (position, feature) in features.iter().enumerate() {
            if positions.insert(feature.name.clone(), position).is_some() {
                return Err(Error::DuplicateFeature { feature: feature.name.clone() });
            }
        }
        Ok(Self { features, positions })
    }

    /// The features, in column order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The number of features.
    #[expect(clippy::len_without_is_empty, reason = "a schema is never empty")]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// The column of the feature called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// Whether the columns of both schemas mean the same; the observed ranges do not matter.
    pub fn has_columns_of(&self, other: &Self) -> bool {
        let pairs = self.features.iter().zip(&other.features);
        self.len() == other.len() && pairs.into_iter().all(|(a, b)| a.is_same_column(b))
    }

    /// The feature names, in column order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.features.iter().map(Feature::name)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.features == other.features
    }
}

impl TryFrom<Vec<Feature>> for Schema {
    type Error = Error;

    fn try_from(features: Vec<Feature>) -> Result<Self, Error> {
        Self::new(features)
    }
}

impl From<Schema> for Vec<Feature> {
    fn from(schema: Schema) -> Self {
        schema.features
    }
}

/// One column: its name, the kind of its values, and the range that was observed in training.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Feature {
    name: String,
    #[serde(flatten)]
    kind: FeatureKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

impl Feature {
    /// A feature that takes any finite number.
    pub fn numeric(name: impl Into<String>) -> Self {
        Self::new(name, FeatureKind::Numeric)
    }

    /// A feature that takes whole numbers, written `1` or `1.0`.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::new(name, FeatureKind::Integer)
    }

    /// A feature that takes one of `levels`; its value in [`Records`](crate::Records) is the level's position.
    pub fn categorical(
        name: impl Into<String>,
        levels: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let levels = levels.into_iter().map(Into::into).collect();
        Self::new(name, FeatureKind::Categorical { levels })
    }

    fn new(name: impl Into<String>, kind: FeatureKind) -> Self {
        Self { name: name.into(), kind, range: None }
    }

    /// The same feature with the range that was observed in training.
    #[must_use]
    pub fn with_range(self, range: Range) -> Self {
        Self { range: Some(range), ..self }
    }

    /// The feature's name, as requests write it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What values the feature takes.
    pub fn kind(&self) -> &FeatureKind {
        &self.kind
    }

    /// Whether both features have the same name and kind; the observed ranges do not matter.
    pub fn is_same_column(&self, other: &Self) -> bool {
        self.name == other.name && self.kind == other.kind
    }

    /// The range observed in training, if it was recorded.
    pub fn range(&self) -> Option<Range> {
        self.range
    }
}

/// What values a feature takes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// Any finite number.
    Numeric,
    /// A whole number.
    Integer,
    /// One of a fixed set of names.
    Categorical {
        /// The names; a value is the position of its name.
        levels: Vec<String>,
    },
}

/// The smallest and the largest value of a feature, both included.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Range {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Range {
    /// Whether `value` is in the range, its ends included; NaN is not.
    pub fn contains(self, value: f64) -> bool {
        self.min <= value && value <= self.max
    }

    /// The range of the values that are not NaN; `None` if there are none.
    ///
    /// # Examples
    /// ```
    /// use mlops_core::Range;
    ///
    /// let range = Range::of([3.0, f64::NAN, 1.0]).unwrap();
    /// assert_eq!((range.min, range.max), (1.0, 3.0));
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        values.into_iter().filter(|value| !value.is_nan()).fold(None, |range, value| {
            Some(match range {
                None => Self { min: value, max: value },
                Some(Self { min, max }) => Self { min: min.min(value), max: max.max(value) },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_there_is_at_least_one() {
        assert_eq!(Schema::new(vec![]), Err(Error::EmptySchema));
        let twice = vec![Feature::numeric("pH"), Feature::integer("pH")];
        assert_eq!(Schema::new(twice), Err(Error::DuplicateFeature { feature: "pH".to_owned() }));
    }

    #[test]
    fn json_round_trip_keeps_everything() {
        let schema = Schema::new(vec![
            Feature::numeric("alcohol").with_range(Range { min: 8.0, max: 14.9 }),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Minho"]),
        ])
        .unwrap();
        let json = serde_json::to_string(&schema).unwrap();
        insta::assert_snapshot!(json, @r#"[{"name":"alcohol","kind":"numeric","range":{"min":8.0,"max":14.9}},{"name":"is_red","kind":"integer"},{"name":"region","kind":"categorical","levels":["Douro","Minho"]}]"#);
        assert_eq!(serde_json::from_str::<Schema>(&json).unwrap(), schema);
    }

    #[test]
    fn ranges_do_not_tell_columns_apart() {
        let schema = |feature| Schema::new(vec![feature, Feature::integer("is_red")]).unwrap();
        let plain = schema(Feature::numeric("pH"));
        let ranged = schema(Feature::numeric("pH").with_range(Range { min: 2.7, max: 4.0 }));
        assert!(plain.has_columns_of(&ranged) && plain != ranged);
        assert!(!plain.has_columns_of(&schema(Feature::integer("pH"))));
        assert!(!plain.has_columns_of(&Schema::new(vec![Feature::numeric("pH")]).unwrap()));
    }

    #[test]
    fn the_range_of_nothing_is_none() {
        assert_eq!(Range::of([]), None);
        assert_eq!(Range::of([f64::NAN]), None);
    }
}
