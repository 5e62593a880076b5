//! Reading keys from etcd, in either of its two key spaces.

mod error;
#[cfg(feature = "etcd")]
mod session;
mod v2;
#[cfg(feature = "etcd")]
mod v3;

pub use error::{EndpointError, EtcdError};
#[cfg(feature = "etcd")]
pub use session::{Lease, Session};

use crate::contract::{Etcd, EtcdApi};
use crate::run::tls;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// How long one endpoint may take to answer where nothing is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Values by their keys; a final line break, as `echo … | etcdctl put KEY` leaves one, is not part of a value.
pub type Values = BTreeMap<String, SecretString>;

/// Reads all these keys through one connection, from the first endpoint that answers.
///
/// # Errors
/// No endpoint answers; the first that does refuses the user or a key, or lacks keys.
pub async fn read(etcd: &Etcd, password: Option<&SecretString>, keys: &BTreeSet<String>) -> Result<Values, EtcdError> {
    if keys.is_empty() {
        return Ok(Values::new());
    }
    tls::install_provider();
    let access = Access::new(etcd, password)?;
    let mut tried = vec![];
    for endpoint in &etcd.endpoints {
        let asked = match etcd.api {
            EtcdApi::V2 => v2::read(endpoint, &access, keys).await,
            EtcdApi::V3 => read_v3(endpoint, &access, keys).await,
        };
        match asked {
            Ok(found) => return values(found, keys, etcd.api),
            Err(Trouble::Endpoint(error)) => {
                tracing::warn!(endpoint = %shown(endpoint), "an etcd endpoint does not answer: {error}");
                tried.push((shown(endpoint), error));
            }
            Err(Trouble::Final(error)) => return Err(error),
        }
    }
    Err(EtcdError::Unreachable { tried, api: etcd.api })
}

/// Streams a snapshot of the v3 key space from the first endpoint that answers; `sink` takes each piece, and says whether
/// it takes more.
///
/// # Errors
/// No endpoint answers, the user may not, or the stream breaks off.
#[cfg(feature = "etcd")]
pub async fn snapshot(
    etcd: &Etcd,
    password: Option<&SecretString>,
    mut sink: impl FnMut(Vec<u8>) -> bool,
) -> Result<(), EtcdError> {
    tls::install_provider();
    let access = Access::new(etcd, password)?;
    let mut tried = vec![];
    let begun = std::cell::Cell::new(false);
    let mut counting = |piece: Vec<u8>| {
        begun.set(true);
        sink(piece)
    };
    for endpoint in &etcd.endpoints {
        match Box::pin(v3::snapshot(endpoint, &access, &mut counting)).await {
            Ok(()) => return Ok(()),
            Err(Trouble::Endpoint(error)) => tried.push((shown(endpoint), error)),
            Err(Trouble::Final(error)) => return Err(error),
        }
        if begun.get() {
            break;
        }
    }
    match tried.pop() {
        Some((_, error)) if begun.get() => Err(EtcdError::SnapshotCut(error)),
        last => Err(EtcdError::Unreachable { tried: tried.into_iter().chain(last).collect(), api: etcd.api }),
    }
}

#[cfg(feature = "etcd")]
use v3::read as read_v3;

#[cfg(not(feature = "etcd"))]
fn read_v3(_: &str, _: &Access, _: &BTreeSet<String>) -> std::future::Ready<Result<Found, Trouble>> {
    std::future::ready(Err(Trouble::Final(EtcdError::NoV3)))
}

/// What an endpoint told of each key; none where there is no such key.
type Found = BTreeMap<String, Option<Vec<u8>>>;

/// Why an endpoint did not give the keys.
enum Trouble {
    /// It did not answer: another one may.
    Endpoint(EndpointError),
    /// It answered, and another one would say the same.
    Final(EtcdError),
}

/// What every endpoint is told and trusted by.
struct Access {
    user: Option<(String, SecretString)>,
    ca: Option<Vec<u8>>,
    /// The client's certificate and its key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
    timeout: Duration,
}

impl Access {
    fn new(etcd: &Etcd, password: Option<&SecretString>) -> Result<Self, EtcdError> {
        let Etcd { endpoints: _, api: _, user, password: _, ca_file, cert_file, key_file, timeout } = etcd;
        let user = match (user, password) {
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            (Some(user), None) => return Err(EtcdError::NoPassword { user: user.clone() }),
            (None, _) => None,
        };
        let identity = match (cert_file, key_file) {
            (Some(cert), Some(key)) => Some((pem(cert)?, pem(key)?)),
            (None, None) => None,
            (Some(_), None) => return Err(EtcdError::HalfIdentity { given: "cert_file", missing: "key_file" }),
            (None, Some(_)) => return Err(EtcdError::HalfIdentity { given: "key_file", missing: "cert_file" }),
        };
        let ca = ca_file.as_deref().map(pem).transpose()?;
        Ok(Self { user, ca, identity, timeout: timeout.unwrap_or(TIMEOUT_DEFAULT) })
    }
}

fn pem(path: &str) -> Result<Vec<u8>, EtcdError> {
    std::fs::read(path).map_err(|source| EtcdError::File { path: PathBuf::from(path), source })
}

fn values(found: Found, keys: &BTreeSet<String>, api: EtcdApi) -> Result<Values, EtcdError> {
    let missing: Vec<String> = keys.iter().filter(|key| found.get(*key).is_none_or(Option::is_none)).cloned().collect();
    if !missing.is_empty() {
        return Err(EtcdError::MissingKeys { keys: missing, api });
    }
    let text = |(key, bytes): (String, Option<Vec<u8>>)| match String::from_utf8(bytes.unwrap_or_default()) {
        Ok(text) => Ok((key, SecretString::from(without_line_break(&text)))),
        Err(_) => Err(EtcdError::NotText { key }),
    };
    found.into_iter().map(text).collect()
}

/// A text less one final line break.
pub(super) fn without_line_break(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text)
}

/// An endpoint as it may be shown: without a password in its address.
fn shown(endpoint: &str) -> String {
    match (endpoint.split_once("://"), endpoint.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_without_its_password() {
        assert_eq!(shown("http://u:p@h:2379"), "http://h:2379");
        assert_eq!(shown("http://h:2379"), "http://h:2379");
    }

    #[cfg(not(feature = "etcd"))]
    #[test]
    fn without_the_feature_v3_keys_are_refused_with_the_reason() {
        let etcd = serde_json::from_value(serde_json::json!({"endpoints": ["http://127.0.0.1:1"]})).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(read(&etcd, None, &BTreeSet::from(["/k".to_owned()]))).unwrap_err();
        assert!(matches!(error, EtcdError::NoV3));
    }

    #[test]
    fn one_final_line_break_is_not_part_of_a_value() {
        let breaks = ["a", "a\n", "a\r\n", "a\n\n", "\n"].map(without_line_break);
        assert_eq!(breaks, ["a", "a", "a", "a\n", ""]);
    }

    #[test]
    fn missing_keys_are_named_with_the_other_key_space() {
        let keys = BTreeSet::from(["/a".to_owned(), "/b".into()]);
        let found = Found::from([("/a".to_owned(), Some(b"x".to_vec())), ("/b".into(), None)]);
        let error = values(found, &keys, EtcdApi::V3).unwrap_err().to_string();
        assert!(error.contains("`/b`") && !error.contains("`/a`") && error.contains("api: v2"), "{error}");
    }
}
