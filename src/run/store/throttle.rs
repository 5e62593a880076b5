//! How fast bytes may pass: a token bucket with a small burst.

use crate::value::Rate;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far ahead of the rate bytes may be: what was missed for so long is made up for.
const BURST: Duration = Duration::from_millis(250);
/// How much time a piece is worth, so that a slow rate is a steady one.
const PIECE: Duration = Duration::from_millis(50);
/// The smallest and the largest piece that passes at once, in bytes.
const PIECE_BYTES: (u64, u64) = (1 << 10, 256 << 10);

/// What passes at once where nothing is slowed: little enough that a trickle is seen as one.
const METERED_BYTES: u64 = 64 << 10;

/// What slows a destination's bytes, in one direction. Clones share one rate.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<State>);

#[derive(Debug)]
struct State {
    /// None where nothing is slowed.
    rate: Option<Rate>,
    turns: Mutex<Turns>,
}

#[derive(Debug)]
struct Turns {
    /// When everything that was let in so far will have passed.
    free_at: Instant,
    last: Instant,
}

impl Throttle {
    /// One that lets bytes pass at this rate.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::of(Some(rate))
    }

    /// One that slows nothing, and only tells when bytes passed.
    #[must_use]
    pub fn meter() -> Self {
        Self::of(None)
    }

    fn of(rate: Option<Rate>) -> Self {
        let now = Instant::now();
        Self(Arc::new(State { rate, turns: Mutex::new(Turns { free_at: now, last: now }) }))
    }

    /// Whether it slows anything, and does not only tell.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.0.rate.is_some()
    }

    /// Waits until so many bytes may pass. Who asks first passes first.
    pub async fn pass(&self, bytes: usize) {
        if let Some(rate) = self.0.rate {
            let now = Instant::now();
            let due = {
                let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
                turns.free_at = turns.free_at.max(now) + rate.time_of(bytes as u64);
                turns.free_at.checked_sub(BURST).unwrap_or(now)
            };
            tokio::time::sleep_until(due.into()).await;
        }
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner).last = Instant::now();
    }

    /// When bytes passed last: whoever waits for a destination while they do is not waiting in vain.
    #[must_use]
    pub fn last_passed(&self) -> Instant {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    /// Cuts off what passes at once.
    pub(super) fn next_piece(&self, bytes: &mut Bytes) -> Bytes {
        let (least, most) = PIECE_BYTES;
        let piece = self.0.rate.map_or(METERED_BYTES, |rate| rate.bytes_in(PIECE).clamp(least, most));
        let piece = usize::try_from(piece).unwrap_or(usize::MAX);
        bytes.split_to(bytes.len().min(piece))
    }
}

/// A stream that goes no faster.
pub(super) fn slowed<S, E>(stream: S, throttle: Throttle) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let next = |(mut below, throttle, mut held): (S, Throttle, Bytes)| async move {
        while held.is_empty() {
            match below.next().await? {
                Ok(piece) => held = piece,
                Err(error) => return Some((Err(error), (below, throttle, held))),
            }
        }
        let piece = throttle.next_piece(&mut held);
        throttle.pass(piece.len()).await;
        Some((Ok(piece), (below, throttle, held)))
    };
    stream::unfold((stream, throttle, Bytes::new()), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_who_share_a_rate_have_it_together() {
        let throttle = Throttle::new(Rate::parse("1MiB/s").unwrap());
        let send = || async {
            let mut bytes = Bytes::from(vec![0; 200 << 10]);
            while !bytes.is_empty() {
                throttle.pass(throttle.next_piece(&mut bytes).len()).await;
            }
        };
        let begun = Instant::now();
        tokio::join!(send(), send());
        let taken = begun.elapsed();
        assert!(taken >= Duration::from_millis(130), "{taken:?}");
        assert!(throttle.last_passed() > begun);
    }
}
