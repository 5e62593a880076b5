//! What a target cannot do, said at the spec's line that asks for it.

use super::text::Fault;
use super::{Cause, Options, service, timer};
use crate::diag::{Report, Span};
use crate::schedule::Trigger;
use crate::spec::{Job, JobIn, Origin, Place, Spec};
use crate::target::{Feature, Scheduler, Target};
use crate::value::Reference;
use std::time::Duration;

/// Adds to `report` what keeps the spec from being planned for a target. Without an error there, planning cannot fail.
pub fn check(spec: &Spec, options: Options, report: &mut Report) {
    for job in &spec.jobs {
        let cause = Cause::new(spec, job, options.target);
        let mut checked = Checked { cause: &cause, report };
        checked.schedule(options.every.is_some());
        checked.service();
        checked.job_in();
        checked.credentials();
        checked.fleet();
        checked.texts(options.every);
        if let Some(cause) = Cause::of_drill(spec, job, options.target) {
            let mut checked = Checked { cause: &cause, report };
            checked.schedule(false);
            checked.texts(None);
        }
    }
}

struct Checked<'a, 'b> {
    cause: &'a Cause<'b>,
    report: &'a mut Report,
}

impl Checked<'_, '_> {
    fn job(&self) -> &Job {
        self.cause.job
    }

    fn target(&self) -> Target {
        self.cause.target
    }

    /// The place of a value of the job, or of what is around it.
    fn span(&self, route: &str) -> Option<Span> {
        let place: Option<&Place> = self.cause.spec.places.nearest(&self.cause.route(route));
        place.map(|Place { span, origin: Origin::Written | Origin::Default }| span.clone())
    }

    fn error(&mut self, id: &'static str, route: &str, message: String, help: &str) {
        let span = self.span(route);
        let diagnostic = self.report.push(crate::diag::Severity::Error, id, message);
        if let Some(span) = span {
            diagnostic.at(&span);
        }
        diagnostic.help(help);
    }

    fn schedule(&mut self, overridden: bool) {
        let route = if self.cause.is_backup() { "schedule" } else { "drill.schedule" };
        let Trigger::Calendar { specs, catch_up: _ } = self.cause.schedule().trigger.clone() else { return };
        if overridden {
            return;
        }
        for spec in specs {
            if let Err(needs) = spec.text_for(self.target().systemd) {
                let message = format!(
                    "`{spec}` needs systemd {}, the target has {}: {}",
                    needs.since,
                    self.target().systemd,
                    needs.what
                );
                self.error("target-lacks", route, message, "write it in an older form, or raise the target's version");
            }
        }
    }

    fn service(&mut self) {
        let target = self.target();
        if self.job().service.tasks_max.is_some() && !target.has(Feature::TasksMax) {
            let message =
                format!("`tasks_max` needs systemd {}, the target has {}", Feature::TasksMax.since(), target.systemd);
            self.error("target-lacks", "service.tasks_max", message, "leave it out, or raise the target's version");
        }
    }

    fn credentials(&mut self) {
        let target = self.target();
        let compiled = self.cause.spec.compile(self.job());
        let uses = compiled.references().any(|reference| matches!(reference, Reference::Credential { .. }));
        if uses && !target.has(Feature::LoadCredential) {
            let since = Feature::LoadCredential.since();
            let message =
                format!("`credential:` needs systemd {since} (LoadCredential=), the target has {}", target.systemd);
            self.error(
                "target-lacks",
                "store",
                message,
                "use `{file: PATH}` or `{etcd: KEY}` there, or raise the target's version",
            );
        }
    }

    fn job_in(&mut self) {
        match self.job().job_in {
            JobIn::Etcd if self.cause.spec.spec_key.is_none() || self.cause.spec.etcd.is_none() => {
                let help = "set `spec_key: /eightbells/backups` and `etcd: {endpoints: […]}` at the top";
                self.error(
                    "job-in-etcd",
                    "job_in",
                    "`job_in: etcd` needs the key and the etcd to read the spec from".into(),
                    help,
                );
            }
            JobIn::Unit | JobIn::Etcd | JobIn::File => {}
        }
    }

    /// Plans the job, for the faults that writing it down brings to light.
    fn texts(&mut self, every: Option<Duration>) {
        let _ = service::service(self.cause);
        let _ = timer::timer(self.cause, every);
        let in_unit = self.cause.route("job_in");
        for Fault { route, message } in self.cause.faults.take() {
            let help = if route == in_unit {
                "set `job_in: file` or `job_in: etcd`, so that the unit only names the job"
            } else {
                "change the value so that a unit can hold it"
            };
            let span = self.cause.spec.places.nearest(&route).map(|place| place.span.clone());
            let diagnostic = self.report.push(crate::diag::Severity::Error, "not-for-a-unit", message);
            if let Some(span) = span {
                diagnostic.at(&span);
            }
            diagnostic.help(help);
        }
    }

    /// What fleet's own API refuses (`api/units.go`, v1.0.0), and what it accepts and can never schedule.
    fn fleet(&mut self) {
        if self.target().scheduler != Scheduler::Fleet {
            return;
        }
        let fleet = self.job().fleet.clone();
        let pairs = [
            (fleet.machine_id.is_some(), "machine_id", !fleet.machine_of.is_empty(), "machine_of"),
            (fleet.machine_id.is_some(), "machine_id", !fleet.conflicts.is_empty(), "conflicts"),
            (fleet.machine_id.is_some(), "machine_id", !fleet.replaces.is_empty(), "replaces"),
            (fleet.machine_id.is_some(), "machine_id", fleet.global, "global"),
            (fleet.global, "global", !fleet.machine_of.is_empty(), "machine_of"),
            (fleet.global, "global", !fleet.replaces.is_empty(), "replaces"),
            (!fleet.conflicts.is_empty(), "conflicts", !fleet.replaces.is_empty(), "replaces"),
        ];
        for (has_one, one, has_other, other) in pairs {
            if has_one && has_other {
                let message = format!("fleet refuses `{one}` together with `{other}`");
                self.error("fleet-refuses-pair", &format!("fleet.{other}"), message, "keep one of the two");
            }
        }
        self.needs_are_placed();
    }

    /// A unit that the service requires must be on its machine, or systemd does not find it there.
    fn needs_are_placed(&mut self) {
        let fleet = &self.job().fleet;
        let relations = &self.job().relations;
        let named: Vec<_> = [("needs", &relations.needs), ("requisite", &relations.requisite)]
            .into_iter()
            .flat_map(|(key, names)| {
                names.iter().enumerate().map(move |(index, name)| (format!("{key}[{index}]"), name))
            })
            .filter(|(_, name)| !fleet.machine_of.contains(name) && !fleet.global)
            .map(|(route, name)| (route, name.to_string()))
            .collect();
        for (route, name) in named {
            let Some(span) = self.span(&route) else { continue };
            let message = format!("fleet may put the job on a machine where `{name}` is not");
            let help = format!("add `machine_of: [\"{name}\"]` under `fleet:`, so that it goes where that unit is");
            self.report.warning("fleet-needs-elsewhere", &span, message).help(help);
        }
    }
}
