//! Buckets in Google Cloud Storage.

use super::{Parts, at};
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

/// A bucket in Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcs {
    /// The service's address, scheme included; none means `https://storage.googleapis.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Value>,
    /// The bucket; it must exist.
    pub bucket: Value,
    /// The key of a service account, as the JSON file that Google hands out; always a reference.
    pub service_account: Value,
    /// What every object's name begins with, usually ending in `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Value>,
    /// A file of certificates in PEM form to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<Template>,
    /// Whether plain `http://` may be spoken to an endpoint that is not this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
}

impl Gcs {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { endpoint, bucket, service_account, prefix, ca_file, allow_http: _ } = self;
        Parts {
            open: [endpoint, prefix].into_iter().flatten().chain([bucket]).collect(),
            secret: vec![service_account],
            files: ca_file.iter().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        let prefix = self.prefix.as_ref().map(text).unwrap_or_default();
        format!("gs://{}/{prefix}{}", text(&self.bucket), at(self.endpoint.as_ref(), text))
    }
}
