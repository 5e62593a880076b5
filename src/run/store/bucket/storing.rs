//! What goes with each object to the server, and whether the server did as it was told.

use super::ask::Stored;
use super::sign::Besides;
use crate::archive::{INDEX_SUFFIX, MANIFEST_SUFFIX};
use crate::destination::{Checksum, LockMode};
use crate::run::mark::MarkKind;
use jiff::{SignedDuration, Timestamp};
use object_store::{Attribute, Attributes, PutMode, PutMultipartOptions, PutOptions};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const LOCK_MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const LOCK_UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");
/// With a lock S3 wants to be told that a digest comes, besides the digest.
const DIGEST_COMES: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const LEGAL_HOLD: HeaderName = HeaderName::from_static("x-amz-object-lock-legal-hold");

/// What goes with each object.
#[derive(Debug, Clone, Default)]
pub struct Storing {
    /// The class of archives.
    pub storage_class: Option<String>,
    /// How the server encrypts.
    pub encryption: Option<Encrypting>,
    /// The digest for the server to check.
    pub checksum: Option<Checksum>,
    /// How archives are locked.
    pub lock: Option<Locking>,
}

/// How the server encrypts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encrypting {
    /// With keys of its own.
    Aes256,
    /// With a key of the key management service: that one, or the account's usual one.
    Kms(Option<String>),
}

/// How archives are locked.
#[derive(Debug, Clone)]
pub struct Locking {
    /// Who may lift it, and how long it lasts.
    pub retention: Option<(LockMode, Duration)>,
    /// Whether it also holds until somebody lifts it.
    pub legal_hold: bool,
}

impl Encrypting {
    /// In S3's words.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms(_) => "aws:kms",
        }
    }
}

/// In S3's words.
fn mode_word(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    }
}

impl Storing {
    /// S3 wants a digest with whatever is locked.
    pub(super) fn checksum(&self) -> Option<Checksum> {
        self.checksum.or_else(|| self.lock.as_ref().map(|_| Checksum::Sha256))
    }

    /// The spec's keys that are said, in backticks.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        let Self { storage_class, encryption, checksum, lock } = self;
        let said = [
            (storage_class.is_some(), "`storage_class:`"),
            (encryption.is_some(), "`server_side_encryption:`"),
            (checksum.is_some(), "`checksum:`"),
            (lock.is_some(), "`object_lock:`"),
        ];
        said.into_iter().filter(|(said, _)| *said).map(|(_, key)| key).collect()
    }

    /// The class of an object. What every run reads stays in the bucket's usual one: some classes cannot be read at once,
    /// and small objects cost more in others.
    fn class_of(&self, name: &str) -> Option<&str> {
        let is_read = name.ends_with(MANIFEST_SUFFIX) || name.contains(INDEX_SUFFIX) || MarkKind::of(name).is_some();
        self.storage_class.as_deref().filter(|_| !is_read)
    }

    /// The lock of an object. Marks have none: people take them away again.
    fn lock_of(&self, name: &str) -> Option<&Locking> {
        self.lock.as_ref().filter(|_| MarkKind::of(name).is_none())
    }

    fn attributes(&self, name: &str) -> Attributes {
        let class = self.class_of(name).map(|class| (Attribute::StorageClass, class.to_owned()));
        class.into_iter().collect()
    }

    fn besides(&self, name: &str, now: Timestamp) -> Option<Besides> {
        let mut headers = HeaderMap::new();
        let digest = self.checksum().map(|checksum| match checksum {
            Checksum::Sha256 => "SHA256",
            Checksum::Crc64nvme => "CRC64NVME",
        });
        headers.extend(digest.map(|digest| (DIGEST_COMES, HeaderValue::from_static(digest))));
        if let Some(Locking { retention, legal_hold }) = self.lock_of(name) {
            if let Some((mode, lasts)) = retention {
                headers.insert(LOCK_MODE, HeaderValue::from_static(mode_word(*mode)));
                let until = HeaderValue::from_str(&until(now, *lasts).to_string()).ok();
                headers.extend(until.map(|until| (LOCK_UNTIL, until)));
            }
            headers.extend(legal_hold.then(|| (LEGAL_HOLD, HeaderValue::from_static("ON"))));
        }
        (!headers.is_empty()).then_some(Besides(headers))
    }

    /// What goes with an object in one request.
    pub(super) fn put(&self, mode: PutMode, name: &str, now: Timestamp) -> PutOptions {
        let mut options = PutOptions { mode, attributes: self.attributes(name), ..PutOptions::default() };
        if let Some(besides) = self.besides(name, now) {
            options.extensions.insert(besides);
        }
        options
    }

    /// What goes with the first request of an upload in parts.
    pub(super) fn begin(&self, name: &str, now: Timestamp) -> PutMultipartOptions {
        let mut options = PutMultipartOptions { attributes: self.attributes(name), ..PutMultipartOptions::default() };
        if let Some(besides) = self.besides(name, now) {
            options.extensions.insert(besides);
        }
        options
    }

    /// Whether anything goes with an object of which the server tells afterwards.
    pub(super) fn is_told_of(&self, name: &str) -> bool {
        self.class_of(name).is_some() || self.encryption.is_some() || self.lock_of(name).is_some()
    }

    /// The first of the spec's keys that the server took and did nothing about.
    pub(super) fn ignored(&self, name: &str, stored: &Stored) -> Option<&'static str> {
        let Stored { version: _, storage_class, encryption, lock_mode, locked_until, legal_hold } = stored;
        let unlocked = |Locking { retention, legal_hold: hold }: &Locking| {
            let mode = retention.map(|(mode, _)| mode_word(mode));
            mode.is_some_and(|mode| lock_mode.as_deref() != Some(mode) || locked_until.is_none())
                || (*hold && !*legal_hold)
        };
        if self.lock_of(name).is_some_and(unlocked) {
            return Some("object_lock");
        }
        if self.encryption.as_ref().is_some_and(|wanted| encryption.as_deref() != Some(wanted.word())) {
            return Some("server_side_encryption");
        }
        // Servers do not tell of their usual class.
        let usual = |class: &str| class == "STANDARD" && storage_class.is_none();
        let other = |class: &str| !usual(class) && storage_class.as_deref() != Some(class);
        self.class_of(name).is_some_and(other).then_some("storage_class")
    }
}

