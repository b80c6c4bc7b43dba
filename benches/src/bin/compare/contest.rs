//! Turns of ours and of the peers.

use std::error::Error;
use std::time::Instant;

use crate::peer::Peer;

/// How many turns each takes: an odd number, so that one of them is the median.
pub(crate) const TURNS: usize = 21;
/// For calls that are themselves longer than a turn.
pub(crate) const FEW_TURNS: usize = 7;
const SECONDS: f64 = 0.06;

/// Median microseconds of a call.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) ours: f64,
    /// One per peer.
    pub(crate) peers: Vec<f64>,
}

/// Lets ours, which takes the window of that number, and the peers take `n` rows a call, in that many turns.
pub(crate) fn contest(
    mut ours: impl FnMut(usize),
    peers: &mut [Peer],
    n: usize,
    turns: usize,
) -> Result<Times, Box<dyn Error>> {
    let mut window = 0;
    let mut n_calls = 1;
    let mut our_times = Vec::new();
    let mut peer_times = vec![Vec::new(); peers.len()];
    // The first turn warms up.
    for turn in 0..=turns {
        let began = Instant::now();
        for _ in 0..n_calls {
            ours(window);
            window += 1;
        }
        let mean = began.elapsed().as_secs_f64() / f64::from(n_calls);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let fitting = (SECONDS / mean) as u32;
        n_calls = fitting.max(1);
        if turn > 0 {
            our_times.push(mean * 1e6);
        }
        for (peer, times) in peers.iter_mut().zip(&mut peer_times) {
            let time = peer.time(n, SECONDS)?;
            if turn > 0 {
                times.push(time);
            }
        }
    }
    Ok(Times { ours: median(our_times), peers: peer_times.into_iter().map(median).collect() })
}

/// The middle one of an odd number of times.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
