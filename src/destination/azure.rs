//! Containers in Azure's Blob Storage.

use super::{Parts, at};
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

/// A container in Azure's Blob Storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// The account's address, scheme included, which connection strings call `BlobEndpoint`; none means
    /// `https://ACCOUNT.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Value>,
    /// The storage account.
    pub account: Value,
    /// The container; it must exist.
    pub container: Value,
    /// One of the account's keys, always a reference; either it is there or `sas_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<Value>,
    /// A shared access signature, always a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sas_token: Option<Value>,
    /// What every blob's name begins with, usually ending in `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Value>,
    /// A file of certificates in PEM form to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<Template>,
    /// Whether plain `http://` may be spoken to an endpoint that is not this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
}

impl Azure {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { endpoint, account, container, access_key, sas_token, prefix, ca_file, allow_http: _ } = self;
        Parts {
            open: [endpoint, prefix].into_iter().flatten().chain([account, container]).collect(),
            secret: [access_key, sas_token].into_iter().flatten().collect(),
            files: ca_file.iter().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        let prefix = self.prefix.as_ref().map(text).unwrap_or_default();
        let at = at(self.endpoint.as_ref(), text);
        format!("azure://{}/{}/{prefix}{at}", text(&self.account), text(&self.container))
    }
}
