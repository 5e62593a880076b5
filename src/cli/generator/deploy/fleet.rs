//! Units in a fleet cluster, through `fleetctl`. Facts from fleet 1.0.0: an instance is a full copy of its template at
//! load time, so that a new template reaches it only when it is destroyed and loaded again; `fleetctl start` of a
//! oneshot waits for a state that it never has, so that the service is only loaded and the timer alone is started.

use super::super::files::text_difference;
use super::finding::{Finding, Kind};
use super::host::run;
use super::step::Step;
use super::wanted::{Pair, Wanted, job_of};
use crate::cli::output::Failure;
use crate::contract::exit;
use crate::render::File;
use crate::unit::{Dialect, UnitFile};
use std::collections::{BTreeMap, BTreeSet};

/// A cluster: `fleetctl` with the flags that reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    pub fleetctl: Vec<String>,
    /// What it is called for people.
    pub name: String,
}

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Units by name: the state that is asked for (`inactive`, `loaded`, `launched`).
    pub states: BTreeMap<String, String>,
    /// Texts of the units that are wanted, or that we made.
    pub texts: BTreeMap<String, String>,
    /// Services that run now.
    pub running: BTreeSet<String>,
}

impl Cluster {
    fn ask(&self, words: &[&str]) -> Result<String, Failure> {
        let argv: Vec<String> = self.fleetctl.iter().cloned().chain(words.iter().map(|w| (*w).to_owned())).collect();
        let output = run(&argv, None)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let what = words.first().copied().unwrap_or_default();
        let message = format!("{}: `fleetctl {what}` failed ({}): {}", self.name, output.status, said.trim());
        Err(Failure::new(exit::FAILED, message).help("say how the cluster is reached with `--endpoint` or `--tunnel`"))
    }

    fn step<W: Into<String>>(&self, words: impl IntoIterator<Item = W>) -> Step {
        Step::new(self.fleetctl.iter().cloned().chain(words.into_iter().map(Into::into)))
    }
}

/// Looks at everything that matters.
pub(super) fn look(cluster: &Cluster, wanted: &Wanted) -> Result<Seen, Failure> {
    let listed = cluster.ask(&["list-unit-files", "--no-legend", "--full", "--fields=unit,dstate"])?;
    let states: BTreeMap<String, String> = listed.lines().filter_map(two_words).collect();
    let listed = cluster.ask(&["list-units", "--no-legend", "--full", "--fields=unit,active"])?;
    let active = listed.lines().filter_map(two_words).filter(|(_, state)| is_running(state));
    let mut seen = Seen { states, texts: BTreeMap::new(), running: active.map(|(unit, _)| unit).collect() };
    let names: Vec<String> = seen.states.keys().filter(|name| is_of_interest(wanted, name)).cloned().collect();
    for name in names {
        let text = cluster.ask(&["cat", &name])?;
        seen.texts.insert(name, text);
    }
    Ok(seen)
}

fn is_running(state: &str) -> bool {
    matches!(state, "activating" | "active" | "deactivating" | "reloading")
}

/// Unit names are told apart by case.
pub(super) fn is_timer(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "timer")
}

fn two_words(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.next().unwrap_or_default().to_owned()))
}

/// What is wanted, and what could be an orphan of ours.
fn is_of_interest(wanted: &Wanted, name: &str) -> bool {
    is_timer(name)
        || name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "service")
        || wanted.file(name).is_some()
}

/// Whether fleet takes two texts for the same unit: it drops comments and merges sections before it compares.
fn same(one: &str, other: &str) -> bool {
    let form = |text: &str| UnitFile::parse(text.as_bytes().to_vec(), Dialect::Fleet).normal_form();
    form(one) == form(other)
}

impl Seen {
    fn state(&self, name: &str) -> &str {
        self.states.get(name).map_or("", String::as_str)
    }

    fn of_file(&self, name: &str, file: &File) -> Option<Finding> {
        let Some(there) = self.texts.get(name) else { return Some(Finding::new(Kind::Missing, name)) };
        if same(there, &file.text) {
            return None;
        }
        let kind = match (job_of(there.as_bytes()), name == file.name) {
            (None, _) => Kind::Foreign,
            (Some(_), true) => Kind::Changed,
            (Some(_), false) => Kind::Stale,
        };
        let difference =
            if kind == Kind::Stale { String::new() } else { text_difference(name, there, name, &file.text) };
        Some(Finding::new(kind, name).with(difference))
    }
}

/// How what is there differs from what is wanted.
pub(super) fn differences(wanted: &Wanted, seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<Finding> = wanted.files.iter().filter_map(|file| seen.of_file(&file.name, file)).collect();
    for pair in &wanted.pairs {
        found.extend(of_pair(wanted, seen, pair));
    }
    let is_wanted = |name: &str| {
        wanted.file(name).is_some() || wanted.pairs.iter().any(|pair| pair.service == name || pair.timer == name)
    };
    let ours = seen.texts.iter().filter(|(name, text)| !is_wanted(name) && job_of(text.as_bytes()).is_some());
    found.extend(ours.map(|(name, _)| Finding::new(Kind::Orphan, name)));
    found
}

