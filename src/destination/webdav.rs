//! Folders of WebDAV servers.

use super::Parts;
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

/// A folder of a WebDAV server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebDav {
    /// The folder's address, without user and password.
    pub url: Value,
    /// Who logs in; none means nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
    /// The user's password, always a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Value>,
    /// Whether the folder is made where it is missing.
    pub create: bool,
    /// A file of certificates in PEM form to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<Template>,
    /// Whether plain `http://` may be spoken to a server that is not this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
}

impl WebDav {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { url, user, password, create: _, ca_file, allow_http: _ } = self;
        Parts {
            open: user.iter().chain([url]).collect(),
            secret: password.iter().collect(),
            files: ca_file.iter().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        text(&self.url).trim_end_matches('/').to_owned()
    }
}
