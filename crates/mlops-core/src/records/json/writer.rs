use serde::ser::{Serialize, Serializer};

use crate::{Feature, FeatureKind, Records};

/// Writes what [`Records::from_json`] reads: an array of objects, in schema order.
impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let features = self.schema().features();
        serializer.collect_seq(self.rows().map(|values| Row { features, values }))
    }
}

struct Row<'a> {
    features: &'a [Feature],
    values: &'a [f64],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.features.iter().zip(self.values);
        serializer
            .collect_map(cells.map(|(feature, &value)| (feature.name(), feature.to_json(value))))
    }
}

impl Feature {
    /// A value of the feature as requests write it: a level by its name, a whole number without a point, `null` for
    /// NaN.
    ///
    /// # Examples
    /// ```
    /// use mlops_core::Feature;
    ///
    /// let region = Feature::categorical("region", ["Douro", "Minho"]);
    /// assert_eq!(serde_json::to_string(&region.to_json(1.0))?, r#""Minho""#);
    /// assert_eq!(serde_json::to_string(&Feature::integer("is_red").to_json(1.0))?, "1");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn to_json(&self, value: f64) -> impl Serialize {
        Value { kind: self.kind(), value }
    }
}

struct Value<'a> {
    kind: &'a FeatureKind,
    value: f64,
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.value.is_nan() {
            return serializer.serialize_none();
        }
        #[expect(clippy::cast_possible_truncation, reason = "what is not exact is not used")]
        let integer = self.value as i64;
        let is_exact = integer.unsigned_abs() < 1 << f64::MANTISSA_DIGITS;
        match self.kind {
            FeatureKind::Categorical { levels } => usize::try_from(integer)
                .ok()
                .and_then(|level| levels.get(level))
                .serialize(serializer),
            FeatureKind::Integer if is_exact => serializer.serialize_i64(integer),
            _ => serializer.serialize_f64(self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{RecordsLimits, Schema};

    #[test]
    fn values_are_written_as_requests_write_them() {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("year"),
            Feature::categorical("region", ["Douro", "Minho \"Verde\""]),
        ];
        let schema = Arc::new(Schema::new(features).unwrap());
        let body = br#"[{"year":2020.0,"region":"Minho \"Verde\"","alcohol":9},{"alcohol":null,"region":null,"year":null},{"alcohol":-0.5,"region":"Douro","year":1e20}]"#;
        let records = Records::from_json(&schema, body, RecordsLimits::default()).unwrap();
        let json = serde_json::to_string(&records).unwrap();
        insta::assert_snapshot!(json, @r#"[{"alcohol":9.0,"year":2020,"region":"Minho \"Verde\""},{"alcohol":null,"year":null,"region":null},{"alcohol":-0.5,"year":1e+20,"region":"Douro"}]"#);
        let again = Records::from_json(&schema, json.as_bytes(), RecordsLimits::default()).unwrap();
        let bits =
            |records: &Records| records.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&again), bits(&records));
    }
}
