use std::error::Error;

/// One crate takes rows of a width that the compiler knows.
pub(crate) const WIDTH: usize = 12;
pub(crate) type Row = [f64; WIDTH];

pub(crate) const N_TREES: usize = 100;
pub(crate) const N_SAMPLES: usize = 256;

/// A crate that fits isolation forests.
pub(crate) trait Library {
    type Forest;

    /// A forest of `N_TREES` trees of `N_SAMPLES` rows each.
    fn fit(&self, rows: &[Row]) -> Result<Self::Forest, Box<dyn Error>>;

    /// A score per row, higher for the more abnormal.
    fn score(&self, forest: &Self::Forest, rows: &[Row]) -> Result<Vec<f64>, Box<dyn Error>>;
}
