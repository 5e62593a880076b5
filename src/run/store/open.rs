//! From a destination as data to a connection.

use super::s3::{Credentials, S3Options, S3Store};
use super::{Ledger, LocalStore, Store, StoreError, StoreErrorKind};
use crate::destination::{Destination, DestinationKind, Local, S3};
use crate::run::secret::Secrets;
use crate::value::{Context, Value};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// What turns values into text.
struct Filling<'a> {
    destination: &'a str,
    secrets: &'a Secrets,
    context: &'a Context,
}

/// Connects to a destination; nothing is asked of it yet.
///
/// # Errors
/// A value that cannot be resolved, an address that is none, certificates that cannot be read.
pub fn open(
    destination: &Destination,
    secrets: &Secrets,
    context: &Context,
    ledger: Ledger,
) -> Result<Arc<dyn Store>, StoreError> {
    let Destination { name, kind } = destination;
    let filling = Filling { destination: name, secrets, context };
    match kind {
        DestinationKind::Local(Local { path, create }) => {
            Ok(Arc::new(LocalStore::new(filling.text(path)?, *create, ledger)))
        }
        DestinationKind::S3(s3) => Ok(Arc::new(S3Store::open(filling.s3(s3)?, ledger)?)),
    }
}

impl Filling<'_> {
    fn secret(&self, value: &Value) -> Result<SecretString, StoreError> {
        let failed = |error| self.failed("a value of it cannot be resolved").because(error);
        self.secrets.text(value, self.context).map_err(failed)
    }

    fn text(&self, value: &Value) -> Result<String, StoreError> {
        Ok(self.secret(value)?.expose_secret().to_owned())
    }

    fn optional(&self, value: Option<&Value>) -> Result<Option<String>, StoreError> {
        value.map(|value| self.text(value)).transpose()
    }

    fn failed(&self, what: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Other, format!("the destination `{}`: {what}", self.destination))
    }

    fn s3(&self, s3: &S3) -> Result<S3Options, StoreError> {
        let S3 {
            endpoint,
            region,
            bucket,
            access_key,
            secret_key,
            session_token,
            prefix,
            addressing,
            ca_file,
            allow_http,
        } = s3;
        let ca_file = ca_file.as_ref().map(|template| template.expand(self.context)).transpose();
        Ok(S3Options {
            destination: self.destination.to_owned(),
            endpoint: self.optional(endpoint.as_ref())?,
            region: self.optional(region.as_ref())?,
            bucket: self.text(bucket)?,
            prefix: self.optional(prefix.as_ref())?.unwrap_or_default(),
            credentials: self.credentials(access_key.as_ref(), secret_key.as_ref(), session_token.as_ref())?,
            addressing: *addressing,
            ca_pem: ca_file
                .map_err(|error| self.failed("`ca_file:` cannot be filled in").because(error))?
                .map(|path| self.read(&path))
                .transpose()?,
            allow_http: *allow_http,
        })
    }

    fn credentials(
        &self,
        access: Option<&Value>,
        secret: Option<&Value>,
        token: Option<&Value>,
    ) -> Result<Option<Credentials>, StoreError> {
        match (access, secret) {
            (None, None) => Ok(None),
            (Some(access), Some(secret)) => Ok(Some(Credentials {
                access_key: self.text(access)?,
                secret_key: self.secret(secret)?,
                session_token: token.map(|token| self.secret(token)).transpose()?,
            })),
            (Some(_), None) | (None, Some(_)) => Err(self.failed("`access_key:` and `secret_key:` belong together")),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        std::fs::read(path).map_err(|error| {
            StoreError::io(format!("the destination `{}`: `ca_file: {path}` cannot be read", self.destination), error)
        })
    }
}
