//! The service of a job.

use super::hardening;
use super::reach::Reach;
use super::timer::span;
use super::{Cause, Line, Unit, UnitKind, Work, fleet};
use crate::contract::{BackupArgs, DrillArgs, Instance, JOB_VARIABLE, SpecLocation, Word, exit};
use crate::source::{At, Engine, Source, SourceKind};
use crate::spec::{IoClass, JobIn};
use crate::target::Feature;
use crate::value::{Reference, Template};

pub(super) fn service(cause: &Cause<'_>) -> Unit {
    let compiled = cause.spec.compile(cause.job);
    let mut reach = match cause.work {
        Work::Backup => Reach::of(&compiled),
        Work::Drill(drilled) => Reach::of_drill(&compiled, &drilled.drill),
    };
    match cause.job.job_in {
        JobIn::Unit => {}
        JobIn::File => reach.reads.push(cause.spec.spec_path.clone()),
        JobIn::Etcd => cause.spec.etcd.iter().for_each(|etcd| reach.etcd(etcd)),
    }
    let mut body = vec![Line::new("Type", "oneshot", cause.route("sources"))];
    body.extend(limits(cause));
    body.extend(inputs(cause, &compiled));
    body.push(exec_start(cause));
    body.extend(hardening::lines(cause, &reach));
    body.extend(directives(cause, "Service"));
    Unit {
        name: unit_name(cause, UnitKind::Service),
        kind: UnitKind::Service,
        job: cause.job.name.clone(),
        unit: match cause.work {
            Work::Backup => unit_section(cause),
            Work::Drill(_) => drill_section(cause),
        },
        body,
        scheduler: if cause.is_fleet() { fleet::service_section(cause) } else { vec![] },
        provenance: provenance(cause),
    }
}

/// `wiki@.service`, or `wiki.service` for a job without instances.
pub(super) fn unit_name(cause: &Cause<'_>, kind: UnitKind) -> String {
    let at = if cause.has_instances() { "@" } else { "" };
    format!("{}{at}.{}", cause.stem(), kind.suffix())
}

/// Where a unit came from. No clock, no host, no version of ours: the same job gives the same bytes. In a section and
/// not in a comment, because fleet drops comments before it compares units.
pub(super) fn provenance(cause: &Cause<'_>) -> Vec<Line> {
    let digest = cause.spec.compile(cause.job).digest();
    let route = format!("jobs.{}", cause.job.name);
    vec![Line::new("Job", &cause.job.name, &route), Line::new("Digest", format!("sha256:{digest}"), route)]
}

fn unit_section(cause: &Cause<'_>) -> Vec<Line> {
    let relations = &cause.job.relations;
    let mut lines = vec![cause.description(None)];
    for (keys, spec_key, names) in [
        (["Requires", "After"], "needs", &relations.needs),
        (["Wants", "After"], "wants", &relations.wants),
        (["Requisite", "After"], "requisite", &relations.requisite),
    ] {
        lines.extend(named(cause, keys, spec_key, names));
    }
    let stops_docker = |source: &Source| source.still.as_ref().is_some_and(|still| still.engine != Engine::Podman);
    let drives_docker = cause.job.sources.iter().any(|source| match &source.kind {
        _ if stops_docker(source) => true,
        SourceKind::Volume(volume) => volume.engine != Engine::Podman,
        SourceKind::Container(container) => container.engine != Engine::Podman,
        SourceKind::Database(database) => {
            matches!(&database.at, At::Container { container: _, engine } if *engine != Engine::Podman)
        }
        SourceKind::Paths(_) | SourceKind::Command(_) | SourceKind::EtcdSnapshot(_) => false,
    });
    if drives_docker {
        lines.push(Line::new("After", "docker.service", cause.route("sources")));
    }
    lines.extend(network_and_failure(cause));
    lines.extend(directives(cause, "Unit"));
    lines
}

