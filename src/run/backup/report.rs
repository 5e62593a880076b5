//! What a run did, as data and in lines.

use crate::contract::{Job, exit};
use crate::run::dump;
use crate::run::manifest::Entry;
use crate::run::os::RunId;
use crate::run::secret::Secrets;
use crate::run::store::StoreError;
use crate::source::Source;
use crate::value::{Bytes, Context, format_duration};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// How many warnings of a source are printed; the manifest and the JSON form hold more.
const LINES_MAX: usize = 20;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// The job.
    pub job: String,
    /// Its instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The host.
    pub host: String,
    /// The run's random name.
    pub run: String,
    /// The run's instant.
    pub time: Timestamp,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether there was nothing to do because the archives are young.
    #[serde(skip)]
    pub fresh: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// How long its stages took.
    pub stages: Stages,
    /// The sources that were dumped, in the job's order.
    pub sources: Vec<SourceReport>,
    /// Every destination of the job.
    pub destinations: Vec<DestinationReport>,
    /// What concerns the whole run.
    pub warnings: Vec<String>,
    /// Every hook that ran, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookReport>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How long the stages of a run took. Dump, pack and upload go on at the same time, in one pass: each has the time that
/// was spent waiting for it, or working at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Stages {
    /// Waiting for bytes of the dumps.
    #[serde(serialize_with = "seconds")]
    pub dump: Duration,
    /// Compressing, counting, hashing.
    #[serde(serialize_with = "seconds")]
    pub pack: Duration,
    /// Waiting for destinations to take bytes.
    #[serde(serialize_with = "seconds")]
    pub upload: Duration,
    /// Giving archives their names.
    #[serde(serialize_with = "seconds")]
    pub commit: Duration,
    /// Removing what is too old.
    #[serde(serialize_with = "seconds")]
    pub prune: Duration,
}

impl Stages {
    /// Each with its name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        let Self { dump, pack, upload, commit, prune } = *self;
        [("dump", dump), ("pack", pack), ("upload", upload), ("commit", commit), ("prune", prune)]
    }
}

/// One hook of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HookReport {
    /// The key of `hooks:` that it stands under.
    pub moment: &'static str,
    /// The source that it belongs to; none for the job's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its program's name.
    pub program: String,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// Whether it exited 0.
    pub well: bool,
    /// What went wrong, where that counts and is told nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything is everywhere.
    Done,
    /// There is an archive, but something could not be read, or not every destination has it.
    Partial,
    /// There is no archive.
    Failed,
    /// There was nothing to do, and why.
    Skipped(String),
}

impl Outcome {
    /// In one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// One source of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Its object's name.
    pub object: String,
    /// Bytes dumped.
    pub raw_size: u64,
    /// Bytes stored.
    pub size: u64,
    /// How many files and folders, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// How it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// What went slightly wrong.
    pub warnings: Vec<String>,
    /// What could not be read.
    pub unreadable: Vec<String>,
}

/// One destination of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DestinationReport {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// What became of the archive there.
    pub state: DestinationState,
    /// What was copied there from other destinations, where something was missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caught_up: Option<CaughtUp>,
    /// How long it took bytes.
    #[serde(rename = "upload_seconds", serialize_with = "seconds")]
    pub sending: Duration,
    /// What went wrong there beside the archive itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Problem>,
}

/// How a destination that lacked archives was brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaughtUp {
    /// Sets that were copied.
    pub sets: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Sets that are missing still: the next runs go on.
    pub left: usize,
    /// Whether some could not be copied; the notes say which and why.
    pub failed: bool,
}

/// What became of the archive at a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationState {
    /// It is there.
    Stored {
        /// Names of old objects that were removed.
        removed: Vec<String>,
        /// How many sets are there now; 0 where nothing is ever removed.
        kept: usize,
        /// Why nothing old was removed, where something is odd about the archive.
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<Problem>,
        /// What is old and locked at the destination.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        locked: Vec<String>,
    },
    /// Nothing of this run is there, because of the destination.
    Failed(Problem),
    /// Nothing of this run is there, because there is no archive.
    Nothing,
}

/// Why a run goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// It failed.
    Failed {
        problem: Problem,
        /// Whether the same may work a little later.
        transient: bool,
    },
    /// There is nothing to do now, and why.
    Skipped(String),
}

impl Halt {
    /// A failure that trying again cannot help.
    pub(super) fn for_good(problem: Problem) -> Self {
        Self::Failed { problem, transient: false }
    }
}

