//! A file under way: what is small in one request that can be repeated, what is not as a stream that cannot.

use super::{Folder, exists};
use crate::run::journal::Obligation;
use crate::run::store::again::again;
use crate::run::store::sent::Sent;
use crate::run::store::{Doing, Promise, StoreError, StoreErrorKind, Upload};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Url};
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

/// What is held so that it can be sent again; beyond that it streams.
const HELD_MAX_BYTES: usize = 8 << 20;
/// How many pieces may wait for the connection.
const PIECES_WAITING: usize = 32;
/// How long an upload may stand still.
const STALLED_AFTER: Duration = Duration::from_secs(90);
/// How long a server may take to answer after the last byte: some copy the file then.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(600);

/// A file under way.
pub(super) struct WebDavUpload {
    folder: Arc<Folder>,
    name: String,
    staged: String,
    promise: Option<Promise>,
    held: Vec<Bytes>,
    held_bytes: usize,
    streaming: Option<Streaming>,
    /// Whether it streamed and did not end well.
    broken: bool,
    written: u64,
}

/// A request whose body is not complete yet.
struct Streaming {
    pieces: Sender<Bytes>,
    sent: Sent,
    request: JoinHandle<Result<(), StoreError>>,
}

impl WebDavUpload {
    pub(super) async fn begin(folder: Arc<Folder>, name: String) -> Result<Self, StoreError> {
        let url = folder.url(&name)?;
        folder.make_root().await?;
        match folder.look_at(&url).await {
            Ok(_) => return Err(exists(&folder, &name)),
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
        let staged = folder.ledger.staged_name()?;
        let destination = folder.server.options.destination.clone();
        let promise = folder.ledger.promise(Obligation::StagedObject { destination, name: staged.clone() })?;
        let (held, promise) = (vec![], Some(promise));
        Ok(Self { folder, name, staged, promise, held, held_bytes: 0, streaming: None, broken: false, written: 0 })
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.written += bytes.len() as u64;
        if self.streaming.is_some() {
            return self.send(bytes).await;
        }
        self.held_bytes += bytes.len();
        self.held.push(bytes);
        if self.held_bytes <= HELD_MAX_BYTES {
            return Ok(());
        }
        self.streaming = Some(self.stream());
        for bytes in mem::take(&mut self.held) {
            self.send(bytes).await?;
        }
        Ok(())
    }

    /// Begins a request whose body comes piece by piece.
    fn stream(&self) -> Streaming {
        let (pieces, received) = channel::<Bytes>(PIECES_WAITING);
        let sent = Sent::begun();
        let taken = sent.clone();
        let body = stream::unfold(received, |mut received| async { Some((received.recv().await?, received)) });
        let body = body.flat_map(move |bytes| taken.pieces(bytes));
        let (folder, staged, doing) = (Arc::clone(&self.folder), self.staged.clone(), self.doing());
        let request = tokio::spawn(async move {
            let request = folder.server.request("PUT", folder.server.url(&staged)).body(Body::wrap_stream(body));
            // Its body takes as long as it takes; each piece has its own bound.
            let time = Duration::from_secs(30 * 24 * 3600);
            folder.server.send_within(&doing, request.headers(binary()), time).await.map(drop)
        });
        Streaming { pieces, sent, request }
    }

    fn doing(&self) -> String {
        format!("cannot store `{}`", self.name)
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let Some(streaming) = &self.streaming else { return Ok(()) };
        let Streaming { pieces, sent, request: _ } = streaming;
        // Time in which there was nothing to take does not count.
        sent.mark();
        match sent.unless_silent(STALLED_AFTER, pieces.send(bytes)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(self.ended_early().await),
            None => {
                let message = format!("{}: the server took nothing for {} s", self.doing(), STALLED_AFTER.as_secs());
                Err(StoreError::new(StoreErrorKind::Busy, message))
            }
        }
    }

    /// The request is over before its body is: its answer says why.
    async fn ended_early(&mut self) -> StoreError {
        let error = match self.answer().await {
            Err(error) => error,
            Ok(()) => {
                StoreError::new(StoreErrorKind::Other, format!("{}: the server did not want it all", self.doing()))
            }
        };
        if error.is_transient() {
            return error.help(
                "WebDAV cannot go on with an upload that broke off: the next run, or `sync`, brings it up to date",
            );
        }
        error
    }

    async fn answer(&mut self) -> Result<(), StoreError> {
        let Some(Streaming { pieces, sent: _, request }) = self.streaming.take() else { return Ok(()) };
        drop(pieces);
        let broken = |error| StoreError::new(StoreErrorKind::Other, "an upload broke off").because(error);
        let done = match tokio::time::timeout(SETTLE_TIMEOUT, request).await {
            Ok(done) => done.map_err(broken)?,
            Err(_) => Err(StoreError::new(StoreErrorKind::Busy, format!("{}: no answer", self.doing()))),
        };
        self.broken = done.is_err();
        done
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        if self.streaming.is_some() {
            match self.answer().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    return Err(error.help("WebDAV cannot go on with an upload that broke off: the next run, or `sync`, brings it up to date"));
                }
                Err(error) => return Err(error),
            }
        } else {
            self.put_held().await?;
        }
        self.is_whole(&self.staged).await
    }

    async fn put_held(&mut self) -> Result<(), StoreError> {
        let bytes = Bytes::from(mem::take(&mut self.held).concat());
        let server = &self.folder.server;
        again(|_| {
            // Without a length, nginx takes an empty body for none at all, and fails.
            let request = server.request("PUT", server.url(&self.staged)).headers(binary());
            let sent = Sent::begun();
            let body =
                if bytes.is_empty() { Body::from(Bytes::new()) } else { Body::wrap_stream(sent.pieces(bytes.clone())) };
            let request = request.header(CONTENT_LENGTH, bytes.len()).body(body);
            let doing = self.doing();
            async move { server.send_unless_silent(&doing, request, (&sent, STALLED_AFTER)).await }
        })
        .await
        .map(drop)
    }

    /// No server's word is taken for it: some store less than they were sent, and say nothing.
    async fn is_whole(&self, name: &str) -> Result<(), StoreError> {
        let size = self.folder.size(&self.folder.server.url(name)).await?;
        if size == self.written {
            return Ok(());
        }
        let place = self.folder.server.place();
        let message = format!("`{}` has {size} bytes at {place} where {} were sent", self.name, self.written);
        Err(StoreError::new(StoreErrorKind::Other, message).help("the server lost a part of it without saying so"))
    }

    async fn publish(mut self) -> Result<(), StoreError> {
        let moved = again(|tried| self.rename(tried)).await;
        match moved {
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
        let server = &self.folder.server;
        let target = server.url(&self.name);
        // Some servers overwrite whatever they are told.
        if let Ok(size) = self.folder.size(&target).await {
            // The answer to an earlier try may have been lost; only this run gives this name.
            let ours =
                tried > 0 && size == self.written && self.folder.look_at(&server.url(&self.staged)).await.is_err();
            return if ours { Ok(()) } else { Err(exists(&self.folder, &self.name)) };
        }
        let request = server.request("MOVE", server.url(&self.staged));
        let request = request.header("Destination", target.as_str()).header("Overwrite", "F");
        let doing = format!("`{}` cannot get its name", self.name);
        match server.send_within(&doing, request, SETTLE_TIMEOUT).await {
            Err(error) if error.kind() == StoreErrorKind::Exists => Err(exists(&self.folder, &self.name)),
            other => other.map(drop),
        }
    }

    async fn put_back(&mut self) -> Result<(), StoreError> {
        self.held.clear();
        if let Some(Streaming { pieces, sent: _, request }) = self.streaming.take() {
            request.abort();
            let _ = request.await;
            drop(pieces);
            self.broken = true;
        }
        let url = self.folder.server.url(&self.staged);
        self.folder.remove(&url).await?;
        if self.broken {
            self.settle(&url).await?;
        }
        self.fulfil();
        Ok(())
    }

    /// Some servers notice only after a while that an upload broke off, and keep then what they have.
    async fn settle(&self, url: &Url) -> Result<(), StoreError> {
        for pause in [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)] {
            tokio::time::sleep(pause).await;
            if self.folder.look_at(url).await.is_ok() {
                return self.folder.remove(url).await;
            }
        }
        Ok(())
    }

    fn fulfil(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.fulfilled();
        }
    }
}

fn binary() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))])
}

impl Drop for WebDavUpload {
    fn drop(&mut self) {
        if let Some(streaming) = &self.streaming {
            streaming.request.abort();
        }
    }
}

impl Upload for WebDavUpload {
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
