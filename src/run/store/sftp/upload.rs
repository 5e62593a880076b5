//! A file under way: written under a name of its own, and given the final one when it is whole.

use super::refusal::is_answer;
use super::session::Session;
use super::{Folder, exists};
use crate::run::journal::Obligation;
use crate::run::store::again::again;
use crate::run::store::{Doing, Promise, StoreError, StoreErrorKind, Upload};
use crate::value::Rate;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use openssh_sftp_client::Error;
use openssh_sftp_client::file::File;
use openssh_sftp_client::metadata::Permissions;
use std::io::SeekFrom;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncSeekExt as _;

/// What is held until the server has taken it, so that it can be sent again where the connection breaks.
const WINDOW_BYTES: usize = 4 << 20;
/// The smallest window of a limited upload.
const WINDOW_LEAST_BYTES: usize = 32 << 10;
/// What a window of a limited upload is worth, so that it does not go out in bursts.
const WINDOW_TIME: Duration = Duration::from_millis(250);
/// How many writes are on their way at once.
const WRITES_AT_ONCE: usize = 16;
/// The largest write; servers take up to 255 KiB.
const WRITE_MAX_BYTES: usize = 255 * 1024;

/// How much is held at this limit.
pub(in crate::run::store) fn window(limit: Option<Rate>) -> usize {
    let bytes = limit.map(|rate| usize::try_from(rate.bytes_in(WINDOW_TIME)).unwrap_or(usize::MAX));
    bytes.map_or(WINDOW_BYTES, |bytes| bytes.clamp(WINDOW_LEAST_BYTES, WINDOW_BYTES))
}

/// A file under way.
pub(super) struct SftpUpload {
    folder: Arc<Folder>,
    path: String,
    staged: String,
    promise: Option<Promise>,
    /// The open file, and the connection that it is open on.
    opened: Option<(Arc<Session>, File)>,
    window: Vec<Bytes>,
    held: usize,
    /// What the server has taken, in bytes.
    written: u64,
}

