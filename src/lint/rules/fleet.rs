//! Units for CoreOS fleet.

use super::timer::started;
use super::words;
use crate::diag::{Fix, Safety};
use crate::lint::fleet::{self, Options, Release, glob_matches};
use crate::lint::rule::{Context, is_fleet, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::{UnitType, fleet_name};
use std::collections::HashSet;

pub(super) static RULES: [&Rule; 17] = [
    &FLEET_NAME,
    &FLEET_UNKNOWN_KEY,
    &FLEET_REFUSED,
    &FLEET_METADATA_IGNORED,
    &FLEET_METADATA_UNQUOTED,
    &FLEET_MACHINE_OF_GLOB,
    &FLEET_MACHINE_OF_LIST,
    &FLEET_INSTALL,
    &FLEET_NEVER_SCHEDULED,
    &FLEET_REQUIRES_ELSEWHERE,
    &FLEET_BAD_PATTERN,
    &FLEET_SHELL_PATTERN,
    &FLEET_GLOBAL_VALUE,
    &FLEET_MACHINE_ID,
    &FLEET_SPECIFIER,
    &FLEET_TIMER_APART,
    &FLEET_OPTION_IGNORED,
];

/// Characters of a machine's whole id, and those that will do.
const ID_CHARS: [usize; 2] = [32, 8];

rule! {
    /// fleet's API refuses the unit for its name: letters, digits and `:_.\@-`, a suffix that is a type of unit, and
    /// with an `@` only service, socket, timer, path and target.
    FLEET_NAME = "fleet-name-invalid", Error, "a name that fleet refuses",
    source: "fleet api/units.go, ValidateName()", check: Some(|unit, _, found| {
        if is_fleet(unit.target()) && let Err(error) = fleet_name::check(unit.name()) {
            found.section(unit, "Unit", format!("fleet refuses the name `{}`: {error}", unit.name()));
        }
    })
}

rule! {
    /// fleet ignores a key of `[X-Fleet]` that it does not know: its API says nothing, and fleetctl prints a warning.
    /// Keys are case-sensitive. The unit then runs anywhere.
    FLEET_UNKNOWN_KEY = "fleet-unknown-key", Error, "a key of [X-Fleet] that fleet ignores",
    source: "fleet job/job.go, ValidateRequirements()", fix: Safely, check: Some(|unit, _, found| {
        const KEYS: [&str; 6] = ["MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Replaces", "Global"];
        for line in options(unit).filter(|line| !fleet::is_known_key(line.key(), Release::V1)) {
            if found.is_full() {
                return;
            }
            let told = found.key(line, format!("fleet ignores `{}=`", line.key()));
            if let Some(near) = words::nearest(line.key(), KEYS.into_iter()) {
                told.help(format!("did you mean `{near}=`?"));
            }
            let meant = words::meant(line.key(), KEYS.into_iter());
            if let Some(meant) = meant.filter(|meant| unit.all("X-Fleet", meant).next().is_none()) {
                told.fix(Fix::new(Safety::Safe, format!("write `{meant}=`")).replace(&line.key_span(), meant));
            }
        }
    })
}

rule! {
    /// fleet refuses some options beside each other: `MachineID=` with `MachineOf=`, `Conflicts=`, `Global=` or
    /// `Replaces=`; `Global=` with `MachineOf=` or `Replaces=`; `Conflicts=` with `Replaces=`; and a `MachineOf=` that
    /// one of the unit's own `Conflicts=` or `Replaces=` matches. It looks at the text before specifiers are expanded.
    FLEET_REFUSED = "fleet-options-refused", Error, "options of [X-Fleet] that exclude each other",
    source: "fleet api/units.go:240-278, ValidateOptions()", check: Some(|unit, _, found| {
        if let Some(own) = own_options(unit) && let Err(refusal) = own.validate(Release::V1) {
            found.section(unit, "X-Fleet", format!("fleet refuses the unit: {refusal}"));
        }
    })
}

rule! {
    /// `MachineMetadata=` takes pairs `key=value` with exactly one `=` and something on either side. fleet silently
    /// ignores anything else, and the unit runs on any machine.
    FLEET_METADATA_IGNORED = "fleet-metadata-ignored", Error, "MachineMetadata= that fleet ignores",
    source: "fleet job/job.go, RequiredTargetMetadata()", check: Some(|unit, _, found| {
        for line in metadata(unit) {
            let values = fleet::split_values(&line.value());
            let ignored = values.iter().find(|value| fleet::metadata_pair(value).is_none());
            if let Some(value) = ignored.filter(|value| !is_unquoted_list(value)) {
                found.line(line, format!("fleet ignores `{value}`: it is not `key=value` with one `=`"));
            }
        }
    })
}

rule! {
    /// Several pairs in one `MachineMetadata=` need quotes round each: `"role=a" "region=b"`. Without them the whole is
    /// one value with two `=`, which fleet ignores, and the unit runs on any machine. A key for each pair works, too.
    FLEET_METADATA_UNQUOTED = "fleet-metadata-unquoted", Error, "several pairs in MachineMetadata= without quotes",
    source: "fleet unit/file.go, job/job.go", fix: Safely, check: Some(|unit, _, found| {
        for line in metadata(unit) {
            let value = line.value();
            if fleet::split_values(&value).iter().any(|value| is_unquoted_list(value)) {
                let quoted: Vec<String> =
                    value.split_whitespace().map(|pair| format!("\"{}\"", pair.trim_matches('"'))).collect();
                let quoted = quoted.join(" ");
                found.line(line, "fleet takes this for one value and ignores it")
                    .help(format!("write `MachineMetadata={quoted}`"))
                    .fix(Fix::new(Safety::Safe, "quote each pair").replace(&line.span(), quoted));
            }
        }
    })
}

rule! {
    /// `MachineOf=` names units and knows no patterns: one with `*`, `?` or `[` in it waits for a unit of that very
    /// name, and the unit is never scheduled.
    FLEET_MACHINE_OF_GLOB = "fleet-machine-of-glob", Error, "a pattern in MachineOf= never matches",
    source: "fleet agent/state.go, unitScheduled()", check: Some(|unit, _, found| {
        for line in options(unit).filter(|line| is_peer(line.key()) && line.value().contains(['*', '?', '['])) {
            found.line(line, "`MachineOf=` knows no patterns: the unit is never scheduled");
        }
    })
}

rule! {
    /// `MachineOf=` is not split at blanks: `MachineOf=a.service b.service` waits for one unit of that name. Repeat the
    /// key for each unit.
    FLEET_MACHINE_OF_LIST = "fleet-machine-of-list", Error, "several units in one MachineOf=",
    source: "fleet job/job.go, Peers()", fix: Safely, check: Some(|unit, _, found| {
        for line in options(unit).filter(|line| is_peer(line.key())) {
            let value = line.value();
            if fleet::split_values(&value).iter().any(|value| value.contains(char::is_whitespace)) {
                let names: Vec<&str> = value.split_whitespace().map(|name| name.trim_matches('"')).collect();
                let lines = names.join(&format!("{}{}=", line.file.newline(), line.key()));
                found.line(line, "fleet takes this for one unit's name").help("write `MachineOf=` once for each unit")
                    .fix(Fix::new(Safety::Safe, "write the key once for each unit").replace(&line.span(), lines));
            }
        }
    })
}

rule! {
    /// fleet starts its units itself. From 1.0 on it also enables a unit with `[Install]` when it loads it, which
    /// fails where systemd cannot, and its state can then no longer be followed; older releases ignore the section.
    /// Leave it out.
    FLEET_INSTALL = "fleet-install", Warning, "an [Install] section in a unit for fleet",
    source: "fleet Documentation/unit-files-and-scheduling.md", fix: Unsafely, check: Some(|unit, _, found| {
        if !is_fleet(unit.target()) {
            return;
        }
        for file in unit.files() {
            for section in file.text.sections().iter().filter(|section| section.name == "Install") {
                let end = file.text.sections().iter().map(|it| it.span.start).find(|it| *it > section.span.start);
                let end = end.unwrap_or(file.text.text().len());
                let fix = Fix::new(Safety::Unsafe, "take the section out");
                found.span(file, section.span.clone(), "fleet starts its units itself: leave `[Install]` out")
                    .fix(fix.delete(&file.span(section.span.start..end)));
            }
        }
    })
}

rule! {
    /// Once specifiers are expanded, the unit must be beside another that its own `Conflicts=` or `Replaces=` keeps
    /// away, or beside itself. fleet checks this before it expands them, takes the unit, and never schedules it.
    FLEET_NEVER_SCHEDULED = "fleet-never-scheduled", Error, "a unit that fleet can never schedule",
    source: "fleet agent/state.go, AbleToRun()", check: Some(|unit, _, found| {
        let Some(own) = own_options(unit).filter(|own| own.validate(Release::V1).is_ok()) else { return };
        for name in names_to_try(unit, &own) {
            let expanded = own.expanded(&name);
            if let Some(contradiction) = expanded.contradiction(Release::V1) {
                found.section(unit, "X-Fleet", format!("`{name}` can never be scheduled: {contradiction}"));
            } else if expanded.peers().contains(&name) {
                found.section(unit, "X-Fleet", format!("`{name}` can never be scheduled: it waits for itself"));
            }
        }
    })
}

rule! {
    /// fleet puts each unit on a machine by itself. A unit that another `Requires=` must be loaded there before, or
    /// systemd does not find it: name it in `MachineOf=` too. Units of the hosts' own, such as `docker.service`, need
    /// no such thing; one is taken for fleet's where it is among the files, or has an instance.
    FLEET_REQUIRES_ELSEWHERE = "fleet-requires-elsewhere", Warning, "a unit that is required and may be on another machine",
    source: "fleet Documentation/unit-files-and-scheduling.md; seen on v1.0.0", fix: Unsafely, check: Some(|unit, context, found| {
        let Some(own) = own_options(unit).filter(|own| !own.is_global(Release::V1)) else { return };
        let peers: HashSet<String> = own.expanded(unit.name()).peers().into_iter().collect();
        for key in ["Requires", "Requisite", "BindsTo", "PartOf"] {
            for line in unit.list("Unit", key) {
                for name in line.value().split_whitespace().filter(|name| is_fleets(name, unit, context)) {
                    if found.is_full() {
                        return;
                    }
                    let expanded = fleet::expand(name, unit.name());
                    if !peers.contains(&expanded) && expanded != unit.name() {
                        let told = found.line(&line, format!("`{name}` may be on another machine"));
                        told.help(format!("add `MachineOf={name}` to [X-Fleet]"));
                        if let Some(fix) = machine_of(unit, name) {
                            told.fix(fix);
                        }
                    }
                }
            }
        }
    })
}

rule! {
    /// Go's `path.Match` cannot read the pattern: a class that is not closed, or a backslash at the end. fleet takes
    /// it for one that matches nothing.
    FLEET_BAD_PATTERN = "fleet-bad-pattern", Error, "a pattern that fleet cannot read",
    source: "fleet agent/state.go, globMatches(); Go path.Match", check: Some(|unit, _, found| {
        each_pattern(unit, |line, pattern| if glob_matches(pattern, "").is_err() {
            found.line(line, format!("`{pattern}` is no pattern: it never matches"));
        });
    })
}

rule! {
    /// Patterns of fleet are those of Go's `path.Match`: `{a,b}` stands for itself, and a class is turned round with
    /// `[^a]`, not `[!a]`.
    FLEET_SHELL_PATTERN = "fleet-shell-pattern", Warning, "a pattern as a shell knows it, and fleet does not",
    source: "Go path.Match", fix: Safely, check: Some(|unit, _, found| {
        each_pattern(unit, |line, pattern| if pattern.contains('{') || pattern.contains("[!") {
            let told = found.line(line, format!("`{pattern}` means something else to fleet than to a shell"));
            told.help("there is no `{a,b}`, and a class is turned round with `[^a]`");
            if !pattern.contains('{') && let Some(at) = line.value().find("[!") {
                let fix = Fix::new(Safety::Safe, "write `[^`");
                told.fix(fix.replace(&line.part(at + 1..at + 2), "^"));
            }
        });
    })
}

rule! {
    /// `Global=` is on for `true`, `yes`, `1`, `on` and `t`, and off for anything else, `y` and `enabled` included; of
    /// several the last counts. Releases before 0.13 know `true` only.
    FLEET_GLOBAL_VALUE = "fleet-global-value", Warning, "a value of Global= that means no",
    source: "fleet job/job.go, isTruthyValue()", fix: Safely, check: Some(|unit, _, found| {
        const NO: [&str; 5] = ["false", "no", "0", "off", "f"];
        for line in options(unit).filter(|line| line.key() == "Global") {
            let value = line.value();
            let value = value.trim_matches('"');
            if !fleet::is_truthy(value, Release::V1) && !NO.iter().any(|no| value.eq_ignore_ascii_case(no)) {
                let told = found.line(line, format!("fleet takes `{value}` for a no"));
                told.help("write `true` or `false`");
                if let Some(meant) = super::value::meant_boolean(value) {
                    told.fix(Fix::new(Safety::Safe, format!("write `{meant}`")).replace(&line.span(), meant));
                }
            }
        }
    })
}

rule! {
    /// `MachineID=` is the whole id of a machine, 32 lower-case hexadecimal digits, or its first eight. Any other
    /// length matches no machine.
    FLEET_MACHINE_ID = "fleet-machine-id", Error, "a MachineID= that no machine has",
    source: "fleet machine/state.go, MatchID(); machine-id(5)", fix: Safely, check: Some(|unit, _, found| {
        for line in options(unit).filter(|line| line.key() == "MachineID") {
            let value = fleet::split_values(&line.value()).into_iter().next().unwrap_or_default();
            let hex = value.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            if !value.contains('%') && (!hex || !ID_CHARS.contains(&value.len())) {
                let told = found.line(line, "a machine's id has 32 lower-case hexadecimal digits, and its first 8 will do");
                let lower = value.to_lowercase();
                if lower.bytes().all(|byte| byte.is_ascii_hexdigit()) && ID_CHARS.contains(&lower.len()) {
                    told.fix(Fix::new(Safety::Safe, "write it in lower case").replace(&line.span(), lower));
                }
            }
        }
    })
}

rule! {
    /// In `[X-Fleet]` fleet expands `%n`, `%N`, `%p` and `%i`, and nothing else: there is no `%%`, and systemd does not
    /// look at the section.
    FLEET_SPECIFIER = "fleet-specifier", Error, "a specifier that fleet does not know",
    source: "fleet job/job.go, unitPrintf()", check: Some(|unit, _, found| {
        for line in options(unit) {
            let value = line.value();
            for (place, _) in value.match_indices('%') {
                let next = value.get(place + 1..).and_then(|rest| rest.chars().next());
                if let Some(letter) = next.filter(|c| c.is_ascii_alphanumeric() && !"nNpi".contains(*c)) {
                    found.value(line, place..place + 2, format!("fleet does not expand `%{letter}`"))
                        .help("it knows `%n`, `%N`, `%p` and `%i` only");
                }
            }
        }
    })
}

rule! {
    /// fleet puts the timer on any machine, and there the unit that it starts is not known. Name that unit in the
    /// timer's `MachineOf=`.
    FLEET_TIMER_APART = "fleet-timer-apart", Error, "a timer that may be on another machine than its unit",
    source: "fleet agent/state.go; seen on v1.0.0", fix: Unsafely, check: Some(|unit, _, found| {
        let Some(own) = fleet_options(unit).filter(|own| !own.is_global(Release::V1)) else { return };
        if !unit.is_whole(UnitType::Timer) || own.machine_id().is_some() {
            return;
        }
        let started = started(unit);
        let expanded = fleet::expand(&started, unit.name());
        let beside = own.peers().iter().any(|it| *it == started || fleet::expand(it, unit.name()) == expanded);
        if !beside {
            let told = found.section(unit, "X-Fleet", format!("the timer may be on another machine than `{started}`"));
            told.help(format!("add `MachineOf={started}` to [X-Fleet]"));
            if let Some(fix) = machine_of(unit, &started) {
                told.fix(fix);
            }
        }
    })
}

rule! {
    /// Of several `MachineID=` the first counts, and of several `Global=` the last. The others do nothing.
    FLEET_OPTION_IGNORED = "fleet-option-ignored", Warning, "an option of [X-Fleet] that another overrides",
    source: "fleet job/job.go, RequiredTarget(), IsGlobal()", fix: Safely, check: Some(|unit, _, found| {
        let ids: Vec<&Line<'_>> = options(unit).filter(|line| line.key() == "MachineID").collect();
        for line in ids.iter().skip(1) {
            found.line(line, "of several `MachineID=` the first counts").fix(overridden(line));
        }
        let global: Vec<&Line<'_>> = options(unit).filter(|line| line.key() == "Global").collect();
        for line in global.iter().rev().skip(1) {
            found.line(line, "of several `Global=` the last counts").fix(overridden(line));
        }
    })
}

fn overridden(line: &Line<'_>) -> Fix {
    Fix::new(Safety::Safe, "take the line out").delete(&line.whole())
}

/// One more `MachineOf=` at the end of the unit's `[X-Fleet]`.
fn machine_of(unit: &Unit<'_>, name: &str) -> Option<Fix> {
    let file = unit.main()?;
    let (line, newline) = (format!("MachineOf={name}"), file.newline());
    let fix = Fix::new(Safety::Unsafe, format!("add `{line}`"));
    Some(fix.insert_after(&file.section_end("X-Fleet")?, format!("{newline}{line}")))
}

fn options<'u, 'a>(unit: &'u Unit<'a>) -> impl Iterator<Item = &'u Line<'a>> {
    unit.lines().iter().filter(|line| line.section() == "X-Fleet")
}

fn metadata<'u, 'a>(unit: &'u Unit<'a>) -> impl Iterator<Item = &'u Line<'a>> {
    options(unit).filter(|line| matches!(line.key(), "MachineMetadata" | "X-ConditionMachineMetadata"))
}

fn is_peer(key: &str) -> bool {
    matches!(key, "MachineOf" | "X-ConditionMachineOf")
}

/// Several pairs that fleet does not take apart.
fn is_unquoted_list(value: &str) -> bool {
    let pairs: Vec<&str> = value.split_whitespace().collect();
    pairs.len() > 1 && pairs.iter().all(|pair| pair.contains('='))
}

/// The options of a unit that is for fleet, with a section `[X-Fleet]` or without.
fn fleet_options(unit: &Unit<'_>) -> Option<Options> {
    unit.main()?.fleet.as_ref().map(Options::of)
}

/// The options of a unit that is for fleet, or has some.
fn own_options(unit: &Unit<'_>) -> Option<Options> {
    let file = unit.main()?;
    Some(Options::of(file.fleet.as_ref().unwrap_or(&file.text)))
        .filter(|own| file.fleet.is_some() || !own.requirements.is_empty())
}

fn each_pattern(unit: &Unit<'_>, mut look: impl FnMut(&Line<'_>, &str)) {
    for line in options(unit) {
        for value in fleet::split_values(&line.value()) {
            match line.key() {
                "Conflicts" | "X-Conflicts" => value.split_whitespace().for_each(|pattern| look(line, pattern)),
                "Replaces" => look(line, &value),
                _ => {}
            }
        }
    }
}

