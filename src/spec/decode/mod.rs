//! The tree of a spec's text, decoded by hand: every fault is told, each at its place, and decoding goes on.
//!
//! A function here returns `None` where it has told of a fault, and what is right otherwise.
//!
//! The grammar, by file: `top` (version, target, runner, etcd), `destination`, `job`, `schedule`, `source`, `archive`,
//! `store`, `fleet`, `service`, `secret` (references). `cursor` reads mappings and lists, `scalar` and `template` what
//! stands in them, `names` checks names, `clash` finds jobs whose archives could be taken for each other's.

mod archive;
mod cursor;
mod destination;
mod fleet;
mod job;
mod names;
mod schedule;
mod scalar;
mod secret;
mod service;
mod source;
mod store;
mod template;
mod top;
mod words;

use super::faults::Faults;
use super::node::Node;
use super::{Places, Spec};
use crate::diag::Span;
use crate::target::{SYSTEMD_DEFAULT, Scheduler, Scope, Target};
use cursor::At;
use job::Around;
use std::collections::{BTreeMap, HashSet};

/// What is gathered while decoding.
pub(super) struct Decoder {
    pub(super) faults: Faults,
    places: Places,
    target: Target,
    has_etcd: bool,
    /// Every destination that is there, right or not.
    seen_destinations: BTreeMap<String, Span>,
    used_destinations: HashSet<String>,
}

impl Decoder {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            faults,
            places: Places::default(),
            target: Target { scheduler: Scheduler::Systemd(Scope::System), systemd: SYSTEMD_DEFAULT },
            has_etcd: false,
            seen_destinations: BTreeMap::new(),
            used_destinations: HashSet::new(),
        }
    }

    /// Decodes a spec whose includes are merged in. The spec is whole only where the report has no error.
    pub(super) fn spec(&mut self, root: &Node) -> Option<Spec> {
        let mut map = self.map(&At::root(root))?;
        map.ignore_extensions();
        let version = self.require(&mut map, "version", "1");
        let [target, runner, spec_path, spec_key] = ["target", "runner", "spec_path", "spec_key"].map(|name| map.take(name));
        let [etcd, defaults, _include, destinations] = ["etcd", "defaults", "include", "destinations"].map(|name| map.take(name));
        let jobs = self.require(&mut map, "jobs", "{wiki: {…}}");
        self.done(map);
        self.version(version);
        self.target = self.target(target);
        self.has_etcd = etcd.is_some();
        let (runner, spec_path) = (self.path_or(runner, self.default_runner()), self.path_or(spec_path, top::SPEC_PATH));
        let spec_key = spec_key.and_then(|at| self.unit_path(&at));
        let etcd = etcd.and_then(|at| self.etcd(&at));
        let destinations = destinations.map_or(BTreeMap::new(), |at| self.destinations(&at));
        let around = Around { defaults: defaults.map(|at| at.node), destinations, etcd, spec_key };
        let jobs = jobs.map_or(vec![], |at| self.jobs(&at, &around));
        self.unused_destinations();
        let Around { defaults: _, destinations, etcd, spec_key } = around;
        let places = std::mem::take(&mut self.places);
        Some(Spec { target: self.target, runner, spec_path, spec_key, etcd, destinations, jobs, places })
    }

    fn default_runner(&self) -> &'static str {
        match self.target.scheduler {
            Scheduler::Fleet => top::RUNNER_FLEET,
            Scheduler::Systemd(_) => top::RUNNER_SYSTEMD,
        }
    }

    fn unused_destinations(&mut self) {
        for (name, place) in std::mem::take(&mut self.seen_destinations) {
            if !self.used_destinations.contains(&name) {
                let message = format!("no job stores anything at `{}`", words::shown(&name));
                self.faults.warning("unused-destination", &place, message);
            }
        }
    }
}
