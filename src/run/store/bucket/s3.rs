//! S3 and what speaks like it: from settings to a client.

use super::Client;
use super::access::{Access, retries};
use crate::destination::Addressing;
use crate::run::store::{StoreError, Throttle};
use object_store::aws::AmazonS3Builder;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// The region that requests are signed for where none is said.
const REGION_DEFAULT: &str = "us-east-1";
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
    /// What slows uploads.
    pub upload: Option<Throttle>,
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

    fn access(&self) -> Access<'_> {
        Access {
            destination: &self.destination,
            endpoint: self.endpoint.as_deref(),
            ca_pem: self.ca_pem.as_deref(),
            allow_http: self.allow_http,
            upload: self.upload.as_ref(),
        }
    }

    /// With the bucket where `object_store` leaves it to us: it takes the endpoint of virtual-hosted requests as it is.
    fn full_endpoint(&self) -> Result<Option<String>, StoreError> {
        let endpoint = self.access().checked_endpoint()?;
        Ok(endpoint.map(|endpoint| match (self.addressing, endpoint.split_once("://")) {
            (Addressing::Virtual, Some((scheme, host))) => format!("{scheme}://{}.{host}", self.bucket),
            (Addressing::Virtual, None) | (Addressing::Path, _) => endpoint.to_owned(),
        }))
    }
}

pub(super) fn connect(options: &S3Options) -> Result<Arc<dyn Client>, StoreError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&options.bucket)
        .with_region(options.region.as_deref().unwrap_or(REGION_DEFAULT))
        .with_virtual_hosted_style_request(options.addressing == Addressing::Virtual)
        .with_disable_bulk_delete(true)
        .with_retry(retries())
        .with_http_connector(options.access().wire()?);
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
    options.access().connect(|client| builder.clone().with_client_options(client).build())
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
            upload: None,
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
