//! Units in a machine's own systemd: what is there, what differs, and the commands that mend it.

use super::super::files::text_difference;
use super::finding::{Finding, Kind};
use super::host::Host;
use super::step::Step;
use super::wanted::{Pair, Wanted, job_of};
use crate::cli::output::Failure;
use crate::contract::exit;
use crate::target::Scope;
use std::collections::{BTreeMap, BTreeSet};

/// Prints, for each of our units in a folder and each path given, its size and path on a line, then its bytes.
const READ: &str = r#"dir=$1; shift
{ grep -ls '^\[X-Eightbells\]' "$dir"/*.service "$dir"/*.timer; for f; do [ -f "$f" ] && echo "$f"; done; } 2>/dev/null |
sort -u | while IFS= read -r f; do echo "$(wc -c <"$f") $f"; cat "$f"; done"#;

/// What of a unit systemd is asked for.
const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,Result,\
                          ExecMainStatus,LastTriggerUSec,NextElapseUSecRealtime,NextElapseUSecMonotonic,\
                          ExecMainStartTimestamp,ExecMainExitTimestamp";

/// A unit's properties by name.
pub(super) type Shown = BTreeMap<String, String>;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The folder of units.
    pub folder: String,
    /// Files by path: ours, and whatever has the place of one that is wanted.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Units by name.
    pub units: BTreeMap<String, Shown>,
    /// Loaded timers of the wanted jobs that are not wanted.
    pub orphans: BTreeSet<String>,
    /// Whether the runner is where units look for it.
    pub runner: bool,
}

/// `systemctl`, for the scope.
fn systemctl<'a>(scope: Scope, words: &[&'a str]) -> Vec<&'a str> {
    let user: &[&str] = match scope {
        Scope::System => &[],
        Scope::User => &["--user"],
    };
    ["systemctl"].iter().chain(user).chain(words).copied().collect()
}

/// The folder where a scope's administrator puts units.
fn folder(host: &Host, scope: Scope) -> Result<String, Failure> {
    match scope {
        Scope::System => Ok("/etc/systemd/system".into()),
        Scope::User => {
            let script = r#"echo "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user""#;
            Ok(host.answer(&["sh", "-c", script])?.trim().to_owned())
        }
    }
}

/// Looks at everything that matters.
pub(super) fn look(host: &Host, wanted: &Wanted, scope: Scope) -> Result<Seen, Failure> {
    let folder = folder(host, scope)?;
    let paths: Vec<String> = wanted.files.iter().map(|file| format!("{folder}/{}", file.name)).collect();
    let spec_paths = wanted.spec_files.iter().map(|file| file.there.clone());
    let paths: Vec<String> = paths.into_iter().chain(spec_paths).collect();
    let mut argv = vec!["sh", "-c", READ, "read", &folder];
    argv.extend(paths.iter().map(String::as_str));
    let output = host.ask(&argv)?;
    let files = files_in(&output.stdout).ok_or_else(|| {
        Failure::new(exit::FAILED, format!("{}: the files cannot be read", host.name()))
            .help(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    })?;
    let mut names: Vec<&str> = wanted.pairs.iter().flat_map(|pair| [pair.service.as_str(), &pair.timer]).collect();
    let orphans = loaded_orphans(host, wanted, &files, scope)?;
    names.extend(orphans.iter().map(String::as_str));
    let units = show(host, scope, &names)?;
    let runner = host.ask(&["test", "-x", &wanted.runner])?.status.success();
    Ok(Seen { folder, files, units, orphans, runner })
}

fn files_in(mut text: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    while !text.is_empty() {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let head = String::from_utf8_lossy(text.get(..end)?).into_owned();
        let (size, path) = head.trim_start().split_once(' ')?;
        let start = end + 1;
        let size: usize = size.parse().ok()?;
        files.insert(path.to_owned(), text.get(start..start.checked_add(size)?)?.to_vec());
        text = text.get(start + size..)?;
    }
    Some(files)
}

/// Loaded timers of instances that the spec no longer has, of its jobs and of whatever else was made of these.
fn loaded_orphans(
    host: &Host,
    wanted: &Wanted,
    files: &BTreeMap<String, Vec<u8>>,
    scope: Scope,
) -> Result<BTreeSet<String>, Failure> {
    let made = files.iter().filter(|(_, text)| job_of(text).is_some_and(|job| wanted.jobs.contains(&job)));
    let templates = made.filter_map(|(path, _)| path.rsplit('/').next()?.strip_suffix("@.timer"));
    let stems: BTreeSet<&str> = wanted.jobs.iter().map(String::as_str).chain(templates).collect();
    let patterns: Vec<String> = stems.iter().map(|stem| format!("{stem}@*.timer")).collect();
    let mut words = vec!["list-units", "--all", "--plain", "--no-legend", "--full"];
    words.extend(patterns.iter().map(String::as_str));
    let listed = host.answer(&systemctl(scope, &words))?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let is_wanted = |name: &str| wanted.pairs.iter().any(|pair| pair.timer == name);
    Ok(names.filter(|name| !is_wanted(name)).map(str::to_owned).collect())
}

fn show(host: &Host, scope: Scope, names: &[&str]) -> Result<BTreeMap<String, Shown>, Failure> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut words = vec!["show", PROPERTIES];
    words.extend(names);
    let text = host.answer(&systemctl(scope, &words))?;
    let blocks = text.split("\n\n").map(|block| {
        let pairs = block.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<Shown>()
    });
    Ok(blocks.filter_map(|shown| Some((shown.get("Id")?.clone(), shown))).collect())
}

impl Seen {
    /// A property of a unit; empty where it has none.
    pub(super) fn property(&self, unit: &str, name: &str) -> &str {
        self.units.get(unit).and_then(|shown| shown.get(name)).map_or("", String::as_str)
    }

    /// Whether a service runs now.
    pub(super) fn runs(&self, service: &str) -> bool {
        matches!(self.property(service, "ActiveState"), "activating" | "active" | "deactivating" | "reloading")
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

/// How what is there differs from what is wanted.
pub(super) fn differences(wanted: &Wanted, seen: &Seen) -> Vec<Finding> {
    let mut found = vec![];
    if !seen.runner {
        found.push(Finding::new(Kind::NoRunner, &wanted.runner));
    }
    for file in &wanted.files {
        found.extend(of_file(seen, &seen.place(&file.name), &file.name, &file.text, true));
    }
    for file in &wanted.spec_files {
        found.extend(of_file(seen, &file.there, &file.here, &file.text, false));
    }
    let own = |path: &str| wanted.files.iter().any(|file| seen.place(&file.name) == path);
    let specs = |path: &str| wanted.spec_files.iter().any(|file| file.there == path);
    let left = seen.files.keys().filter(|path| !own(path) && !specs(path));
    found.extend(left.map(|path| Finding::new(Kind::Orphan, path)));
    found.extend(seen.orphans.iter().map(|timer| Finding::new(Kind::Orphan, timer)));
    found.extend(wanted.pairs.iter().flat_map(|pair| of_pair(seen, pair)));
    found
}

fn of_file(seen: &Seen, path: &str, name: &str, text: &str, is_unit: bool) -> Option<Finding> {
    let Some(there) = seen.files.get(path) else { return Some(Finding::new(Kind::Missing, path)) };
    if there == text.as_bytes() {
        return None;
    }
    let foreign = is_unit && job_of(there).is_none();
    let kind = if foreign { Kind::Foreign } else { Kind::Changed };
    Some(Finding::new(kind, path).with(text_difference(path, &String::from_utf8_lossy(there), name, text)))
}

fn of_pair(seen: &Seen, pair: &Pair) -> Vec<Finding> {
    let mut found = vec![];
    if seen.property(&pair.timer, "UnitFileState") != "enabled" {
        found.push(Finding::new(Kind::NotEnabled, &pair.timer));
    }
    if seen.property(&pair.timer, "ActiveState") != "active" {
        found.push(Finding::new(Kind::NotStarted, &pair.timer));
    }
    let reload =
        [&pair.service, &pair.timer].into_iter().filter(|unit| seen.property(unit, "NeedDaemonReload") == "yes");
    found.extend(reload.map(|unit| Finding::new(Kind::NotReloaded, unit)));
    found
}

/// The commands that make what is there what is wanted. Only what differs is touched; a backup that runs goes on with
/// the unit that it was started from.
pub(super) fn steps(wanted: &Wanted, seen: &Seen, found: &[Finding], scope: Scope, orphans: bool) -> Vec<Step> {
    let mut steps = vec![];
    let differs = |path: &str| found.iter().any(|finding| finding.subject == path && is_content(finding.kind));
    for file in wanted.files.iter().filter(|file| differs(&seen.place(&file.name))) {
        steps.push(Step::write(&seen.place(&file.name), "644", &format!("units/{}", file.name), file.text.as_bytes()));
    }
    for file in wanted.spec_files.iter().filter(|file| differs(&file.there)) {
        steps.push(Step::write(&file.there, "644", &file.here, file.text.as_bytes()));
    }
    if orphans {
        steps.extend(orphan_steps(seen, found, scope));
    }
    let removed = orphans && found.iter().any(|finding| finding.kind == Kind::Orphan);
    let changed = wanted.files.iter().any(|file| differs(&seen.place(&file.name)));
    if changed || removed || found.iter().any(|finding| finding.kind == Kind::NotReloaded) {
        steps.push(Step::new(systemctl(scope, &["daemon-reload"])));
    }
    let timers = wanted.pairs.iter().map(|pair| pair.timer.as_str());
    let idle = |timer: &&str| found.iter().any(|f| f.subject == **timer && is_idle(f.kind));
    let idle: Vec<&str> = timers.filter(idle).collect();
    if !idle.is_empty() {
        let words: Vec<&str> = ["enable", "--now"].into_iter().chain(idle).collect();
        steps.push(Step::new(systemctl(scope, &words)));
    }
    steps
}

fn is_content(kind: Kind) -> bool {
    matches!(kind, Kind::Missing | Kind::Changed | Kind::Foreign)
}

fn is_idle(kind: Kind) -> bool {
    matches!(kind, Kind::NotEnabled | Kind::NotStarted)
}

fn orphan_steps(seen: &Seen, found: &[Finding], scope: Scope) -> Vec<Step> {
    let orphans: Vec<&str> =
        found.iter().filter(|finding| finding.kind == Kind::Orphan).map(|finding| finding.subject.as_str()).collect();
    let name = |path: &'_ str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let timers =
        orphans.iter().map(|orphan| name(orphan)).filter(|unit| super::fleet::is_timer(unit) && !unit.contains("@."));
    let mut timers: Vec<String> = timers.collect();
    timers.extend(seen.orphans.iter().cloned());
    timers.sort();
    timers.dedup();
    removal(&timers, orphans.iter().filter(|orphan| orphan.starts_with('/')).copied(), scope)
}

fn removal<'a>(timers: &[String], files: impl Iterator<Item = &'a str>, scope: Scope) -> Vec<Step> {
    let mut steps = vec![];
    if !timers.is_empty() {
        let words: Vec<&str> = ["disable", "--now"].into_iter().chain(timers.iter().map(String::as_str)).collect();
        steps.push(Step::new(systemctl(scope, &words)));
    }
    let words: Vec<&str> = ["rm", "-f"].into_iter().chain(files).collect();
    if words.len() > 2 {
        steps.push(Step::new(words));
    }
    steps
}

/// The commands that take a spec's units away again; archives stay.
pub(super) fn remove(wanted: &Wanted, seen: &Seen, scope: Scope) -> Vec<Step> {
    let known = |unit: &str| !matches!(seen.property(unit, "UnitFileState"), "" | "not-found");
    let timers = wanted.pairs.iter().map(|pair| pair.timer.clone()).filter(|timer| known(timer));
    let timers: Vec<String> = timers.chain(seen.orphans.iter().cloned()).collect();
    let ours = |path: &String| seen.files.get(path).is_some_and(|text| job_of(text).is_some());
    let units: Vec<String> = wanted.files.iter().map(|file| seen.place(&file.name)).filter(ours).collect();
    let specs = wanted.spec_files.iter().map(|file| file.there.as_str()).filter(|path| seen.files.contains_key(*path));
    let mut steps = removal(&timers, units.iter().map(String::as_str).chain(specs), scope);
    if !steps.is_empty() {
        steps.push(Step::new(systemctl(scope, &["daemon-reload"])));
    }
    steps
}

/// The command that runs a service once, now, to its end.
pub(super) fn run_now(service: &str, scope: Scope, wait: bool) -> Step {
    let words: &[&str] = if wait { &["start", service] } else { &["start", "--no-block", service] };
    Step::new(systemctl(scope, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_back_whatever_they_hold() {
        let text = b"3 /a b\nx\ny0 /empty\n2 /c\n1\n";
        let files = files_in(text).unwrap();
        assert_eq!(files["/a b"], b"x\ny");
        assert_eq!(files["/empty"], b"");
        assert_eq!(files["/c"], b"1\n");
        assert!(files_in(b"9 /short\nx").is_none());
    }
}
