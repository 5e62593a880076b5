//! How many runs at once, how often again, how long.

use crate::value::duration_serde;
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
