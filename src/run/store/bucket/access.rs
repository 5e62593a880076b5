//! How any service is reached: its address, whose certificates are trusted, how often a request is tried again.

use super::paced::Paced;
use super::wire::Wire;
use crate::run::store::{StoreError, StoreErrorKind, Throttle};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after a request's first try another one is begun. Signatures are good for 15 minutes.
const RETRY_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How often a request is tried again; with the pauses below that is some 25 seconds for a server that refuses at once.
const RETRIES_MAX: usize = 7;
/// The first pause before trying again; each is about twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How a destination's server is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access<'a> {
    /// The destination's name in the spec.
    pub(super) destination: &'a str,
    /// The service's address; none means the provider's own.
    pub(super) endpoint: Option<&'a str>,
    /// Certificates in PEM form to trust besides the system's.
    pub(super) ca_pem: Option<&'a [u8]>,
    /// Whether `http://` to another machine is allowed.
    pub(super) allow_http: bool,
    /// The proxy in between, user and password in it; none means what the environment says.
    pub(super) proxy: Option<&'a SecretString>,
    /// What slows uploads.
    pub(super) upload: Option<&'a Throttle>,
}

impl<'a> Access<'a> {
    pub(super) fn wrong(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::new(StoreErrorKind::Other, format!("the destination `{}`: {what}", self.destination))
    }

    fn speaks_plainly(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
    }

    /// The endpoint without a final `/`, which must be one that may be spoken to.
    pub(super) fn checked_endpoint(&self) -> Result<Option<&'a str>, StoreError> {
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let url = reqwest::Url::parse(endpoint);
        let url = url.map_err(|error| {
            self.wrong(format!("the endpoint `{endpoint}` is not an address such as https://s3.example.com"))
                .because(error)
        })?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http || is_here(&url) => {}
            "http" => {
                let error = self.wrong(format!("`{endpoint}` would carry the archives unencrypted"));
                return Err(error.help("use https://, or say `allow_http: true` at the destination"));
            }
            other => return Err(self.wrong(format!("`{other}:` is not a scheme for an endpoint, https: is"))),
        }
        Ok(Some(endpoint.trim_end_matches('/')))
    }

    /// For people: where it is, unless that is the provider's own address.
    pub(super) fn at(&self) -> String {
        self.endpoint.map(|endpoint| format!(" ({endpoint})")).unwrap_or_default()
    }

    /// What requests go through.
    pub(super) fn wire(&self) -> Result<Wire, StoreError> {
        crate::run::tls::install_provider();
        let (own, proxy) = (self.certificates()?, self.checked_proxy()?);
        let client = self.client(own, proxy).map_err(|error| self.unconnected(error.without_url()))?;
        Ok(Wire::through(Paced { client, throttle: self.upload.cloned().unwrap_or_else(Throttle::meter) }))
    }

    /// Where the system has no certificates, the destination's own do; plain http needs none.
    fn client(&self, own: Vec<Certificate>, proxy: Option<&str>) -> reqwest::Result<Client> {
        let proxy = proxy.map(Proxy::all).transpose()?;
        let builder = || {
            let builder = Client::builder().connect_timeout(CONNECT_TIMEOUT).http1_only().redirect(Policy::none());
            proxy.iter().cloned().fold(builder, ClientBuilder::proxy)
        };
        if self.speaks_plainly() {
            return builder().tls_certs_only(own).build();
        }
        match builder().tls_certs_merge(own.clone()).build() {
            Err(_) if !own.is_empty() => builder().tls_certs_only(own).build(),
            other => other,
        }
    }

    /// What a builder of `object_store` is told besides: what concerns connections is the wire's.
    pub(super) fn client_options(&self) -> ClientOptions {
        ClientOptions::new().with_allow_http(self.speaks_plainly())
    }

    /// What such a builder has made.
    pub(super) fn connected<C: super::Client + 'static>(
        &self,
        built: object_store::Result<C>,
    ) -> Result<Arc<dyn super::Client>, StoreError> {
        Ok(Arc::new(built.map_err(|error| self.unconnected(error))?))
    }

    fn unconnected(&self, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        let error = self.wrong("no connection can be set up").because(error);
        error.help("if the host has no certificates: install them (Debian: ca-certificates), or give `ca_file:`")
    }

    /// The proxy's address.
    fn checked_proxy(&self) -> Result<Option<&'a str>, StoreError> {
        let Some(proxy) = self.proxy else { return Ok(None) };
        let proxy = proxy.expose_secret().trim();
        let is_one = |url: reqwest::Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        if reqwest::Url::parse(proxy).is_ok_and(is_one) {
            return Ok(Some(proxy));
        }
        let error = self.wrong("`proxy:` is not an address such as http://proxy.example.com:3128");
        Err(error.help("what the proxy's user or password holds besides letters and digits is written as %XX there"))
    }

    fn certificates(&self) -> Result<Vec<Certificate>, StoreError> {
        let Some(pem) = self.ca_pem else { return Ok(vec![]) };
        let found = Certificate::from_pem_bundle(pem)
            .map_err(|error| self.wrong("`ca_file:` is not in PEM form").because(error))?;
        if found.is_empty() { Err(self.wrong("`ca_file:` holds no certificate")) } else { Ok(found) }
    }
}

/// Whether an address is this machine's loopback.
fn is_here(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// How often a request is tried again, and when.
pub(super) fn retries() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: 2.0 };
    RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT }
}
