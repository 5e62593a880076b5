//! Names of units, and where they stand.

use super::words;
use crate::diag::{Fix, Safety};
use crate::lint::rule::rule;
use crate::lint::{Line, Rule, Unit};
use crate::unit::name::UNIT_NAME_MAX_BYTES;
use crate::unit::{UnitName, UnitNameError};

pub(super) static RULES: [&Rule; 4] =
    [&UNIT_NAME_INVALID, &UNIT_NAME_TOO_LONG, &BAD_UNIT_REFERENCE, &ALIAS_OF_OTHER_TYPE];

/// What a template's name should leave for its instances.
const ROOM_BYTES: usize = 16;

/// Targets of systemd's own whose names are often written without their suffix.
const TARGETS: [&str; 10] = [
    "network",
    "network-online",
    "network-pre",
    "multi-user",
    "graphical",
    "timers",
    "sockets",
    "basic",
    "local-fs",
    "remote-fs",
];

rule! {
    /// systemd does not load a file whose name is no unit name: letters, digits and `:-_.\`, at most one `@` with
    /// something before it, and a known suffix. `systemd-escape` prints how other text is written in a name.
    UNIT_NAME_INVALID = "unit-name-invalid", Error, "a file name that is no unit name",
    source: "systemd.unit(5); src/basic/unit-name.c", check: Some(|unit, _, found| {
        match UnitName::parse(unit.name()) {
            Err(UnitNameError::TooLong(_)) | Ok(_) => {}
            Err(error) => { found.section(unit, "Unit", format!("`{}` is no unit name: {error}", unit.name())); }
        }
    })
}

rule! {
    /// A unit's name has at most 255 bytes, its suffix and instance included. A template must leave room for its
    /// instances.
    UNIT_NAME_TOO_LONG = "unit-name-too-long", Error, "a unit name that is too long, or leaves no room for instances",
    source: "systemd src/basic/unit-def.h, UNIT_NAME_MAX", check: Some(|unit, _, found| {
        let length = unit.name().len();
        let template = unit.parsed().is_some_and(UnitName::is_template);
        if length > UNIT_NAME_MAX_BYTES || (template && length + ROOM_BYTES > UNIT_NAME_MAX_BYTES) {
            let message = format!("the name has {length} bytes; {UNIT_NAME_MAX_BYTES} are the most, with the instance");
            found.section(unit, "Unit", message);
        }
    })
}

rule! {
    /// Dependencies name units with their suffix: `network.target`, `db@1.service`. systemd ignores a word that is no
    /// unit name once specifiers are expanded, and one that has become too long.
    BAD_UNIT_REFERENCE = "bad-unit-reference", Error, "a dependency on what is no unit name",
    source: "systemd src/core/load-fragment.c, config_parse_unit_deps()", fix: Safely, check: Some(|unit, context, found| {
        for line in dependencies(unit) {
            let value = line.value();
            for word in value.split_whitespace() {
                let name = unit.expand(word.trim_matches(['"', '\'']));
                if name.contains('%') {
                    continue;
                }
                if let Err(error) = UnitName::parse(&name) {
                    let told = found.line(line, format!("`{name}` is no unit name: {error}"));
                    if matches!(error, UnitNameError::NoSuffix | UnitNameError::UnknownType(_)) {
                        let suffix = if TARGETS.contains(&&*name) { "target" } else { "service" };
                        let meant = format!("{name}.{suffix}");
                        told.help(format!("did you mean `{meant}`?"));
                        let known = suffix == "target" || context.resolve(&meant, unit).is_some();
                        if known && !word.contains(['"', '\'']) {
                            let at = words::place(word, &value);
                            let fix = Fix::new(Safety::Safe, format!("write `{meant}`"));
                            told.fix(fix.insert_after(&line.part(at..at + word.len()), format!(".{suffix}")));
                        }
                    }
                }
            }
        }
    })
}

rule! {
    /// An alias has the suffix of the unit itself: a service cannot be an alias of a timer. `systemctl enable` fails.
    ALIAS_OF_OTHER_TYPE = "alias-of-other-type", Error, "Alias= with another suffix than the unit's",
    source: "systemd.unit(5), Alias=", check: Some(|unit, _, found| {
        let suffix = unit.name().rsplit_once('.').map_or("", |(_, suffix)| suffix);
        for line in unit.list("Install", "Alias") {
            let value = line.value();
            if let Some(alias) = value.split_whitespace().find(|it| it.rsplit_once('.').is_none_or(|it| it.1 != suffix)) {
                found.line(&line, format!("`{alias}` does not end in `.{suffix}`"));
            }
        }
    })
}

/// The assignments to keys that name units.
pub(super) fn dependencies<'u, 'a>(unit: &'u Unit<'a>) -> impl Iterator<Item = &'u Line<'a>> {
    unit.lines()
        .iter()
        .filter(|line| line.section() == "Unit" && line.directive().is_some_and(|row| row.parser == "unit_deps"))
}
