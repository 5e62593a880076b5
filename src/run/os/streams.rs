//! A program that is spoken to without blocking: all three of its standard streams are ours.

use super::process::{GRACE, SpawnError};
use super::program::Program;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

/// How much of what a program complains is kept, in bytes: its end says most.
const COMPLAINTS_MAX_BYTES: usize = 8 * 1024;
/// How long standard error may stay open after the end, held by something that left the group.
const STDERR_LINGER: Duration = Duration::from_secs(2);

/// A program that was started. Dropping it ends its process group.
#[derive(Debug)]
pub struct Streams {
    /// Its standard input.
    pub input: ChildStdin,
    /// Its standard output.
    pub output: ChildStdout,
    /// Itself.
    pub running: Running,
}

/// A program under way. Dropping it ends its process group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    complaints: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Program {
    /// Starts it, in a process group of its own.
    ///
    /// # Errors
    /// The program is missing, or may not be started.
    pub fn start(self) -> Result<Streams, SpawnError> {
        let name = self.name.clone();
        let (mut command, _) = self.into_command();
        command.stdin(Stdio::piped());
        let failed = |source| SpawnError { program: name.clone(), source };
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(failed)?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("a child without pipes")));
        };
        let complaints = Arc::default();
        let reader = tokio::spawn(gather(errors, Arc::clone(&complaints)));
        Ok(Streams { input, output, running: Running { child, complaints, reader } })
    }
}

async fn gather(mut errors: ChildStderr, into: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 1024];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(buffer.get(..read).unwrap_or_default());
        let excess = kept.len().saturating_sub(COMPLAINTS_MAX_BYTES);
        kept.drain(..excess);
    }
}

impl Running {
    /// Waits for its end, and for the end of what it complains.
    ///
    /// # Errors
    /// The operating system does not say how it ended.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        if !self.reader.is_finished() {
            let _ = tokio::time::timeout(STDERR_LINGER, &mut self.reader).await;
        }
        Ok(status)
    }

    /// Ends it: SIGTERM to its group, and SIGKILL where it is not gone five seconds later.
    pub async fn end(mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process_group(pid, Signal::TERM);
        }
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
    }

    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// What it has written to its standard error so far: the last 8 KiB.
    #[must_use]
    pub fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.complaints.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.reader.abort();
        if let Some(pid) = self.pid() {
            let _ = kill_process_group(pid, Signal::TERM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::os::Environment;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_program_is_written_to_and_read_from() {
        let program = Program::new("sh", &Environment::default()).args(["-c", "cat; echo no >&2; exit 3"]);
        let Streams { mut input, mut output, mut running } = program.start().unwrap();
        input.write_all(b"yes").await.unwrap();
        drop(input);
        let mut text = String::new();
        output.read_to_string(&mut text).await.unwrap();
        assert_eq!(running.wait().await.unwrap().code(), Some(3));
        assert_eq!((text.as_str(), running.complaints().as_str()), ("yes", "no\n"));
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_told() {
        assert!(Program::new("/nonexistent", &Environment::default()).start().is_err());
    }
}
