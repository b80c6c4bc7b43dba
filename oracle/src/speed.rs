use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use mlops_xgboost::Booster;
use ndarray::{ArrayView2, s};

use crate::binding::Binding;
use crate::numbers;

const TURNS: usize = 21;
const SECONDS: f64 = 0.06;

/// Prints the time of calls for 1, 16 and 1000 rows of a booster of 300 trees of depth 10.
pub(crate) fn print(folder: &Path) -> Result<(), Box<dyn Error>> {
    let ours = Booster::from_bytes(&fs::read(folder.join("m_d10.ubj"))?)?;
    // Written by ours, the base score is the number that 1.6.2 reads.
    let theirs = Binding::new(&ours.to_json(), ".json")?;
    let values = numbers(&folder.join("X.f32"))?;
    let n_features = ours.n_features();
    let rows = ArrayView2::from_shape((values.len() / n_features, n_features), &values)?;
    assert_eq!(ours.predict(rows)?, theirs.predict(rows)?);

    println!("| 300 trees of depth 10 | mlops-xgboost | xgboost-rs | ratio |");
    println!("|---|---|---|---|");
    for n in [1, 16, 1000] {
        let mut predictions = vec![0.0; n];
        let mut our_turns = Turns::default();
        let mut their_turns = Turns::default();
        for _ in 0..=TURNS {
            our_turns.take(rows, n, |rows| Ok(ours.predict_into(rows, &mut predictions)?))?;
            their_turns.take(rows, n, |rows| theirs.predict(rows).map(drop))?;
        }
        let (ours, theirs) = (our_turns.median(), their_turns.median());
        println!("| {n} rows | {ours:.2} us | {theirs:.2} us | {:.1} |", theirs / ours);
    }
    Ok(())
}

/// The mean microseconds of a call in each turn.
#[derive(Default)]
struct Turns(Vec<f64>);

impl Turns {
    fn take<'r>(
        &mut self,
        rows: ArrayView2<'r, f32>,
        n: usize,
        mut call: impl FnMut(ArrayView2<'r, f32>) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let n_windows = rows.nrows() / n;
        let (began, mut n_calls) = (Instant::now(), 0);
        while began.elapsed().as_secs_f64() < SECONDS {
            // Never the same rows twice in a row; a look at the clock for every few rows.
            for _ in 0..1000_usize.div_ceil(n).min(100) {
                let first = n_calls % n_windows * n;
                call(rows.slice_move(s![first..first + n, ..]))?;
                n_calls += 1;
            }
        }
        self.0.push(began.elapsed().as_secs_f64() * 1e6 / n_calls as f64);
        Ok(())
    }

    /// Without the first turn, which warms up.
    fn median(mut self) -> f64 {
        self.0.remove(0);
        self.0.sort_by(f64::total_cmp);
        self.0[self.0.len() / 2]
    }
}
