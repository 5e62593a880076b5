//! The v3 key space, over gRPC.

use super::error::chain;
use super::{Access, EndpointError, EtcdError, Found, Trouble};
use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;
use std::future::Future;

pub(super) async fn read(endpoint: &str, access: &Access, keys: &BTreeSet<String>) -> Result<Found, Trouble> {
    let mut client = connect(endpoint, access).await?;
    let mut found = Found::new();
    for key in keys {
        let answer =
            within(access, client.get(key.as_str(), None)).await.map_err(|trouble| trouble.meaning(key, access))?;
        found.insert(key.clone(), answer.kvs().first().map(|pair| pair.value().to_vec()));
    }
    Ok(found)
}

pub(super) async fn connect(endpoint: &str, access: &Access) -> Result<Client, Trouble> {
    let client = within(access, Client::connect([endpoint], Some(options(endpoint, access)))).await;
    client.map_err(|failed| failed.meaning("", access))
}

pub(super) fn meaning_of(failed: Failed, key: &str, access: &Access) -> Trouble {
    failed.meaning(key, access)
}

/// Streams a snapshot of the whole key space; `sink` takes each piece, and says whether it takes more.
pub(super) async fn snapshot(
    endpoint: &str,
    access: &Access,
    sink: &mut impl FnMut(Vec<u8>) -> bool,
) -> Result<(), Trouble> {
    let failed = |trouble: Failed| match trouble.meaning("", access) {
        Trouble::Final(EtcdError::Denied { user, key: _ }) => Trouble::Final(EtcdError::SnapshotDenied { user }),
        other => other,
    };
    // A limit of the whole call would end a snapshot that takes long.
    let client = within(access, Client::connect([endpoint], Some(options(endpoint, access)))).await;
    let mut client = client.map_err(failed)?;
    let mut pieces = within(access, client.snapshot()).await.map_err(failed)?;
    while let Some(piece) = pieces.message().await.map_err(|error| failed(Failed::Error(error)))? {
        if !sink(piece.blob().to_vec()) {
            break;
        }
    }
    Ok(())
}

fn options(endpoint: &str, access: &Access) -> ConnectOptions {
    let mut options = ConnectOptions::new().with_connect_timeout(access.timeout).with_timeout(access.timeout);
    if let Some((user, password)) = &access.user {
        options = options.with_user(user, password.expose_secret()).with_auto_token_refresh(true);
    }
    // The client refuses TLS settings for a plain address.
    if endpoint.starts_with("http://") { options } else { with_tls(options, endpoint, access) }
}

fn with_tls(options: ConnectOptions, endpoint: &str, access: &Access) -> ConnectOptions {
    let wanted = endpoint.starts_with("https://") || access.ca.is_some() || access.identity.is_some();
    if !wanted {
        return options;
    }
    let mut tls = TlsOptions::new();
    tls = match &access.ca {
        Some(ca) => tls.ca_certificate(Certificate::from_pem(ca)),
        None => tls.with_native_roots(),
    };
    if let Some((cert, key)) = &access.identity {
        tls = tls.identity(Identity::from_pem(cert, key));
    }
    options.with_tls(tls)
}

/// Why a call did not succeed.
pub(super) enum Failed {
    Late,
    Error(Error),
}

pub(super) async fn within<T>(access: &Access, call: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
    match tokio::time::timeout(access.timeout, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failed::Error(error)),
        Err(_) => Err(Failed::Late),
    }
}

impl Failed {
    /// Whether the lease is gone.
    pub(super) fn is_ended_lease(&self) -> bool {
        match self {
            Self::Error(Error::LeaseKeepAliveError(_)) => true,
            Self::Error(Error::GRpcStatus(status)) => status.message().contains("lease not found"),
            Self::Error(_) | Self::Late => false,
        }
    }

    fn meaning(self, key: &str, access: &Access) -> Trouble {
        match self {
            Self::Late => Trouble::Endpoint(EndpointError::Timeout(access.timeout)),
            Self::Error(Error::InvalidUri(_)) => Trouble::Endpoint(EndpointError::Address),
            Self::Error(Error::GRpcStatus(status)) => of_status(status.message(), chain(&status), key, access),
            // The client's own error does not tell its cause.
            Self::Error(Error::TransportError(error)) => Trouble::Endpoint(EndpointError::Connection(chain(&error))),
            Self::Error(other) => Trouble::Endpoint(EndpointError::Connection(chain(&other))),
        }
    }
}

/// etcd's codes are few for many reasons; its words are stable (api/v3rpc/rpctypes/error.go).
fn of_status(words: &str, whole: String, key: &str, access: &Access) -> Trouble {
    let user = || access.user.as_ref().map(|(user, _)| user.clone());
    let says = |needle: &str| words.contains(needle);
    if says("invalid user ID or password") || says("invalid auth token") {
        Trouble::Final(EtcdError::WrongPassword { user: user().unwrap_or_default() })
    } else if says("user name is empty") {
        Trouble::Final(EtcdError::LoginNeeded)
    } else if says("authentication is not enabled") {
        Trouble::Final(EtcdError::NoAuthentication { user: user().unwrap_or_default() })
    } else if says("permission denied") {
        Trouble::Final(EtcdError::Denied { user: user(), key: key.to_owned() })
    } else if words.to_ascii_lowercase().contains("timeout expired") {
        Trouble::Endpoint(EndpointError::Timeout(access.timeout))
    } else if words.starts_with("etcdserver: ") && !says("no leader") && !says("timed out") {
        Trouble::Final(EtcdError::Answer { key: key.to_owned(), answer: words.to_owned() })
    } else {
        Trouble::Endpoint(EndpointError::Connection(whole))
    }
}