/// Something that went wrong, in words: cause by cause, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Why, from the outside in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Problem {
    /// A problem in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: vec![], help: vec![] }
    }

    /// An error with its causes.
    #[must_use]
    pub fn of(error: &dyn Error) -> Self {
        let mut problem = Self::new(error.to_string());
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            let before = problem.causes.last().unwrap_or(&problem.message);
            if !before.ends_with(&text) {
                problem.causes.push(text);
            }
            next = cause.source();
        }
        problem
    }

    /// A destination's error, with what to do.
    #[must_use]
    pub fn of_store(error: &StoreError) -> Self {
        Self { help: error.helps().to_vec(), ..Self::of(error) }
    }

    /// The same with a line of what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// The same as the cause of something else.
    #[must_use]
    pub fn about(mut self, message: &str) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, message.to_owned()));
        self
    }

    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        std::iter::once(&mut self.message).chain(&mut self.causes).chain(&mut self.help)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, "\n  cause: {cause}"))?;
        self.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

impl SourceReport {
    pub(super) fn new(source: &Source, entry: &Entry, outcome: dump::Outcome, took: Duration) -> Self {
        let dump::Outcome { warnings, unreadable, how, members, files: _, bytes: _ } = outcome;
        let (object, raw_size, size) = (entry.name.clone(), entry.raw_size, entry.size);
        Self { name: source.name.clone(), object, raw_size, size, members, took, how, warnings, unreadable }
    }
}

impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dumped `{}`: {}", self.name, Bytes(self.raw_size))?;
        if let Some(members) = self.members {
            write!(f, " in {members} files and folders")?;
        }
        write!(f, ", packed to {} in {:.1} s", Bytes(self.size), self.took.as_secs_f64())?;
        self.how.iter().try_for_each(|how| write!(f, ", read {how}"))
    }
}

impl RunReport {
    pub(super) fn new(job: &Job, context: &Context, run: &RunId, time: Timestamp) -> Self {
        Self {
            job: job.name.clone(),
            instance: context.instance.clone(),
            host: context.host.clone(),
            run: run.to_string(),
            time,
            took: Duration::ZERO,
            outcome: Outcome::Failed,
            fresh: false,
            attempts: 1,
            stages: Stages::default(),
            sources: vec![],
            destinations: vec![],
            warnings: vec![],
            hooks: vec![],
            problem: None,
        }
    }

    /// How it ended, by what is where.
    pub(super) fn judged(&self) -> Outcome {
        let stored = |d: &&DestinationReport| matches!(d.state, DestinationState::Stored { .. });
        let count = self.destinations.iter().filter(stored).count();
        let unreadable = self.sources.iter().any(|source| !source.unreadable.is_empty());
        match count {
            0 => Outcome::Failed,
            n if n < self.destinations.len() || unreadable || self.is_held() || self.lags() => Outcome::Partial,
            _ => Outcome::Done,
        }
    }

    /// Forgets a try that failed.
    pub(super) fn begin_anew(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.sources.clear();
        self.destinations.clear();
    }

    /// How it ended, now that nothing more comes of it.
    pub(super) fn conclude(&mut self, ended: Result<(), Halt>) {
        self.outcome = match ended {
            Ok(()) => self.judged(),
            Err(Halt::Skipped(reason)) => Outcome::Skipped(reason),
            Err(Halt::Failed { problem, transient: _ }) => {
                self.problem = Some(problem);
                Outcome::Failed
            }
        };
    }

    /// A hook that failed after the dump takes no archive away; it makes a good run a partial one.
    pub(super) fn count_hooks(&mut self) {
        if self.hooks.iter().all(|hook| hook.problem.is_none()) {
            return;
        }
        self.outcome = match std::mem::replace(&mut self.outcome, Outcome::Failed) {
            Outcome::Done | Outcome::Partial => Outcome::Partial,
            Outcome::Failed | Outcome::Skipped(_) => Outcome::Failed,
        };
    }

    /// What went wrong first.
    pub(super) fn first_problem(&self) -> Option<&Problem> {
        let of_destination = self.destinations.iter().find_map(|destination| match &destination.state {
            DestinationState::Failed(problem) => Some(problem),
            DestinationState::Stored { .. } | DestinationState::Nothing => None,
        });
        let of_hook = self.hooks.iter().find_map(|hook| hook.problem.as_ref());
        self.problem.as_ref().or(of_destination).or(of_hook)
    }

