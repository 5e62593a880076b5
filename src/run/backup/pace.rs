//! How fast a source passes through, and a destination that stalls told from one that is slow.

use super::report::Stages;
use crate::run::progress::{Clock, Progress};
use crate::run::store::{StoreError, StoreErrorKind, Throttle, Upload};
use crate::value::format_duration;
use bytes::Bytes;
use std::pin::pin;
use std::time::{Duration, Instant};

/// How often is looked whether a destination that is slowed still moves.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many bytes a destination is handed at once: one that takes them slowly is seen to take them.
const PIECE_BYTES: usize = 64 << 10;

/// Where the time goes while a source passes through.
#[derive(Debug, Clone, Default)]
pub(super) struct Clocks {
    /// Starting the dump, and waiting for its bytes.
    pub dump: Clock,
    /// Waiting for destinations.
    pub upload: Clock,
    /// From the first byte of the dump to the last.
    pub through: Clock,
}

impl Clocks {
    pub(super) fn add_to(&self, stages: &mut Stages) {
        let Self { dump, upload, through } = self;
        stages.dump += dump.sum();
        stages.upload += upload.sum();
        stages.pack += through.sum().saturating_sub(dump.sum()).saturating_sub(upload.sum());
    }
}

/// What a destination is watched by while it takes bytes.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub progress: Progress,
    pub sending: Clock,
    pub stall: Duration,
    /// What slows it: as long as bytes pass there, it has not stalled.
    pub throttle: Option<Throttle>,
}

impl Watched {
    /// Hands over bytes; one that takes none for too long is stalled. Time in which there is nothing to take does not
    /// count.
    pub(super) async fn hand_over(&self, upload: &mut dyn Upload, chunk: Bytes) -> Result<(), StoreError> {
        let begun = Instant::now();
        let mut left = chunk;
        let mut written = Ok(());
        while written.is_ok() && !left.is_empty() {
            let piece = left.split_to(left.len().min(PIECE_BYTES));
            written = self.unless_stalled(upload.write(piece)).await;
            self.progress.moved();
        }
        self.sending.add(begun.elapsed());
        written
    }

    /// Waits for something that a destination does, unless it does nothing for too long.
    pub(super) async fn unless_stalled<T>(
        &self,
        doing: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut doing = pin!(doing);
        let mut since = Instant::now();
        loop {
            let left = self.stall.saturating_sub(since.elapsed());
            if let Ok(done) = tokio::time::timeout(left.min(LOOK_EVERY), &mut doing).await {
                return done;
            }
            if let Some(passed) = self.throttle.as_ref().map(Throttle::last_passed).filter(|passed| *passed > since) {
                since = passed;
                self.progress.moved();
            }
            if since.elapsed() >= self.stall {
                let stall = format_duration(self.stall);
                let message =
                    format!("it has stalled: for {stall} it took no byte of those that are there (`timeouts.stall`)");
                return Err(StoreError::new(StoreErrorKind::Busy, message));
            }
        }
    }
}
