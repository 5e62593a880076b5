//! The v2 key space: `GET /v2/keys/KEY` over HTTP, read only.

use super::error::chain;
use super::{Access, EndpointError, EtcdError, Found, Trouble};
use reqwest::{Certificate, Client, Identity, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeSet;

/// etcd's number for "key not found" (error/error.go of etcd 2).
const KEY_NOT_FOUND: u64 = 100;
/// etcd's number for "the request requires user authentication".
const UNAUTHORIZED: u64 = 110;

#[derive(Debug, Deserialize)]
struct Answer {
    node: Node,
}

#[derive(Debug, Deserialize)]
struct Node {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    dir: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Refusal {
    error_code: u64,
    message: String,
}

pub(super) async fn read(endpoint: &str, access: &Access, keys: &BTreeSet<String>) -> Result<Found, Trouble> {
    let client = client(access).map_err(|error| Trouble::Final(EtcdError::Certificates(error.into())))?;
    let mut found = Found::new();
    for key in keys {
        found.insert(key.clone(), get(&client, endpoint, access, key).await?);
    }
    Ok(found)
}

fn client(access: &Access) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder().no_proxy().timeout(access.timeout).connect_timeout(access.timeout);
    if let Some(ca) = &access.ca {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca)?);
    }
    if let Some((cert, key)) = &access.identity {
        let both = [cert.as_slice(), b"\n", key].concat();
        builder = builder.identity(Identity::from_pem(&both)?);
    }
    builder.build()
}

fn address(endpoint: &str, key: &str) -> Option<Url> {
    let with_scheme = if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
    let mut url = Url::parse(&with_scheme).ok()?;
    let mut path = url.path_segments_mut().ok()?;
    path.pop_if_empty().extend(["v2", "keys"]).extend(key.trim_start_matches('/').split('/'));
    drop(path);
    url.set_query(Some("quorum=true"));
    Some(url)
}

async fn get(client: &Client, endpoint: &str, access: &Access, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let url = address(endpoint, key).ok_or(Trouble::Endpoint(EndpointError::Address))?;
    let mut request = client.get(url);
    if let Some((user, password)) = &access.user {
        request = request.basic_auth(user, Some(password.expose_secret()));
    }
    let answered = async {
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    };
    let (status, body) = answered.await.map_err(|error: reqwest::Error| not_answered(error, access))?;
    understood(status, &body, access, key)
}

fn not_answered(error: reqwest::Error, access: &Access) -> Trouble {
    let error = error.without_url();
    Trouble::Endpoint(if error.is_timeout() {
        EndpointError::Timeout(access.timeout)
    } else {
        EndpointError::Connection(chain(&error))
    })
}

/// What status and body mean.
fn understood(status: StatusCode, body: &str, access: &Access, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let key = key.to_owned();
    if status.is_success() {
        return match serde_json::from_str::<Answer>(body) {
            Ok(Answer { node: Node { dir: true, value: _ } }) => Err(Trouble::Final(EtcdError::Folder { key })),
            Ok(Answer { node: Node { dir: false, value } }) => Ok(value.map(String::into_bytes)),
            Err(_) => Err(Trouble::Endpoint(EndpointError::Connection("its answer is not etcd's".into()))),
        };
    }
    let refusal: Option<Refusal> = serde_json::from_str(body).ok();
    let code = refusal.as_ref().map_or(0, |refusal| refusal.error_code);
    match status {
        StatusCode::NOT_FOUND if code == KEY_NOT_FOUND => Ok(None),
        StatusCode::NOT_FOUND => Err(Trouble::Final(EtcdError::NoV2)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Trouble::Final(refused(access, key))),
        _ if code == UNAUTHORIZED => Err(Trouble::Final(refused(access, key))),
        _ if status.is_server_error() => {
            Err(Trouble::Endpoint(EndpointError::Connection(format!("it answers {status}"))))
        }
        _ => {
            let answer = refusal.map_or_else(|| status.to_string(), |refusal| refusal.message);
            Err(Trouble::Final(EtcdError::Answer { key, answer }))
        }
    }
}

/// v2 says one and the same of a wrong password and of a key that the user may not read.
fn refused(access: &Access, key: String) -> EtcdError {
    match &access.user {
        None => EtcdError::LoginNeeded,
        Some((user, _)) => EtcdError::Refused { user: user.clone(), key },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understand(status: u16, body: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let access = Access { user: None, ca: None, identity: None, timeout: super::super::TIMEOUT_DEFAULT };
        understood(StatusCode::from_u16(status).unwrap(), body, &access, "/k")
    }

    #[test]
    fn answers_of_etcd_2_are_understood() {
        let value =
            understand(200, r#"{"action":"get","node":{"key":"/k","value":"v","modifiedIndex":5,"createdIndex":5}}"#);
        assert!(matches!(value, Ok(Some(value)) if value == b"v"));
        assert!(matches!(
            understand(404, r#"{"errorCode":100,"message":"Key not found","cause":"/k","index":5}"#),
            Ok(None)
        ));
        assert!(matches!(understand(404, "404 page not found\n"), Err(Trouble::Final(EtcdError::NoV2))));
        assert!(matches!(
            understand(200, r#"{"node":{"key":"/k","dir":true}}"#),
            Err(Trouble::Final(EtcdError::Folder { .. }))
        ));
        assert!(matches!(
            understand(401, r#"{"message":"Insufficient credentials"}"#),
            Err(Trouble::Final(EtcdError::LoginNeeded))
        ));
        assert!(matches!(understand(503, ""), Err(Trouble::Endpoint(_))));
        assert!(matches!(understand(200, "<html>"), Err(Trouble::Endpoint(_))));
    }

    #[test]
    fn keys_are_escaped_in_addresses() {
        let text = |endpoint, key| address(endpoint, key).map(String::from);
        assert_eq!(
            text("http://h:2379/", "/a/b?c#d %"),
            Some("http://h:2379/v2/keys/a/b%3Fc%23d%20%25?quorum=true".into())
        );
        assert_eq!(text("h:2379", "k"), Some("http://h:2379/v2/keys/k?quorum=true".into()));
        assert_eq!(text("http://", "k"), None);
    }
}
