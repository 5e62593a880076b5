//! Google Cloud Storage: from settings to a client.

use super::Client;
use super::access::{Access, retries};
use crate::run::store::{StoreError, Throttle};
use object_store::gcp::GoogleCloudStorageBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// What the key of a service account must hold as text.
const KEY_FIELDS: [&str; 3] = ["client_email", "private_key", "private_key_id"];

/// Where a bucket is, and how to get in.
#[derive(Debug, Clone)]
pub struct GcsOptions {
    /// The destination's name in the spec.
    pub destination: String,
    /// The service's address; none means Google's.
    pub endpoint: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// What every object's name begins with.
    pub prefix: String,
    /// The key of a service account, as the JSON file that Google hands out.
    pub service_account: SecretString,
    /// Certificates in PEM form to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
    /// What slows uploads.
    pub upload: Option<Throttle>,
}

impl GcsOptions {
    /// For people, without anything secret.
    pub(super) fn place(&self) -> String {
        format!("gs://{}/{}{}", self.bucket, self.prefix, self.access().at())
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

    /// The key, which must be one. What a parser says of it is not repeated: it may quote what it has read.
    fn checked_key(&self) -> Result<&str, StoreError> {
        let key = self.service_account.expose_secret();
        let told = |what: String| {
            self.access()
                .wrong(format!("`service_account:` is no key of a service account: {what}"))
                .help("it is the JSON file that `gcloud iam service-accounts keys create` writes")
        };
        let read: serde_json::Value = serde_json::from_str(key).map_err(|_| told("it is not JSON".into()))?;
        let missing = KEY_FIELDS.into_iter().find(|field| !read.get(field).is_some_and(serde_json::Value::is_string));
        match missing {
            None => Ok(key),
            Some(field) => Err(told(format!("it has no `{field}`"))),
        }
    }
}

pub(super) fn connect(options: &GcsOptions) -> Result<Arc<dyn Client>, StoreError> {
    let access = options.access();
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&options.bucket)
        .with_service_account_key(options.checked_key()?)
        .with_retry(retries())
        .with_client_options(access.client_options())
        .with_http_connector(access.wire()?);
    if let Some(endpoint) = access.checked_endpoint()? {
        builder = builder.with_base_url(endpoint);
    }
    access.connected(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(key: &str) -> StoreError {
        let options = GcsOptions {
            destination: "d".into(),
            endpoint: None,
            bucket: "b".into(),
            prefix: String::new(),
            service_account: key.into(),
            ca_pem: None,
            allow_http: false,
            upload: None,
        };
        connect(&options).unwrap_err()
    }

    #[test]
    fn what_is_no_key_is_told_without_being_shown() {
        let whole = r#"{"client_email": "a@b", "private_key_id": "1", "private_key": "se-cret"}"#;
        for key in ["se-cret", r#""se-cret""#, r#"{"private_key": "se-cret"}"#, whole] {
            let error = error_of(key);
            let cause = std::error::Error::source(&error).map(|cause| format!("{cause:?} {cause}"));
            assert!(!format!("{error:?} {cause:?}").contains("se-cret"), "{error:?}");
        }
        assert!(error_of("se-cret").to_string().contains("JSON"));
        assert!(error_of(r#"{"client_email": "a"}"#).to_string().contains("`private_key`"));
    }
}