fn of_pair(wanted: &Wanted, seen: &Seen, pair: &Pair) -> Vec<Finding> {
    let mut found = vec![];
    if pair.is_instance() {
        for (name, file) in [(&pair.service, &pair.service_file), (&pair.timer, &pair.timer_file)] {
            found.extend(wanted.file(file).and_then(|file| seen.of_file(name, file)));
        }
    }
    if seen.state(&pair.timer) != "launched" {
        found.push(Finding::new(Kind::NotStarted, &pair.timer));
    }
    found
}

/// The commands that make what is there what is wanted, and the services that are left alone because they run now.
pub(super) fn steps(
    cluster: &Cluster,
    wanted: &Wanted,
    seen: &Seen,
    found: &[Finding],
    orphans: bool,
) -> (Vec<Step>, Vec<String>) {
    let has = |name: &str, kinds: &[Kind]| found.iter().any(|f| f.subject == name && kinds.contains(&f.kind));
    let differs = |name: &str| has(name, &[Kind::Changed, Kind::Foreign, Kind::Stale]);
    let (mut steps, mut left) = (vec![], vec![]);
    steps.extend(template_steps(cluster, wanted, &differs, &|name| has(name, &[Kind::Missing])));
    for pair in &wanted.pairs {
        let exists = seen.states.contains_key(&pair.service) || seen.states.contains_key(&pair.timer);
        let changed = differs(&pair.service) || differs(&pair.timer);
        if exists && changed && seen.running.contains(&pair.service) {
            left.push(pair.service.clone());
            continue;
        }
        steps.extend(pair_steps(cluster, seen, pair, exists && changed));
    }
    if orphans {
        let (orphan_steps, running) = remove_names(cluster, seen, orphans_of(found));
        steps.extend(orphan_steps);
        left.extend(running);
    }
    (steps, left)
}

/// Destroying a template touches no instance of it.
fn template_steps(
    cluster: &Cluster,
    wanted: &Wanted,
    differs: &dyn Fn(&str) -> bool,
    missing: &dyn Fn(&str) -> bool,
) -> Vec<Step> {
    let templates = || wanted.files.iter().filter(|file| file.name.contains("@.")).map(|file| file.name.as_str());
    let mut steps = vec![];
    let old: Vec<&str> = templates().filter(|name| differs(name)).collect();
    if !old.is_empty() {
        steps.push(cluster.step(["destroy"].into_iter().chain(old)));
    }
    let new = templates().filter(|name| differs(name) || missing(name)).map(|name| format!("units/{name}"));
    let new: Vec<String> = new.collect();
    if !new.is_empty() {
        steps.push(cluster.step(["submit".to_owned()].into_iter().chain(new)));
    }
    steps
}

fn pair_steps(cluster: &Cluster, seen: &Seen, pair: &Pair, replace: bool) -> Vec<Step> {
    let mut steps = vec![];
    // A unit that is no instance is loaded from its file, which submits it as well.
    let from = |name: &str| if pair.is_instance() { name.to_owned() } else { format!("units/{name}") };
    if replace {
        steps.push(cluster.step(["destroy", &pair.timer, &pair.service]));
    }
    let is_loaded = |name: &str| !replace && matches!(seen.state(name), "loaded" | "launched");
    if !is_loaded(&pair.service) || !is_loaded(&pair.timer) {
        steps.push(cluster.step(["load".to_owned(), from(&pair.service), from(&pair.timer)]));
    }
    if replace || seen.state(&pair.timer) != "launched" {
        steps.push(cluster.step(["start", &pair.timer]));
    }
    steps
}

fn orphans_of(found: &[Finding]) -> Vec<String> {
    found.iter().filter(|finding| finding.kind == Kind::Orphan).map(|finding| finding.subject.clone()).collect()
}

/// Timers go first, so that nothing is started meanwhile; what runs now stays, with its timer.
fn remove_names(cluster: &Cluster, seen: &Seen, names: Vec<String>) -> (Vec<Step>, Vec<String>) {
    let stem = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(stem, _)| stem.to_owned());
    let runs = |name: &str| seen.running.contains(&format!("{}.service", stem(name)));
    let (busy, idle): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| runs(name));
    let (timers, services): (Vec<String>, Vec<String>) = idle.into_iter().partition(|name| is_timer(name));
    let all: Vec<String> = timers.into_iter().chain(services).collect();
    let steps = if all.is_empty() { vec![] } else { vec![cluster.step(["destroy".to_owned()].into_iter().chain(all))] };
    (steps, busy.into_iter().filter(|name| !is_timer(name)).collect())
}

/// The commands that take a spec's units away again; archives stay.
pub(super) fn remove(cluster: &Cluster, wanted: &Wanted, seen: &Seen) -> (Vec<Step>, Vec<String>) {
    let jobs = &wanted.jobs;
    let ours = |text: &str| job_of(text.as_bytes()).is_some_and(|job| jobs.contains(&job));
    let names = seen.texts.iter().filter(|(_, text)| ours(text)).map(|(name, _)| name.clone()).collect();
    remove_names(cluster, seen, names)
}

/// The command that runs a service once, on the machine where fleet has it. `fleetctl start` would have fleet start
/// it again after every failure of its daemon.
pub(super) fn run_now(cluster: &Cluster, service: &str, wait: bool) -> Step {
    let block: &[&str] = if wait { &[] } else { &["--no-block"] };
    let words =
        ["ssh", service, "sudo", "systemctl", "start"].into_iter().chain(block.iter().copied()).chain([service]);
    cluster.step(words)
}
