//! From a destination as data to a connection.

use super::bucket::{
    AzureOptions, AzurePass, BucketStore, Credentials, Encrypting, GcsOptions, Locking, S3Options, Storing,
};
use super::limited::Limited;
use super::{
    Ledger, LocalStore, RcloneOptions, RcloneStore, Store, StoreError, StoreErrorKind, Throttle, WebDavOptions,
    WebDavStore,
};
#[cfg(feature = "sftp")]
use crate::destination::Sftp;
use crate::destination::{
    Azure, Destination, DestinationKind, Encryption, Gcs, Limit, Local, ObjectLock, Rclone, S3, WebDav,
};
use crate::run::os::Environment;
use crate::run::secret::Secrets;
use crate::value::{Context, Rate, Template, Value};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// What it takes to connect besides the destination.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The job's references, resolved.
    pub secrets: &'a Secrets,
    /// What placeholders stand for.
    pub context: &'a Context,
    /// The runner's environment, for the programs that some destinations are reached by.
    pub environment: &'a Environment,
}

/// What turns values into text.
struct Filling<'a> {
    destination: &'a str,
    means: Means<'a>,
    /// How fast uploads may be.
    upload: Option<Rate>,
}

/// Connects to a destination; nothing is asked of it yet.
///
/// # Errors
/// A value that cannot be resolved, an address that is none, certificates that cannot be read.
pub fn open(destination: &Destination, means: Means<'_>, ledger: Ledger) -> Result<Arc<dyn Store>, StoreError> {
    let Destination { name, kind, limit: Limit { upload, download } } = destination;
    let filling = Filling { destination: name, means, upload: *upload };
    let below = filling.connect(kind, ledger)?;
    let download = download.map(Throttle::new);
    // What slows its own requests need not be slowed before them.
    let upload = upload.filter(|_| below.throttle().is_none()).map(Throttle::new);
    Ok(Limited::over(below, upload, download))
}

