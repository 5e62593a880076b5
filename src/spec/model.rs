//! The spec as it is meant: everything checked, every default filled in.

use super::Places;
use crate::archive::Archive;
use crate::conduct::{Conduct, Drill};
use crate::contract::{self, Etcd, JOB_VERSION, StoreAt};
use crate::destination::Destination;
use crate::retention::{Guard, Keep};
use crate::schedule::Schedule;
use crate::source::Source;
use crate::target::Target;
use crate::value::{Bytes, Template};
use std::collections::BTreeMap;
use std::time::Duration;

/// A whole spec.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What units are generated for.
    pub target: Target,
    /// The absolute path of `eightbells-run` on the hosts.
    pub runner: String,
    /// The path at which `job_in: file` units find the spec on the hosts.
    pub spec_path: String,
    /// The key at which `job_in: etcd` units find the spec.
    pub spec_key: Option<String>,
    /// The etcd that `{etcd: KEY}` means.
    pub etcd: Option<Etcd>,
    /// Where archives can go.
    pub destinations: BTreeMap<String, Destination>,
    /// The jobs, in the order written.
    pub jobs: Vec<Job>,
    /// Where each value was written.
    pub places: Places,
}

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name, and its units'.
    pub name: String,
    /// One line for people; without placeholders other than `{instance}`, `{job}`.
    pub description: Template,
    /// Its instances, unescaped, each once; empty for a job without instances.
    pub instances: Vec<String>,
    /// When it runs.
    pub schedule: Schedule,
    /// Units it depends on.
    pub relations: Relations,
    /// What is backed up.
    pub sources: Vec<Source>,
    /// How it is packed and named.
    pub archive: Archive,
    /// Where it goes.
    pub store: Vec<StoreEntry>,
    /// How its runs are conducted.
    pub conduct: Conduct,
    /// When a new archive is too small for anything to be removed on its account; none where no size is too small.
    pub guard: Option<Guard>,
    /// Its scheduled proof that archives come back.
    pub drill: Option<Drilled>,
    /// How the job reaches the runner.
    pub job_in: JobIn,
    /// Its `[X-Fleet]` section.
    pub fleet: Fleet,
    /// What its service is allowed and given.
    pub service: Service,
}

/// A drill, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Drilled {
    /// When it runs.
    pub schedule: Schedule,
    /// What it does.
    pub drill: Drill,
}

impl Job {
    /// What ends the names of a drill's units, before the instance.
    pub const DRILL_SUFFIX: &str = "-drill";

    /// What the units of its drill are called, without instance and ending.
    #[must_use]
    pub fn drill_name(&self) -> Option<String> {
        self.drill.as_ref().map(|_| format!("{}{}", self.name, Self::DRILL_SUFFIX))
    }
}

/// One destination of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEntry {
    /// The destination's name; it exists.
    pub to: String,
    /// What stays there.
    pub keep: Keep,
}

/// Units that a job's service depends on; each is ordered before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// `needs:`, as `Requires=` and `After=`.
    pub needs: Vec<Template>,
    /// `wants:`, as `Wants=` and `After=`.
    pub wants: Vec<Template>,
    /// `requisite:`, as `Requisite=` and `After=`.
    pub requisite: Vec<Template>,
}

/// How a job reaches the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobIn {
    /// Compiled, in the unit's environment.
    Unit,
    /// In the spec, in a file of the host.
    File,
    /// In the spec, under a key in etcd.
    Etcd,
}

/// A job's `[X-Fleet]` section, in fleet's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// `MachineID=`
    pub machine_id: Option<String>,
    /// `MachineOf=`
    pub machine_of: Vec<Template>,
    /// `MachineMetadata=`: each key with its values; several values mean any of them.
    pub machine_metadata: Vec<(String, Vec<String>)>,
    /// `Conflicts=`
    pub conflicts: Vec<Template>,
    /// `Replaces=`
    pub replaces: Vec<Template>,
    /// `Global=`
    pub global: bool,
}

/// What a job's service is allowed and given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `User=`
    pub user: Option<String>,
    /// `Group=`
    pub group: Option<String>,
    /// `SupplementaryGroups=`
    pub supplementary_groups: Vec<String>,
    /// `Nice=`, -20 to 19.
    pub nice: Option<i8>,
    /// `IOSchedulingClass=`
    pub io_class: Option<IoClass>,
    /// `IOSchedulingPriority=`, 0 to 7.
    pub io_priority: Option<u8>,
    /// `CPUWeight=`, 1 to 10000.
    pub cpu_weight: Option<u16>,
    /// `MemoryMax=`
    pub memory_max: Option<Bytes>,
    /// `TasksMax=`
    pub tasks_max: Option<u32>,
    /// `TimeoutStartSec=`, which for a oneshot bounds the whole run; none means for ever.
    pub timeout: Option<Duration>,
    /// `EnvironmentFile=`
    pub environment_file: Vec<Template>,
    /// Whether to wait for the network with `Wants=` and `After=network-online.target`.
    pub network_online: bool,
    /// `OnFailure=`
    pub on_failure: Vec<Template>,
    /// Whether the service is confined to what the job needs, where the target's systemd can.
    pub hardening: bool,
    /// Directives written out, by section and key, as `[Service]` or `[Timer]` would hold them. `{instance}` and
    /// `{job}` are filled in, everything else is literal.
    pub directives: BTreeMap<String, BTreeMap<String, Vec<Template>>>,
}

impl Service {
    /// The longest that a run may take where the spec says nothing: a hung run must not keep all later ones from
    /// starting for ever.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(86_400);
}

/// An I/O scheduling class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoClass {
    /// Only when nobody else wants the disk.
    Idle,
    /// The usual one.
    BestEffort,
    /// Before all others.
    Realtime,
}

impl Spec {
    /// The job of that name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// What the runner is told of a job. Destinations that a checked spec does not hold do not occur.
    #[must_use]
    pub fn compile(&self, job: &Job) -> contract::Job {
        let at = |entry: &StoreEntry| {
            let to = self.destinations.get(&entry.to)?.clone();
            Some(StoreAt { to, keep: entry.keep.clone() })
        };
        let mut compiled = contract::Job {
            version: JOB_VERSION,
            name: job.name.clone(),
            instances: !job.instances.is_empty(),
            sources: job.sources.clone(),
            archive: job.archive.clone(),
            store: job.store.iter().filter_map(at).collect(),
            guard: job.guard,
            etcd: None,
            unless_newer_than: job.schedule.unless_newer_than,
            blackout: job.schedule.blackout.clone(),
            conduct: job.conduct.clone(),
            drill: job.drill.as_ref().map(|drilled| drilled.drill.clone()),
        };
        let shares = compiled.conduct.concurrency.is_some();
        if shares || compiled.references().any(|r| matches!(r, crate::value::Reference::Etcd(_))) {
            compiled.etcd.clone_from(&self.etcd);
        }
        compiled
    }
}
