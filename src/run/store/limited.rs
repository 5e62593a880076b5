//! A store whose bytes pass no faster than its destination's limit says.

use super::throttle::slowed;
use super::{ByteStream, Doing, Object, Store, Throttle, Upload};
use crate::run::journal::Obligation;
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use std::ops::Range;
use std::sync::Arc;

/// A store with a limit.
#[derive(Debug)]
pub(super) struct Limited {
    below: Arc<dyn Store>,
    /// None where there is no limit, or where the store itself keeps to it.
    upload: Option<Throttle>,
    download: Option<Throttle>,
}

impl Limited {
    pub(super) fn over(below: Arc<dyn Store>, upload: Option<Throttle>, download: Option<Throttle>) -> Arc<dyn Store> {
        if upload.is_none() && download.is_none() { below } else { Arc::new(Self { below, upload, download }) }
    }

    fn slowed(&self, bytes: ByteStream) -> ByteStream {
        match &self.download {
            None => bytes,
            // Who sends it waits, since nobody takes more from the connection.
            Some(throttle) => slowed(bytes, throttle.clone()).boxed(),
        }
    }
}

impl Store for Limited {
    fn describe(&self) -> String {
        self.below.describe()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        self.below.list()
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        self.below.size(name)
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        let opening = self.below.open_read(name);
        Box::pin(async move { Ok(self.slowed(opening.await?)) })
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        let opening = self.below.open_read_range(name, range);
        Box::pin(async move { Ok(self.slowed(opening.await?)) })
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        self.below.delete(names)
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let beginning = self.below.begin(name);
        Box::pin(async move {
            let below = beginning.await?;
            Ok(match self.upload.clone() {
                None => below,
                Some(throttle) => Box::new(LimitedUpload { below, throttle }),
            })
        })
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        self.below.clean(left)
    }

    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        self.below.staged()
    }

    fn stale<'a>(&'a self, ours: &'a (dyn Fn(&str) -> bool + Sync), before: Timestamp) -> Doing<'a, Vec<Obligation>> {
        self.below.stale(ours, before)
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        self.below.free_bytes()
    }

    fn throttle(&self) -> Option<&Throttle> {
        self.upload.as_ref().or_else(|| self.below.throttle())
    }
}

/// An upload with a limit.
struct LimitedUpload {
    below: Box<dyn Upload>,
    throttle: Throttle,
}

impl Upload for LimitedUpload {
    fn write(&mut self, mut bytes: Bytes) -> Doing<'_, ()> {
        Box::pin(async move {
            while !bytes.is_empty() {
                let piece = self.throttle.next_piece(&mut bytes);
                self.throttle.pass(piece.len()).await;
                self.below.write(piece).await?;
            }
            Ok(())
        })
    }

    fn stage(&mut self) -> Doing<'_, ()> {
        self.below.stage()
    }

    fn commit(self: Box<Self>) -> Doing<'static, ()> {
        self.below.commit()
    }

    fn abort(self: Box<Self>) -> Doing<'static, ()> {
        self.below.abort()
    }
}
