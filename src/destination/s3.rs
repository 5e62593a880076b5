//! Buckets in S3-compatible object storage.

use super::{Parts, at};
use crate::value::{Template, Value, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A bucket in S3-compatible object storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The service's address, scheme included; none means AWS in `region`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Value>,
    /// The region that requests are signed for; none means `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Value>,
    /// The bucket; it must exist.
    pub bucket: Value,
    /// Access key; none means anonymous requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<Value>,
    /// Secret key, always a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<Value>,
    /// Token of a temporary key, always a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Value>,
    /// What every object's name begins with, usually ending in `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Value>,
    /// Where the bucket's name goes.
    pub addressing: Addressing,
    /// A file of certificates in PEM form to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<Template>,
    /// Whether plain `http://` may be spoken to an endpoint that is not this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
    /// The proxy that the service is reached through, `http://` or `https://`; none means what the environment says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Value>,
    /// The class that archives are stored in, in the service's own words; none means the bucket's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// How the service encrypts what it stores; none means as the bucket says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_encryption: Option<Encryption>,
    /// The digest that goes with each upload, for the server to check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// How long nobody can remove an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_lock: Option<ObjectLock>,
}

/// Whose keys a service encrypts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// S3's own (SSE-S3, `AES256`).
    Aes256,
    /// The account's usual key of the key management service (SSE-KMS, `aws:kms`).
    Kms,
    /// That key of the key management service.
    KmsKeyId(Value),
}

/// A digest that S3 checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// SHA-256.
    Sha256,
    /// CRC-64/NVME.
    Crc64nvme,
}

/// A lock on each archive (S3 Object Lock); `mode` and `for` are there both, or neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectLock {
    /// Who may lift it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<LockMode>,
    /// How long it holds, from the upload's begin on.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub lasts: Option<Duration>,
    /// Whether it also holds until somebody takes the legal hold away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legal_hold: bool,
}

/// Who may lift a lock before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Whoever has the right to (`s3:BypassGovernanceRetention`).
    Governance,
    /// Nobody, not even the account's owner.
    Compliance,
}

/// Where the bucket's name goes in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressing {
    /// `https://endpoint/bucket/key`, what most S3-compatible services take.
    Path,
    /// `https://bucket.endpoint/key`.
    Virtual,
}

impl S3 {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self {
            endpoint,
            region,
            bucket,
            access_key,
            secret_key,
            session_token,
            prefix,
            addressing: _,
            ca_file,
            allow_http: _,
            proxy,
            storage_class: _,
            server_side_encryption,
            checksum: _,
            object_lock: _,
        } = self;
        let key = match server_side_encryption {
            Some(Encryption::KmsKeyId(key)) => Some(key),
            Some(Encryption::Aes256 | Encryption::Kms) | None => None,
        };
        // A proxy that is read from elsewhere may hold a password.
        let (hidden, proxy) = proxy.iter().partition::<Vec<_>, _>(|proxy| proxy.reference().is_some());
        let secret = [access_key, secret_key, session_token].into_iter().flatten();
        Parts {
            open: [endpoint, region, prefix].into_iter().flatten().chain([bucket]).chain(key).chain(proxy).collect(),
            secret: secret.chain(hidden).collect(),
            files: ca_file.iter().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        let prefix = self.prefix.as_ref().map(text).unwrap_or_default();
        format!("s3://{}/{prefix}{}", text(&self.bucket), at(self.endpoint.as_ref(), text))
    }
}
