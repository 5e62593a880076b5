//! Child processes: in a process group of their own, watched, and ended as a group.

use super::Stop;
use super::pipe::Pipe;
use super::program::{Program, Writing};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::io::{self, BufWriter, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a process group has between SIGTERM and SIGKILL.
pub const GRACE: Duration = Duration::from_secs(5);
/// How long the rest of a group has once its first process is gone.
const GRACE_OF_THE_REST: Duration = Duration::from_millis(200);
/// How often deadlines and the stop token are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long standard error may stay open after the end, held by something that left the group.
const STDERR_LINGER: Duration = Duration::from_secs(2);

/// What ends a process early.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// The run's token.
    pub stop: Stop,
    /// When it must be over; none means never.
    pub deadline: Option<Instant>,
}

impl Limits {
    /// These limits, and at most so long from now.
    #[must_use]
    pub fn at_most(&self, time: Duration) -> Self {
        let latest = Instant::now().checked_add(time);
        let deadline = match (self.deadline, latest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { stop: self.stop.clone(), deadline }
    }

    fn cut(&self) -> Option<Cut> {
        if self.stop.is_stopped() {
            return Some(Cut::Stopped);
        }
        self.deadline.filter(|deadline| Instant::now() >= *deadline).map(|_| Cut::TimedOut)
    }
}

/// Why a process was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The deadline passed.
    #[error("it took longer than its timeout allows, and was ended")]
    TimedOut,
    /// The run was told to stop.
    #[error("the run was told to stop")]
    Stopped,
    /// Its output was given up, or it was cancelled.
    #[error("it was cancelled, because its output could not be stored")]
    Cancelled,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its own status.
    pub status: ExitStatus,
    /// Set where it was ended by us, whatever its status.
    pub cut: Option<Cut>,
}

impl Ended {
    /// Whether it exited 0 by itself.
    #[must_use]
    pub fn well(self) -> bool {
        self.cut.is_none() && self.status.success()
    }

    /// For people: `exited with status 1`, `was killed by signal 9`.
    #[must_use]
    pub fn describe(self) -> String {
        match (self.cut, self.status.code(), self.status.signal()) {
            (Some(cut), _, _) => cut.to_string(),
            (None, Some(code @ 129..=165), _) => format!("it exited with status {code}{}", of_signal(code - 128)),
            (None, Some(code), _) => format!("it exited with status {code}"),
            (None, None, Some(signal)) => format!("it was killed by signal {signal}{}", hint(signal)),
            (None, None, None) => "it ended in an unknown way".to_owned(),
        }
    }
}

/// Shells and container engines report a signal as status 128 + its number.
fn of_signal(signal: i32) -> String {
    format!(" (killed by signal {signal}{})", hint(signal))
}

fn hint(signal: i32) -> &'static str {
    match signal {
        9 => ", which the kernel also sends where memory runs out",
        13 => ", because nobody reads its output any more",
        _ => "",
    }
}

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be started", program.to_string_lossy())]
pub struct SpawnError {
    /// Which program.
    pub program: OsString,
    /// Why; `NotFound` where there is no such program.
    pub source: io::Error,
}

enum Event {
    Exited,
    /// The output was read to its end.
    OutputRead,
    /// The output was dropped before its end, or someone cancelled.
    Cancelled,
}

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    events: Sender<Event>,
    supervisor: Option<JoinHandle<io::Result<Ended>>>,
    stderr: Option<(JoinHandle<()>, Pipe)>,
}

/// A process's standard output. Dropping it before its end cancels the process.
#[derive(Debug)]
pub struct Output {
    pipe: Pipe,
    events: Sender<Event>,
    at_end: bool,
}

impl Process {
    /// Starts a program; each line of its standard error goes to `line`, without its line break, in another thread.
    ///
    /// # Errors
    /// The program is missing, or may not be started.
    pub fn spawn(
        program: Program,
        limits: Limits,
        line: impl FnMut(String) + Send + 'static,
    ) -> Result<(Self, Output), SpawnError> {
        let name = program.name.clone();
        Self::start(program, limits, line).map_err(|source| SpawnError { program: name, source })
    }

    fn start(
        program: Program,
        limits: Limits,
        line: impl FnMut(String) + Send + 'static,
    ) -> io::Result<(Self, Output)> {
        let (mut command, input) = program.into_command();
        let mut child = command.spawn()?;
        let (events, received) = channel();
        let stdout = Pipe::new(child.stdout.take().map(Into::into))?;
        let stderr = Pipe::new(child.stderr.take().map(Into::into))?;
        feed(&mut child, input)?;
        let output = Output { pipe: stdout, events: events.clone(), at_end: false };
        let lines = stderr.clone();
        let reader = thread::Builder::new().name("stderr".into()).spawn(move || super::pipe::lines(lines, line))?;
        let supervisor = supervise(child, received, events.clone(), limits, output.pipe.clone())?;
        Ok((Self { events, supervisor: Some(supervisor), stderr: Some((reader, stderr)) }, output))
    }

    /// Waits for its end; its output must have been read to its end or dropped.
    ///
    /// # Errors
    /// The operating system does not say how it ended.
    pub fn wait(mut self) -> io::Result<Ended> {
        self.join()
    }

    /// Ends it: SIGTERM to its group, SIGKILL five seconds later.
    ///
    /// # Errors
    /// The operating system does not say how it ended.
    pub fn cancel(mut self) -> io::Result<Ended> {
        let _ = self.events.send(Event::Cancelled);
        self.join()
    }