/// A drill waits for a backup that begins with it, or runs already, and needs nothing of what the backup does.
fn drill_section(cause: &Cause<'_>) -> Vec<Line> {
    let after = Line::new("After", cause.backup_service(), cause.route("drill"));
    let mut lines = vec![cause.description(Some("drill")), after];
    lines.extend(network_and_failure(cause));
    lines
}

fn network_and_failure(cause: &Cause<'_>) -> Vec<Line> {
    let mut lines = vec![];
    if cause.job.service.network_online {
        let route = cause.route("service.network_online");
        lines.extend(["Wants", "After"].map(|key| Line::new(key, "network-online.target", &route)));
    }
    for (index, unit) in cause.job.service.on_failure.iter().enumerate() {
        let route = cause.route(&format!("service.on_failure[{index}]"));
        lines.push(Line::new("OnFailure", cause.name_text(unit, &route), route));
    }
    lines
}

fn named(cause: &Cause<'_>, keys: [&'static str; 2], spec_key: &str, names: &[Template]) -> Vec<Line> {
    let lines = |(index, name): (usize, &Template)| {
        let route = cause.route(&format!("{spec_key}[{index}]"));
        let text = cause.name_text(name, &route);
        keys.map(|key| Line::new(key, &text, &route))
    };
    names.iter().enumerate().flat_map(lines).collect()
}

fn limits(cause: &Cause<'_>) -> Vec<Line> {
    let service = &cause.job.service;
    let mut lines = vec![];
    let mut add = |key: &str, value: Option<String>, spec_key: &str| {
        if let Some(value) = value {
            lines.push(Line::new(key, value, cause.route(&format!("service.{spec_key}"))));
        }
    };
    add("User", service.user.as_deref().map(|t| cause.literal(t, &cause.route("service.user"))), "user");
    add("Group", service.group.as_deref().map(|t| cause.literal(t, &cause.route("service.group"))), "group");
    let groups = service.supplementary_groups.join(" ");
    add("SupplementaryGroups", (!groups.is_empty()).then_some(groups), "supplementary_groups");
    add("Nice", service.nice.map(|n| n.to_string()), "nice");
    add("IOSchedulingClass", service.io_class.map(|class| io_class(class).to_owned()), "io_class");
    add("IOSchedulingPriority", service.io_priority.map(|n| n.to_string()), "io_priority");
    let (cpu, memory) = (cause.target.has(Feature::CpuWeight), cause.target.has(Feature::MemoryMax));
    let shares = |weight: u16| if cpu { weight.to_string() } else { cpu_shares(weight).to_string() };
    add(if cpu { "CPUWeight" } else { "CPUShares" }, service.cpu_weight.map(shares), "cpu_weight");
    let bytes = service.memory_max.map(|bytes| bytes.0.to_string());
    add(if memory { "MemoryMax" } else { "MemoryLimit" }, bytes, "memory_max");
    if cause.target.has(Feature::TasksMax) {
        add("TasksMax", service.tasks_max.map(|n| n.to_string()), "tasks_max");
    }
    let forever = if cause.target.has(Feature::TimeoutInfinity) { "infinity" } else { "0" };
    add("TimeoutStartSec", Some(service.timeout.map_or(forever.to_owned(), span)), "timeout");
    if cause.target.has(Feature::ExtendTimeout) && cause.is_backup() {
        lines.push(
            Line::new("NotifyAccess", "main", cause.route("service.timeout"))
                .comment("The runner asks for more time while it makes progress."),
        );
    }
    lines.extend(exit_and_kill(cause));
    lines
}

/// The lock's exit code is no failure; and only the runner is asked to stop, so that it can put back what it made.
fn exit_and_kill(cause: &Cause<'_>) -> [Line; 2] {
    let route = cause.route("service");
    let what = if cause.is_backup() { "run" } else { "drill" };
    [
        Line::new("SuccessExitStatus", exit::LOCKED.to_string(), &route)
            .comment(format!("{}: another {what} of this job is under way.", exit::LOCKED)),
        Line::new("KillMode", "mixed", route),
    ]
}

fn io_class(class: IoClass) -> &'static str {
    match class {
        IoClass::Idle => "idle",
        IoClass::BestEffort => "best-effort",
        IoClass::Realtime => "realtime",
    }
}