impl SftpUpload {
    pub(super) async fn begin(folder: Arc<Folder>, path: String) -> Result<Self, StoreError> {
        folder.make_root().await?;
        match folder.look_at(&path).await {
            Ok(_) => return Err(exists(&folder, &path)),
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
        let name = folder.ledger.staged_name()?;
        let destination = folder.link.options.destination.clone();
        let promise = folder.ledger.promise(Obligation::StagedObject { destination, name: name.clone() })?;
        let staged = folder.path(&name);
        let mut upload =
            Self { folder, path, staged, promise: Some(promise), opened: None, window: vec![], held: 0, written: 0 };
        // An empty window makes the file, so that a folder that may not be written to is told of at once.
        upload.send_window().await?;
        Ok(upload)
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.held += bytes.len();
        self.window.push(bytes);
        if self.held >= self.folder.link.options.window_bytes { self.send_window().await } else { Ok(()) }
    }

    /// Has the server take what is held; where the connection breaks, over another one.
    async fn send_window(&mut self) -> Result<(), StoreError> {
        let window = mem::take(&mut self.window);
        let doing = format!("cannot write `{}`", self.path);
        let (folder, staged, written) = (Arc::clone(&self.folder), self.staged.clone(), self.written);
        let opened = mem::take(&mut self.opened);
        let sent = again(|_| {
            let (opened, window, staged) = (opened.clone(), window.clone(), staged.clone());
            folder.link.once(&doing, move |session| async move {
                let file = open(opened, &session, &staged).await?;
                write(&file, written, window).await?;
                Ok((session, file))
            })
        });
        match sent.await {
            Ok(opened) => self.opened = Some(opened),
            Err(error) if error.kind() == StoreErrorKind::Other => return Err(self.perhaps_full(error).await),
            Err(error) => return Err(error),
        }
        self.written += mem::take(&mut self.held) as u64;
        Ok(())
    }

    /// Servers say only `Failure` where their disk is full.
    async fn perhaps_full(&self, error: StoreError) -> StoreError {
        if self.folder.free_bytes().await.is_none_or(|free| free > WINDOW_BYTES as u64) {
            return error;
        }
        let message = format!("no room is left at {}", self.folder.link.place());
        StoreError::new(StoreErrorKind::Full, message).because(error).help("make room there, or keep fewer archives")
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        self.send_window().await?;
        let Some((session, mut file)) = self.opened.take() else { return Ok(()) };
        let doing = format!("`{}` cannot be written through to the disk", self.path);
        self.folder
            .link
            .once(&doing, |_| async move {
                if session.sftp.support_fsync() {
                    file.sync_all().await?;
                }
                file.close().await
            })
            .await
    }

    async fn publish(mut self) -> Result<(), StoreError> {
        let size = self.folder.size(&self.staged).await?;
        if size != self.written {
            let message = format!("`{}` has {size} bytes where {} were written", self.staged, self.written);
            self.put_back().await?;
            return Err(StoreError::new(StoreErrorKind::Other, message));
        }
        let named = again(|tried| self.name(tried)).await;
        if let Err(error) = named {
            let _ = self.put_back().await;
            return Err(error);
        }
        self.folder.remove(&self.staged).await?;
        self.fulfil();
        Ok(())
    }

    /// Gives the file its name, which nobody may have: a link cannot replace. Where links cannot be made it is renamed,
    /// after a look, since `posix-rename` replaces what it finds.
    async fn name(&self, tried: u32) -> Result<(), StoreError> {
        let (staged, path) = (self.staged.as_str(), self.path.as_str());
        if self.folder.look_at(path).await.is_ok() {
            // The answer to an earlier try may have been lost with its connection; only this run gives this name.
            let ours = tried > 0 && self.folder.size(path).await? == self.written;
            return if ours { Ok(()) } else { Err(exists(&self.folder, path)) };
        }
        let doing = format!("`{path}` cannot get its name");
        let named = self.folder.link.once(&doing, |session| async move {
            let mut fs = session.sftp.fs();
            if session.sftp.support_hardlink() {
                match fs.hard_link(staged, path).await {
                    // The name is taken, or links cannot be made there: a look tells.
                    Err(error) if is_answer(&error) => {}
                    other => return other.map(|()| true),
                }
            }
            if fs.symlink_metadata(path).await.is_ok() {
                return Ok(false);
            }
            fs.rename(staged, path).await.map(|()| true)
        });
        if named.await? { Ok(()) } else { Err(exists(&self.folder, path)) }
    }

    async fn put_back(&mut self) -> Result<(), StoreError> {
        self.window.clear();
        if let Some((_, file)) = self.opened.take() {
            let _ = file.close().await;
        }
        self.folder.remove(&self.staged).await?;
        self.fulfil();
        Ok(())
    }

    fn fulfil(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.fulfilled();
        }
    }
}

/// The staged file, opened on this connection; made where it is not there yet.
async fn open(opened: Option<(Arc<Session>, File)>, session: &Arc<Session>, staged: &str) -> Result<File, Error> {
    if let Some((on, file)) = opened
        && Arc::ptr_eq(&on, session)
    {
        return Ok(file);
    }
    let mut file = session.sftp.options().read(true).write(true).create(true).open(staged).await?;
    let mut private = Permissions::new();
    private.set_read_by_owner(true).set_write_by_owner(true);
    // Servers without modes refuse it; the file is good all the same.
    match file.set_permissions(private).await {
        Err(error) if !is_answer(&error) => Err(error),
        Ok(()) | Err(_) => Ok(file),
    }
}

/// Writes pieces one after the other from `start` on, many at once on their way.
async fn write(file: &File, start: u64, window: Vec<Bytes>) -> Result<(), Error> {
    let mut at = start;
    let mut writes = vec![];
    for mut bytes in window {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(WRITE_MAX_BYTES));
            let length = piece.len() as u64;
            writes.push(write_piece(file.clone(), at, piece));
            at += length;
        }
    }
    stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect().await
}

async fn write_piece(mut file: File, at: u64, piece: Bytes) -> Result<(), Error> {
    file.seek(SeekFrom::Start(at)).await?;
    file.write_all(&piece).await
}

impl Upload for SftpUpload {
    fn write(&mut self, bytes: Bytes) -> Doing<'_, ()> {
        Box::pin(self.take(bytes))
    }

    fn stage(&mut self) -> Doing<'_, ()> {
        Box::pin(self.finish())
    }

    fn commit(self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(self.publish())
    }

    fn abort(mut self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(async move { self.put_back().await })
    }
}
