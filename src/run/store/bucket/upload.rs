//! An object under way to a bucket: in one request where it is small, else in parts that are sent while more arrives.

use super::{Bucket, Pieces};
use crate::run::journal::Obligation;
use crate::run::os;
use crate::run::store::{Doing, Promise, StoreError, StoreErrorKind, Throttle, Upload};
use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{PutMode, PutPayload};
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, timeout_at};

/// How many parts an upload may have (docs.aws.amazon.com, "Amazon S3 multipart upload limits"); GCS takes as many, Azure
/// 50,000.
pub const PART_COUNT_MAX: u32 = 10_000;
/// The largest part that all of them take: 4,000 MiB of Azure's (learn.microsoft.com, "Put Block"); S3 and GCS take 5 GiB.
const PART_SIZE_MAX: u64 = 4_000 * MIB;
const MIB: u64 = 1 << 20;
/// What one upload holds in memory while parts are of their first sizes: one that fills, the others on their way.
const MEMORY_MAX: u64 = 32 * MIB;
/// What small objects that wait for their commit may hold together; beyond that they are sent at once, as uploads of
/// one part.
const HELD_MAX: u64 = 16 * MIB;
/// How long the parts that are on their way may take before their upload is aborted: one that arrives after it may stay at
/// the server for ever (docs.aws.amazon.com, `AbortMultipartUpload`).
const PARTS_GRACE: Duration = Duration::from_secs(2);

/// The size of an upload's part in bytes; parts are counted from 1, and only the last may be smaller.
///
/// 8 MiB for the first 2,000, then 16 MiB up to part 7,100, which is more than 100 GB; from there on the size doubles
/// every 260 parts. 10,000 such parts are more than the 5 TiB that an object may have, while a stream of up to 100 GB
/// never has more than 32 MiB in memory: a part is kept until the server has it, so that it can be sent again.
#[must_use]
pub fn part_size(number: u32) -> u64 {
    match number {
        0..=2000 => 8 * MIB,
        2001..=7100 => 16 * MIB,
        _ => (32 * MIB).checked_shl((number - 7101) / 260).map_or(PART_SIZE_MAX, |size| size.min(PART_SIZE_MAX)),
    }
}

/// How many parts of a size are on their way at once, where nothing slows them.
fn parallel(size: u64) -> usize {
    usize::try_from((MEMORY_MAX / size).saturating_sub(1)).unwrap_or(1).max(1)
}

/// Pieces up to a part's size.
#[derive(Debug, Default)]
struct Filling {
    pieces: Pieces,
    bytes: u64,
}

impl Filling {
    /// Adds bytes up to `size`; what does not fit comes back.
    fn add(&mut self, mut bytes: Bytes, size: u64) -> Bytes {
        let room = usize::try_from(size.saturating_sub(self.bytes)).unwrap_or(usize::MAX);
        let rest = bytes.split_off(room.min(bytes.len()));
        self.bytes += bytes.len() as u64;
        if !bytes.is_empty() {
            self.pieces.push(bytes);
        }
        rest
    }

    fn payload(&mut self) -> PutPayload {
        self.bytes = 0;
        mem::take(&mut self.pieces).into_iter().collect()
    }
}

type Sending = JoinHandle<Result<PartId, StoreError>>;

/// An upload in parts that the server knows of.
struct Parts {
    id: String,
    promise: Promise,
    sending: VecDeque<Sending>,
    sent: Vec<PartId>,
}

/// An object under way.
pub(super) struct BucketUpload {
    bucket: Arc<Bucket>,
    key: Path,
    filling: Filling,
    parts: Option<Parts>,
    total: u64,
    /// What this object adds to [`Bucket::held`].
    holds: u64,
}

