//! S3 and what speaks like it: from settings to a client.

use super::Client;
use super::access::{Access, retries};
use super::ask::Asking;
use super::sign::Signer;
use super::storing::{Encrypting, Storing};
use crate::destination::{Addressing, Checksum};
use crate::run::store::{StoreError, Throttle};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use secrecy::{ExposeSecret, SecretString};
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
    /// The proxy in between, user and password in it.
    pub proxy: Option<SecretString>,
    /// What goes with each object.
    pub storing: Storing,
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
        format!("s3://{}/{}{}", self.bucket, self.prefix, self.access().at())
    }

    fn access(&self) -> Access<'_> {
        Access {
            destination: &self.destination,
            endpoint: self.endpoint.as_deref(),
            ca_pem: self.ca_pem.as_deref(),
            allow_http: self.allow_http,
            proxy: self.proxy.as_ref(),
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

    fn region(&self) -> &str {
        self.region.as_deref().unwrap_or(REGION_DEFAULT)
    }

    /// The bucket's address.
    fn root(&self) -> Result<String, StoreError> {
        let (bucket, region) = (&self.bucket, self.region());
        Ok(match (self.full_endpoint()?, self.addressing) {
            (Some(endpoint), Addressing::Virtual) => endpoint,
            (Some(endpoint), Addressing::Path) => format!("{endpoint}/{bucket}"),
            (None, Addressing::Virtual) => format!("https://{bucket}.s3.{region}.amazonaws.com"),
            (None, Addressing::Path) => format!("https://s3.{region}.amazonaws.com/{bucket}"),
        })
    }

    /// What signs requests; none for anonymous ones.
    fn signer(&self) -> Result<Option<Arc<Signer>>, StoreError> {
        let Some(credentials) = &self.credentials else { return Ok(None) };
        let Credentials { access_key, secret_key: _, session_token } = credentials;
        let token = session_token.as_ref().map(ExposeSecret::expose_secret);
        for (key, text) in [("access_key", Some(access_key.as_str())), ("session_token", token)] {
            if text.is_some_and(|text| text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic())) {
                return Err(self
                    .access()
                    .wrong(format!("what `{key}:` refers to is no key: it is empty, or holds a blank or a line")));
            }
        }
        Ok(Some(Arc::new(Signer::new(credentials, self.region()))))
    }
}

/// The client, and what asks for what it has no call for; none of the latter for anonymous requests.
pub(super) fn connect(options: &S3Options) -> Result<(Arc<dyn Client>, Option<Asking>), StoreError> {
    let (access, signer) = (options.access(), options.signer()?);
    let (wire, root) = (access.wire()?, options.root()?);
    let asking = signer.clone().map(|signer| Asking { http: wire.client(), signer, root });
    let builder = builder(options)?.with_http_connector(wire.signing(signer));
    Ok((access.connected(builder.with_client_options(access.client_options()).build())?, asking))
}

fn builder(options: &S3Options) -> Result<AmazonS3Builder, StoreError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&options.bucket)
        .with_region(options.region())
        .with_virtual_hosted_style_request(options.addressing == Addressing::Virtual)
        .with_disable_bulk_delete(true)
        .with_retry(retries());
    if let Some(endpoint) = options.full_endpoint()? {
        builder = builder.with_endpoint(endpoint);
    }
    builder = match options.storing.checksum() {
        Some(Checksum::Sha256) => builder.with_checksum_algorithm(object_store::aws::Checksum::SHA256),
        Some(Checksum::Crc64nvme) => builder.with_checksum_algorithm(object_store::aws::Checksum::CRC64NVME),
        None => builder,
    };
    if let Some(encrypting) = &options.storing.encryption {
        let wrong = |error| options.access().wrong("`server_side_encryption:` cannot be asked for").because(error);
        let key: AmazonS3ConfigKey = "aws_server_side_encryption".parse().map_err(wrong)?;
        builder = match encrypting {
            Encrypting::Kms(Some(id)) => builder.with_sse_kms_encryption(id),
            Encrypting::Kms(None) | Encrypting::Aes256 => builder.with_config(key, encrypting.word()),
        };
    }
    Ok(match &options.credentials {
        None => builder.with_skip_signature(true),
        Some(Credentials { access_key, secret_key, session_token }) => {
            let builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key.expose_secret());
            session_token.iter().fold(builder, |builder, token| builder.with_token(token.expose_secret()))
        }
    })
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
            proxy: None,
            storing: Storing::default(),
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
        let aws = |addressing| S3Options { endpoint: None, ..options("", addressing) }.root().unwrap();
        assert_eq!(aws(Addressing::Virtual), "https://b.s3.us-east-1.amazonaws.com");
        assert_eq!(aws(Addressing::Path), "https://s3.us-east-1.amazonaws.com/b");
        assert_eq!(options("https://x:8/", Addressing::Path).root().unwrap(), "https://x:8/b");
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let garbage = S3Options { ca_pem: Some(b"nothing".to_vec()), ..options("https://x", Addressing::Path) };
        assert!(connect(&garbage).is_err());
    }

    #[test]
    fn keys_that_no_header_can_hold_and_proxies_that_are_none_are_refused_without_being_shown() {
        let credentials = |access_key: &str, token: Option<&str>| {
            let session_token = token.map(|token| SecretString::from(token.to_owned()));
            Some(Credentials { access_key: access_key.into(), secret_key: SecretString::from("s"), session_token })
        };
        let with = |credentials| connect(&S3Options { credentials, ..options("https://x", Addressing::Path) });
        with(credentials("AK", Some("tok/en=="))).map(drop).unwrap();
        for (key, token) in [("", None), ("A K", None), ("AK", Some("secret\nword"))] {
            let error = with(credentials(key, token)).map(drop).unwrap_err();
            assert!(error.to_string().contains("is no key") && !error.to_string().contains("word"), "{error}");
        }
        let through = |proxy: &str| {
            let proxy = Some(SecretString::from(proxy.to_owned()));
            connect(&S3Options { proxy, ..options("https://x", Addressing::Path) }).map(drop)
        };
        through("http://joe:hunter2@proxy.example:3128\n").unwrap();
        for wrong in ["proxy.example:3128", "socks5://joe:hunter2@proxy", "http://joe:hun/ter2@p"] {
            let error = through(wrong).unwrap_err();
            assert!(error.to_string().contains("`proxy:`") && !format!("{error:?}").contains("hun"), "{error:?}");
        }
    }
}