/// When a lock ends that begins now, in whole seconds.
fn until(now: Timestamp, lasts: Duration) -> Timestamp {
    let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    let end = now.checked_add(lasts).unwrap_or(Timestamp::MAX);
    Timestamp::from_second(end.as_second()).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storing() -> Storing {
        let lock = Locking { retention: Some((LockMode::Governance, Duration::from_secs(3600))), legal_hold: true };
        Storing {
            storage_class: Some("GLACIER".into()),
            encryption: Some(Encrypting::Kms(None)),
            checksum: None,
            lock: Some(lock),
        }
    }

    #[test]
    fn what_every_run_reads_is_never_put_where_it_cannot_be_read() {
        let storing = storing();
        assert_eq!(storing.class_of("a_etc_2026.tar.zst"), Some("GLACIER"));
        for name in ["a_manifest_2026.json", "a_etc_2026.index.zst", "a_etc_2026.index.zst.age", "a_2026.json.pin"] {
            assert_eq!(storing.class_of(name), None, "{name}");
        }
        assert!(storing.lock_of("a_manifest_2026.json").is_some());
        assert!(storing.lock_of("a_manifest_2026.json.pin").is_none(), "nobody could take a pin away");
    }

    #[test]
    fn a_lock_is_told_in_whole_seconds_and_comes_with_a_digest() {
        let now: Timestamp = "2026-11-27T02:00:00.75Z".parse().unwrap();
        let Some(Besides(headers)) = storing().besides("a.tar", now) else { panic!("no headers") };
        assert_eq!(headers.get(LOCK_UNTIL).unwrap(), "2026-11-27T03:00:00Z");
        assert_eq!(headers.get(LOCK_MODE).unwrap(), "GOVERNANCE");
        assert_eq!(headers.get(LEGAL_HOLD).unwrap(), "ON");
        assert_eq!(headers.get(DIGEST_COMES).unwrap(), "SHA256");
        assert_eq!(storing().checksum(), Some(Checksum::Sha256));
        assert_eq!(until(now, Duration::MAX).as_second(), Timestamp::MAX.as_second());
    }

    #[test]
    fn what_a_server_did_not_do_is_found_out() {
        let stored = Stored {
            version: None,
            storage_class: Some("GLACIER".into()),
            encryption: Some("aws:kms".into()),
            lock_mode: Some("GOVERNANCE".into()),
            locked_until: Some(Timestamp::UNIX_EPOCH),
            legal_hold: true,
        };
        let told = |stored: Stored| storing().ignored("a.tar", &stored);
        assert_eq!(told(stored.clone()), None);
        assert_eq!(told(Stored { legal_hold: false, ..stored.clone() }), Some("object_lock"));
        assert_eq!(told(Stored { locked_until: None, ..stored.clone() }), Some("object_lock"));
        assert_eq!(told(Stored { encryption: None, ..stored.clone() }), Some("server_side_encryption"));
        assert_eq!(told(Stored { storage_class: None, ..stored }), Some("storage_class"));
    }
}
