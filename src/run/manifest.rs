//! What a set of archives holds, stored beside them and last: a set without its manifest is not complete.

use crate::archive::Compression;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the manifest's form that this program writes and reads.
pub const MANIFEST_VERSION: u32 = 2;
/// A manifest that is longer is not read, in bytes: real ones have some kilobytes.
pub const MANIFEST_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// How many warnings a manifest repeats; a run that touched a million vanished files says so once.
pub const WARNINGS_MAX: usize = 200;

/// A set of archives that one run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`]; also what tells a manifest from other JSON.
    pub eightbells_manifest: u32,
    /// The job.
    pub job: String,
    /// Its instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The host that ran it.
    pub host: String,
    /// The run.
    pub run: String,
    /// The run's instant, as in the names.
    pub time: Timestamp,
    /// The version of the program that made it.
    pub tool: String,
    /// The archives, in the job's order.
    pub objects: Vec<Entry>,
    /// What went slightly wrong, or could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One archive of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The source.
    pub source: String,
    /// The object's name at the destination.
    pub name: String,
    /// What the name ends with before compression: `tar`, `sql`.
    pub content: String,
    /// Its length in bytes.
    pub size: u64,
    /// The length of what is in it, uncompressed, in bytes.
    pub raw_size: u64,
    /// SHA-256 of the object, in hexadecimal.
    pub sha256: String,
    /// How it is compressed.
    pub compression: Compression,
    /// How many files and folders are in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// Of how many frames it is, each of which can be unpacked alone.
    pub frames: u64,
    /// Where its frames and its members begin: see [`crate::run::index`]; encrypted where the object is.
    pub index: Index,
}

/// Where an object's index is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// Here, in base 64: it is short.
    Inline(String),
    /// An object of its own.
    Object(Stored),
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name at the destination.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
}

impl Entry {
    /// The archive itself.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored { name: self.name.clone(), size: self.size, sha256: self.sha256.clone() }
    }

    /// Everything of it that lies at a destination: the archive, and its index where that is an object of its own.
    pub fn all_stored(&self) -> impl Iterator<Item = Stored> {
        let index = match &self.index {
            Index::Object(stored) => Some(stored.clone()),
            Index::Inline(_) => None,
        };
        std::iter::once(self.stored()).chain(index)
    }
}

/// Why a text is not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of that form.
    #[error("it is not a manifest")]
    Form(#[source] serde_json::Error),
    /// Of a form that this program does not know.
    #[error("it has version {0}, this program reads version {MANIFEST_VERSION}")]
    Version(u64),
}

impl Manifest {
    /// As JSON for people, too.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads what [`Manifest::to_json`] wrote; keys that are not known are left alone.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        let value: serde_json::Value = serde_json::from_slice(text).map_err(ManifestError::Form)?;
        match value.get("eightbells_manifest").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(MANIFEST_VERSION) => Err(ManifestError::Version(version)),
            _ => serde_json::from_value(value).map_err(ManifestError::Form),
        }
    }

    /// How much it takes at a destination, the manifest itself apart, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.stored().map(|object| object.size).fold(0, u64::saturating_add)
    }

    /// Every object of the set, the manifest itself apart: archives, and the indexes that are objects of their own.
    pub fn stored(&self) -> impl Iterator<Item = Stored> {
        self.objects.iter().flat_map(Entry::all_stored)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::run) fn manifest(time: &str, objects: &[(&str, &str, u64)]) -> Manifest {
        let entry = |(source, name, size): &(&str, &str, u64)| Entry {
            source: (*source).into(),
            name: (*name).into(),
            content: "tar".into(),
            size: *size,
            raw_size: 2 * size,
            sha256: "00".repeat(32),
            compression: Compression::Gzip { level: 6, threads: 2 },
            members: None,
            frames: 1,
            index: Index::Inline(String::new()),
        };
        Manifest {
            eightbells_manifest: MANIFEST_VERSION,
            job: "j".into(),
            instance: None,
            host: "h".into(),
            run: "0".into(),
            time: time.parse().unwrap(),
            tool: "0".into(),
            objects: objects.iter().map(entry).collect(),
            warnings: vec![],
        }
    }

    #[test]
    fn a_manifest_round_trips() {
        let manifest = manifest("2014-11-02T01:02:03Z", &[("pages", "x.tar.gz", 7), ("db", "y.sql", 8)]);
        assert_eq!(Manifest::from_json(manifest.to_json().as_bytes()).unwrap(), manifest);
        assert_eq!(manifest.size(), 15);
    }

    #[test]
    fn a_later_version_is_told_from_what_is_none() {
        let later = manifest("2014-11-02T01:02:03Z", &[])
            .to_json()
            .replace("\"eightbells_manifest\": 2", "\"eightbells_manifest\": 3");
        assert!(matches!(Manifest::from_json(later.as_bytes()), Err(ManifestError::Version(3))));
        assert!(matches!(Manifest::from_json(b"{}"), Err(ManifestError::Form(_))));
        assert!(matches!(Manifest::from_json(b"\xff"), Err(ManifestError::Form(_))));
    }

    #[test]
    fn keys_of_later_programs_are_left_alone() {
        let more = manifest("2014-11-02T01:02:03Z", &[]).to_json().replacen('{', "{\"new\": 1,", 1);
        Manifest::from_json(more.as_bytes()).unwrap();
    }
}
