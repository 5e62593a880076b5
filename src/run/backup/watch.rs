//! What watches a run: the service manager is told how it goes, a run in which nothing moves is ended.

use crate::conduct::Timeouts;
use crate::run::os::{Manager, Stop};
use crate::run::progress::Progress;
use crate::value::format_duration;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the service manager is told of it, and asked for more time.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How much more time is asked for where the spec does not say how long nothing may move.
const EXTENSION_DEFAULT: Duration = Duration::from_secs(600);
/// What the service manager waits beyond our own patience, so that we are the ones to end the run.
const EXTENSION_BEYOND: Duration = Duration::from_secs(30);
/// When a line of the log tells how it goes; from then on at the last of these intervals.
const LINES_AFTER: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(60), Duration::from_secs(300)];

/// A run that is watched, until this is dropped.
pub(super) struct Watch {
    watching: JoinHandle<()>,
    cut: Arc<OnceLock<String>>,
}

impl Watch {
    pub(super) fn begin(progress: &Progress, timeouts: &Timeouts, stop: &Stop, manager: Manager, lines: bool) -> Self {
        let cut = Arc::new(OnceLock::new());
        let watcher = Watcher {
            progress: progress.clone(),
            timeouts: *timeouts,
            stop: stop.clone(),
            manager,
            lines,
            cut: Arc::clone(&cut),
        };
        Self { watching: tokio::spawn(watcher.watch()), cut }
    }

    /// Why the run was ended from here.
    pub(super) fn cut(&self) -> Option<&str> {
        self.cut.get().map(String::as_str)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

struct Watcher {
    progress: Progress,
    timeouts: Timeouts,
    stop: Stop,
    manager: Manager,
    lines: bool,
    cut: Arc<OnceLock<String>>,
}

impl Watcher {
    async fn watch(self) {
        let begun = Instant::now();
        let (mut moves, mut last_move, mut extended) = (0, begun, None::<Instant>);
        let (mut told, mut lines) = (None::<Instant>, (begun, 0));
        let extension = self.timeouts.idle.unwrap_or(EXTENSION_DEFAULT).saturating_add(EXTENSION_BEYOND);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let picture = self.progress.picture();
            if picture.moves != moves || picture.busy {
                (moves, last_move) = (picture.moves, Instant::now());
            }
            if extended.is_none_or(|at| at.elapsed() >= TELL_EVERY && last_move > at) {
                self.manager.extend_timeout(extension);
                extended = Some(Instant::now());
            }
            if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
                self.manager.status(&picture.to_string());
                told = Some(Instant::now());
            }
            let interval = LINES_AFTER.get(lines.1).or(LINES_AFTER.last()).copied().unwrap_or_default();
            if self.lines && lines.0.elapsed() >= interval && !picture.what.is_empty() {
                tracing::info!("{picture}");
                lines = (Instant::now(), lines.1.saturating_add(1));
            }
            self.end_where_due(begun, last_move);
        }
    }

    fn end_where_due(&self, begun: Instant, moved: Instant) {
        let Timeouts { connect: _, stall: _, idle, run } = self.timeouts;
        let over = |since: Instant, limit: Option<Duration>| limit.filter(|limit| since.elapsed() >= *limit);
        let reason = if let Some(limit) = over(moved, idle) {
            format!(
                "nothing moved for {} (`timeouts.idle`): no byte came from a dump, and no destination took any",
                format_duration(limit)
            )
        } else if let Some(limit) = over(begun, run) {
            format!("the run took longer than {} (`timeouts.run`)", format_duration(limit))
        } else {
            return;
        };
        if !self.stop.is_stopped() && self.cut.set(reason).is_ok() {
            self.stop.stop();
        }
    }
}
