//! The binary format of XGBoost before 3.1: little-endian records without names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::arrays::{Arrays, Vectors};
use super::decode::{Outputs, check_features, check_version, linear, settings, tree_ensemble};
use super::json;
use crate::booster::Parts;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::error::Error;
use crate::objective::{Objective, Settings};
use crate::tree::Tree;

/// What files of XGBoost 1.0 and later begin with.
pub(super) const MAGIC: &[u8] = b"binf";

pub(super) fn model(bytes: &[u8]) -> Result<Parts, Error> {
    let mut reader = Reader { bytes, offset: MAGIC.len() };
    let header = reader.record::<136>()?;
    let version = check_version((header.u32(20).into(), header.u32(24).into()))?;
    let n_features = check_features(header.u32(4) as usize)?;
    let outputs = Outputs::new(header.count(8)?, header.u32(28) as usize)?;
    let (objective, booster) = (reader.text()?, reader.text()?);
    let ensemble = match &*booster {
        "gbtree" => Ensemble::Trees(reader.trees(outputs.count, false)?),
        "dart" => Ensemble::Trees(reader.trees(outputs.count, true)?),
        "gblinear" => {
            reader.record::<136>()?;
            linear(reader.floats()?, n_features, outputs.count)?
        }
        _ => return Err(Error::unsupported_booster(&booster)),
    };
    outputs.check(&ensemble, 1)?;
    let mut attributes = BTreeMap::new();
    if header.u32(12) != 0 {
        for _ in 0..reader.count(16)? {
            attributes.insert(reader.text()?, reader.text()?);
        }
    }
    if header.u32(16) != 0 {
        // The names of metrics, which no prediction needs.
        for _ in 0..reader.count(8)? {
            reader.text()?;
        }
    }
    if reader.offset != bytes.len() {
        return Err(reader.error("the file goes on after its end"));
    }
    // The settings of the objective stand among the attributes, as JSON.
    let text = attributes.remove("objective");
    let settings = match text.as_deref().map(|text| json::read(text.as_bytes())) {
        Some(Ok(document)) => settings(&document),
        _ => Settings::new(),
    };
    Ok(Parts {
        n_features,
        feature_names: Vec::new(),
        feature_types: Vec::new(),
        categories: Vec::new(),
        attributes,
        objective: Objective::new(&objective, settings, version)?,
        base_scores: vec![header.f32(0)],
        n_outputs: outputs.count,
        has_classes: outputs.are_classes,
        ensemble,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// Numbers in fixed places.
struct Record<'a, const N: usize>(&'a [u8; N]);

impl<const N: usize> Record<'_, N> {
    fn bytes(&self, place: usize) -> [u8; 4] {
        std::array::from_fn(|index| self.0[place + index])
    }

    fn u32(&self, place: usize) -> u32 {
        u32::from_le_bytes(self.bytes(place))
    }

    fn i32(&self, place: usize) -> i32 {
        i32::from_le_bytes(self.bytes(place))
    }

    fn f32(&self, place: usize) -> f32 {
        f32::from_le_bytes(self.bytes(place))
    }

    fn count(&self, place: usize) -> Result<usize, Error> {
        let problem = "a negative count";
        usize::try_from(self.i32(place)).map_err(|_| Error::Syntax { offset: place, problem })
    }
}

impl<'a> Reader<'a> {
    fn trees(&mut self, n_outputs: usize, has_weights: bool) -> Result<TreeEnsemble, Error> {
        let params = self.record::<160>()?;
        let (n_trees, n_parallel) = (params.count(0)?, params.count(4)?.max(1));
        let mut trees = Vec::new();
        for index in 0..n_trees {
            trees.push(self.tree(index)?);
        }
        let outputs = self.array::<4, _>(n_trees, |bytes| i64::from(i32::from_le_bytes(bytes)))?;
        let weights = if has_weights { Some(self.floats()?) } else { None };
        tree_ensemble(trees, &outputs, weights, n_parallel, None, n_outputs)
    }

    fn tree(&mut self, index: usize) -> Result<Tree, Error> {
        let params = self.record::<148>()?;
        let n_nodes = params.count(4)?;
        let links = self.array::<20, _>(n_nodes, |bytes: [u8; 20]| bytes)?;
        let statistics = self.array::<16, _>(n_nodes, |bytes: [u8; 16]| bytes)?;
        let integers = |place| -> Cow<'static, [i64]> {
            links.iter().map(|bytes| i64::from(Record(bytes).i32(place))).collect()
        };
        let floats = |place| -> Cow<'static, [f32]> {
            statistics.iter().map(|bytes| Record(bytes).f32(place)).collect()
        };
        let splits = links.iter().map(|bytes| Record(bytes).u32(12));
        let arrays = Arrays {
            left: integers(4),
            right: integers(8),
            features: splits.clone().map(|split| i64::from(split & FEATURE)).collect(),
            default_left: splits.map(|split| i64::from(split & !FEATURE != 0)).collect(),
            conditions: links.iter().map(|bytes| Record(bytes).f32(16)).collect(),
            weights: floats(8),
            gains: floats(0),
            hessians: floats(4),
            categorical: vec![None; n_nodes],
            categories: Vec::new(),
            vectors: Vectors::None,
        };
        arrays.tree(index, n_nodes)
    }

    fn record<const N: usize>(&mut self) -> Result<Record<'a, N>, Error> {
        let rest = &self.bytes[self.offset..];
        let record = rest.first_chunk().ok_or_else(|| self.error(ENDS_EARLY))?;
        self.offset += N;
        Ok(Record(record))
    }

    /// A number of elements, each of which takes at least `size` bytes.
    fn count(&mut self, size: usize) -> Result<usize, Error> {
        let bytes = self.record::<8>()?;
        let count = u64::from_le_bytes(*bytes.0);
        let room = (self.bytes.len() - self.offset) / size;
        let count = usize::try_from(count).ok().filter(|count| *count <= room);
        count.ok_or_else(|| self.error(ENDS_EARLY))
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = self.count(1)?;
        let bytes = &self.bytes[self.offset..self.offset + length];
        let text = str::from_utf8(bytes).map_err(|_| self.error("not UTF-8"))?.to_owned();
        self.offset += length;
        Ok(text)
    }

    fn floats(&mut self) -> Result<Vec<f32>, Error> {
        let count = self.count(4)?;
        self.array::<4, _>(count, f32::from_le_bytes)
    }

    fn array<const N: usize, T>(
        &mut self,
        count: usize,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let end = count.checked_mul(N).and_then(|size| size.checked_add(self.offset));
        let range = end.filter(|end| *end <= self.bytes.len()).map(|end| self.offset..end);
        let range = range.ok_or_else(|| self.error(ENDS_EARLY))?;
        self.offset = range.end;
        Ok(self.bytes[range].as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect())
    }

    fn error(&self, problem: &'static str) -> Error {
        Error::Syntax { offset: self.offset, problem }
    }
}

/// The bits of a split that say which feature it compares; the one above sends missing values left.
const FEATURE: u32 = 0x7FFF_FFFF;
const ENDS_EARLY: &str = "the file ends early";
