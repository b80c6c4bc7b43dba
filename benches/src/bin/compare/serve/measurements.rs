use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display, Formatter};

use mlops_benches::pauses::Pauses;
use serde::{Serialize, Serializer};

use super::contestant::{AS_ORIGINAL, ORIGINAL, OURS, UNMONITORED};
use super::stages::{self, Stage};
use crate::comparison::{Skipped, machine};

/// What was measured, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    machine: String,
    versions: BTreeMap<String, String>,
    skipped: Vec<Skipped>,
    /// What the machine took of the time of its cores, before and after all cases.
    pub(crate) pauses: [Pauses; 2],
    /// How long each case took.
    pub(crate) seconds: u32,
    pub(crate) services: Vec<Service>,
    pub(crate) cases: Vec<Case>,
    /// Of a request of two rows to ours.
    pub(crate) stages: Vec<Stage>,
    goals: Vec<Goal>,
}

/// The services that there are goals for.
pub(crate) const JUDGED: [&str; 2] = [OURS, AS_ORIGINAL];

/// A service, whatever is asked of it.
#[derive(Debug, Serialize)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) job: &'static str,
    /// From the start of its process to its first 200.
    pub(crate) ready_ms: f64,
    /// After all cases, in MiB.
    pub(crate) resident_mb: f64,
    /// The most there ever was, in MiB.
    pub(crate) peak_mb: f64,
}

/// A service under one load.
#[derive(Debug, Serialize)]
pub(crate) struct Case {
    pub(crate) service: &'static str,
    pub(crate) n_rows: usize,
    pub(crate) load: Load,
    /// Answers a second.
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU time of a request.
    pub(crate) cpu_us: f64,
    /// `per_second` by that of the original under the same load; `None` where the client decides how many come.
    pub(crate) ratio: Option<f64>,
    /// `p99_us` of sockets that are as busy, under the same load.
    pub(crate) sockets_p99_us: Option<f64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Load {
    /// So many connections, one request after the other on each.
    Closed(usize),
    /// Half of what the service answered under the last closed load.
    Open,
}

#[derive(Debug, Serialize)]
struct Goal {
    service: &'static str,
    text: String,
    measured: String,
    holds: bool,
}

impl Measurements {
    /// Nothing measured yet.
    pub(crate) fn new(seconds: u32, versions: BTreeMap<String, String>) -> Self {
        Self {
            machine: machine(),
            versions,
            skipped: Vec::new(),
            pauses: Default::default(),
            seconds,
            services: Vec::new(),
            cases: Vec::new(),
            stages: Vec::new(),
            goals: Vec::new(),
        }
    }

    /// Names a service that does not run here.
    pub(crate) fn skip(&mut self, name: &str, reason: &dyn Error) {
        self.skipped.push(Skipped { peer: name.to_owned(), reason: reason.to_string() });
    }

    pub(crate) fn case(&self, service: &str, n_rows: usize, load: Load) -> Option<&Case> {
        let is_it =
            |case: &&Case| case.service == service && case.n_rows == n_rows && case.load == load;
        self.cases.iter().find(is_it)
    }

    /// Computes the ratios, and holds ours against the goals, at two rows and on that many connections.
    pub(crate) fn judge(&mut self, connections: usize) {
        let originals: Vec<_> = self.cases.iter().filter(|case| case.service == ORIGINAL).collect();
        let ratio = |case: &Case| {
            let same =
                |original: &&&Case| original.n_rows == case.n_rows && original.load == case.load;
            let original = originals.iter().find(same).filter(|_| case.load != Load::Open)?;
            Some(case.per_second / original.per_second)
        };
        let ratios: Vec<_> = self.cases.iter().map(ratio).collect();
        for (case, ratio) in self.cases.iter_mut().zip(ratios) {
            case.ratio = ratio;
        }
        self.goals = JUDGED
            .into_iter()
            .flat_map(|service| self.goals_of(service, Load::Closed(connections)))
            .collect();
    }