/// How many instances are tried: a pattern that keeps one away keeps the others away most often.
const NAMES_TRIED_MAX: usize = 5;

/// The unit itself, or of a template the instances that its own patterns and peers spell out.
fn names_to_try(unit: &Unit<'_>, own: &Options) -> Vec<String> {
    let Some((prefix, suffix)) = unit.name().split_once("@.") else { return vec![unit.name().to_owned()] };
    let texts = own.conflicts(Release::V1).into_iter().chain(own.replaces()).chain(own.peers());
    let instances = texts.filter_map(|text| {
        let instance = text.rsplit_once('.')?.0.split_once('@')?.1.to_owned();
        let literal = instance.chars().all(|c| c.is_ascii_alphanumeric() || ":_.-".contains(c));
        (literal && !instance.is_empty()).then_some(instance)
    });
    let mut names: Vec<String> =
        instances.chain(["x".to_owned()]).map(|instance| format!("{prefix}@{instance}.{suffix}")).collect();
    names.sort();
    names.dedup();
    names.truncate(NAMES_TRIED_MAX);
    names
}

/// Whether a unit that is required is one of fleet's.
fn is_fleets(name: &str, unit: &Unit<'_>, context: &Context<'_>) -> bool {
    let of_type = [".service", ".timer", ".socket", ".path"].iter().any(|suffix| name.ends_with(suffix));
    of_type && (name.contains('@') || context.resolve(&unit.expand(name), unit).is_some())
}