    fn join(&mut self) -> io::Result<Ended> {
        let gone = || io::Error::other("the process's supervisor is gone");
        let ended = self.supervisor.take().ok_or_else(gone)?.join().map_err(|_| gone())?;
        if let Some((reader, pipe)) = self.stderr.take() {
            pipe.close_within(STDERR_LINGER);
            let _ = reader.join();
        }
        ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.supervisor.is_some() {
            let _ = self.events.send(Event::Cancelled);
            let _ = self.join();
        }
    }
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.at_end {
            self.at_end = true;
            let _ = self.events.send(Event::OutputRead);
        }
        Ok(read)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.at_end {
            let _ = self.events.send(Event::Cancelled);
        }
    }
}

/// Writes a program's input in a thread of its own. A program that does not read it all is its own affair.
fn feed(child: &mut Child, input: Option<Writing>) -> io::Result<()> {
    if let (Some(write), Some(stdin)) = (input, child.stdin.take()) {
        let mut stdin = BufWriter::new(stdin);
        thread::Builder::new().name("stdin".into()).spawn(move || write(&mut stdin).and_then(|()| stdin.flush()))?;
    }
    Ok(())
}

/// A supervisor that could not be started leaves no process behind.
fn supervise(
    child: Child,
    received: Receiver<Event>,
    events: Sender<Event>,
    limits: Limits,
    stdout: Pipe,
) -> io::Result<JoinHandle<io::Result<Ended>>> {
    let pid = Pid::from_child(&child);
    let watched = thread::Builder::new().name("wait".into()).spawn(move || {
        // The zombie stays: as long as nobody reaps it, its group's number cannot become someone else's.
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {
        }
        let _ = events.send(Event::Exited);
    });
    let supervisor = watched.and_then(|_| {
        let supervisor = Supervisor { child, pid, received, limits, stdout, exited: false, read: false };
        thread::Builder::new().name("supervisor".into()).spawn(move || supervisor.run())
    });
    if supervisor.is_err() {
        let _ = kill_process_group(pid, Signal::KILL);
    }
    supervisor
}

struct Supervisor {
    child: Child,
    pid: Pid,
    received: Receiver<Event>,
    limits: Limits,
    stdout: Pipe,
    exited: bool,
    read: bool,
}

impl Supervisor {
    fn run(mut self) -> io::Result<Ended> {
        let cut = self.until_over_or_cut();
        self.stdout.fail_at_end(cut.is_some());
        self.end_group(cut.is_some());
        self.stdout.close_within(Duration::ZERO);
        Ok(Ended { status: self.child.wait()?, cut })
    }

    fn until_over_or_cut(&mut self) -> Option<Cut> {
        while !(self.exited && self.read) {
            match self.received.recv_timeout(LOOK_EVERY) {
                Ok(Event::Cancelled) | Err(RecvTimeoutError::Disconnected) => return Some(Cut::Cancelled),
                Ok(event) => self.note(&event),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let cut = self.limits.cut();
            if cut.is_some() {
                return cut;
            }
        }
        None
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Exited => self.exited = true,
            Event::OutputRead => self.read = true,
            Event::Cancelled => {}
        }
    }

    /// Ends whatever is left of the group: politely first.
    fn end_group(&mut self, cut: bool) {
        let _ = kill_process_group(self.pid, Signal::TERM);
        // A stopped process would not see the signal.
        let _ = kill_process_group(self.pid, Signal::CONT);
        self.wait_for_exit(GRACE);
        if cut {
            thread::sleep(GRACE_OF_THE_REST);
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
    }

    fn wait_for_exit(&mut self, time: Duration) {
        let begin = Instant::now();
        while !self.exited && begin.elapsed() < time {
            match self.received.recv_timeout(LOOK_EVERY) {
                Ok(event) => self.note(&event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// What a short program printed.
#[derive(Debug)]
pub struct Captured {
    /// How it ended.
    pub ended: Ended,
    /// Its output.
    pub stdout: Vec<u8>,
    /// Its last lines of standard error.
    pub stderr: Vec<String>,
}

impl Captured {
    /// What it said: its standard error, or where that is empty its output, since engines print errors there too.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        if self.stderr.is_empty() {
            return String::from_utf8_lossy(&self.stdout).lines().take(CAPTURED_LINES_MAX).map(str::to_owned).collect();
        }
        self.stderr.clone()
    }
}

/// How many lines of a short program's standard error are kept.
const CAPTURED_LINES_MAX: usize = 50;
/// What a short program may print, in bytes; more is an error.
const CAPTURED_MAX: u64 = 16 * 1024 * 1024;

impl Program {
    /// Runs a short program to its end.
    ///
    /// # Errors
    /// It cannot be started, or prints more than 16 MiB. A bad exit status is no error here.
    pub fn capture(self, limits: Limits) -> Result<Captured, SpawnError> {
        let program = self.name.clone();
        let failed = |source| SpawnError { program: program.clone(), source };
        let (lines, received) = channel();
        let (process, mut output) = Process::spawn(self, limits, move |line| drop(lines.send(line)))?;
        let mut stdout = vec![];
        let read = (&mut output).take(CAPTURED_MAX + 1).read_to_end(&mut stdout);
        drop(output);
        let ended = process.wait().map_err(failed)?;
        if stdout.len() as u64 > CAPTURED_MAX {
            return Err(failed(io::Error::other("it printed more than 16 MiB")));
        }
        if ended.cut.is_none() {
            read.map_err(failed)?;
        }
        let mut stderr: Vec<String> = received.iter().collect();
        stderr.drain(..stderr.len().saturating_sub(CAPTURED_LINES_MAX));
        Ok(Captured { ended, stdout, stderr })
    }
}

#[cfg(test)]
mod tests;