    fn goals_of(&self, name: &'static str, load: Load) -> Vec<Goal> {
        let two = |service, load| self.case(service, stages::N_ROWS, load);
        let mut goals = Vec::new();
        let mut goal = |text: String, measured: String, holds| {
            goals.push(Goal { service: name, text, measured, holds });
        };
        if let Some(ratio) = two(name, load).and_then(|case| case.ratio) {
            for least in [500.0, 1000.0] {
                let text = format!("at least {least} times the original's requests a second");
                goal(text, format!("{ratio:.0} times"), ratio >= least);
            }
        }
        if let Some(case) = two(name, Load::Open) {
            let sockets = |us| format!(" (sockets that are as busy: {us:.0} us)");
            let sockets = case.sockets_p99_us.map_or_else(String::new, sockets);
            let Case { p99_us, per_second, .. } = case;
            let measured = format!("{p99_us:.0} us at {per_second:.0}/s{sockets}");
            goal("p99 below 1 ms at half load".to_owned(), measured, case.p99_us < 1e3);
        }
        if let Some(service) = self.services.iter().find(|service| service.name == name) {
            let (peak, ready) = (service.peak_mb, service.ready_ms);
            goal("memory below 40 MB".to_owned(), format!("{peak:.1} MiB"), peak * MIB < 40.0);
            goal("ready within 150 ms".to_owned(), format!("{ready:.0} ms"), ready <= 150.0);
        }
        if let Some((ours, unmonitored)) = two(name, load).zip(two(UNMONITORED, load)) {
            let left = ours.per_second / unmonitored.per_second;
            let text = "monitoring costs at most half of the requests a second".to_owned();
            goal(text, format!("{:.0} %", 100.0 * (1.0 - left)), left >= 0.5);
        }
        goals
    }
}

/// In megabytes.
const MIB: f64 = 1.048_576;

impl Display for Load {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(1) => f.pad("1 connection"),
            Self::Closed(n) => f.pad(&format!("{n} connections")),
            Self::Open => f.pad("half load"),
        }
    }
}

impl Serialize for Load {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Display for Measurements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} s a case", self.machine, self.seconds)?;
        let [before, after] = &self.pauses;
        writeln!(f, "the machine pauses: before {before}; after {after}")?;
        for Skipped { peer, reason } in &self.skipped {
            writeln!(f, "left out: {peer} ({reason})")?;
        }
        writeln!(
            f,
            "\n{:<22} {:>9} {:>9} {:>9}  job",
            "service", "ready, ms", "RSS, MiB", "peak, MiB"
        )?;
        for Service { name, job, ready_ms, resident_mb, peak_mb } in &self.services {
            writeln!(f, "{name:<22} {ready_ms:>9.0} {resident_mb:>9.1} {peak_mb:>9.1}  {job}")?;
        }
        writeln!(
            f,
            "\n{:<22} {:>4} {:<13} {:>10} {:>9} {:>9} {:>9} {:>8}",
            "service", "rows", "load", "requests/s", "p50, us", "p99, us", "CPU, us", "ratio"
        )?;
        for case in &self.cases {
            let Case { service, n_rows, load, per_second, p50_us, p99_us, cpu_us, ratio, .. } =
                case;
            let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            write!(f, "{service:<22} {n_rows:>4} {load:<13} {per_second:>10.1} {p50_us:>9.0} ")?;
            writeln!(f, "{p99_us:>9.0} {cpu_us:>9.1} {ratio:>8}")?;
        }
        if !self.stages.is_empty() {
            writeln!(f, "\n{:<22} {:>9} {:>6}", "two rows to ours", "CPU, us", "%")?;
            let total: f64 = self.stages.iter().map(|stage| stage.cpu_us).sum();
            for Stage { name, cpu_us } in &self.stages {
                writeln!(f, "{name:<22} {cpu_us:>9.2} {:>6.1}", 100.0 * cpu_us / total)?;
            }
            writeln!(f, "{:<22} {total:>9.2} {:>6.1}", "together", 100.0)?;
        }
        writeln!(f, "\ngoals at two rows")?;
        for Goal { service, text, measured, holds } in &self.goals {
            let verdict = if *holds { "holds" } else { "does not hold" };
            writeln!(f, "{service}: {text}: {measured}, {verdict}")?;
        }
        Ok(())
    }
}
