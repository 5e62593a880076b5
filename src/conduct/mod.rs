//! How a run is conducted, as data: what runs around it, how long it waits.

mod drill;
mod hooks;
mod limits;
mod notice;
mod report;

pub use drill::Drill;
pub use hooks::{HOOK_TIMEOUT_DEFAULT, Hook, Hooks, OnError};
pub use limits::{Concurrency, Retry, Timeouts};
pub use notice::{Event, Mail, Method, Notice, Ntfy, Ping, Way, Webhook};
pub use report::ReportKept;

use crate::value::{Value, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a job's runs are conducted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conduct {
    /// Programs that run around a run.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// How long to wait for another run of the same job to end; none means not at all.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub wait: Option<Duration>,
    /// How many runs of a group there may be at once over a whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// How often it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long its parts may take.
    #[serde(default, skip_serializing_if = "Timeouts::is_default")]
    pub timeouts: Timeouts,
    /// Who is told how it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notice>,
    /// What is kept of every run.
    #[serde(default, skip_serializing_if = "ReportKept::is_default")]
    pub report: ReportKept,
}

impl Conduct {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Every value that may be a reference. A run goes on without those of `notify`.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let Self { hooks, wait: _, concurrency: _, retry: _, timeouts: _, notify, report: _ } = self;
        hooks.values().chain(notify.iter().flat_map(Notice::values))
    }
}
