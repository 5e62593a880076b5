//! Buckets in S3-compatible object storage.

use super::{Parts, at};
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

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
        } = self;
        Parts {
            open: [endpoint, region, prefix].into_iter().flatten().chain([bucket]).collect(),
            secret: [access_key, secret_key, session_token].into_iter().flatten().collect(),
            files: ca_file.iter().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        let prefix = self.prefix.as_ref().map(text).unwrap_or_default();
        format!("s3://{}/{prefix}{}", text(&self.bucket), at(self.endpoint.as_ref(), text))
    }
}