/// `CPUShares=` has 1024 where `CPUWeight=` has 100 (systemd.resource-control(5)); 2 is its least.
fn cpu_shares(weight: u16) -> u32 {
    (u32::from(weight) * 1024 / 100).max(2)
}

/// Where the runner finds its job and its secrets.
fn inputs(cause: &Cause<'_>, compiled: &crate::contract::Job) -> Vec<Line> {
    let mut lines = vec![];
    for (index, path) in cause.job.service.environment_file.iter().enumerate() {
        let route = cause.route(&format!("service.environment_file[{index}]"));
        lines.push(Line::new("EnvironmentFile", cause.path_text(path, &route), route));
    }
    for reference in compiled.references() {
        if let Reference::Credential { name, path } = reference {
            lines.push(credential(cause, name, path.as_deref()));
        }
    }
    lines.dedup();
    match cause.job.job_in {
        JobIn::Unit => {
            let value = cause.json_value(JOB_VARIABLE, &compiled.to_json(), &cause.route("job_in"));
            lines.push(Line::new("Environment", value, format!("jobs.{}", cause.job.name)));
        }
        JobIn::Etcd => lines.extend(etcd_variable(cause)),
        JobIn::File => {}
    }
    lines
}

fn etcd_variable(cause: &Cause<'_>) -> Option<Line> {
    let etcd = cause.spec.etcd.as_ref()?;
    let json = serde_json::to_value(etcd).ok()?;
    Some(Line::new("Environment", cause.json_value(crate::contract::ETCD_VARIABLE, &json, "etcd"), "etcd"))
}

fn credential(cause: &Cause<'_>, name: &str, path: Option<&str>) -> Line {
    let text = path.map_or_else(|| name.to_owned(), |path| format!("{name}:{path}"));
    let route = cause.route("store");
    Line::new("LoadCredential", cause.literal(&text, &route), route)
}

fn exec_start(cause: &Cause<'_>) -> Line {
    let route = cause.route("job_in");
    Line::new("ExecStart", cause.exec(&cause.spec.runner, &words(cause), &route), route)
}

fn words(cause: &Cause<'_>) -> Vec<Word> {
    let BackupArgs { spec, job, instance, digest, jitter, wait: _, dry_run: _ } = backup_args(cause);
    match cause.work {
        Work::Backup => backup_args(cause).words(),
        Work::Drill(_) => DrillArgs { spec, job, instance, digest, jitter }.words(),
    }
}

/// The runner's arguments as the unit has them.
pub(super) fn backup_args(cause: &Cause<'_>) -> BackupArgs {
    let spec = match cause.job.job_in {
        JobIn::Unit => None,
        JobIn::File => Some(SpecLocation::File(cause.spec.spec_path.clone().into())),
        JobIn::Etcd => Some(SpecLocation::Etcd(cause.spec.spec_key.clone().unwrap_or_default())),
    };
    BackupArgs {
        job: spec.as_ref().map(|_| cause.job.name.clone()),
        digest: spec.as_ref().map(|_| cause.spec.compile(cause.job).digest()),
        spec,
        instance: cause.has_instances().then_some(Instance::OfUnit),
        // The timer waits where it can.
        jitter: cause.schedule().jitter.filter(|_| !cause.target.has(Feature::RandomizedDelay)),
        wait: None,
        dry_run: false,
    }
}

/// What the spec writes out for a section. A drill has what its service is given, and none of the other sections, which
/// say when and where the backup runs, and what it is called.
pub(super) fn directives(cause: &Cause<'_>, section: &str) -> Vec<Line> {
    let Some(keys) = cause.job.service.directives.get(section) else { return vec![] };
    if !cause.is_backup() && section != "Service" {
        return vec![];
    }
    let mut lines = vec![];
    for (key, values) in keys {
        let route = cause.route(&format!("service.directives.{section}.{key}"));
        lines.extend(values.iter().map(|value| Line::new(key, cause.name_text(value, &route), &route)));
    }
    lines
}
