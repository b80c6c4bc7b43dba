use std::ops::Range;

use mlops_core::FeatureKind;
use serde::Serialize;

/// The type of the elements of a tensor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Self::Bool,
            "UINT8" => Self::Uint8,
            "UINT16" => Self::Uint16,
            "UINT32" => Self::Uint32,
            "UINT64" => Self::Uint64,
            "INT8" => Self::Int8,
            "INT16" => Self::Int16,
            "INT32" => Self::Int32,
            "INT64" => Self::Int64,
            "FP16" => Self::Fp16,
            "FP32" => Self::Fp32,
            "FP64" => Self::Fp64,
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }

    /// The type in which the values of a feature are written.
    pub(crate) fn of(kind: &FeatureKind) -> Self {
        match kind {
            FeatureKind::Integer => Self::Int64,
            FeatureKind::Categorical { .. } => Self::Bytes,
            _ => Self::Fp64,
        }
    }

    /// Whether a missing value can be written.
    pub(super) fn has_null(self) -> bool {
        matches!(self, Self::Fp16 | Self::Fp32 | Self::Fp64 | Self::Bytes)
    }

    /// Whether a number written without a point is one of this type.
    pub(super) fn holds_integer(self, value: i128) -> bool {
        match self.integers() {
            Some(range) => range.contains(&value),
            None => self.holds_real(value as f64),
        }
    }

    /// Whether a number written with a point or an exponent is one of this type.
    pub(super) fn holds_real(self, value: f64) -> bool {
        match (self, self.integers()) {
            // Both ends are powers of two, so they are exact.
            (_, Some(range)) => {
                value.fract() == 0.0 && (range.start as f64..range.end as f64).contains(&value)
            }
            // From here on, rounding to 16 bits gives infinity.
            (Self::Fp16, None) => value.abs() < 65_520.0,
            // The records are finite in 32 bits in any case.
            (Self::Fp32 | Self::Fp64, None) => true,
            _ => false,
        }
    }

    fn integers(self) -> Option<Range<i128>> {
        let unsigned = |bits: u32| Some(0..1 << bits);
        let signed = |bits: u32| Some(-(1 << (bits - 1))..1 << (bits - 1));
        match self {
            Self::Bool => unsigned(1),
            Self::Uint8 => unsigned(8),
            Self::Uint16 => unsigned(16),
            Self::Uint32 => unsigned(32),
            Self::Uint64 => unsigned(64),
            Self::Int8 => signed(8),
            Self::Int16 => signed(16),
            Self::Int32 => signed(32),
            Self::Int64 => signed(64),
            Self::Fp16 | Self::Fp32 | Self::Fp64 | Self::Bytes => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_type() {
        let cases = [
            ("BOOL", 0.0, 1.0, -1.0, 2.0),
            ("UINT8", 0.0, 255.0, -1.0, 256.0),
            ("UINT16", 0.0, 65_535.0, -1.0, 65_536.0),
            ("UINT32", 0.0, 4_294_967_295.0, -1.0, 4_294_967_296.0),
            ("UINT64", 0.0, 1e19, -1.0, 2_f64.powi(64)),
            ("INT8", -128.0, 127.0, -129.0, 128.0),
            ("INT16", -32_768.0, 32_767.0, -32_769.0, 32_768.0),
            ("INT32", -2_147_483_648.0, 2_147_483_647.0, -2_147_483_649.0, 2_147_483_648.0),
            ("INT64", -2_f64.powi(63), 1e18, -1e19, 2_f64.powi(63)),
            ("FP16", -65_504.0, 65_519.0, -65_520.0, 65_520.0),
        ];
        for (name, least, most, below, above) in cases {
            let datatype = Datatype::from_name(name).unwrap();
            assert!(datatype.holds_real(least) && datatype.holds_real(most), "{name}");
            assert!(!datatype.holds_real(below) && !datatype.holds_real(above), "{name}");
            assert_eq!(datatype.holds_real(0.5), name == "FP16", "{name}");
            assert_eq!(serde_json::to_value(datatype).unwrap(), name);
        }
        assert!(Datatype::Uint64.holds_integer(u64::MAX.into()));
        assert!(!Datatype::Int64.holds_integer(u64::MAX.into()));
        assert!(!Datatype::Fp16.holds_integer(65_520));
        assert!(Datatype::Fp32.holds_real(0.1) && Datatype::Fp64.holds_integer(1));
        assert!(!Datatype::Bytes.holds_integer(1) && !Datatype::Bytes.holds_real(1.5));
        assert_eq!(Datatype::from_name("fp32"), None);
    }
}
