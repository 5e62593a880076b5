//! A file under way through `rclone rcat`, and its name through `rclone moveto`.

use super::{Remote, exists};
use crate::run::journal::Obligation;
use crate::run::os::{Running, Streams};
use crate::run::store::again::again;
use crate::run::store::{Doing, Promise, StoreError, StoreErrorKind, Upload};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;

/// How long rclone may take nothing before it counts as stalled.
const STALLED_AFTER: Duration = Duration::from_secs(180);

/// A file under way.
pub(super) struct RcloneUpload {
    remote: Arc<Remote>,
    name: String,
    staged: String,
    promise: Option<Promise>,
    /// None once staged.
    sending: Option<(ChildStdin, Running)>,
    written: u64,
}

impl RcloneUpload {
    pub(super) async fn begin(remote: Arc<Remote>, name: String) -> Result<Self, StoreError> {
        crate::run::store::check_name(&name)?;
        remote.tell_features().await?;
        match remote.size(&name).await {
            Ok(_) => return Err(exists(&remote, &name)),
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
        let staged = remote.ledger.staged_name()?;
        let destination = remote.options.destination.clone();
        let promise = remote.ledger.promise(Obligation::StagedObject { destination, name: staged.clone() })?;
        let path = remote.options.path(&staged);
        let Streams { input, output, running } = remote.options.start(&["rcat", "--", &path])?;
        drop(output);
        Ok(Self { remote, name, staged, promise: Some(promise), sending: Some((input, running)), written: 0 })
    }

    fn doing(&self) -> String {
        format!("cannot store `{}`", self.name)
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let stalled = || {
            let message = format!("{}: rclone took nothing for {} s", self.doing(), STALLED_AFTER.as_secs());
            StoreError::new(StoreErrorKind::Busy, message)
        };
        let stalled = stalled();
        let Some((input, _)) = &mut self.sending else { return Err(stalled) };
        match tokio::time::timeout(STALLED_AFTER, input.write_all(&bytes)).await {
            Ok(Ok(())) => {
                self.written += bytes.len() as u64;
                Ok(())
            }
            // It ended before its input did: it says why.
            Ok(Err(_)) => Err(match self.end().await {
                Err(error) => error,
                Ok(()) => {
                    StoreError::new(StoreErrorKind::Other, format!("{}: rclone did not want it all", self.doing()))
                }
            }),
            Err(_) => Err(stalled),
        }
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        let Some((input, mut running)) = self.sending.take() else { return Ok(()) };
        drop(input);
        let options = &self.remote.options;
        let failed = |error| StoreError::io(format!("{} at {}", self.doing(), options.place()), error);
        let status = running.wait().await.map_err(failed)?;
        if status.success() {
            return Ok(());
        }
        let error = options.refusal(&self.doing(), status, &running.complaints());
        Err(if error.is_transient() {
            error.help(
                "a stream that broke off cannot be sent again: the next run, or `sync`, brings the remote up to date",
            )
        } else {
            error
        })
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        self.end().await?;
        self.is_whole(&self.staged).await
    }

    /// No remote's word is taken for it.
    async fn is_whole(&self, name: &str) -> Result<(), StoreError> {
        let size = self.remote.size(name).await?;
        if size == self.written {
            return Ok(());
        }
        let place = self.remote.options.place();
        let message = format!("`{}` has {size} bytes at {place} where {} were sent", self.name, self.written);
        Err(StoreError::new(StoreErrorKind::Other, message).help("the remote lost a part of it without saying so"))
    }

    async fn publish(mut self) -> Result<(), StoreError> {
        match again(|tried| self.rename(tried)).await {
            Ok(()) => {
                self.fulfil();
                self.is_whole(&self.name).await
            }
            Err(error) => {
                let _ = self.put_back().await;
                Err(error)
            }
        }
    }

    async fn rename(&self, tried: u32) -> Result<(), StoreError> {
        if let Ok(size) = self.remote.size(&self.name).await {
            // An earlier try may have succeeded and failed to say so; only this run gives this name.
            let gone = self.remote.size(&self.staged).await.is_err_and(|error| error.kind() == StoreErrorKind::Missing);
            let ours = tried > 0 && size == self.written && gone;
            return if ours { Ok(()) } else { Err(exists(&self.remote, &self.name)) };
        }
        let options = &self.remote.options;
        let (from, to) = (options.path(&self.staged), options.path(&self.name));
        let doing = format!("`{}` cannot get its name", self.name);
        options.ask(&doing, &["moveto", "--", &from, &to]).await.map(drop)
    }

    async fn put_back(&mut self) -> Result<(), StoreError> {
        // Ended before its input is: what it has sent so far must not count as a whole file.
        if let Some((input, running)) = self.sending.take() {
            running.end().await;
            drop(input);
        }
        self.remote.remove(&self.staged).await?;
        self.fulfil();
        Ok(())
    }

    fn fulfil(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.fulfilled();
        }
    }
}

impl Upload for RcloneUpload {
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
