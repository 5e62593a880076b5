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

use crate::spec::{Job, Spec};
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

/// All units of a spec, in the order of its jobs, each service before its timer.
#[must_use]
pub fn plan(spec: &Spec, options: Options) -> Plan {
    let units = spec.jobs.iter().flat_map(|job| plan_job(spec, job, options)).collect();
    Plan { target: options.target, units }
}

/// One job's pair of units.
#[must_use]
pub fn plan_job(spec: &Spec, job: &Job, options: Options) -> [Unit; 2] {
    let cause = Cause::new(spec, job, options.target);
    [service::service(&cause), timer::timer(&cause, options.every)]
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

/// The job being planned, and for what.
struct Cause<'a> {
    spec: &'a Spec,
    job: &'a Job,
    target: Target,
    /// What could not be written into a unit.
    faults: RefCell<Vec<text::Fault>>,
}

impl<'a> Cause<'a> {
    fn new(spec: &'a Spec, job: &'a Job, target: Target) -> Self {
        Self { spec, job, target, faults: RefCell::default() }
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

    fn has_instances(&self) -> bool {
        !self.job.instances.is_empty()
    }
}

#[cfg(test)]
mod tests;
