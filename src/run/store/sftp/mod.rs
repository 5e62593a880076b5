//! A folder of another host, by `ssh` and the SFTP protocol.
//!
//! The user's own `ssh` connects, so that its configuration, agent, jump hosts and known hosts apply.

mod read;
mod refusal;
mod session;
mod upload;

pub use session::{PROBE_AFTER_DEFAULT, SftpOptions};

use super::staged::{is_staged, staged_objects};
use super::{ByteStream, Doing, Ledger, Object, Store, StoreError, StoreErrorKind, Upload, check_name, exactly};
use crate::run::journal::Obligation;
use futures_util::TryStreamExt as _;
use openssh_sftp_client::Error;
use openssh_sftp_client::fs::DirEntry;
use openssh_sftp_client::metadata::{FileType, MetaData};
use session::Link;
use std::ops::Range;
use std::sync::Arc;
use upload::SftpUpload;
pub(super) use upload::window;

/// A folder of another host.
#[derive(Debug, Clone)]
pub struct SftpStore(Arc<Folder>);

/// What uploads share with their store.
#[derive(Debug)]
struct Folder {
    link: Link,
    ledger: Ledger,
}

impl SftpStore {
    /// The folder; nothing is asked of the server yet.
    #[must_use]
    pub fn new(options: SftpOptions, ledger: Ledger) -> Self {
        Self(Arc::new(Folder { link: Link::new(options), ledger }))
    }
}

impl Folder {
    fn root(&self) -> &str {
        match self.link.options.path.trim_end_matches('/') {
            "" if self.link.options.path.starts_with('/') => "/",
            "" => ".",
            path => path,
        }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.root().trim_end_matches('/'))
    }

    fn checked_path(&self, name: &str) -> Result<String, StoreError> {
        check_name(name)?;
        Ok(self.path(name))
    }

    async fn look_at(&self, path: &str) -> Result<MetaData, StoreError> {
        let doing = format!("cannot look at `{path}`");
        self.link.often(&doing, |session| async move { session.sftp.fs().symlink_metadata(path).await }).await
    }

    /// The length of a file.
    async fn size(&self, path: &str) -> Result<u64, StoreError> {
        let found = self.look_at(path).await?;
        let message = || format!("`{path}` at {} is no file", self.link.place());
        let length = found.len().filter(|_| found.file_type().is_none_or(|kind| kind.is_file()));
        length.ok_or_else(|| StoreError::new(StoreErrorKind::Other, message()))
    }

    async fn list(&self) -> Result<Vec<Object>, StoreError> {
        let found = self.files().await?;
        Ok(found.into_iter().filter(|object| check_name(&object.name).is_ok()).collect())
    }

    /// Every file, with whatever name.
    async fn files(&self) -> Result<Vec<Object>, StoreError> {
        let root = self.root();
        let doing = format!("cannot list `{root}`");
        let entries = self.link.often(&doing, |session| async move {
            let folder = session.sftp.fs().open_dir(root).await?;
            folder.read_dir().try_filter_map(|entry| async move { Ok(object(&entry)) }).try_collect().await
        });
        match entries.await {
            Err(error) if error.kind() == StoreErrorKind::Missing && self.link.options.create => Ok(vec![]),
            Err(error) if error.kind() == StoreErrorKind::Missing => Err(self.missing_root()),
            other => other,
        }
    }

    fn missing_root(&self) -> StoreError {
        let message = format!("there is no folder {}", self.link.place());
        StoreError::new(StoreErrorKind::Missing, message)
            .help("make it on the server, correct `path:`, or say `create: true` at the destination")
    }

    /// The folder, made where it may be, with those above it.
    async fn make_root(&self) -> Result<(), StoreError> {
        let root = self.root();
        match self.look_at(root).await {
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            other => return other.map(drop),
        }
        if !self.link.options.create {
            return Err(self.missing_root());
        }
        let ends = root.char_indices().filter(|(at, c)| *c == '/' && *at > 0).map(|(at, _)| at).chain([root.len()]);
        for folder in ends.filter_map(|end| root.get(..end)) {
            let doing = format!("the folder `{folder}` cannot be made");
            let made =
                self.link.once(&doing, |session| async move { session.sftp.fs().create_dir(folder).await }).await;
            // Servers say only `Failure` where the folder is there.
            if let Err(error) = made
                && self.look_at(folder).await.is_err()
            {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        let doing = format!("cannot remove `{path}`");
        let removed = self.link.often(&doing, |session| async move { session.sftp.fs().remove_file(path).await }).await;
        match removed {
            Err(error) if error.kind() != StoreErrorKind::Missing => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn free_bytes(&self) -> Option<u64> {
        let root = self.root();
        let asked = self.link.often("cannot tell the free space", |session| async move {
            if !session.sftp.support_statvfs() {
                return Err(Error::UnsupportedExtension(&"statvfs"));
            }
            session.sftp.fs().statvfs(root).await
        });
        asked.await.ok().map(|stat| stat.bavail.saturating_mul(stat.frsize))
    }
}

/// A regular file.
fn object(entry: &DirEntry) -> Option<Object> {
    let name = entry.filename().to_str()?.to_owned();
    let meta = entry.metadata();
    let file = meta.file_type().is_none_or(|kind: FileType| kind.is_file());
    file.then_some(Object { name, size: meta.len()? })
}

fn exists(folder: &Folder, path: &str) -> StoreError {
    let message = format!("`{path}` is at {} already, and is never overwritten", folder.link.place());
    StoreError::new(StoreErrorKind::Exists, message)
}

impl Store for SftpStore {
    fn describe(&self) -> String {
        self.0.link.place()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        Box::pin(self.0.list())
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        let path = self.0.checked_path(name);
        Box::pin(async move { self.0.size(&path?).await })
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        let path = self.0.checked_path(name);
        Box::pin(async move { read::open(Arc::clone(&self.0), path?, None).await })
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        let path = self.0.checked_path(name);
        let name = name.to_owned();
        Box::pin(async move {
            let length = range.end.saturating_sub(range.start);
            Ok(exactly(read::open(Arc::clone(&self.0), path?, Some(range)).await?, length, &name))
        })
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        let paths: Result<Vec<_>, _> = names.iter().map(|name| self.0.checked_path(name)).collect();
        Box::pin(async move {
            for path in paths? {
                self.0.remove(&path).await?;
            }
            Ok(())
        })
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let path = self.0.checked_path(name);
        Box::pin(async move { Ok(Box::new(SftpUpload::begin(Arc::clone(&self.0), path?).await?) as Box<dyn Upload>) })
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        let staged = left.staged_at(&self.0.link.options.destination).filter(|name| is_staged(name));
        let ours = staged.map(|name| self.0.path(name));
        Box::pin(async move {
            let Some(path) = ours else { return Ok(false) };
            self.0.remove(&path).await.map(|()| true)
        })
    }

    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        Box::pin(async { Ok(staged_objects(&self.0.link.options.destination, self.0.files().await?)) })
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        Box::pin(async { Ok(self.0.free_bytes().await) })
    }
}