impl Filling<'_> {
    fn connect(&self, kind: &DestinationKind, ledger: Ledger) -> Result<Arc<dyn Store>, StoreError> {
        match kind {
            DestinationKind::Local(Local { path, create }) => {
                Ok(Arc::new(LocalStore::new(self.text(path)?, *create, ledger)))
            }
            DestinationKind::S3(s3) => Ok(Arc::new(BucketStore::s3(self.s3(s3)?, ledger)?)),
            DestinationKind::Azure(azure) => Ok(Arc::new(BucketStore::azure(self.azure(azure)?, ledger)?)),
            DestinationKind::Gcs(gcs) => Ok(Arc::new(BucketStore::gcs(self.gcs(gcs)?, ledger)?)),
            DestinationKind::Webdav(webdav) => Ok(Arc::new(WebDavStore::open(self.webdav(webdav)?, ledger)?)),
            DestinationKind::Rclone(rclone) => Ok(Arc::new(RcloneStore::new(self.rclone(rclone)?, ledger))),
            #[cfg(feature = "sftp")]
            DestinationKind::Sftp(sftp) => Ok(Arc::new(super::SftpStore::new(self.sftp(sftp)?, ledger))),
            #[cfg(not(feature = "sftp"))]
            DestinationKind::Sftp(_) => Err(self.failed("this program was built without `sftp`")),
        }
    }

    fn secret(&self, value: &Value) -> Result<SecretString, StoreError> {
        let failed = |error| self.failed("a value of it cannot be resolved").because(error);
        self.means.secrets.text(value, self.means.context).map_err(failed)
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

    /// A file's path, placeholders filled in.
    fn file(&self, path: Option<&Template>) -> Result<Option<String>, StoreError> {
        let failed = |error| self.failed("a path of it cannot be filled in").because(error);
        path.map(|path| path.expand(self.means.context)).transpose().map_err(failed)
    }

    #[cfg(feature = "sftp")]
    fn sftp(&self, sftp: &Sftp) -> Result<super::SftpOptions, StoreError> {
        let Sftp { host, port, user, path, create, identity_file, known_hosts } = sftp;
        let host = self.text(host)?;
        if host.starts_with('-') || host.is_empty() {
            return Err(self.failed("its `host:` would be an option to ssh"));
        }
        Ok(super::SftpOptions {
            destination: self.destination.to_owned(),
            host,
            port: *port,
            user: self.optional(user.as_ref())?,
            path: self.text(path)?,
            create: *create,
            identity_file: self.file(identity_file.as_ref())?,
            known_hosts: self.file(known_hosts.as_ref())?,
            window_bytes: super::sftp_window(self.upload),
            probe_after: super::PROBE_AFTER_DEFAULT,
            environment: self.means.environment.clone(),
        })
    }

    fn webdav(&self, webdav: &WebDav) -> Result<WebDavOptions, StoreError> {
        let WebDav { url, user, password, create, ca_file, allow_http } = webdav;
        Ok(WebDavOptions {
            destination: self.destination.to_owned(),
            url: self.text(url)?,
            user: self.optional(user.as_ref())?,
            password: password.as_ref().map(|password| self.secret(password)).transpose()?,
            create: *create,
            ca_pem: self.file(ca_file.as_ref())?.map(|path| self.read(&path)).transpose()?,
            allow_http: *allow_http,
        })
    }

    fn rclone(&self, rclone: &Rclone) -> Result<RcloneOptions, StoreError> {
        let Rclone { remote, config, env, program } = rclone;
        let remote = self.text(remote)?;
        if remote.starts_with('-') || !remote.contains(':') {
            return Err(self.failed("its `remote:` is not of the form `NAME:PATH`"));
        }
        let variable = |(name, value): (&String, &Value)| Ok((name.clone(), self.secret(value)?));
        Ok(RcloneOptions {
            destination: self.destination.to_owned(),
            remote,
            config: self.file(config.as_ref())?,
            env: env.iter().map(variable).collect::<Result<_, StoreError>>()?,
            program: program.clone(),
            environment: self.means.environment.clone(),
        })
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
            proxy,
            storage_class,
            server_side_encryption,
            checksum,
            object_lock,
        } = s3;
        let encryption = server_side_encryption.as_ref().map(|encryption| self.encrypting(encryption)).transpose()?;
        let lock = object_lock.as_ref().map(|ObjectLock { mode, lasts, legal_hold }| Locking {
            retention: mode.zip(*lasts),
            legal_hold: *legal_hold,
        });
        Ok(S3Options {
            destination: self.destination.to_owned(),
            endpoint: self.optional(endpoint.as_ref())?,
            region: self.optional(region.as_ref())?,
            bucket: self.text(bucket)?,
            prefix: self.optional(prefix.as_ref())?.unwrap_or_default(),
            credentials: self.credentials(access_key.as_ref(), secret_key.as_ref(), session_token.as_ref())?,
            addressing: *addressing,
            ca_pem: self.file(ca_file.as_ref())?.map(|path| self.read(&path)).transpose()?,
            allow_http: *allow_http,
            proxy: proxy.as_ref().map(|proxy| self.secret(proxy)).transpose()?,
            upload: Some(self.upload.map_or_else(Throttle::meter, Throttle::new)),
            storing: Storing { storage_class: storage_class.clone(), encryption, checksum: *checksum, lock },
        })
    }

    fn encrypting(&self, encryption: &Encryption) -> Result<Encrypting, StoreError> {
        Ok(match encryption {
            Encryption::Aes256 => Encrypting::Aes256,
            Encryption::Kms => Encrypting::Kms(None),
            Encryption::KmsKeyId(id) => Encrypting::Kms(Some(self.text(id)?)),
        })
    }

    fn azure(&self, azure: &Azure) -> Result<AzureOptions, StoreError> {
        let Azure { endpoint, account, container, access_key, sas_token, prefix, ca_file, allow_http } = azure;
        let pass = match (access_key, sas_token) {
            (Some(key), None) => AzurePass::Key(self.secret(key)?),
            (None, Some(token)) => AzurePass::Sas(self.secret(token)?),
            (None, None) | (Some(_), Some(_)) => {
                return Err(self.failed("it has either `access_key:` or `sas_token:`"));
            }
        };
        Ok(AzureOptions {
            destination: self.destination.to_owned(),
            endpoint: self.optional(endpoint.as_ref())?,
            account: self.text(account)?,
            container: self.text(container)?,
            prefix: self.optional(prefix.as_ref())?.unwrap_or_default(),
            pass,
            ca_pem: self.file(ca_file.as_ref())?.map(|path| self.read(&path)).transpose()?,
            allow_http: *allow_http,
            upload: Some(self.upload.map_or_else(Throttle::meter, Throttle::new)),
        })
    }

    fn gcs(&self, gcs: &Gcs) -> Result<GcsOptions, StoreError> {
        let Gcs { endpoint, bucket, service_account, prefix, ca_file, allow_http } = gcs;
        Ok(GcsOptions {
            destination: self.destination.to_owned(),
            endpoint: self.optional(endpoint.as_ref())?,
            bucket: self.text(bucket)?,
            prefix: self.optional(prefix.as_ref())?.unwrap_or_default(),
            service_account: self.secret(service_account)?,
            ca_pem: self.file(ca_file.as_ref())?.map(|path| self.read(&path)).transpose()?,
            allow_http: *allow_http,
            upload: Some(self.upload.map_or_else(Throttle::meter, Throttle::new)),
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
