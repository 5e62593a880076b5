//! Pairs of units.

use super::super::draft::{Draft, DraftJob, list, quoted};
use super::Notes;
use super::carry::Carry;
use super::marks::mark;
use super::script::{self, Simple};
use crate::schedule::TimeSpan;
use crate::unit::exec;
use crate::unit::specifier::Values;
use crate::unit::{Dialect, Entry, UnitFile, UnitName, environment};
use crate::value::format_duration;
use std::collections::BTreeMap;
use std::path::Path;

/// An instance that nobody's unit has; it stands for all.
const INSTANCE: &str = "EIGHTBELLSINSTANCE";
/// Keys of services that a spec's units have of themselves, or that belong to what is run.
const OF_ITSELF: [&str; 5] = ["Type", "Environment", "ExecStart", "ExecStartPre", "ExecStartPost"];

/// Keys of timers that become a schedule.
const OF_TIMERS: [&str; 9] = [
    "OnCalendar",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
    "OnBootSec",
    "OnStartupSec",
    "OnActiveSec",
    "Persistent",
    "RandomizedDelaySec",
    "Unit",
];

/// A unit file with its words that a line's end cut in two made whole.
struct Unit<'f> {
    name: String,
    path: &'f str,
    file: UnitFile,
    /// Lines that took in the next one.
    joined: Vec<usize>,
}

impl<'f> Unit<'f> {
    fn read(path: &'f Path, text: &str, notes: &mut Notes) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        let path = path.to_str()?;
        let (text, joined) = whole_words(path, text, notes);
        Some(Self { name, path, file: UnitFile::parse(text.into_bytes(), Dialect::Systemd), joined })
    }

    fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }

    fn ending(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    fn job(&self) -> &str {
        self.stem().split('@').next().unwrap_or_default()
    }

    fn is_template(&self) -> bool {
        self.stem().ends_with('@')
    }

    /// The line that an entry begins on, as the file was.
    fn line(&self, entry: &Entry) -> usize {
        let line = self.file.position(entry.span.start).0;
        line + self.joined.iter().filter(|joined| **joined < line).count()
    }

    fn note(&self, entry: &Entry, why: &str, notes: &mut Notes) {
        let at = format!("{}:{}", self.path, self.line(entry));
        notes.add(&at, &format!("{}={}", entry.key, entry.value()), why);
    }

    fn values<'a>(&'a self, section: &'a str, key: &'a str) -> impl Iterator<Item = String> + 'a {
        self.file.entries_for(section, key).map(|entry| placed(&entry.value()))
    }

    /// Values of lists of names.
    fn names(&self, section: &str, key: &str) -> Vec<String> {
        self.values(section, key)
            .flat_map(|value| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

/// A value of a unit in a spec's notation.
fn placed(value: &str) -> String {
    let text = value.replace('{', "{{").replace('}', "}}").replace("%%", "\u{e002}");
    let text = text.replace("%i", "{instance}").replace("%I", "{instance}").replace("%p", "{job}");
    text.replace('\u{e002}', "%")
}

/// Joins words that `\` at a line's end cut in two: systemd puts a blank there, which hardly anybody means.
fn whole_words(path: &str, text: &str, notes: &mut Notes) -> (String, Vec<usize>) {
    let lines: Vec<&str> = text.lines().collect();
    let (mut whole, mut joined) = (String::new(), vec![]);
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        let cut = line.strip_suffix('\\').filter(|head| {
            head.ends_with(|c: char| c.is_ascii_alphanumeric()) && next.starts_with(|c: char| c.is_ascii_alphanumeric())
        });
        if let Some(head) = cut {
            let (before, after) = (last_word(head), next.split_whitespace().next().unwrap_or_default());
            let why = format!("two words to systemd, `{before}` and `{after}`; taken as one, `{before}{after}`");
            notes.add(&format!("{path}:{}", index + 1), line.trim(), &why);
            whole.push_str(head);
            joined.push(index + 1);
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    (whole, joined)
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

/// Adds a job for each service, with its timer's times.
pub(super) fn import(files: &[(&Path, String)], instances: &[String], draft: &mut Draft, notes: &mut Notes) {
    let units: Vec<Unit<'_>> = files.iter().filter_map(|(path, text)| Unit::read(path, text, notes)).collect();
    for service in units.iter().filter(|unit| unit.ending() == "service") {
        let timer = units.iter().find(|unit| unit.ending() == "timer" && unit.stem() == service.stem());
        job(service, timer, instances, draft, notes);
    }
    for timer in units.iter().filter(|unit| unit.ending() == "timer") {
        if !units.iter().any(|unit| unit.ending() == "service" && unit.stem() == timer.stem()) {
            notes.add(timer.path, &timer.name, "a timer without its service; name both files");
        }
    }
}

fn job(service: &Unit<'_>, timer: Option<&Unit<'_>>, instances: &[String], draft: &mut Draft, notes: &mut Notes) {
    let fleet = service.file.sections().iter().any(|section| section.name == "X-Fleet");
    let mut job = DraftJob { name: service.job().to_owned(), ..DraftJob::default() };
    job.comments.push(format!(
        "From {}{}.",
        service.path,
        timer.map_or(String::new(), |timer| format!(" and {}", timer.path))
    ));
    job.keys.extend(service.values("Unit", "Description").last().map(|text| ("description", quoted(&text))));
    if service.is_template() {
        if instances.is_empty() {
            notes.add(service.path, &service.name, "a template, whose instances no file tells: say --instance NAME");
        }
        let names = if instances.is_empty() { &["INSTANCE".to_owned()][..] } else { instances };
        let names: Vec<String> = names.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
        job.keys.push(("instances", format!("[{}]", names.join(", "))));
    }
    job.keys.push(("schedule", schedule(service, timer, notes)));
    let needs = relations(service, &mut job, notes);
    let commands = commands(service, notes);
    let start = service.file.entries_for("Service", "ExecStart").next().map_or(1, |entry| service.line(entry));
    if !Carry::new(draft, &mut job, notes, (service.path, start)).all(&commands) {
        notes.add(service.path, &service.name, "it backs up nothing that is known");
        return;
    }
    if fleet {
        job.after.extend(fleet_keys(service, &needs, notes).map(|keys| ("fleet", keys)));
    }
    job.after.extend(service_keys(service, fleet, notes).map(|keys| ("service", keys)));
    if !draft.top.iter().any(|(key, _)| *key == "target") {
        draft.top.push(("target", if fleet { "fleet" } else { "systemd" }.to_owned()));
    }
    draft.jobs.push(job);
}

/// When the timer fires.
fn schedule(service: &Unit<'_>, timer: Option<&Unit<'_>>, notes: &mut Notes) -> String {
    const USUAL: &str = "{every: 1d}";
    let Some(timer) = timer else {
        notes.add(service.path, &service.name, "no timer was given for it; it runs once a day until you say otherwise");
        return USUAL.to_owned();
    };
    let last = |key: &'static str| timer.file.entries_for("Timer", key).last();
    let span = |entry: &Entry| TimeSpan::parse(&entry.value()).ok()?.duration();
    let calendars: Vec<String> = timer.values("Timer", "OnCalendar").filter(|text| !text.is_empty()).collect();
    let mut parts = vec![];
    if calendars.is_empty() {
        let Some(interval) = last("OnUnitActiveSec").or(last("OnUnitInactiveSec")).and_then(span) else {
            notes.add(timer.path, &timer.name, "it says no interval and no calendar event");
            return USUAL.to_owned();
        };
        parts.push(format!("every: {}", quoted(&format_duration(interval))));
    } else {
        let events =
            if calendars.len() == 1 { calendars.iter().map(|text| quoted(text)).collect() } else { list(&calendars) };
        parts.push(format!("calendar: {events}"));
        let kept = last("Persistent").is_some_and(|entry| matches!(&*entry.value(), "true" | "yes" | "on" | "1"));
        parts.push(format!("catch_up: {kept}"));
    }
    let jitter = last("RandomizedDelaySec").and_then(span).filter(|jitter| !jitter.is_zero());
    parts.extend(jitter.map(|jitter| format!("jitter: {}", quoted(&format_duration(jitter)))));
    for entry in timer.file.entries_of("Timer").filter(|entry| !OF_TIMERS.contains(&entry.key.as_str())) {
        timer.note(entry, "`service: {directives: {Timer: {…}}}` adds lines to a timer", notes);
    }
    format!("{{{}}}", parts.join(", "))
}

/// What must be there before; gives what is needed.
fn relations(service: &Unit<'_>, job: &mut DraftJob, notes: &mut Notes) -> Vec<String> {
    let online = |name: &String| name.starts_with("network");
    let mut needed = vec![];
    for (key, ours) in [("Requires", "needs"), ("BindsTo", "needs"), ("Wants", "wants"), ("Requisite", "requisite")] {
        let names: Vec<String> = service.names("Unit", key).into_iter().filter(|name| !online(name)).collect();
        if names.is_empty() || job.keys.iter().any(|(known, _)| *known == ours) {
            continue;
        }
        job.keys.push((ours, list(&names)));
        if ours == "needs" {
            needed = names;
        }
    }
    let known = [
        service.names("Unit", "Requires"),
        service.names("Unit", "BindsTo"),
        service.names("Unit", "Wants"),
        service.names("Unit", "Requisite"),
    ]
    .concat();
    for entry in service.file.entries_for("Unit", "After") {
        let left = placed(&entry.value())
            .split_whitespace()
            .any(|name| !known.iter().any(|k| k == name) && !online(&name.to_owned()));
        if left {
            service.note(entry, "an order alone; `wants` and `needs` order, and start what they name", notes);
        }
    }
    needed
}

/// What the service runs, variables of the unit filled in.
fn commands(service: &Unit<'_>, notes: &mut Notes) -> Vec<Simple> {
    let name = service.name.replace("@.", &format!("@{INSTANCE}."));
    let Ok(name) = UnitName::parse(&name) else { return vec![] };
    let values = Values::of_unit(&name);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(INSTANCE, &mark("instance"));
    let mut variables = BTreeMap::new();
    for entry in service.file.entries_for("Service", "Environment") {
        for variable in environment::parse(entry.bytes(), &values).variables {
            let value = script::expanded(&text(variable.value.as_bytes()), &variables);
            variables.insert(variable.name, value);
        }
    }
    let mut commands = vec![];
    for key in ["ExecStartPre", "ExecStart", "ExecStartPost"] {
        for entry in service.file.entries_for("Service", key) {
            for command in exec::parse(entry.bytes(), &values).commands {
                let argv: Vec<String> = command.argv.iter().map(|word| text(word).replace("$$", "$")).collect();
                commands.extend(of_argv(&argv, &variables));
            }
        }
    }
    if commands.is_empty() {
        notes.add(service.path, &service.name, "it runs nothing");
    }
    commands
}

/// The commands of a shell's `-c`, or the one that it is.
fn of_argv(argv: &[String], variables: &BTreeMap<String, String>) -> Vec<Simple> {
    match argv {
        [shell, option, script, ..] if shell.ends_with("sh") && option.starts_with('-') && option.ends_with('c') => {
            script::commands(script, variables)
        }
        _ => vec![Simple {
            words: argv.iter().map(|word| script::expanded(&word.replace('"', "\\\""), variables)).collect(),
            ..Simple::default()
        }],
    }
}

/// `[X-Fleet]` in a spec's words.
fn fleet_keys(service: &Unit<'_>, needs: &[String], notes: &mut Notes) -> Option<String> {
    let mut parts = vec![];
    let mut places = service.names("X-Fleet", "MachineOf");
    for need in needs.iter().filter(|_| places.is_empty()).cloned().collect::<Vec<_>>() {
        notes.add(
            service.path,
            &format!("Requires={need}"),
            "fleet may put the job elsewhere; `machine_of` was added, so that it does not",
        );
        places.push(need);
    }
    if !places.is_empty() {
        parts.push(format!("machine_of: {}", list(&places)));
    }
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for value in service.names("X-Fleet", "MachineMetadata") {
        if let Some((key, value)) = value.trim_matches('"').split_once('=') {
            pairs.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    if !pairs.is_empty() {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(key, values)| match values.as_slice() {
                [one] => format!("{}: {}", quoted(key), quoted(one)),
                several => format!("{}: {}", quoted(key), list(several)),
            })
            .collect();
        parts.push(format!("machine_metadata: {{{}}}", pairs.join(", ")));
    }
    for (key, ours) in [("Conflicts", "conflicts"), ("Replaces", "replaces")] {
        let names = service.names("X-Fleet", key);
        if !names.is_empty() {
            parts.push(format!("{ours}: {}", list(&names)));
        }
    }
    parts.extend(service.values("X-Fleet", "MachineID").last().map(|id| format!("machine_id: {}", quoted(&id))));
    parts.extend(service.values("X-Fleet", "Global").last().filter(|v| v == "true").map(|_| "global: true".to_owned()));
    (!parts.is_empty()).then(|| format!("{{{}}}", parts.join(", ")))
}

/// How the service runs.
fn service_keys(service: &Unit<'_>, fleet: bool, notes: &mut Notes) -> Option<String> {
    let mut parts: Vec<String> = vec![];
    for entry in service.file.entries_of("Service") {
        let value = placed(&entry.value());
        match entry.key.as_str() {
            key if OF_ITSELF.contains(&key) => {}
            "User" => parts.push(format!("user: {}", quoted(&value))),
            "Group" => parts.push(format!("group: {}", quoted(&value))),
            "Nice" => parts.push(format!("nice: {value}")),
            "IOSchedulingClass" => parts.push(format!("io_class: {}", quoted(&value))),
            "IOSchedulingPriority" => parts.push(format!("io_priority: {value}")),
            "TimeoutStartSec" | "TimeoutSec" => timeout(service, entry, &mut parts, notes),
            "EnvironmentFile" => environment_file(&value, &mut parts),
            _ => service.note(entry, "`service: {directives: {Service: {…}}}` adds lines to a service", notes),
        }
    }
    for entry in service.file.entries_of("Install") {
        let why = if fleet {
            "a fleet unit has no `[Install]`; the timer is what starts it"
        } else {
            "the timer is what starts it, and not the machine"
        };
        service.note(entry, why, notes);
    }
    (!parts.is_empty()).then(|| format!("{{{}}}", parts.join(", ")))
}

fn timeout(service: &Unit<'_>, entry: &Entry, parts: &mut Vec<String>, notes: &mut Notes) {
    match TimeSpan::parse(&entry.value()).ok().and_then(TimeSpan::duration) {
        Some(timeout) if !timeout.is_zero() => parts.push(format!("timeout: {}", quoted(&format_duration(timeout)))),
        _ => {
            let why = "a run that hangs would keep every later one from starting; it is ended after a day, unless `service: {timeout: none}` says otherwise";
            service.note(entry, why, notes);
        }
    }
}

fn environment_file(value: &str, parts: &mut Vec<String>) {
    match parts
        .iter_mut()
        .find_map(|part| part.strip_prefix("environment_file: [")?.strip_suffix(']').map(str::to_owned))
    {
        Some(known) => {
            parts.retain(|part| !part.starts_with("environment_file: "));
            parts.push(format!("environment_file: [{known}, {}]", quoted(value)));
        }
        None => parts.push(format!("environment_file: [{}]", quoted(value))),
    }
}
