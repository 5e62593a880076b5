//! Telling the service manager how it goes (`sd_notify(3)`), and whether standard error is its journal.

use super::Environment;
use sd_notify::NotifyState;
use std::time::Duration;

/// What the service manager is told; nobody is where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Manager {
    listens: bool,
}

impl Manager {
    /// The one that started this process, where it listens (`NotifyAccess=`).
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self { listens: environment.get("NOTIFY_SOCKET").is_some() }
    }

    /// Shows a line in `systemctl status`.
    pub fn status(self, line: &str) {
        let line = line.replace('\n', " ");
        if self.listens {
            let _ = sd_notify::notify(&[NotifyState::Status(&line)]);
        }
    }

    /// Asks not to be ended before this time has passed, whatever `TimeoutStartSec=` says (systemd 236 or later).
    pub fn extend_timeout(self, time: Duration) {
        let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        if self.listens {
            let _ = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(microseconds)]);
        }
    }
}

/// Whether what is written to standard error goes straight to the journal: `JOURNAL_STREAM` names its device and inode
/// (systemd.exec(5)).
#[must_use]
pub fn stderr_is_journal(environment: &Environment) -> bool {
    let Ok(stat) = rustix::fs::fstat(std::io::stderr()) else { return false };
    let stream = environment.get("JOURNAL_STREAM").and_then(|value| value.to_str());
    stream.is_some_and(|stream| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}