impl BucketUpload {
    /// Looks whether the name is free: some servers overwrite whatever they are told.
    pub(super) async fn begin(bucket: Arc<Bucket>, name: &str) -> Result<Self, StoreError> {
        let key = bucket.key(name)?;
        match bucket.size(&key).await {
            Ok(_) => return Err(exists(&bucket, &key)),
            Err(error) => match error.kind() {
                // Denied: a key that may only write is told so where the object is missing.
                StoreErrorKind::Missing | StoreErrorKind::Denied => {}
                StoreErrorKind::Exists
                | StoreErrorKind::Locked
                | StoreErrorKind::Busy
                | StoreErrorKind::Full
                | StoreErrorKind::Other => return Err(error),
            },
        }
        Ok(Self { bucket, key, filling: Filling::default(), parts: None, total: 0, holds: 0 })
    }

    /// The object's name in its bucket.
    fn name(&self) -> &str {
        self.key.filename().unwrap_or_default()
    }

    /// The number of the part that fills.
    fn number(&self) -> u32 {
        let begun = self.parts.as_ref().map_or(0, |parts| parts.sent.len() + parts.sending.len());
        u32::try_from(begun).unwrap_or(u32::MAX).saturating_add(1)
    }

    async fn take(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        self.total = self.total.saturating_add(bytes.len() as u64);
        loop {
            let size = part_size(self.number());
            bytes = self.filling.add(bytes, size);
            if bytes.is_empty() {
                return Ok(());
            }
            self.send_part(size).await?;
        }
    }

    /// Sends the filled part, after waiting for room among those on their way.
    async fn send_part(&mut self, size: u64) -> Result<(), StoreError> {
        let number = self.number();
        if number > PART_COUNT_MAX {
            let message = format!("`{}` is larger than the 5 TiB that an object may have", self.key);
            return Err(StoreError::new(StoreErrorKind::Full, message));
        }
        // Slowed ones gain nothing by that, and each would take the longer.
        let slowed = self.bucket.throttle.as_ref().is_some_and(Throttle::is_limit);
        let at_once = if slowed { 1 } else { parallel(size) };
        let payload = self.filling.payload();
        let (bucket, key) = (Arc::clone(&self.bucket), self.key.clone());
        let parts = self.begun().await?;
        while parts.sending.len() >= at_once {
            parts.collect_one().await?;
        }
        let id = parts.id.clone();
        parts.sending.push_back(tokio::spawn(async move {
            let index = number as usize - 1;
            let sent = bucket.client.put_part(&key, &id, index, payload).await;
            sent.map_err(|error| bucket.not_stored(&format!("cannot store part {number} of `{key}`"), error))
        }));
        Ok(())
    }

    /// The upload in parts, begun at the server where it is not yet.
    async fn begun(&mut self) -> Result<&mut Parts, StoreError> {
        if self.parts.is_none() {
            self.parts = Some(self.begin_parts().await?);
        }
        self.parts.as_mut().ok_or_else(|| StoreError::new(StoreErrorKind::Other, "an upload that was not begun"))
    }

    async fn begin_parts(&self) -> Result<Parts, StoreError> {
        let obligation = |id: Option<&str>| Obligation::MultipartUpload {
            destination: self.bucket.destination.clone(),
            key: self.key.to_string(),
            upload_id: id.map(ToOwned::to_owned),
        };
        let unnamed = self.bucket.ledger.promise(obligation(None))?;
        let with = self.bucket.storing.begin(self.name(), os::now());
        let begun = self.bucket.client.create_multipart_opts(&self.key, with).await;
        let begun =
            begun.map_err(|error| self.bucket.not_stored(&format!("cannot begin to store `{}`", self.key), error));
        let id = begun?;
        let promise = self.bucket.ledger.promise(obligation(Some(&id)))?;
        unnamed.fulfilled();
        Ok(Parts { id, promise, sending: VecDeque::new(), sent: vec![] })
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        if self.parts.is_none() {
            let held = self.bucket.held.fetch_add(self.filling.bytes, Ordering::Relaxed);
            self.holds = self.filling.bytes;
            if held.saturating_add(self.holds) <= HELD_MAX {
                return Ok(());
            }
            self.release();
        }
        if self.filling.bytes > 0 {
            self.send_part(part_size(self.number())).await?;
        }
        let parts = self.begun().await?;
        while !parts.sending.is_empty() {
            parts.collect_one().await?;
        }
        Ok(())
    }

