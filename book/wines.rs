use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use mlops_core::{Feature, Records, Schema};
use ndarray::Array2;

/// The bundled sample: all red wines of the Wine Quality data set, and a part of the white ones.
#[derive(Debug)]
#[non_exhaustive]
pub struct Wines {
    /// Eleven measurements and `is_red` of 4,124 wines, red ones first.
    pub records: Records,
    /// Whether each wine is good: of quality 7 or more.
    pub is_good: Vec<bool>,
}

/// Reads the bundled sample.
///
/// # Errors
/// What is wrong with the files; nothing, unless they were moved or changed.
pub fn wines() -> Result<Wines, Box<dyn Error>> {
    let (red, white) = (read("winequality-red.csv")?, read("winequality-white.csv")?);
    let header = red.lines().next().unwrap_or_default().replace('"', "").replace(' ', "_");
    let measured = header.split(';').filter(|name| *name != "quality").map(Feature::numeric);
    let schema = Schema::new(measured.chain([Feature::integer("is_red")]).collect())?;

    let (mut values, mut is_good) = (Vec::new(), Vec::new());
    for (file, is_red) in [(red, 1.0), (white, 0.0)] {
        for line in file.lines().skip(1) {
            let row: Vec<f64> = line.split(';').map(str::parse).collect::<Result<_, _>>()?;
            let (quality, measured) = row.split_last().ok_or("an empty line")?;
            values.extend(measured);
            values.push(is_red);
            is_good.push(*quality >= 7.0);
        }
    }
    let values = Array2::from_shape_vec((is_good.len(), schema.len()), values)?;
    Ok(Wines { records: Records::new(Arc::new(schema), values)?, is_good })
}

fn read(name: &str) -> io::Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wine-quality/data");
    fs::read_to_string(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_read_whole() {
        let Wines { records, is_good } = wines().unwrap();
        assert_eq!(records.values().dim(), (4124, 12));
        assert_eq!(records.column(11).sum(), 1599.0);
        assert_eq!(is_good.into_iter().filter(|is_good| *is_good).count(), 1102);
        assert_eq!(records.row(0).to_vec()[..3], [7.4, 0.7, 0.0]);
    }
}
