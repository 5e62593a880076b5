//! Azure's Blob Storage: from settings to a client.

use super::Client;
use super::access::{Access, retries};
use super::wire::Wire;
use crate::run::store::{StoreError, Throttle};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::path::Path;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// The version of the service's protocol, the one that `object_store` speaks.
const VERSION: &str = "2023-11-03";

/// Where a container is, and how to get in.
#[derive(Debug, Clone)]
pub struct AzureOptions {
    /// The destination's name in the spec.
    pub destination: String,
    /// The account's address, which connection strings call `BlobEndpoint`; none means Azure's public cloud.
    pub endpoint: Option<String>,
    /// The storage account.
    pub account: String,
    /// The container.
    pub container: String,
    /// What every blob's name begins with.
    pub prefix: String,
    /// What lets in.
    pub pass: AzurePass,
    /// Certificates in PEM form to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
    /// What slows uploads.
    pub upload: Option<Throttle>,
}

/// What lets into a container.
#[derive(Debug, Clone)]
pub enum AzurePass {
    /// One of the account's two keys, which may do everything.
    Key(SecretString),
    /// A shared access signature, as the portal shows it.
    Sas(SecretString),
}

impl AzureOptions {
    /// For people, without anything secret.
    pub(super) fn place(&self) -> String {
        format!("azure://{}/{}/{}{}", self.account, self.container, self.prefix, self.access().at())
    }

    fn access(&self) -> Access<'_> {
        Access {
            destination: &self.destination,
            endpoint: self.endpoint.as_deref(),
            ca_pem: self.ca_pem.as_deref(),
            allow_http: self.allow_http,
            proxy: None,
            upload: self.upload.as_ref(),
        }
    }
}

/// Deletes blobs where a signature lets in: `object_store` deletes in batches only, whose inner requests Azurite answers with
/// status 500 where they are signed so.
#[derive(Debug)]
pub(super) struct Eraser {
    http: HttpClient,
    container: Url,
    sas: SecretString,
}

impl Eraser {
    /// None where the account's key lets in: then batches do.
    fn new(options: &AzureOptions, wire: &Wire) -> Result<Option<Self>, StoreError> {
        let AzurePass::Sas(sas) = &options.pass else { return Ok(None) };
        let access = options.access();
        let own = format!("https://{}.blob.core.windows.net", options.account);
        let address = format!("{}/{}", access.checked_endpoint()?.unwrap_or(&own), options.container);
        let container =
            Url::parse(&address).map_err(|error| access.wrong(format!("`{address}` is no address")).because(error))?;
        Ok(Some(Self { http: wire.client(), container, sas: sas.clone() }))
    }

    pub(super) async fn erase(&self, key: &Path) -> Result<(), object_store::Error> {
        let failed = |source| object_store::Error::Generic { store: "Azure", source };
        let mut url = self.container.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(key.parts().map(|part| part.as_ref().to_owned()));
        }
        url.query_pairs_mut().extend_pairs(sas_pairs(self.sas.expose_secret()));
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() = url.as_str().parse().map_err(|_| failed("a key that no address can hold".into()))?;
        request.headers_mut().insert("x-ms-version", HeaderValue::from_static(VERSION));
        self.http.execute(request).await.map(drop).map_err(|error| failed(Box::new(error)))
    }
}

/// The client, and what deletes in its place where it cannot.
pub(super) fn connect(options: &AzureOptions) -> Result<(Arc<dyn Client>, Option<Eraser>), StoreError> {
    let access = options.access();
    let wire = access.wire()?;
    let eraser = Eraser::new(options, &wire)?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&options.account)
        .with_container_name(&options.container)
        .with_retry(retries())
        .with_client_options(access.client_options())
        .with_http_connector(wire);
    if let Some(endpoint) = access.checked_endpoint()? {
        builder = builder.with_endpoint(endpoint.to_owned());
    }
    builder = match &options.pass {
        AzurePass::Key(key) => {
            let key = key.expose_secret().trim();
            if BASE64_STANDARD.decode(key).is_err() {
                return Err(access
                    .wrong("`access_key:` is no key of a storage account, which is in base64")
                    .help("copy `key1` or `key2` from the account's access keys; a SAS token is `sas_token:`"));
            }
            builder.with_access_key(key)
        }
        AzurePass::Sas(token) => {
            let pairs = sas_pairs(token.expose_secret());
            if !pairs.iter().any(|(name, _)| name == "sig") {
                return Err(access
                    .wrong("`sas_token:` is no shared access signature: it has no `sig=`")
                    .help("it looks like `sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&se=…&sig=…`"));
            }
            builder.with_sas_authorization(pairs)
        }
    };
    Ok((access.connected(builder.build())?, eraser))
}

/// The parameters of a signature, with the `?` that it is often copied with, or without.
fn sas_pairs(token: &str) -> Vec<(String, String)> {
    let address = format!("http://sas/?{}", token.trim().trim_start_matches('?'));
    let url = Url::parse(&address).ok();
    url.iter().flat_map(|url| url.query_pairs().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pass: AzurePass) -> AzureOptions {
        AzureOptions {
            destination: "d".into(),
            endpoint: None,
            account: "a".into(),
            container: "c".into(),
            prefix: String::new(),
            pass,
            ca_pem: None,
            allow_http: false,
            upload: None,
        }
    }

    #[test]
    fn what_is_no_key_and_no_signature_is_told_without_being_shown() {
        for pass in [AzurePass::Key("se-cret!".into()), AzurePass::Sas("se-cret!".into())] {
            let error = connect(&options(pass)).unwrap_err();
            assert!(!format!("{error:?}").contains("se-cret"), "{error:?}");
            assert!(!error.helps().is_empty());
        }
        connect(&options(AzurePass::Key("c2VjcmV0\n".into()))).unwrap();
        connect(&options(AzurePass::Sas("?sv=1&sig=a%2Bb%3D".into()))).unwrap();
    }

    #[test]
    fn a_signature_is_read_as_it_is_copied() {
        let pairs = sas_pairs("?sv=2022-11-02&sig=a%2Bb%3D\n");
        assert_eq!(pairs, [("sv".into(), "2022-11-02".into()), ("sig".into(), "a+b=".into())]);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let at = |endpoint: &str| {
            let endpoint = Some(endpoint.to_owned());
            AzureOptions { endpoint, ..options(AzurePass::Key("c2VjcmV0".into())) }
        };
        connect(&at("http://127.0.0.1:10000/a")).unwrap();
        assert!(connect(&at("http://far.example/a")).unwrap_err().helps()[0].contains("allow_http"));
    }
}
