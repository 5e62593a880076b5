//! Keys under leases, in the v3 key space: what outlives no host.

use super::v3::{connect, meaning_of, within};
use super::{Access, EtcdError, Trouble, shown};
use crate::contract::{Etcd, EtcdApi};
use crate::run::tls;
use etcd_client::{Client, Compare, CompareOp, GetOptions, PutOptions, Txn, TxnOp};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// A lease: keys under it go when it ends.
#[derive(Debug, Clone, Copy)]
pub struct Lease(i64);

/// A connection.
#[derive(Clone)]
pub struct Session {
    client: Box<Client>,
    access: Arc<Access>,
    endpoint: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.endpoint)
    }
}

impl Session {
    /// Connects to the first endpoint that answers.
    ///
    /// # Errors
    /// No endpoint answers, or it refuses the user.
    pub async fn open(etcd: &Etcd, password: Option<&SecretString>) -> Result<Self, EtcdError> {
        tls::install_provider();
        let access = Arc::new(Access::new(etcd, password)?);
        let mut tried = vec![];
        for endpoint in &etcd.endpoints {
            let opened = async {
                let client = connect(endpoint, &access).await?;
                // The client connects only when it is asked something.
                let asked =
                    within(&access, client.kv_client().get("/eightbells", Some(GetOptions::new().with_count_only())))
                        .await;
                match asked.map_err(|failed| meaning_of(failed, "/eightbells", &access)) {
                    Ok(_) | Err(Trouble::Final(EtcdError::Denied { .. })) => Ok(client),
                    Err(trouble) => Err(trouble),
                }
            };
            match Box::pin(opened).await {
                Ok(client) => return Ok(Self { client: Box::new(client), access, endpoint: shown(endpoint) }),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Endpoint(error)) => tried.push((shown(endpoint), error)),
            }
        }
        Err(EtcdError::Unreachable { tried, api: EtcdApi::V3 })
    }

    fn failed(&self, trouble: Trouble) -> EtcdError {
        match trouble {
            Trouble::Final(error) => error,
            Trouble::Endpoint(error) => {
                EtcdError::Unreachable { tried: vec![(self.endpoint.clone(), error)], api: EtcdApi::V3 }
            }
        }
    }

    /// A new lease of this life.
    ///
    /// # Errors
    /// etcd does not answer, or refuses.
    pub async fn grant(&self, life: Duration) -> Result<Lease, EtcdError> {
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let mut client = self.client.lease_client();
        let granted = within(&self.access, client.grant(seconds, None)).await;
        let granted = granted.map_err(|failed| self.failed(meaning_of(failed, "a lease", &self.access)))?;
        Ok(Lease(granted.id()))
    }

    /// Gives a lease its whole life again; false where it has ended.
    ///
    /// # Errors
    /// etcd does not answer.
    pub async fn renew(&self, lease: Lease) -> Result<bool, EtcdError> {
        let mut client = self.client.lease_client();
        match within(&self.access, client.keep_alive(lease.0)).await {
            Ok(_) => Ok(true),
            Err(failed) if failed.is_ended_lease() => Ok(false),
            Err(failed) => Err(self.failed(meaning_of(failed, "a lease", &self.access))),
        }
    }

    /// Ends a lease, with every key under it.
    ///
    /// # Errors
    /// etcd does not answer.
    pub async fn revoke(&self, lease: Lease) -> Result<(), EtcdError> {
        let mut client = self.client.lease_client();
        let revoked = within(&self.access, client.revoke(lease.0)).await;
        revoked.map(drop).map_err(|failed| self.failed(meaning_of(failed, "a lease", &self.access)))
    }

    /// Makes a key under a lease; false where there is one already.
    ///
    /// # Errors
    /// etcd does not answer, or refuses.
    pub async fn create(&self, key: &str, value: &str, lease: Lease) -> Result<bool, EtcdError> {
        let absent = Compare::create_revision(key, CompareOp::Equal, 0);
        let put = TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease.0)));
        let mut client = self.client.kv_client();
        let done = within(&self.access, client.txn(Txn::new().when([absent]).and_then([put]))).await;
        let done = done.map_err(|failed| self.failed(meaning_of(failed, key, &self.access)))?;
        Ok(done.succeeded())
    }

    /// The values of all keys that begin so.
    ///
    /// # Errors
    /// etcd does not answer, or refuses.
    pub async fn values_below(&self, prefix: &str) -> Result<Vec<String>, EtcdError> {
        let mut client = self.client.kv_client();
        let found = within(&self.access, client.get(prefix, Some(GetOptions::new().with_prefix()))).await;
        let found = found.map_err(|failed| self.failed(meaning_of(failed, prefix, &self.access)))?;
        Ok(found.kvs().iter().map(|pair| String::from_utf8_lossy(pair.value()).into_owned()).collect())
    }
}
