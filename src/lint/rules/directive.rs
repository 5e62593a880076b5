//! Sections and keys: whether they are known, to what version, and how often they may stand there.

use super::words;
use crate::diag::{FileId, Fix, Safety, Severity};
use crate::lint::directives::{self, Directive};
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::UnitType;
use std::collections::HashMap;

pub(super) static RULES: [&Rule; 8] = [
    &UNKNOWN_SECTION,
    &FOREIGN_SECTION,
    &UNKNOWN_KEY,
    &MISPLACED_KEY,
    &KEY_TOO_NEW,
    &KEY_REMOVED,
    &DUPLICATE_KEY,
    &KEY_RENAMED,
];

/// Parsers of values of which the last one counts.
const SINGLE: [&str; 27] = [
    "bool",
    "sec",
    "sec_fix_0",
    "sec_def_infinity",
    "mode",
    "unsigned",
    "tristate",
    "memory_limit",
    "iec_size",
    "service_timeout",
    "service_type",
    "service_restart",
    "kill_mode",
    "exec_nice",
    "exec_io_class",
    "protect_home",
    "protect_system",
    "working_directory",
    "notify_access",
    "signal",
    "pid_file",
    "user_group_compat",
    "exec_output",
    "exec_oom_score_adjust",
    "trigger_unit",
    "tasks_max",
    "cpu_quota",
];

/// Keys that systemd renamed: section, old, new, and the version that has the new one.
const RENAMED: [(&str, &str, &str, u16); 10] = [
    ("Service", "ReadWriteDirectories", "ReadWritePaths", 231),
    ("Service", "ReadOnlyDirectories", "ReadOnlyPaths", 231),
    ("Service", "InaccessibleDirectories", "InaccessiblePaths", 231),
    ("Service", "MemoryLimit", "MemoryMax", 231),
    ("Service", "CPUShares", "CPUWeight", 232),
    ("Service", "StartLimitInterval", "StartLimitIntervalSec= of [Unit]", 230),
    ("Service", "BlockIOWeight", "IOWeight", 230),
    ("Unit", "OnFailureIsolate", "OnFailureJobMode", 209),
    ("Unit", "RequiresOverridable", "Requires", 230),
    ("Unit", "RequisiteOverridable", "Requisite", 230),
];

/// Keys that are still read, and whose value is ignored with a warning: what they were for is gone.
const IGNORED: [&str; 5] = ["Capabilities", "NetClass", "IgnoreOnSnapshot", "SysVStartPriority", "BusPolicy"];
/// From this version on at the latest.
const IGNORED_SINCE: u16 = 236;

/// Older names that systemd itself warns of.
const WARNED: [&str; 6] =
    ["MemoryLimit", "CPUShares", "BlockIOWeight", "OnFailureIsolate", "RequiresOverridable", "RequisiteOverridable"];

/// Newer names of [`RENAMED`] that take the same values as the older ones.
const SAME_VALUES: [&str; 3] = ["ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths"];

rule! {
    /// systemd ignores a section that it does not know, with a warning that nobody reads, and all that stands in it.
    /// Names of sections are case-sensitive. Sections of one's own begin with `X-`.
    UNKNOWN_SECTION = "unknown-section", Error, "a section that systemd does not know",
    source: "systemd src/shared/conf-parser.c", fix: Safely, check: Some(|unit, _, found| {
        for file in unit.files() {
            for section in file.text.sections().iter().filter(|it| !it.is_extension() && !is_known(&it.name)) {
                if found.is_full() {
                    return;
                }
                let told = found.span(file, section.span.clone(), format!("there is no section `[{}]`", section.name));
                let names = directives::SECTIONS.iter().chain(&directives::OTHER_SECTIONS).chain(&["X-Fleet"]).copied();
                if let Some(near) = words::nearest(&section.name, names.clone()) {
                    told.help(format!("did you mean `[{near}]`?"));
                }
                if let Some(meant) = words::meant(&section.name, names) {
                    let fix = Fix::new(Safety::Safe, format!("write `[{meant}]`"));
                    told.fix(fix.replace(&file.span(section.span.clone()), format!("[{meant}]")));
                }
            }
        }
    })
}

