//! Being told to stop: SIGTERM and SIGINT as a token that everything long-running looks at.

use std::io;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Whether the run is to end early. Clones share one state; once stopped it stays stopped.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
}

/// How often [`Stop::wait_for`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Stop {
    /// A token that SIGTERM and SIGINT set; from now on neither ends the program by itself.
    ///
    /// # Errors
    /// The operating system refuses the handlers.
    pub fn on_signals() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let stop = Self::default();
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let set = stop.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for _ in signals.forever() {
                set.stop();
            }
        })?;
        Ok(stop)
    }

    /// Tells everyone to stop.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is told to stop.
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }

    /// Blocks until it is told to stop or the time is over; true where it was told.
    #[must_use]
    pub fn wait_for(&self, time: Duration) -> bool {
        let begin = Instant::now();
        while !self.is_stopped() {
            let left = time.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
        true
    }

    /// A token that stops with this one, and can be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_stops_with_its_parent_and_not_the_other_way_round() {
        let parent = Stop::default();
        let child = parent.child();
        child.stop();
        assert!(!parent.is_stopped());
        let other = parent.child();
        parent.stop();
        assert!(other.is_stopped());
        assert!(other.wait_for(Duration::ZERO));
    }

    #[test]
    fn a_signal_stops() {
        let stop = Stop::on_signals().unwrap();
        assert!(!stop.is_stopped());
        let myself = rustix::process::getpid();
        rustix::process::kill_process(myself, rustix::process::Signal::TERM).unwrap();
        assert!(stop.wait_for(Duration::from_secs(5)));
    }

    #[test]
    fn waiting_ends_with_the_time() {
        assert!(!Stop::default().wait_for(Duration::from_millis(1)));
    }
}
