//! How many runs at once, how often again, how long.

use crate::value::{duration_serde, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many runs of a group there may be at once over a whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// The group; jobs that name the same one share its places.
    pub group: String,
    /// How many places it has.
    pub max: u32,
    /// How long to wait for one.
    #[serde(with = "duration_serde")]
    pub wait: Duration,
    /// How long a host that is gone keeps its place.
    #[serde(with = "duration_serde")]
    pub lease: Duration,
}

impl Concurrency {
    /// How long a run waits for a place where the spec says nothing.
    pub const WAIT_DEFAULT: Duration = Duration::from_secs(3600);
    /// How long a host that is gone keeps its place where the spec says nothing.
    pub const LEASE_DEFAULT: Duration = Duration::from_secs(30);
    /// The shortest lease: it is renewed three times in its life, and etcd may take seconds to choose a leader.
    pub const LEASE_MIN: Duration = Duration::from_secs(5);
}

/// How often a run is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many more tries there are after the first.
    pub times: u32,
    /// How long to wait before the second try.
    #[serde(with = "duration_serde")]
    pub wait: Duration,
    /// Each later wait is so many times the one before, up to an hour.
    pub backoff: u32,
}

impl Retry {
    /// How long to wait before the second try where the spec says nothing.
    pub const WAIT_DEFAULT: Duration = Duration::from_secs(60);
    /// How waits grow where the spec says nothing.
    pub const BACKOFF_DEFAULT: u32 = 2;
}

/// How long parts of a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// How long a destination may take until it has told what lies there.
    #[serde(with = "duration_serde")]
    pub connect: Duration,
    /// How long a destination may take no byte although there are bytes for it. However slow it takes them, it is not
    /// stalled.
    #[serde(with = "duration_serde")]
    pub stall: Duration,
    /// How long nothing at all may move; none means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub idle: Option<Duration>,
    /// How long the run may take; none means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub run: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(120), stall: Duration::from_secs(900), idle: None, run: None }
    }
}

impl Timeouts {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
