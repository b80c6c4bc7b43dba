//! Other processes: their signals, and what Linux says of them in `/proc`.

use std::fs;
use std::process::{Command, Stdio};

/// Of the units in which `/proc` has CPU time, on all architectures of Linux that this project knows.
const TICKS_PER_SECOND: f64 = 100.0;

/// The memory of processes; pages that they share count for each.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Memory {
    /// What they have.
    pub resident_kb: u64,
    /// The sum of the most that each has had.
    pub peak_kb: u64,
}

/// The process and its descendants that are alive.
pub fn tree(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<_> = ids.filter_map(|id| Some((id, stat(id)?.parent))).collect();
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(&parent) = tree.get(at) {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        tree.extend(children.map(|(id, _)| *id));
        at += 1;
    }
    tree
}

/// The CPU time that the processes have taken so far, in user and in kernel mode, all threads together.
pub fn cpu_seconds(processes: &[u32]) -> f64 {
    let ticks = processes.iter().filter_map(|id| stat(*id)).map(|stat| stat.ticks);
    ticks.sum::<u64>() as f64 / TICKS_PER_SECOND
}

/// The memory of those processes that are alive.
pub fn memory(processes: &[u32]) -> Memory {
    let mut memory = Memory::default();
    for id in processes {
        // A process that has ended has none.
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        memory.resident_kb += field("VmRSS:").unwrap_or(0);
        memory.peak_kb += field("VmHWM:").unwrap_or(0);
    }
    memory
}

/// Sends the processes a signal, such as `-TERM`.
pub fn signal(name: &str, processes: &[u32]) {
    if !processes.is_empty() {
        let mut command = Command::new("kill");
        command.arg(name).args(processes.iter().map(ToString::to_string));
        // Whoever has ended cannot be told.
        let _ = command.stderr(Stdio::null()).status();
    }
}

#[derive(Debug, Eq, PartialEq)]
struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(id: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Reads the fields 4, 14 and 15; the second is a name in parentheses, which may contain any of both.
fn parse(stat: &str) -> Option<Stat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at - 3)?.parse::<u64>().ok();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks: number(14)? + number(15)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let text = "7 (a) b (c)) S 5 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 100 0 0";
        assert_eq!(parse(text), Some(Stat { parent: 5, ticks: 300 }));
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn a_tree_holds_children_of_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'read line; true'; true"]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while tree(child.id()).len() < 2 {
            std::thread::yield_now();
        }
        assert!(tree(std::process::id()).contains(&child.id()));
        assert!(memory(&[std::process::id()]).peak_kb > 0);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
