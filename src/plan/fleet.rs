//! `[X-Fleet]`: where fleet may put a unit. Facts from fleet's `job/job.go` and `api/units.go` (v1.0.0).

use super::{Cause, Line, Work};
use crate::spec::Fleet;
use crate::value::Template;

/// The service's section, in fleet's own words; a drill goes where the backup is.
pub(super) fn service_section(cause: &Cause<'_>) -> Vec<Line> {
    match cause.work {
        Work::Backup => backup_section(cause),
        Work::Drill(_) if cause.job.fleet.global => everywhere(cause),
        Work::Drill(_) => vec![Line::new("MachineOf", cause.backup_service(), cause.route("drill"))],
    }
}

fn backup_section(cause: &Cause<'_>) -> Vec<Line> {
    let Fleet { machine_id, machine_of, machine_metadata: _, conflicts, replaces, global } = &cause.job.fleet;
    let mut lines = vec![];
    if let Some(id) = machine_id {
        lines.push(Line::new("MachineID", id, cause.route("fleet.machine_id")));
    }
    lines.extend(names(cause, "MachineOf", "machine_of", machine_of));
    lines.extend(metadata(cause));
    lines.extend(names(cause, "Conflicts", "conflicts", conflicts));
    lines.extend(names(cause, "Replaces", "replaces", replaces));
    if *global {
        lines.push(Line::new("Global", "true", cause.route("fleet.global")));
    }
    lines.extend(super::service::directives(cause, "X-Fleet"));
    lines
}

/// The timer's: on the machine of its service, or on every machine that the service is on.
pub(super) fn timer_section(cause: &Cause<'_>) -> Vec<Line> {
    if cause.job.fleet.global {
        return everywhere(cause);
    }
    let instance = if cause.has_instances() { "@%i" } else { "" };
    vec![Line::new("MachineOf", format!("%p{instance}.service"), cause.route("fleet"))]
}

fn everywhere(cause: &Cause<'_>) -> Vec<Line> {
    let mut lines = metadata(cause);
    lines.push(Line::new("Global", "true", cause.route("fleet.global")));
    lines
}

/// One line for each value: several pairs on one line would need quotes, and the same key twice means either.
fn metadata(cause: &Cause<'_>) -> Vec<Line> {
    let mut lines = vec![];
    for (key, values) in &cause.job.fleet.machine_metadata {
        let route = cause.route(&format!("fleet.machine_metadata.{key}"));
        lines.extend(values.iter().map(|value| Line::new("MachineMetadata", format!("{key}={value}"), &route)));
    }
    lines
}

/// One line for each name: fleet never splits `MachineOf=` and `Replaces=`, and splits `Conflicts=` only from 1.0 on.
fn names(cause: &Cause<'_>, key: &str, spec_key: &str, templates: &[Template]) -> Vec<Line> {
    let line = |(index, template)| {
        let route = cause.route(&format!("fleet.{spec_key}[{index}]"));
        Line::new(key, cause.name_text(template, &route), route)
    };
    templates.iter().enumerate().map(line).collect()
}
