//! Trying again, where that can help.

use super::Run;
use super::report::{Halt, RunReport};
use crate::conduct::Retry;
use crate::value::format_duration;
use std::time::Duration;

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

impl Run<'_> {
    /// Tries until it is done, or the last try, or a failure that trying again cannot help. A try that fails leaves
    /// nothing visible anywhere, so that the next one begins anew.
    pub(super) async fn attempts(&self, report: &mut RunReport) -> Result<(), Halt> {
        let mut pause = self.job.conduct.retry.map_or(Duration::ZERO, |retry| retry.wait);
        loop {
            let ended = self.attempt(report).await;
            let Some(retry) = self.job.conduct.retry else { return ended };
            let problem = match ended {
                Err(Halt::Failed { problem, transient: true }) if report.attempts <= retry.times => problem,
                other => return other,
            };
            if self.with.stop.is_stopped() {
                return Err(Halt::Failed { problem, transient: true });
            }
            tracing::warn!("try {} failed: {problem}; the next one in {}", report.attempts, format_duration(pause));
            report.warnings.push(format!("try {} failed: {problem}", report.attempts));
            self.pause(pause).await;
            if self.with.stop.is_stopped() {
                return Err(Halt::Failed { problem, transient: true });
            }
            pause = longer(pause, retry);
            report.begin_anew();
        }
    }

    async fn pause(&self, time: Duration) {
        self.progress.enter("waiting for the next try", None);
        let _busy = self.progress.busy();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.with.stop.wait() => {}
        }
    }
}

fn longer(pause: Duration, retry: Retry) -> Duration {
    let Retry { times: _, wait: _, backoff } = retry;
    pause.saturating_mul(backoff).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let retry = Retry { times: 9, wait: Duration::from_secs(60), backoff: 3 };
        let mut pause = retry.wait;
        let pauses: Vec<u64> = std::iter::repeat_with(|| {
            let now = pause.as_secs();
            pause = longer(pause, retry);
            now
        })
        .take(6)
        .collect();
        assert_eq!(pauses, [60, 180, 540, 1620, 3600, 3600]);
    }
}
