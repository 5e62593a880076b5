//! Where archives are kept, as data; the connection is the runner's `Store`.

mod azure;
mod gcs;
mod limit;
mod rclone;
mod s3;
mod sftp;
mod webdav;

pub use azure::Azure;
pub use gcs::Gcs;
pub use limit::{Limit, RATE_MIN};
pub use rclone::Rclone;
pub use s3::{Addressing, Checksum, Encryption, LockMode, ObjectLock, S3};
pub use sftp::Sftp;
pub use webdav::WebDav;

use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};

/// A named place for archives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its name in the spec.
    pub name: String,
    /// What it is.
    pub kind: DestinationKind,
    /// How fast its bytes go at the most.
    #[serde(default, skip_serializing_if = "Limit::is_none")]
    pub limit: Limit,
}

/// What a destination is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationKind {
    /// A folder of the host.
    Local(Local),
    /// A bucket in S3-compatible object storage.
    S3(Box<S3>),
    /// A container in Azure's Blob Storage.
    Azure(Box<Azure>),
    /// A bucket in Google Cloud Storage.
    Gcs(Box<Gcs>),
    /// A folder of another host, by SSH.
    Sftp(Box<Sftp>),
    /// A folder of a WebDAV server.
    Webdav(Box<WebDav>),
    /// A remote of the rclone program.
    Rclone(Box<Rclone>),
}

/// What of a destination is filled in when its job runs.
#[derive(Debug, Clone, Default)]
pub struct Parts<'a> {
    /// Values that everybody may know: a bucket, a path.
    pub open: Vec<&'a Value>,
    /// Values that are never shown.
    pub secret: Vec<&'a Value>,
    /// Files of the host that are read.
    pub files: Vec<&'a Template>,
}

/// The server that a destination is behind, as far as the spec tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server<'a> {
    /// None: it is of this host.
    None,
    /// One with this address, or at this host.
    At(&'a Value),
    /// One that only the job's run finds out.
    Somewhere,
}

impl DestinationKind {
    /// What of it is filled in when its job runs.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        match self {
            Self::Local(Local { path, create: _ }) => Parts { open: vec![path], ..Parts::default() },
            Self::S3(s3) => s3.parts(),
            Self::Azure(azure) => azure.parts(),
            Self::Gcs(gcs) => gcs.parts(),
            Self::Sftp(sftp) => sftp.parts(),
            Self::Webdav(webdav) => webdav.parts(),
            Self::Rclone(rclone) => rclone.parts(),
        }
    }

    /// Every value that may be a reference.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let Parts { open, secret, files: _ } = self.parts();
        open.into_iter().chain(secret)
    }

    /// Where it is, for people and for telling places apart; `text` makes a value's text.
    #[must_use]
    pub fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        match self {
            Self::Local(Local { path, create: _ }) => {
                let path = text(path);
                let short = path.trim_end_matches('/');
                if short.is_empty() { path } else { short.to_owned() }
            }
            Self::S3(s3) => s3.place(text),
            Self::Azure(azure) => azure.place(text),
            Self::Gcs(gcs) => gcs.place(text),
            Self::Sftp(sftp) => sftp.place(text),
            Self::Webdav(webdav) => webdav.place(text),
            Self::Rclone(rclone) => rclone.place(text),
        }
    }

    /// The server that it is behind.
    #[must_use]
    pub fn server(&self) -> Server<'_> {
        match self {
            Self::Local(_) => Server::None,
            Self::S3(s3) => s3.endpoint.as_ref().map_or(Server::Somewhere, Server::At),
            Self::Azure(azure) => azure.endpoint.as_ref().map_or(Server::Somewhere, Server::At),
            Self::Gcs(gcs) => gcs.endpoint.as_ref().map_or(Server::Somewhere, Server::At),
            Self::Sftp(sftp) => Server::At(&sftp.host),
            Self::Webdav(webdav) => Server::At(&webdav.url),
            Self::Rclone(_) => Server::Somewhere,
        }
    }
}

/// An address in parentheses, where there is one.
fn at(endpoint: Option<&Value>, text: &dyn Fn(&Value) -> String) -> String {
    endpoint.map(|endpoint| format!(" ({})", text(endpoint))).unwrap_or_default()
}

/// A folder of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// The absolute path.
    pub path: Value,
    /// Whether the runner makes the folder where it is missing. `false` guards against a disk that is not mounted.
    pub create: bool,
}
