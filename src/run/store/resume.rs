//! Downloads that go on where their connection broke.

use super::again::pause;
use super::{ByteStream, StoreError, StoreErrorKind};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;

/// How long a download may stand still.
const STALLED_AFTER: Duration = Duration::from_secs(90);
/// How often it is begun again without a byte of progress.
const TRIES: u32 = 8;

/// Opens the bytes from an offset on.
pub(super) type Opener = Box<dyn Fn(u64) -> BoxFuture<'static, Result<ByteStream, StoreError>> + Send + Sync>;

struct Resuming {
    open: Opener,
    at: u64,
    stream: Option<ByteStream>,
    tried: u32,
}

/// The bytes from `start` on; the first opening is awaited, so that what is missing is told at once.
pub(super) async fn resuming(open: Opener, start: u64) -> Result<ByteStream, StoreError> {
    let stream = super::again::again(|_| open(start)).await?;
    let state = Resuming { open, at: start, stream: Some(stream), tried: 0 };
    let next = |state: Option<Resuming>| async move {
        let mut state = state?;
        match state.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some(state))),
            Err(error) => Some((Err(error), None)),
        }
    };
    Ok(stream::unfold(Some(state), next).boxed())
}

impl Resuming {
    async fn next(&mut self) -> Option<Result<bytes::Bytes, StoreError>> {
        loop {
            let error = match self.piece().await {
                Ok(Some(bytes)) => {
                    self.at += bytes.len() as u64;
                    self.tried = 0;
                    return Some(Ok(bytes));
                }
                Ok(None) => return None,
                Err(error) => error,
            };
            self.stream = None;
            if !error.is_transient() || self.tried + 1 >= TRIES {
                return Some(Err(error));
            }
            tokio::time::sleep(pause(self.tried, error.asked_pause())).await;
            self.tried += 1;
        }
    }

    async fn piece(&mut self) -> Result<Option<bytes::Bytes>, StoreError> {
        if self.stream.is_none() {
            self.stream = Some((self.open)(self.at).await?);
        }
        let Some(stream) = &mut self.stream else { return Ok(None) };
        if let Ok(item) = tokio::time::timeout(STALLED_AFTER, stream.next()).await {
            return item.transpose();
        }
        let message = format!("nothing more came for {} s", STALLED_AFTER.as_secs());
        Err(StoreError::new(StoreErrorKind::Busy, message))
    }
}
