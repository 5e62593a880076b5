//! Folders of hosts that are reached by SSH.

use super::Parts;
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

/// A folder of another host, through that host's SSH server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sftp {
    /// The host's name or address, or a `Host` of the user's SSH configuration.
    pub host: Value,
    /// The port; none means what the SSH configuration says, else 22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Who logs in; none means what the SSH configuration says, else the user who runs the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
    /// The folder: absolute, or relative to the folder in which the server begins a session.
    pub path: Value,
    /// Whether the folder is made where it is missing.
    pub create: bool,
    /// The file of the private key; none means what the SSH configuration and the agent have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<Template>,
    /// The file of hosts' keys to trust, in the form of `known_hosts`; none means the user's and the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<Template>,
}

impl Sftp {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { host, port: _, user, path, create: _, identity_file, known_hosts } = self;
        Parts {
            open: user.iter().chain([host, path]).collect(),
            secret: vec![],
            files: [identity_file, known_hosts].into_iter().flatten().collect(),
        }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        let user = self.user.as_ref().map(|user| format!("{}@", text(user))).unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = text(&self.path);
        // A path that does not begin at the root begins where the session does.
        let path = if path.starts_with('/') { path } else { format!("/~/{path}") };
        format!("sftp://{user}{}{port}{}", text(&self.host), path.trim_end_matches('/'))
    }
}