    fn release(&mut self) {
        self.bucket.held.fetch_sub(mem::take(&mut self.holds), Ordering::Relaxed);
    }

    async fn publish(mut self) -> Result<(), StoreError> {
        let published = match self.parts.take() {
            None => self.put().await,
            Some(parts) => self.complete(parts).await,
        };
        self.release();
        published?;
        self.verify().await
    }

    /// A small object in one request.
    async fn put(&mut self) -> Result<(), StoreError> {
        if self.bucket.size(&self.key).await.is_ok() {
            return Err(exists(&self.bucket, &self.key));
        }
        let payload = self.filling.payload();
        let create = self.bucket.storing.put(PutMode::Create, self.name(), os::now());
        let put = self.bucket.client.put_opts(&self.key, payload.clone(), create).await;
        let Err(error) = put else { return Ok(()) };
        let error = self.bucket.not_stored(&format!("cannot store `{}`", self.key), error);
        match error.kind() {
            StoreErrorKind::Exists => self.is_ours_after_all().await,
            // A server that does not know conditions says so with 501; that the name is free was looked at before.
            StoreErrorKind::Other => self.put_unconditionally(payload, error).await,
            StoreErrorKind::Missing
            | StoreErrorKind::Denied
            | StoreErrorKind::Locked
            | StoreErrorKind::Busy
            | StoreErrorKind::Full => Err(error),
        }
    }

    async fn put_unconditionally(&self, payload: PutPayload, first: StoreError) -> Result<(), StoreError> {
        match self.bucket.size(&self.key).await {
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            Ok(_) | Err(_) => return Err(first),
        }
        let with = self.bucket.storing.put(PutMode::Overwrite, self.name(), os::now());
        let put = self.bucket.client.put_opts(&self.key, payload, with).await;
        put.map(drop).map_err(|error| self.bucket.not_stored(&format!("cannot store `{}`", self.key), error))
    }

    /// The first answer to a request may have been lost and the second say that the name is taken: by ourselves, since
    /// it was free before and nobody else gives this name.
    async fn is_ours_after_all(&self) -> Result<(), StoreError> {
        match self.bucket.size(&self.key).await {
            Ok(size) if size == self.total => Ok(()),
            Ok(_) | Err(_) => Err(exists(&self.bucket, &self.key)),
        }
    }

    async fn complete(&self, parts: Parts) -> Result<(), StoreError> {
        let Parts { id, promise, sending: _, sent } = parts;
        let outcome = if self.bucket.size(&self.key).await.is_ok() {
            Err(exists(&self.bucket, &self.key))
        } else {
            let done = self.bucket.client.complete_multipart(&self.key, &id, sent).await;
            done.map(drop).map_err(|error| self.bucket.not_stored(&format!("cannot complete `{}`", self.key), error))
        };
        match outcome {
            Err(error) if error.kind() == StoreErrorKind::Missing => {
                // The first answer may have been lost; then there is no upload any more, but there is the object.
                self.is_ours_after_all().await.map_err(|_| error)?;
            }
            Err(error) => {
                if self.bucket.abort(&self.key, &id).await.is_ok() {
                    promise.fulfilled();
                }
                return Err(error);
            }
            Ok(()) => {}
        }
        promise.fulfilled();
        Ok(())
    }

