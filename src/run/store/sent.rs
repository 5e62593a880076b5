//! When the bytes of a request were taken last: slow is told from stalled, however many bytes one request has.

use bytes::Bytes;
use futures_util::{Stream, stream};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many bytes are handed to a connection at once.
const PIECE_BYTES: usize = 64 << 10;

/// The moment at which a request was begun, or the last of its bytes was taken. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Sent(Arc<Mutex<Instant>>);

impl Sent {
    /// Of a request that begins now.
    pub(super) fn begun() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Some bytes were taken.
    pub(super) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Waits for what a server does; none where for so long it took no byte, and did not come to an end.
    pub(super) async fn unless_silent<T>(&self, time: Duration, doing: impl Future<Output = T>) -> Option<T> {
        let mut doing = pin!(doing);
        loop {
            if let Ok(done) = tokio::time::timeout(time.saturating_sub(self.idle()), &mut doing).await {
                return Some(done);
            }
            if self.idle() >= time {
                return None;
            }
        }
    }

    /// Bytes in small pieces, each marked when the connection takes it.
    pub(super) fn pieces(&self, mut bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let sent = self.clone();
        stream::iter(std::iter::from_fn(move || {
            sent.mark();
            (!bytes.is_empty()).then(|| Ok(bytes.split_to(bytes.len().min(PIECE_BYTES))))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    #[tokio::test]
    async fn slow_is_not_silent_and_silent_is_found_in_time() {
        let sent = Sent::begun();
        let slow = async {
            let mut pieces = Box::pin(sent.pieces(Bytes::from(vec![0; 6 * PIECE_BYTES])));
            let mut count = 0;
            while let Some(piece) = pieces.next().await {
                count += piece.unwrap().len();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            count
        };
        assert_eq!(sent.unless_silent(Duration::from_millis(200), slow).await, Some(6 * PIECE_BYTES));
        let begun = Instant::now();
        let silent = sent.unless_silent(Duration::from_millis(200), std::future::pending::<()>()).await;
        assert!(silent.is_none() && begun.elapsed() < Duration::from_secs(2));
    }
}
