//! Trying again what may work a little later, for stores whose library does not.

use super::StoreError;
use std::time::{Duration, Instant};

/// How often something is tried in all; with the pauses below that is some 25 seconds where the server refuses at once.
const TRIES: u32 = 8;
/// The first pause; each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause, also where the server asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest pause that a server may ask for.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(60);

/// Once tries have taken this long, pauses apart, no other follows: a program such as rclone tries again by itself, and a
/// destination that is down must not hold a run for eight times as long.
const TIME_TRIED_MAX: Duration = Duration::from_secs(45);

/// Does something, and again where that can help; `attempt` is told how often it was tried before.
pub(super) async fn again<T, F>(mut attempt: impl FnMut(u32) -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let (mut tried, mut spent) = (0, Duration::ZERO);
    loop {
        let begun = Instant::now();
        let outcome = attempt(tried).await;
        spent += begun.elapsed();
        match outcome {
            Err(error) if error.is_transient() && tried + 1 < TRIES && spent < TIME_TRIED_MAX => {
                tracing::debug!("trying again: {error}");
                tokio::time::sleep(pause(tried, error.asked_pause())).await;
                tried += 1;
            }
            other => return other,
        }
    }
}

pub(super) fn pause(tried: u32, asked: Option<Duration>) -> Duration {
    let own = PAUSE_FIRST.saturating_mul(1 << tried.min(16)).min(PAUSE_MAX);
    asked.map_or(own, |asked| asked.min(PAUSE_ASKED_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::StoreErrorKind;
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn what_cannot_help_is_not_tried_again() {
        let tried = Cell::new(0);
        let attempt = |_| {
            tried.set(tried.get() + 1);
            async { Err::<(), _>(StoreError::new(StoreErrorKind::Full, "the quota is used up")) }
        };
        assert_eq!(again(attempt).await.unwrap_err().kind(), StoreErrorKind::Full);
        assert_eq!(tried.get(), 1);
    }

    #[tokio::test]
    async fn what_is_busy_for_a_moment_works_in_the_end() {
        let attempt = |tried| async move {
            if tried == 0 { Err(StoreError::new(StoreErrorKind::Busy, "busy")) } else { Ok(tried) }
        };
        assert_eq!(again(attempt).await.unwrap(), 1);
    }

    #[test]
    fn pauses_grow_to_a_bound_and_a_server_may_ask_for_its_own() {
        assert_eq!(pause(0, None), PAUSE_FIRST);
        assert_eq!(pause(40, None), PAUSE_MAX);
        assert_eq!(pause(0, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(pause(0, Some(Duration::from_secs(86_400))), PAUSE_ASKED_MAX);
        assert!((0..TRIES).map(|tried| pause(tried, None)).sum::<Duration>() < Duration::from_secs(40));
    }
}