rule! {
    /// A unit has `[Unit]`, `[Install]` and the section of its own type. systemd ignores any other, such as `[Timer]`
    /// in a service.
    FOREIGN_SECTION = "foreign-section", Error, "a section of another type of unit",
    source: "systemd src/core/load-fragment.c", check: Some(|unit, _, found| {
        let Some(own) = UnitType::ALL.iter().find(|it| unit.is(**it)) else { return };
        for file in unit.files() {
            for section in file.text.sections().iter().filter(|it| is_known(&it.name)) {
                let name = section.name.to_lowercase();
                if !["unit", "install", own.as_str()].contains(&name.as_str()) {
                    let message = format!("a {} ignores `[{}]`", own.as_str(), section.name);
                    found.span(file, section.span.clone(), message);
                }
            }
        }
    })
}

rule! {
    /// systemd ignores a key that it does not know, with a warning that nobody reads. Keys are case-sensitive.
    UNKNOWN_KEY = "unknown-key", Error, "a key that systemd does not know",
    source: "systemd src/core/load-fragment-gperf.gperf.in, to version 262", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| has_keys(line.section())) {
            if found.is_full() {
                return;
            }
            if line.directive().is_some() || is_foreign(unit, line) || is_extension(line.key()) {
                continue;
            }
            if directives::sections_with(line.key()).is_empty() {
                let told = found.key(line, format!("`[{}]` has no key `{}`", line.section(), line.key()));
                let names = directives::of_section(line.section()).map(|row| row.key);
                if let Some(near) = words::nearest(line.key(), names) {
                    told.help(format!("did you mean `{near}=`?"));
                }
                let meant = words::meant(line.key(), known_to(unit, line.section()));
                // Beside another assignment it may have been left out on purpose.
                if let Some(meant) = meant.filter(|meant| unit.all(line.section(), meant).next().is_none()) {
                    told.fix(Fix::new(Safety::Safe, format!("write `{meant}=`")).replace(&line.key_span(), meant));
                }
            }
        }
    })
}

rule! {
    /// The key exists in another section. Here systemd ignores it, with a warning that nobody reads.
    MISPLACED_KEY = "misplaced-key", Error, "a key stands in the wrong section",
    source: "systemd src/core/load-fragment-gperf.gperf.in, to version 262", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| has_keys(line.section())) {
            let others = directives::sections_with(line.key());
            if found.is_full() {
                return;
            }
            if line.directive().is_none() && !is_foreign(unit, line) && !others.is_empty() {
                let message = format!("`{}=` does nothing in `[{}]`", line.key(), line.section());
                let places: Vec<String> = others.iter().map(|it| format!("`[{it}]`")).collect();
                let told = found.key(line, message).help(format!("it belongs into {}", places.join(" or ")));
                if let [section] = others.as_slice()
                    && unit.all(section, line.key()).next().is_none()
                    && let Some(end) = line.file.section_end(section)
                {
                    let text = String::from_utf8_lossy(line.file.text.text().get(line.entry.span.clone()).unwrap_or_default());
                    let fix = Fix::new(Safety::Safe, format!("move it to `[{section}]`"));
                    told.fix(fix.delete(&line.whole()).insert_after(&end, format!("{}{text}", line.file.newline())));
                }
            }
        }
    })
}

rule! {
    /// The systemd that the unit is for is older than the key: it ignores the line. Where the key had another name
    /// then, the help says so.
    KEY_TOO_NEW = "key-too-new", Warning, "a key that the target's systemd does not know yet",
    source: "man pages of systemd 262, \"Added in version\"", fix: Safely, check: Some(|unit, _, found| {
        each_known(unit, |line, row| {
            let version = unit.target().systemd;
            if row.since > version {
                let told = found.key(line, format!("`{}=` came with systemd {}; this is for {version}", row.key, row.since));
                if let Some((_, old, ..)) = renamed(|it| it.0 == row.section && it.2 == row.key) {
                    told.help(format!("it was `{old}=` before"));
                    if SAME_VALUES.contains(&row.key) {
                        told.fix(Fix::new(Safety::Safe, format!("write `{old}=`")).replace(&line.key_span(), old));
                    }
                }
            }
        });
    })
}

