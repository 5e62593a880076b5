//! Specifiers: `%` and a letter.

use crate::diag::{Fix, Safety};
use crate::lint::rule::rule;
use crate::lint::{Line, Rule, Unit};
use crate::unit::name::NameKind;
use crate::unit::specifier::{Found as Place, Occurrence, scan};

pub(super) static RULES: [&Rule; 3] = [&UNKNOWN_SPECIFIER, &SPECIFIER_TOO_NEW, &INSTANCE_OF_NOTHING];

/// From this version on an unknown specifier is an error; before, it stayed as it is written.
const STRICT_SINCE: u16 = 236;

/// Ends of the names of parsers that expand specifiers, and the whole names of some more.
const EXPANDING: [&str; 40] = [
    "_printf",
    "alias",
    "also",
    "bind_paths",
    "bpf_foreign_program",
    "bus_name",
    "default_instance",
    "device_allow",
    "documentation",
    "environ",
    "exec",
    "exec_apparmor_profile",
    "exec_directories",
    "exec_output",
    "exec_selinux_context",
    "exec_smack_process_label",
    "extension_images",
    "import_credential",
    "io_device_latency",
    "io_device_weight",
    "io_limit",
    "ip_filter_bpf_progs",
    "load_credential",
    "log_extra_fields",
    "log_namespace",
    "mount_images",
    "mount_node",
    "namespace_path_strv",
    "path_spec",
    "pid_file",
    "reboot_parameter",
    "service_sockets",
    "set_credential",
    "socket_listen",
    "socket_service",
    "temporary_filesystems",
    "timer",
    "trigger_unit",
    "unit_slice",
    "working_directory",
];

/// Beginnings of the names of more.
const EXPANDING_FAMILIES: [&str; 5] =
    ["unit_condition_", "unit_deps", "unit_env_file", "unit_mounts_for", "user_group_"];

fn expands(parser: &str) -> bool {
    parser != "exec"
        && (EXPANDING.iter().any(|end| parser.ends_with(end))
            || EXPANDING_FAMILIES.iter().any(|it| parser.starts_with(it)))
}

rule! {
    /// `%` and a letter or digit that is no specifier: systemd does not load the unit where it stands in `Exec…=`, and
    /// ignores the line elsewhere. A percent sign is written `%%`.
    UNKNOWN_SPECIFIER = "unknown-specifier", Error, "a specifier that systemd does not know",
    source: "systemd.unit(5), SPECIFIERS", fix: Safely, check: Some(|unit, _, found| {
        each_specifier(unit, |line, place| {
            if let Occurrence::Unknown(letter) = place.what {
                let old = unit.target().systemd < STRICT_SINCE;
                let effect = if old { "stays as it is in old systemd and fails in newer" } else { "is refused" };
                let percent = line.part(place.span.start..place.span.start + 1);
                found.value(line, place.span, format!("`%{letter}` is no specifier and {effect}"))
                    .help("a percent sign is written `%%`")
                    .fix(Fix::new(Safety::Safe, "double the percent sign").insert_before(&percent, "%"));
            }
        });
    })
}

rule! {
    /// The specifier is newer than the systemd that the unit is for: before 236 it stays as it is written, from then
    /// on it is an error.
    SPECIFIER_TOO_NEW = "specifier-too-new", Error, "a specifier that the target's systemd does not know",
    source: "systemd NEWS, by specifier", check: Some(|unit, _, found| {
        each_specifier(unit, |line, place| {
            if let Occurrence::Known(specifier) = place.what && specifier.since > unit.target().systemd {
                let message = format!("`%{}` ({}) came with systemd {}", specifier.letter, specifier.meaning, specifier.since);
                found.value(line, place.span, message);
            }
        });
    })
}

rule! {
    /// `%i` and `%I` are the part of the name after the `@`. This unit has none: they become nothing. Rename the file
    /// to `NAME@.service`, or write out what is meant.
    INSTANCE_OF_NOTHING = "instance-of-nothing", Warning, "%i in a unit without an instance",
    source: "systemd.unit(5), SPECIFIERS", check: Some(|unit, _, found| {
        if unit.parsed().is_none_or(|name| *name.kind() != NameKind::Plain) {
            return;
        }
        each_specifier(unit, |line, place| {
            if let Occurrence::Known(specifier) = place.what && matches!(specifier.letter, 'i' | 'I') {
                let message = format!("`%{}` is empty: `{}` has no instance", specifier.letter, unit.name());
                found.value(line, place.span, message);
            }
        });
    })
}

fn each_specifier<'a>(unit: &Unit<'a>, mut look: impl FnMut(&Line<'a>, Place)) {
    let others = unit.lines().iter().filter(|line| {
        let row = line.directive();
        row.is_some_and(|row| expands(row.parser))
    });
    for line in unit.commands().iter().map(|(line, _)| line).chain(others) {
        scan(line.entry.bytes()).for_each(|place| look(line, place));
    }
}
