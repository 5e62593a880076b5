//! Processes of this host by the mark in their environment, and their descendants.

use crate::run::journal::MARK_VARIABLE;
use crate::run::os::GRACE;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// How often a process that was told to end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a killed process may take to be gone.
const KILLED_GRACE: Duration = Duration::from_secs(2);

/// Ends every process with this mark: SIGTERM, five seconds later SIGKILL. Returns those that are still there.
pub(super) fn end_on_host(mark: &str) -> Vec<i32> {
    end(&|| marked(mark), &|pids, signal| pids.iter().for_each(|pid| send(*pid, signal)))
}

fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Ends what `find` finds through `signal`, politely first, until nothing is found; what remains is returned.
pub(super) fn end(find: &dyn Fn() -> Vec<i32>, signal: &dyn Fn(&[i32], Signal)) -> Vec<i32> {
    for (kind, grace) in [(Signal::TERM, GRACE), (Signal::KILL, KILLED_GRACE)] {
        let begin = Instant::now();
        let mut told = BTreeSet::new();
        loop {
            let found = find();
            if found.is_empty() {
                return found;
            }
            let new: Vec<i32> = found.iter().copied().filter(|pid| told.insert(*pid)).collect();
            signal(&new, kind);
            if begin.elapsed() >= grace {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
    find()
}

/// Living processes whose environment holds the mark, and their descendants.
fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK_VARIABLE}={mark}");
    let parents = parents();
    let has_mark = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    };
    let mut found: BTreeSet<i32> = parents.keys().copied().filter(has_mark).collect();
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let myself = std::process::id();
    found.into_iter().filter(|pid| u32::try_from(*pid) != Ok(myself)).collect()
}

/// Every living process with its parent.
fn parents() -> BTreeMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?.parent))).collect()
}

/// What `/proc/PID/stat` tells of a living process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub parent: i32,
    /// When it started, in clock ticks since boot: with its id this is a process's identity.
    pub start: u64,
}

/// None for a process that is gone, or a zombie.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let living = !matches!(fields.first(), Some(&"Z" | &"X"));
    living.then_some(Stat { parent: fields.get(1)?.parse().ok()?, start: fields.get(19)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn marked_processes_and_their_children_are_ended_and_no_others() {
        let mut other = Command::new("sleep").arg("30").env(MARK_VARIABLE, "test-mark-of-another").spawn().unwrap();
        let script = "env -i sleep 30 & trap '' TERM; while :; do sleep 0.1; done";
        let mut child = Command::new("sh").args(["-c", script]).env(MARK_VARIABLE, "test-mark").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let found = marked("test-mark");
        assert!(found.len() >= 2, "{found:?}");
        assert_eq!(end_on_host("test-mark"), Vec::<i32>::new());
        assert!(found.iter().all(|pid| stat(*pid).is_none()));
        child.wait().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
