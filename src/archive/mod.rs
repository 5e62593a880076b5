//! How an archive is packed and named.

mod name;
mod part;
mod recipient;

pub use name::{ArchiveName, Identity, NameError, NamePattern, ParsedName, safe};
pub use part::{ANY_PART, PART_MARK, part_name, part_of, source_of};

pub use recipient::{RecipientError, RecipientKind, recipient_kind, ssh_key};

use crate::value::{Template, Value};
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
    /// How much of the content goes into one frame, in bytes, between [`FRAME_MIN_BYTES`] and [`FRAME_MAX_BYTES`]; none
    /// means what suits the compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_size: Option<u64>,
    /// How it is encrypted, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypt: Option<Encrypt>,
}

/// For whom archives are encrypted: for recipients, of whom there is one at least, or by a passphrase alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encrypt {
    /// Public keys: `age1…`, `ssh-ed25519 …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// A file of the host with more of them, one a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients_file: Option<Template>,
    /// A passphrase; always a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Value>,
}

/// How an archive that lies at a destination is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cipher {
    /// With age (age-encryption.org/v1).
    Age,
}

/// What encryption adds to a name, with its dot.
pub const AGE_SUFFIX: &str = ".age";

/// The shortest frame: below, every frame's own start costs more than a few hundredths.
pub const FRAME_MIN_BYTES: u64 = 64 << 10;
/// The longest frame: each compressor holds one, and one that is packed.
pub const FRAME_MAX_BYTES: u64 = 256 << 20;

impl Archive {
    /// What compression and encryption add to a name, with their dots.
    #[must_use]
    pub fn suffix(&self) -> String {
        format!("{}{}", self.compression.suffix(), self.cipher_suffix())
    }

    /// What encryption adds to a name, with its dot.
    #[must_use]
    pub fn cipher_suffix(&self) -> &'static str {
        if self.encrypt.is_some() { AGE_SUFFIX } else { "" }
    }

    /// How much of the content goes into one frame, in bytes: each is compressed alone, so that a part of the archive
    /// can be read without the rest, and so that several threads compress at once.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        self.frame_size.unwrap_or(match self.compression {
            // What frames of these lengths cost against one, measured on a tree of /usr and on SQL-like text: 0.1 to
            // 0.3 % at gzip 6; at most 1.5 % at zstd 3 (8 MiB 0.2 %, 1 MiB 5 %); 0.3 % at zstd 15 (4 MiB 5 %).
            Compression::Gzip { .. } => 1 << 20,
            Compression::Zstd { level: ..10, .. } | Compression::None => 4 << 20,
            Compression::Zstd { level: 10.., .. } => 16 << 20,
        })
    }
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
        /// How many threads compress, at least one.
        threads: u32,
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
    /// How many threads compress where none are said.
    pub const THREADS_DEFAULT: u32 = 2;

    /// How many threads compress.
    #[must_use]
    pub fn threads(self) -> usize {
        match self {
            Self::None => 1,
            Self::Gzip { threads, level: _ } | Self::Zstd { threads, level: _ } => {
                usize::try_from(threads).unwrap_or(1).max(1)
            }
        }
    }

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
        let threads = Compression::THREADS_DEFAULT;
        let compression = Compression::Zstd { level: Compression::ZSTD_LEVEL_DEFAULT, threads };
        Self { name: ArchiveName::for_job(false, false), compression, timezone: None, frame_size: None, encrypt: None }
    }
}

/// The name that a set's manifest takes where an archive has its source's.
pub const MANIFEST_SOURCE: &str = "manifest";
/// What the name of an archive's index ends with, after what its source gives it, encryption apart.
pub const INDEX_SUFFIX: &str = ".index.zst";
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