    /// Whether a destination keeps what should have gone, because something is odd about the archive.
    fn is_held(&self) -> bool {
        self.destinations.iter().any(|d| matches!(d.state, DestinationState::Stored { held: Some(_), .. }))
    }

    /// Whether some destination could not be brought up to date.
    fn lags(&self) -> bool {
        self.destinations.iter().filter_map(|destination| destination.caught_up.as_ref()).any(|done| done.failed)
    }

    /// The program's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Done | Outcome::Skipped(_) => exit::OK,
            Outcome::Partial => exit::PARTIAL,
            Outcome::Failed => exit::FAILED,
        }
    }

    /// As JSON on several lines.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes every secret out of every text.
    pub(super) fn redact(&mut self, secrets: &Secrets) {
        let of_sources = self.sources.iter_mut().flat_map(|s| s.warnings.iter_mut().chain(&mut s.unreadable));
        let mut texts: Vec<&mut String> = self.warnings.iter_mut().chain(of_sources).collect();
        for destination in &mut self.destinations {
            let DestinationReport { name: _, place, state, caught_up: _, sending: _, notes } = destination;
            texts.push(place);
            match state {
                DestinationState::Failed(problem) | DestinationState::Stored { held: Some(problem), .. } => {
                    texts.extend(problem.texts());
                }
                DestinationState::Stored { held: None, .. } | DestinationState::Nothing => {}
            }
            texts.extend(notes.iter_mut().flat_map(Problem::texts));
        }
        let of_hooks = self.hooks.iter_mut().filter_map(|hook| hook.problem.as_mut());
        texts.extend(self.problem.iter_mut().chain(of_hooks).flat_map(Problem::texts));
        if let Outcome::Skipped(reason) = &mut self.outcome {
            texts.push(reason);
        }
        for text in texts {
            *text = secrets.redact(text);
        }
    }

    fn whole_name(&self) -> String {
        self.instance.as_ref().map_or_else(|| self.job.clone(), |instance| format!("{} ({instance})", self.job))
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        for source in &self.sources {
            some_lines(f, "could not be read", &source.unreadable)?;
            some_lines(f, "warning", &source.warnings)?;
        }
        self.destinations.iter().try_for_each(|destination| writeln!(f, "{destination}"))?;
        let of_hooks = self.hooks.iter().filter_map(|hook| hook.problem.as_ref());
        self.problem.iter().chain(of_hooks).try_for_each(|problem| writeln!(f, "error: {problem}"))?;
        let (name, took) = (self.whole_name(), self.took.as_secs_f64());
        match &self.outcome {
            Outcome::Done => write!(f, "{name}: done in {took:.1} s"),
            Outcome::Partial => write!(f, "{name}: partly done in {took:.1} s"),
            Outcome::Failed => write!(f, "{name}: failed after {took:.1} s"),
            Outcome::Skipped(reason) => write!(f, "{name}: nothing to do, {reason}"),
        }
    }
}

fn some_lines(f: &mut fmt::Formatter<'_>, word: &str, lines: &[String]) -> fmt::Result {
    lines.iter().take(LINES_MAX).try_for_each(|line| writeln!(f, "{word}: {line}"))?;
    match lines.len().saturating_sub(LINES_MAX) {
        0 => Ok(()),
        more => writeln!(f, "{word}: and {more} more"),
    }
}

impl fmt::Display for DestinationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { String::new() } else { format!(", {}", self.place) };
        match &self.state {
            DestinationState::Stored { removed, kept: _, held, locked } => {
                write!(f, "stored at `{}`{place}", self.name)?;
                removed.iter().try_for_each(|name| write!(f, "\n  removed {name}"))?;
                locked.iter().try_for_each(|locked| write!(f, "\n  {locked}"))?;
                held.iter().try_for_each(|held| write!(f, "\nwarning: `{}`: {held}", self.name))?;
            }
            DestinationState::Failed(problem) => write!(f, "failed at `{}`{place}: {problem}", self.name)?,
            DestinationState::Nothing => write!(f, "nothing stored at `{}`{place}", self.name)?,
        }
        if let Some(CaughtUp { sets, bytes, left, failed: _ }) = &self.caught_up {
            write!(f, "\n  brought up to date: {sets} archives, {}, copied from other destinations", Bytes(*bytes))?;
            if *left > 0 {
                write!(f, "; {left} are missing still")?;
            }
        }
        self.notes.iter().try_for_each(|note| write!(f, "\nwarning: `{}`: {note}", self.name))
    }
}

/// How long something takes or is kept, for people.
pub(super) fn span(duration: Duration) -> String {
    format_duration(duration)
}
