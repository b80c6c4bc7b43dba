//! What `../service.py` does for peers in Python: the same greeting, questions and answers.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use serde_json::{Value, json};

use crate::library::Row;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Says why a peer does not run.
pub(crate) fn skip(reason: &dyn Error) -> io::Result<()> {
    say(&json!({ "skipped": reason.to_string() }))
}

/// Rows come in windows of `n`, a call takes one window.
pub(crate) struct Service<'r, Call, Results> {
    rows: &'r [Row],
    call: Call,
    results: Results,
    calls: HashMap<usize, Calls>,
}

impl<'r, Answer, Call, Results> Service<'r, Call, Results>
where
    Call: Fn(&[Row]) -> Outcome<Answer>,
    Results: Fn(Answer) -> Outcome<Vec<f64>>,
{
    /// `results` finds numbers in what `call` answers; its time is not measured.
    pub(crate) fn new(rows: &'r [Row], call: Call, results: Results) -> Self {
        Self { rows, call, results, calls: HashMap::new() }
    }

    /// Greets, and answers each line of stdin with a line of JSON.
    pub(crate) fn serve(mut self, version: &str) -> Outcome<()> {
        say(&json!({ "version": version }))?;
        for line in io::stdin().lines() {
            let line = line?;
            let [command, n, amount] = line.split(' ').collect::<Vec<_>>()[..] else {
                return Err("expected a command and two numbers".into());
            };
            let n = n.parse()?;
            let answer = match command {
                "predict" => json!(self.predict(n, amount.parse()?)?),
                "time" => json!(self.microseconds(n, amount.parse()?)?),
                _ => return Err("expected predict or time".into()),
            };
            say(&answer)?;
        }
        Ok(())
    }

    /// The results of the first `count` calls of `n` rows.
    fn predict(&self, n: usize, count: usize) -> Outcome<Vec<f64>> {
        let mut results = Vec::new();
        for window in self.rows.chunks_exact(n).take(count) {
            results.extend((self.results)((self.call)(window)?)?);
        }
        Ok(results)
    }

    /// The mean microseconds of a call of `n` rows, over about `seconds`; never the same rows twice in a row.
    fn microseconds(&mut self, n: usize, seconds: f64) -> Outcome<f64> {
        let calls = match self.calls.remove(&n) {
            Some(calls) => calls,
            None => self.measure(n, Calls { next: 0, mean: 0.0 }, 1)?,
        };
        let calls = self.measure(n, calls, (seconds * 1e6 / calls.mean) as usize)?;
        self.calls.insert(n, calls);
        Ok(calls.mean)
    }

    fn measure(&self, n: usize, Calls { next, .. }: Calls, count: usize) -> Outcome<Calls> {
        let (n_windows, count) = (self.rows.len() / n, count.max(1));
        let began = Instant::now();
        for window in next..next + count {
            let first = window % n_windows * n;
            black_box((self.call)(&self.rows[first..first + n])?);
        }
        let mean = began.elapsed().as_secs_f64() * 1e6 / count as f64;
        Ok(Calls { next: next + count, mean })
    }
}

/// The next window, and the mean microseconds of the last calls.
#[derive(Clone, Copy)]
struct Calls {
    next: usize,
    mean: f64,
}

fn say(answer: &Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{answer}")?;
    stdout.flush()
}
