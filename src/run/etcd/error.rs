//! What can go wrong with etcd, each with what to do about it.

use crate::contract::EtcdApi;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why keys could not be read from etcd.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// No endpoint answers.
    #[error("no etcd endpoint answers: {}{}", list(tried), other_api_may_answer(*api, tried))]
    Unreachable {
        /// Each endpoint with what went wrong there.
        tried: Vec<(String, EndpointError)>,
        /// The key space that was asked.
        api: EtcdApi,
    },
    /// There are no such keys.
    #[error("etcd has no key {}{}", names(keys), other_world(*api))]
    MissingKeys {
        /// Which.
        keys: Vec<String>,
        /// The key space that was asked.
        api: EtcdApi,
    },
    /// The key is a folder of the v2 key space.
    #[error("the etcd key `{key}` is a folder, not a value: name one of the keys in it")]
    Folder {
        /// Which.
        key: String,
    },
    /// A value is not UTF-8.
    #[error("the value of the etcd key `{key}` is not text")]
    NotText {
        /// Which.
        key: String,
    },
    /// User or password are wrong.
    #[error(
        "etcd does not accept the password of the user `{user}`, or knows no such user: look at `user` and `password` below `etcd`"
    )]
    WrongPassword {
        /// The user.
        user: String,
    },
    /// etcd wants a user and the spec names none.
    #[error("etcd wants a user and a password: give `user` and `password` below `etcd`")]
    LoginNeeded,
    /// The spec names a user and etcd knows none.
    #[error(
        "authentication is not enabled in this etcd, so that the user `{user}` cannot log in: leave `user` and `password` out, or enable it (`etcdctl auth enable`)"
    )]
    NoAuthentication {
        /// The user.
        user: String,
    },
    /// The user may not read a key.
    #[error("the etcd user {} may not read `{key}`: grant a role of the user's the permission (`etcdctl role grant-permission ROLE read {key}`)", user.as_ref().map_or("of nobody".to_owned(), |user| format!("`{user}`")))]
    Denied {
        /// The user.
        user: Option<String>,
        /// The key.
        key: String,
    },
    /// Snapshots are for the role `root`.
    #[error("etcd gives snapshots to users of the role `root` alone, and {} is none: name one with `user` (`etcdctl user grant-role USER root`)", user.as_ref().map_or("nobody".to_owned(), |user| format!("`{user}`")))]
    SnapshotDenied {
        /// The user.
        user: Option<String>,
    },
    /// The stream of a snapshot broke off.
    #[error("the snapshot broke off: {0}")]
    SnapshotCut(EndpointError),
    /// The user may not read a key of v2's, or is not the user: v2 does not tell which.
    #[error(
        "etcd refuses `{key}` to the user `{user}`: the password is wrong, or the user may not read it (the v2 key space does not say which)"
    )]
    Refused {
        /// The user.
        user: String,
        /// The key.
        key: String,
    },
    /// A user without a password.
    #[error("the etcd user `{user}` has no password: give `password` below `etcd`, as a reference")]
    NoPassword {
        /// The user.
        user: String,
    },
    /// A client certificate needs both.
    #[error("`{given}` below `etcd` needs `{missing}` with it")]
    HalfIdentity {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// A certificate or key cannot be read.
    #[error("the file `{}`, named below `etcd`, cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key is not one.
    #[error(
        "the certificates and keys named below `etcd` cannot be used: they must be in PEM form, and the key must belong to the certificate"
    )]
    Certificates(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The v2 key space is switched off.
    #[error(
        "this etcd does not serve the v2 key space (3.4 and later need `--enable-v2`, 3.6 has none): set `api: v3` below `etcd`"
    )]
    NoV2,
    /// Built without the feature `etcd`.
    #[error(
        "this runner was built without the feature `etcd`, and reads no v3 keys: install one that has it, or set `api: v2` where the keys are of that kind"
    )]
    NoV3,
    /// Any other answer.
    #[error("etcd refuses to tell `{key}`: {answer}")]
    Answer {
        /// The key that was asked for.
        key: String,
        /// Its words.
        answer: String,
    },
}

/// Why an endpoint does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing came.
    #[error("no answer within {}", crate::value::format_duration(*.0))]
    Timeout(Duration),
    /// The address is none.
    #[error("this is no address: write it as `http://HOST:2379`")]
    Address,
    /// The connection failed, or was not understood.
    #[error("{0}")]
    Connection(String),
}

fn list(tried: &[(String, EndpointError)]) -> String {
    if tried.is_empty() {
        return "none is given below `etcd`".to_owned();
    }
    tried.iter().map(|(endpoint, error)| format!("{endpoint}: {error}")).collect::<Vec<_>>().join("; ")
}

fn names(keys: &[String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn other_world(api: EtcdApi) -> &'static str {
    match api {
        EtcdApi::V3 => {
            " among its v3 keys; v2 and v3 keys are separate worlds: one that was written with `etcdctl set` or `ETCDCTL_API=2` needs `api: v2` below `etcd`"
        }
        EtcdApi::V2 => {
            " among its v2 keys; v2 and v3 keys are separate worlds: one that was written with `etcdctl put` or `ETCDCTL_API=3` needs `api: v3` below `etcd`"
        }
    }
}

/// A server that accepts connections and does not speak HTTP/2 is perhaps as old as CoreOS.
fn other_api_may_answer(api: EtcdApi, tried: &[(String, EndpointError)]) -> &'static str {
    let odd = |(_, error): &(String, EndpointError)| matches!(error, EndpointError::Connection(text) if text.contains("http2") || text.contains("protocol"));
    if api == EtcdApi::V3 && tried.iter().any(odd) {
        " (an etcd older than 3.0 needs `api: v2` below `etcd`)"
    } else {
        ""
    }
}

/// An error and its causes on one line, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
