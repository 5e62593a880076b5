//! What the generator and the runner agree on: the compiled job, the runner's arguments, the exit codes.

mod args;
pub mod exit;

pub use args::{BackupArgs, DrillArgs, Instance, SpecLocation, SpecLocationError, Word};

use crate::archive::Archive;
use crate::conduct::{Conduct, Drill};
use crate::destination::Destination;
use crate::retention::{Guard, Keep};
use crate::source::Source;
use crate::value::{Reference, Value, optional_duration_serde};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// The variable in which a unit carries its compiled job as JSON.
pub const JOB_VARIABLE: &str = "EIGHTBELLS_JOB";
/// The variable in which a unit of `job_in: etcd` carries the etcd to read the spec from, as JSON of [`Etcd`].
pub const ETCD_VARIABLE: &str = "EIGHTBELLS_ETCD";
/// The version of the compiled job's form that this program writes and reads.
pub const JOB_VERSION: u32 = 1;

/// All that the runner needs to know of a job; secrets are references still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// [`JOB_VERSION`].
    pub version: u32,
    /// The job's name.
    pub name: String,
    /// Whether it runs as an instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instances: bool,
    /// What is backed up; each source is one object.
    pub sources: Vec<Source>,
    /// How it is packed and named.
    pub archive: Archive,
    /// Where it goes, and what is kept there.
    pub store: Vec<StoreAt>,
    /// When a new archive is too small for anything to be removed on its account; none where no size is too small.
    #[serde(default = "Guard::usual", skip_serializing_if = "Guard::is_usual")]
    pub guard: Option<Guard>,
    /// The etcd that `{etcd: KEY}` means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<Etcd>,
    /// A run ends early where the newest good archive is younger.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub unless_newer_than: Option<Duration>,
    /// Times of day at which no run begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackout: Vec<Blackout>,
    /// How its runs are conducted.
    #[serde(default, skip_serializing_if = "Conduct::is_default")]
    pub conduct: Conduct,
    /// What its drills do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
}

/// One destination of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreAt {
    /// Where.
    pub to: Destination,
    /// What stays there.
    #[serde(default)]
    pub keep: Keep,
}

/// How to reach etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Etcd {
    /// Addresses, tried in order.
    pub endpoints: Vec<String>,
    /// Which of etcd's two separate key spaces.
    #[serde(default)]
    pub api: EtcdApi,
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password; a reference, and not to etcd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Reference>,
    /// A file of certificates in PEM form to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The client's certificate, a file in PEM form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// The key of the client's certificate, a file in PEM form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// How long one endpoint may take to answer; none means five seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub timeout: Option<Duration>,
}

/// Which of etcd's two key spaces; neither sees the other's keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EtcdApi {
    /// `/v2/keys` over HTTP, read only: what CoreOS-era clusters hold.
    V2,
    /// gRPC, etcd 3.0 and later.
    #[default]
    V3,
}

/// A time of day, in the archive's time zone, at which no run begins; `until` may lie before `from`, over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blackout {
    /// First moment.
    pub from: jiff::civil::Time,
    /// First moment after it.
    pub until: jiff::civil::Time,
}

impl Blackout {
    /// Whether a time of day lies in it.
    #[must_use]
    pub fn covers(self, time: jiff::civil::Time) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            time >= self.from || time < self.until
        }
    }
}

/// Why a text is not a compiled job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Not JSON of the expected form.
    #[error("the compiled job cannot be read")]
    Form(#[source] serde_json::Error),
    /// Written by another version of the generator.
    #[error(
        "the compiled job has version {found}, this runner reads version {JOB_VERSION}: install the runner that belongs to the generator, or generate the units again"
    )]
    Version {
        /// The version found.
        found: u64,
    },
}

impl Job {
    /// The job as JSON on one line; the same job is the same bytes.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// Reads what [`Job::to_json`] wrote.
    ///
    /// # Errors
    /// Another version, or another form.
    pub fn from_json(text: &str) -> Result<Self, JobError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(JobError::Form)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(JOB_VERSION) => Err(JobError::Version { found: version }),
            _ => serde_json::from_value(value).map_err(JobError::Form),
        }
    }

    /// SHA-256 of the job's JSON, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hex = String::new();
        for byte in Sha256::digest(self.to_json().to_string()) {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Every value that may be a reference, in no particular order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let of_store = self.store.iter().flat_map(|store| store.to.kind.values());
        let of_source = self.sources.iter().flat_map(Source::values).map(|(value, _)| value);
        let passphrase = self.archive.encrypt.iter().filter_map(|encrypt| encrypt.passphrase.as_ref());
        of_store.chain(of_source).chain(passphrase).chain(self.conduct.values())
    }

    /// Every reference, etcd's own password included.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let password = self.etcd.iter().filter_map(|etcd| etcd.password.as_ref());
        self.values().filter_map(Value::reference).chain(password)
    }
}

#[cfg(test)]
mod tests;
