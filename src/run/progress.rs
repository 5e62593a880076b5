//! How far a run has come, for whoever watches it: the service manager, a terminal, a log, our own patience.

use crate::value::Bytes;
use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far a run has come. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stage: Mutex<Stage>,
    dumped: AtomicU64,
    moves: AtomicU64,
    busy: AtomicU64,
}

#[derive(Debug, Clone, Default)]
struct Stage {
    what: String,
    begun: Option<Instant>,
    expected: Option<u64>,
    dumped_before: u64,
}

/// What can be seen at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// What is being done.
    pub what: String,
    /// For how long.
    pub since: Duration,
    /// Bytes dumped in this stage.
    pub bytes: u64,
    /// About how many there will be, by the last time.
    pub expected: Option<u64>,
    /// Changes whenever anything moves: a byte of a dump, a byte that a destination takes, a new stage.
    pub moves: u64,
    /// Whether something with a limit of its own is waited for.
    pub busy: bool,
}

impl Progress {
    /// Something else is done from now on.
    pub fn enter(&self, what: impl Into<String>, expected: Option<u64>) {
        let dumped_before = self.0.dumped.load(Ordering::Relaxed);
        let stage = Stage { what: what.into(), begun: Some(Instant::now()), expected, dumped_before };
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.moved();
    }

    /// Something moved.
    pub fn moved(&self) {
        self.0.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Something is waited for that has a limit of its own; that it says nothing meanwhile is no stall.
    #[must_use]
    pub fn busy(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// A dump's stream, counted, with the time spent waiting for it.
    pub fn metered<R>(&self, below: R, waited: Clock) -> Metered<R> {
        Metered { below, progress: self.clone(), waited }
    }

    /// What can be seen now.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let stage = self.0.stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Picture {
            what: stage.what,
            since: stage.begun.map_or(Duration::ZERO, |begun| begun.elapsed()),
            bytes: self.0.dumped.load(Ordering::Relaxed).saturating_sub(stage.dumped_before),
            expected: stage.expected,
            moves: self.0.moves.load(Ordering::Relaxed),
            busy: self.0.busy.load(Ordering::Relaxed) > 0,
        }
    }
}

/// As long as it lives, something is waited for.
#[derive(Debug)]
pub struct Busy(Progress);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.moved();
    }
}

impl Picture {
    /// Bytes a second, on the average of the stage.
    #[must_use]
    pub fn rate(&self) -> u64 {
        let milliseconds = u64::try_from(self.since.as_millis()).unwrap_or(u64::MAX).max(1);
        self.bytes.saturating_mul(1000) / milliseconds
    }

    /// About how long it takes still, where the last time tells.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let rest = self.expected?.checked_sub(self.bytes)?;
        rest.checked_div(self.rate()).map(Duration::from_secs)
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.bytes == 0 {
            return Ok(());
        }
        write!(f, ": {} at {}/s", Bytes(self.bytes), Bytes(self.rate()))?;
        match self.left() {
            Some(left) => write!(f, ", about {} left", crate::value::format_duration(left)),
            None => Ok(()),
        }
    }
}

/// Time added up.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// Adds to it.
    pub fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The sum.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A stream that tells how much of it was read.
#[derive(Debug)]
pub struct Metered<R> {
    below: R,
    progress: Progress,
    waited: Clock,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let begun = Instant::now();
        let read = self.below.read(buffer);
        self.waited.add(begun.elapsed());
        if let Ok(count @ 1..) = read {
            self.progress.0.dumped.fetch_add(count as u64, Ordering::Relaxed);
            self.progress.moved();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_told_with_its_rate_and_the_time_left() {
        let progress = Progress::default();
        progress.enter("dumping `db`", Some(3000));
        let mut stream = progress.metered(&[7u8; 1000][..], Clock::default());
        io::copy(&mut stream, &mut io::sink()).unwrap();
        let seen = Picture { since: Duration::from_secs(2), ..progress.picture() };
        assert_eq!((seen.bytes, seen.rate(), seen.left()), (1000, 500, Some(Duration::from_secs(4))));
        assert_eq!(seen.to_string(), "dumping `db`: 1000 B at 500 B/s, about 4s left");
        progress.enter("committing", None);
        assert_eq!(progress.picture().to_string(), "committing");
    }

    #[test]
    fn nothing_moves_but_what_does() {
        let progress = Progress::default();
        let before = progress.picture().moves;
        let busy = progress.busy();
        assert!(progress.picture().busy);
        drop(busy);
        assert!(!progress.picture().busy && progress.picture().moves > before);
    }
}
