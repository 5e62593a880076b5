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
    let cause = Cause { spec, job, target: options.target };
    [service::service(&cause), timer::timer(&cause, options.every)]
}

/// The job being planned, and for what.
struct Cause<'a> {
    spec: &'a Spec,
    job: &'a Job,
    target: Target,
}

impl Cause<'_> {
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
