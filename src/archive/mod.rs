//! How an archive is packed and named.

mod name;

pub use name::{ArchiveName, Identity, NameError, NamePattern, ParsedName, safe};

use crate::value::Template;
use serde::{Deserialize, Serialize};

/// How the archives of a job are packed and named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// What an object is called, without its extension.
    pub name: ArchiveName,
    /// How it is compressed.
    pub compression: Compression,
    /// The time zone of `{time:…}`, an IANA name; UTC unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, readable by every tool there is.
    Gzip {
        /// 1–9.
        level: u32,
    },
    /// Zstandard: faster and smaller.
    Zstd {
        /// 1–19.
        level: i32,
        /// How many threads compress, at least one.
        threads: u32,
    },
}

impl Compression {
    /// gzip's level where none is said, as gzip's own.
    pub const GZIP_LEVEL_DEFAULT: u32 = 6;
    /// zstd's level where none is said, as zstd's own.
    pub const ZSTD_LEVEL_DEFAULT: i32 = 3;
    /// zstd's threads where none are said.
    pub const ZSTD_THREADS_DEFAULT: u32 = 2;

    /// What it adds to a name, with its dot.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip { .. } => ".gz",
            Self::Zstd { .. } => ".zst",
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        let threads = Compression::ZSTD_THREADS_DEFAULT;
        let compression = Compression::Zstd { level: Compression::ZSTD_LEVEL_DEFAULT, threads };
        Self { name: ArchiveName::for_job(false, false), compression, timezone: None }
    }
}

/// The name that a set's manifest takes where an archive has its source's.
pub const MANIFEST_SOURCE: &str = "manifest";
/// What a manifest's name ends with.
pub const MANIFEST_SUFFIX: &str = ".json";

/// The template of a name where the spec gives none: job, instance where there are instances, host where every host
/// runs the job, source, and time.
fn default_template(instances: bool, hosts: bool) -> Template {
    let instance = if instances { "_{instance}" } else { "" };
    let host = if hosts { "_{host}" } else { "" };
    let text = format!("{{job}}{instance}{host}_{{source}}_{{time:%Y-%m-%dT%H-%M-%SZ}}");
    Template::parse(&text).unwrap_or_default()
}