    /// No server's word is taken for it.
    async fn verify(&self) -> Result<(), StoreError> {
        match self.bucket.size(&self.key).await {
            Ok(size) if size == self.total => self.bucket.is_as_told(&self.key).await,
            Ok(size) => {
                let _ = self.bucket.erase(&self.key).await;
                let message =
                    format!("`{}` has {size} bytes at {} where {} were sent", self.key, self.bucket.place, self.total);
                Err(StoreError::new(StoreErrorKind::Other, message)
                    .help("the server lost a part of it without saying so"))
            }
            Err(error) if error.kind() == StoreErrorKind::Missing => {
                let message =
                    format!("`{}` is not at {} though the server said it had stored it", self.key, self.bucket.place);
                Err(StoreError::new(StoreErrorKind::Other, message))
            }
            // A key that may only write.
            Err(error) if error.kind() == StoreErrorKind::Denied => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn put_back(mut self) -> Result<(), StoreError> {
        self.release();
        self.filling.payload();
        let Some(mut parts) = self.parts.take() else { return Ok(()) };
        let deadline = Instant::now() + PARTS_GRACE;
        for mut sending in parts.sending.drain(..) {
            if timeout_at(deadline, &mut sending).await.is_err() {
                sending.abort();
                let _ = sending.await;
            }
        }
        self.bucket.abort(&self.key, &parts.id).await?;
        parts.promise.fulfilled();
        Ok(())
    }
}

impl Drop for BucketUpload {
    fn drop(&mut self) {
        self.release();
        for sending in self.parts.iter().flat_map(|parts| &parts.sending) {
            sending.abort();
        }
    }
}

impl Parts {
    async fn collect_one(&mut self) -> Result<(), StoreError> {
        // It stays in the queue while it is waited for: who gives up waiting must still find it there, to end it.
        let Some(sending) = self.sending.front_mut() else { return Ok(()) };
        let sent = sending.await;
        self.sending.pop_front();
        let broken = |error| StoreError::new(StoreErrorKind::Other, "a part broke off").because(error);
        self.sent.push(sent.map_err(broken)??);
        Ok(())
    }
}

fn exists(bucket: &Bucket, key: &Path) -> StoreError {
    StoreError::new(StoreErrorKind::Exists, format!("`{key}` is at {} already, and is never overwritten", bucket.place))
}

impl Upload for BucketUpload {
    fn write(&mut self, bytes: Bytes) -> Doing<'_, ()> {
        Box::pin(self.take(bytes))
    }

    fn stage(&mut self) -> Doing<'_, ()> {
        Box::pin(self.finish())
    }

    fn commit(self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(self.publish())
    }

    fn abort(self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(self.put_back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(parts: u32) -> u64 {
        (1..=parts).map(part_size).sum()
    }

    #[test]
    fn ten_thousand_parts_hold_the_largest_object() {
        assert!(reach(PART_COUNT_MAX) >= 5 << 40);
        assert!((1..=PART_COUNT_MAX).all(|number| part_size(number) <= PART_SIZE_MAX));
        assert!(part_size(u32::MAX) <= PART_SIZE_MAX);
    }

    #[test]
    fn a_hundred_gigabytes_never_need_more_than_32_mib() {
        let mut number = 1;
        while reach(number) < 100_000_000_000 {
            let size = part_size(number);
            assert!(size * (parallel(size) as u64 + 1) <= MEMORY_MAX, "part {number}");
            number += 50;
        }
    }

    #[test]
    fn parts_never_shrink_and_are_large_enough_for_all_services() {
        assert!((1..PART_COUNT_MAX).all(|number| part_size(number) <= part_size(number + 1)));
        assert!(part_size(1) >= 5 * MIB);
    }

    #[test]
    fn a_part_is_filled_to_the_byte() {
        let mut filling = Filling::default();
        assert!(filling.add(Bytes::from_static(b"abc"), 5).is_empty());
        assert_eq!(filling.add(Bytes::from_static(b"defgh"), 5), Bytes::from_static(b"fgh"));
        assert_eq!(Bytes::from(filling.payload()), Bytes::from_static(b"abcde"));
        assert_eq!(filling.bytes, 0);
    }
}
