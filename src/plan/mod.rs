//! The plan: each unit's lines, quoted, each with the value of the spec that is its cause.
//!
//! Planning cannot fail. Whatever stands in the way (a directive that the target's systemd lacks, a job too long for
//! a unit) is a diagnostic of the spec, found by [`check`] before.

mod check;
mod fleet;
mod hardening;
mod model;
mod reach;
mod service;
mod text;
mod timer;

pub use check::check;
pub use model::{Because, Line, Plan, Unit, UnitKind};

use crate::schedule::Schedule;
use crate::spec::{Drilled, Job, Spec};
use crate::target::{Scheduler, Target};
use std::cell::RefCell;
use std::time::Duration;

/// What may be decided apart from the spec.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What units are for.
    pub target: Target,
    /// An interval that takes every job's schedule's place, for trying things out.
    pub every: Option<Duration>,
}

/// All units of a spec, in the order of its jobs, each service before its timer, a job's drill after its backup.
#[must_use]
pub fn plan(spec: &Spec, options: Options) -> Plan {
    let units = spec.jobs.iter().flat_map(|job| plan_job(spec, job, options)).collect();
    Plan { target: options.target, units }
}

/// One job's pair of units, and that of its drill, whose schedule `every` does not concern.
#[must_use]
pub fn plan_job(spec: &Spec, job: &Job, options: Options) -> Vec<Unit> {
    let cause = Cause::new(spec, job, options.target);
    let mut units = vec![service::service(&cause), timer::timer(&cause, options.every)];
    if let Some(cause) = Cause::of_drill(spec, job, options.target) {
        units.extend([service::service(&cause), timer::timer(&cause, None)]);
    }
    units
}

/// How a job is run by hand, as its unit would.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// Where the spec is, instead of where units look for it.
    pub spec_path: &'a std::path::Path,
    /// The instance, unescaped.
    pub instance: Option<&'a str>,
}

/// The runner's arguments as the job's `ExecStart=` has them, with the unit's instance and the spec's place filled in.
#[must_use]
pub fn arguments(spec: &Spec, job: &Job, invocation: &Invocation<'_>) -> Vec<String> {
    let cause = Cause::new(spec, job, spec.target);
    let mut args = service::backup_args(&cause);
    args.spec = args.spec.map(|_| crate::contract::SpecLocation::File(invocation.spec_path.to_path_buf()));
    args.jitter = None;
    args.instance = invocation.instance.map(|i| crate::contract::Instance::Escaped(crate::unit::name::escape(i)));
    let word = |word| match word {
        crate::contract::Word::Text(text) => text,
        crate::contract::Word::Instance => String::new(),
    };
    args.words().into_iter().map(word).collect()
}

/// What the units being planned do.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// They back up.
    Backup,
    /// They prove that the backups come back.
    Drill(&'a Drilled),
}

/// The job being planned, and for what.
struct Cause<'a> {
    spec: &'a Spec,
    job: &'a Job,
    target: Target,
    work: Work<'a>,
    /// What could not be written into a unit.
    faults: RefCell<Vec<text::Fault>>,
}

impl<'a> Cause<'a> {
    fn new(spec: &'a Spec, job: &'a Job, target: Target) -> Self {
        Self { spec, job, target, work: Work::Backup, faults: RefCell::default() }
    }

    /// The job's drill.
    fn of_drill(spec: &'a Spec, job: &'a Job, target: Target) -> Option<Self> {
        let work = Work::Drill(job.drill.as_ref()?);
        Some(Self { spec, job, target, work, faults: RefCell::default() })
    }

    /// What the units are called, without instance and ending.
    fn stem(&self) -> String {
        match self.work {
            Work::Backup => self.job.name.clone(),
            Work::Drill(_) => format!("{}{}", self.job.name, Job::DRILL_SUFFIX),
        }
    }

    fn schedule(&self) -> &'a Schedule {
        match self.work {
            Work::Backup => &self.job.schedule,
            Work::Drill(drilled) => &drilled.schedule,
        }
    }

    /// The route of the schedule, or of something in it.
    fn schedule_route(&self, rest: &str) -> String {
        match self.work {
            Work::Backup => self.route(&format!("schedule{rest}")),
            Work::Drill(_) => self.route(&format!("drill.schedule{rest}")),
        }
    }

    fn route(&self, rest: &str) -> String {
        format!("jobs.{}.{rest}", self.job.name)
    }

    fn is_fleet(&self) -> bool {
        match self.target.scheduler {
            Scheduler::Fleet => true,
            Scheduler::Systemd(_) => false,
        }
    }

    fn is_backup(&self) -> bool {
        match self.work {
            Work::Backup => true,
            Work::Drill(_) => false,
        }
    }

    /// The service that backs up, of the same instance.
    fn backup_service(&self) -> String {
        let instance = if self.has_instances() { "@%i" } else { "" };
        format!("{}{instance}.service", self.job.name)
    }

    fn has_instances(&self) -> bool {
        !self.job.instances.is_empty()
    }
}

#[cfg(test)]
mod tests;
