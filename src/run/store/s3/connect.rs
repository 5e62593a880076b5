//! From settings to a client.

use super::wire::Wire;
use crate::destination::Addressing;
use crate::run::store::{StoreError, StoreErrorKind};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::time::Duration;

/// The region that requests are signed for where none is said.
const REGION_DEFAULT: &str = "us-east-1";
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

/// Where a bucket is, and how to get in.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// The destination's name in the spec.
    pub destination: String,
    /// The service's address; none means AWS.
    pub endpoint: Option<String>,
    /// The region to sign for.
    pub region: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// What every key begins with.
    pub prefix: String,
    /// None for anonymous requests.
    pub credentials: Option<Credentials>,
    /// Where the bucket's name goes.
    pub addressing: Addressing,
    /// Certificates in PEM form to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
}

/// A key for S3.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its public part.
    pub access_key: String,
    /// Its secret part.
    pub secret_key: SecretString,
    /// The token of a temporary key.
    pub session_token: Option<SecretString>,
}

impl S3Options {
    /// For people, without anything secret.
    pub(super) fn place(&self) -> String {
        let at = self.endpoint.as_ref().map(|endpoint| format!(" ({endpoint})")).unwrap_or_default();
        format!("s3://{}/{}{at}", self.bucket, self.prefix)
    }

    fn wrong(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::new(StoreErrorKind::Other, format!("the destination `{}`: {what}", self.destination))
    }

    fn speaks_plainly(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }

    /// The endpoint without a final `/`, which must be one that may be spoken to.
    fn checked_endpoint(&self) -> Result<Option<&str>, StoreError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
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

    /// With the bucket where `object_store` leaves it to us: it takes the endpoint of virtual-hosted requests as it is.
    fn full_endpoint(&self) -> Result<Option<String>, StoreError> {
        let endpoint = self.checked_endpoint()?;
        Ok(endpoint.map(|endpoint| match (self.addressing, endpoint.split_once("://")) {
            (Addressing::Virtual, Some((scheme, host))) => format!("{scheme}://{}.{host}", self.bucket),
            (Addressing::Virtual, None) | (Addressing::Path, _) => endpoint.to_owned(),
        }))
    }

    fn certificates(&self) -> Result<Vec<Certificate>, StoreError> {
        let Some(pem) = &self.ca_pem else { return Ok(vec![]) };
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

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The system's, and those of the destination's own.
    SystemAndOwn,
    /// The destination's own alone, where there are any.
    Own,
}

pub(super) fn connect(options: &S3Options) -> Result<AmazonS3, StoreError> {
    // A client for plain http cannot be made on a host without certificates either, unless it is told not to look.
    if options.speaks_plainly() {
        return connect_trusting(options, Trust::Own);
    }
    match connect_trusting(options, Trust::SystemAndOwn) {
        Err(_) if options.ca_pem.is_some() => connect_trusting(options, Trust::Own),
        other => other,
    }
}

fn connect_trusting(options: &S3Options, trust: Trust) -> Result<AmazonS3, StoreError> {
    // Another part of the program may have chosen one already; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&options.bucket)
        .with_region(options.region.as_deref().unwrap_or(REGION_DEFAULT))
        .with_virtual_hosted_style_request(options.addressing == Addressing::Virtual)
        .with_disable_bulk_delete(true)
        .with_retry(retries())
        .with_http_connector(Wire::default())
        .with_client_options(client(options, trust)?);
    if let Some(endpoint) = options.full_endpoint()? {
        builder = builder.with_endpoint(endpoint);
    }
    builder = match &options.credentials {
        None => builder.with_skip_signature(true),
        Some(Credentials { access_key, secret_key, session_token }) => {
            let builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key.expose_secret());
            session_token.iter().fold(builder, |builder, token| builder.with_token(token.expose_secret()))
        }
    };
    builder.build().map_err(|error| {
        let error = options.wrong("no connection can be set up").because(error);
        error.help("if the host has no certificates: install them (Debian: ca-certificates), or give `ca_file:`")
    })
}

fn client(options: &S3Options, trust: Trust) -> Result<ClientOptions, StoreError> {
    let client = ClientOptions::new()
        .with_allow_http(options.speaks_plainly())
        .with_no_system_certificates(trust == Trust::Own)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout_disabled()
        .with_read_timeout_disabled();
    Ok(options.certificates()?.into_iter().fold(client, ClientOptions::with_root_certificate))
}

fn retries() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: 2.0 };
    RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(endpoint: &str, addressing: Addressing) -> S3Options {
        S3Options {
            destination: "d".into(),
            endpoint: Some(endpoint.into()),
            region: None,
            bucket: "b".into(),
            prefix: "p/".into(),
            credentials: None,
            addressing,
            ca_pem: None,
            allow_http: false,
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for here in ["http://127.0.0.1:9", "http://localhost:9/", "http://[::1]:9", "https://far.example"] {
            connect(&options(here, Addressing::Path)).unwrap();
        }
        let error = connect(&options("http://far.example", Addressing::Path)).unwrap_err();
        assert!(error.helps()[0].contains("allow_http"), "{error}");
        connect(&S3Options { allow_http: true, ..options("http://far.example", Addressing::Path) }).unwrap();
        assert!(connect(&options("ftp://x", Addressing::Path)).is_err());
        assert!(connect(&options("far.example", Addressing::Path)).is_err());
    }

    #[test]
    fn a_virtual_host_holds_the_bucket() {
        let endpoint = options("https://s3.example:8/", Addressing::Virtual).full_endpoint().unwrap();
        assert_eq!(endpoint.as_deref(), Some("https://b.s3.example:8"));
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let garbage = S3Options { ca_pem: Some(b"nothing".to_vec()), ..options("https://x", Addressing::Path) };
        assert!(connect(&garbage).is_err());
    }
}