rule! {
    /// The systemd that the unit is for knows the key no more: it ignores the line, with a warning that nobody reads.
    KEY_REMOVED = "key-removed", Warning, "a key that the target's systemd knows no more",
    source: "systemd src/core/load-fragment-gperf.gperf.in, versions 33 to 262", fix: Unsafely, check: Some(|unit, _, found| {
        each_known(unit, |line, row| {
            if let Some(last) = row.last.filter(|last| *last < unit.target().systemd) {
                found.key(line, format!("`{}=` was last in systemd {last}", row.key))
                    .fix(Fix::new(Safety::Unsafe, "take the line out").delete(&line.whole()));
            } else if IGNORED.contains(&row.key) && unit.target().systemd >= IGNORED_SINCE {
                found.key(line, format!("`{}=` is ignored: what it was for is gone", row.key))
                    .fix(Fix::new(Safety::Unsafe, "take the line out").delete(&line.whole()));
            }
        });
    })
}

rule! {
    /// Of a key with a single value the last assignment counts, and the others do nothing. Where it is meant so, put
    /// the later one into a drop-in.
    DUPLICATE_KEY = "duplicate-key", Warning, "a key with a single value is set twice",
    source: "systemd.syntax(7)", fix: Safely, check: Some(|unit, _, found| duplicates(unit, found))
}

rule! {
    /// The key still works, under a name that systemd has kept for old units only. The new name is in the help.
    KEY_RENAMED = "key-renamed", Note, "a key has a newer name",
    source: "systemd NEWS 230 to 232", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.lines() {
            let row = renamed(|it| it.0 == line.section() && it.1 == line.key() && it.3 <= unit.target().systemd);
            if let Some((_, old, new, since)) = row {
                let told = found.key(line, format!("`{old}=` is called `{new}` since systemd {since}"));
                if WARNED.contains(&old) {
                    told.severity = Severity::Warning;
                }
                if SAME_VALUES.contains(&new) {
                    told.fix(Fix::new(Safety::Safe, format!("write `{new}=`")).replace(&line.key_span(), new));
                }
            }
        }
    })
}

fn duplicates(unit: &Unit<'_>, found: &mut Found<'_>) {
    let mut seen: HashMap<(FileId, &str, &str), Line<'_>> = HashMap::new();
    for line in unit.lines() {
        let single = line.directive().is_some_and(|row| SINGLE.contains(&row.parser));
        if !single || line.entry.bytes().is_empty() {
            continue;
        }
        if let Some(first) = seen.insert((line.file.id(), line.section(), line.key()), *line) {
            let message = format!("`{}=` is set twice, and the first value does nothing", line.key());
            found
                .line(&first, message)
                .also(&line.span(), "this one counts")
                .fix(Fix::new(Safety::Safe, "take the first one out").delete(&first.whole()));
        }
    }
}

fn renamed(is: impl Fn(&(&str, &str, &str, u16)) -> bool) -> Option<(&'static str, &'static str, &'static str, u16)> {
    RENAMED.iter().find(|row| is(row)).copied()
}

fn each_known<'a>(unit: &Unit<'a>, mut look: impl FnMut(&Line<'a>, &'static Directive)) {
    for line in unit.lines() {
        if let Some(row) = line.directive() {
            look(line, row);
        }
    }
}

/// A line of a section that this type of unit does not have; that is told once, for the section.
fn is_foreign(unit: &Unit<'_>, line: &Line<'_>) -> bool {
    !["Unit", "Install"].contains(&line.section()) && !unit.name().ends_with(&line.section().to_lowercase())
}

fn is_known(section: &str) -> bool {
    directives::SECTIONS.contains(&section) || directives::OTHER_SECTIONS.contains(&section)
}

fn has_keys(section: &str) -> bool {
    is_known(section)
}

/// A key of somebody else's, which systemd passes over without a word.
fn is_extension(key: &str) -> bool {
    key.starts_with("X-")
}

/// The keys of a section that the target's systemd has.
fn known_to<'s>(unit: &Unit<'_>, section: &'s str) -> impl Iterator<Item = &'static str> + 's {
    let version = unit.target().systemd;
    let has = move |row: &&Directive| row.since <= version && row.last.is_none_or(|last| version <= last);
    directives::of_section(section).filter(has).map(|row| row.key)
}
