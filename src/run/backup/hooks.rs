//! Programs that run around a run and around each dump.

use super::report::{HookReport, Problem, RunReport};
use super::{Outcome, Run};
use crate::conduct::{HOOK_TIMEOUT_DEFAULT, Hook, OnError};
use crate::contract::exit;
use crate::run::dump::Surroundings;
use crate::run::journal::{JournalError, MARK_VARIABLE, Obligation};
use crate::run::os::{Cut, Ended, Input, Limits, Output, Process, Program, SpawnError, Stop};
use crate::run::secret::SecretError;
use crate::value::{Context, ExpandError};
use secrecy::ExposeSecret as _;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{JoinError, spawn_blocking};

/// How long hooks and notices together may still take once the run was told to stop: systemd kills what is left 90 s
/// after its SIGTERM (`DefaultTimeoutStopSec=`, systemd-system.conf(5)).
pub(super) const AFTER_STOP: Duration = Duration::from_secs(45);
/// A line of a hook's that is longer is cut into several.
const LINE_MAX_BYTES: usize = 8 * 1024;

/// The moment at which a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
    Failed,
    Finally,
}

impl Moment {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Failed => "failed",
            Self::Finally => "finally",
        }
    }
}

/// What the hooks before a dump decide.
pub(super) enum Verdict {
    GoOn,
    /// There is nothing to do now, and why.
    Skip(String),
    Fail(Problem),
}

/// What a hook is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub moment: Moment,
    pub source: Option<&'a str>,
    /// How far it has come: `running`, `done`, `partial`, `failed`, `skipped`.
    pub state: &'a str,
    pub error: Option<&'a Problem>,
}

/// Why a hook did not do its work.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("it has no words")]
    NoProgram,
    #[error("a value of it cannot be filled in")]
    Expand(#[from] ExpandError),
    #[error("a value of its environment is not known")]
    Secret(#[from] SecretError),
    #[error("what a killed run would leave cannot be written down")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("it is not known how it ended")]
    Unknown(#[source] io::Error),
    #[error("the work on it broke off")]
    Broken(#[from] JoinError),
    #[error("{how}{said}")]
    Ended { ended: Ended, how: String, said: String },
}

impl HookError {
    /// Whether it says by its status that now is not the time.
    fn says_not_now(&self) -> bool {
        matches!(self, Self::Ended { ended, .. } if ended.cut.is_none() && ended.status.code() == Some(i32::from(exit::LOCKED)))
    }

    fn was_stopped(&self) -> bool {
        matches!(self, Self::Ended { ended, .. } if ended.cut == Some(Cut::Stopped))
    }
}

impl Run<'_> {
    /// Runs the hooks before a dump, up to the first that fails.
    pub(super) async fn before(&self, hooks: &[Hook], source: Option<&str>, report: &mut RunReport) -> Verdict {
        let about = About { moment: Moment::Before, source, state: "running", error: None };
        for hook in hooks {
            let Err(error) = self.hook(hook, about, report).await else { continue };
            let problem = problem(hook, about, &error);
            if error.was_stopped() {
                return Verdict::Fail(Problem::new("the run was told to stop"));
            }
            if error.says_not_now() || hook.on_error == OnError::Skip {
                return Verdict::Skip(problem.to_string());
            }
            match hook.on_error {
                OnError::Warn | OnError::Skip => report.warnings.push(problem.to_string()),
                OnError::Fail => return Verdict::Fail(problem),
            }
        }
        Verdict::GoOn
    }

    /// Runs hooks after a dump, all of them; those whose failure counts are marked in the report.
    pub(super) async fn later(&self, hooks: &[Hook], about: About<'_>, report: &mut RunReport) {
        for hook in hooks {
            let Err(error) = self.hook(hook, about, report).await else { continue };
            let problem = problem(hook, about, &error);
            match (hook.on_error, report.hooks.last_mut()) {
                (OnError::Fail, Some(last)) => last.problem = Some(problem),
                (OnError::Fail | OnError::Warn | OnError::Skip, _) => report.warnings.push(problem.to_string()),
            }
        }
    }

    /// The hooks at the end of the whole run, by what became of it.
    pub(super) async fn afterwards(&self, report: &mut RunReport) {
        let hooks = &self.job.conduct.hooks;
        let about = |moment, state, error| About { moment, source: None, state, error };
        if matches!(report.outcome, Outcome::Done | Outcome::Partial) {
            self.later(&hooks.after, about(Moment::After, report.outcome.word(), None), report).await;
        }
        report.count_hooks();
        let error = report.first_problem().cloned();
        if matches!(report.outcome, Outcome::Partial | Outcome::Failed) {
            self.later(&hooks.failed, about(Moment::Failed, report.outcome.word(), error.as_ref()), report).await;
        }
        self.later(&hooks.finally, about(Moment::Finally, report.outcome.word(), error.as_ref()), report).await;
        report.count_hooks();
    }

    async fn hook(&self, hook: &Hook, about: About<'_>, report: &mut RunReport) -> Result<(), HookError> {
        let begun = Instant::now();
        let (moment, program) = (about.moment.word(), name(hook));
        tracing::info!(hook = moment, "running the hook `{program}`");
        self.progress.enter(format!("running the hook `{program}` in `{moment}`"), None);
        let _busy = self.progress.busy();
        let done = self.attempt_hook(hook, about, report).await;
        report.hooks.push(HookReport {
            moment,
            source: about.source.map(str::to_owned),
            program,
            took: begun.elapsed(),
            well: done.is_ok(),
            problem: None,
        });
        done
    }

    async fn attempt_hook(&self, hook: &Hook, about: About<'_>, report: &RunReport) -> Result<(), HookError> {
        let mark = format!("{}-hook", self.with.run);
        let program = self.program(hook, about, report, &mark)?;
        let stop = match about.moment {
            Moment::Before | Moment::After => self.with.stop.clone(),
            Moment::Failed | Moment::Finally => self.late.clone(),
        };
        let time = hook.timeout.unwrap_or(HOOK_TIMEOUT_DEFAULT);
        let log = Log { with: self.with.clone(), moment: about.moment.word(), last: Arc::default() };
        // A hook that has ended well may leave something running on purpose, a tunnel say.
        let promise = self.with.journal.promise(Obligation::HostProcess { mark })?;
        let said = log.clone();
        let ended = spawn_blocking(move || to_its_end(program, stop, time, &log)).await;
        let _ = self.with.journal.done(promise);
        let ended = ended??;
        let said = said.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let said = said.map(|line| format!("; it said: {line}")).unwrap_or_default();
        if ended.well() { Ok(()) } else { Err(HookError::Ended { ended, how: ended.describe(), said }) }
    }

    fn program(&self, hook: &Hook, about: About<'_>, report: &RunReport, mark: &str) -> Result<Program, HookError> {
        let context = Context { source: about.source.map(str::to_owned), ..self.with.context.clone() };
        let words = hook.run.iter().map(|word| word.expand(&context)).collect::<Result<Vec<_>, _>>()?;
        let (name, args) = words.split_first().ok_or(HookError::NoProgram)?;
        let mut program = Program::new(name, &self.with.environment).args(args);
        for (variable, value) in &hook.env {
            program = program.env(variable, self.with.secrets.text(value, &context)?.expose_secret());
        }
        for (variable, value) in self.facts(about, report) {
            program = program.env(variable, value);
        }
        let mut shown = report.clone();
        shown.redact(&self.with.secrets);
        let stdin = match about.moment {
            Moment::Before => Input::Null,
            Moment::After | Moment::Failed | Moment::Finally => Input::Bytes(shown.to_json().into_bytes()),
        };
        Ok(program.env(MARK_VARIABLE, mark).stdin(stdin))
    }

    /// What a hook is told in its environment.
    fn facts(&self, about: About<'_>, report: &RunReport) -> Vec<(&'static str, String)> {
        let About { moment, source, state, error } = about;
        let of = |sum: fn(&super::SourceReport) -> u64| report.sources.iter().map(sum).sum::<u64>().to_string();
        let archives: Vec<&str> = report.sources.iter().map(|source| source.object.as_str()).collect();
        let error = error.map(|problem| self.with.secrets.redact(&problem.to_string())).unwrap_or_default();
        vec![
            ("EIGHTBELLS_JOB_NAME", self.job.name.clone()),
            ("EIGHTBELLS_INSTANCE", self.with.context.instance.clone().unwrap_or_default()),
            ("EIGHTBELLS_HOST", self.with.context.host.clone()),
            ("EIGHTBELLS_RUN_ID", self.with.run.to_string()),
            ("EIGHTBELLS_TIME", self.time.to_string()),
            ("EIGHTBELLS_HOOK", moment.word().to_owned()),
            ("EIGHTBELLS_SOURCE", source.unwrap_or_default().to_owned()),
            ("EIGHTBELLS_STATE", state.to_owned()),
            ("EIGHTBELLS_ERROR", error.replace('\0', " ")),
            ("EIGHTBELLS_ARCHIVES", archives.join("\n")),
            ("EIGHTBELLS_BYTES_DUMPED", of(|source| source.raw_size)),
            ("EIGHTBELLS_BYTES_STORED", of(|source| source.size)),
        ]
    }
}

fn problem(hook: &Hook, about: About<'_>, error: &HookError) -> Problem {
    let of = about.source.map_or_else(String::new, |source| format!(" of the source `{source}`"));
    Problem::of(error).about(&format!("the hook `{}` in `{}`{of} failed", name(hook), about.moment.word()))
}

/// The program's name without its folder, for people.
fn name(hook: &Hook) -> String {
    let program = hook.run.first().map(ToString::to_string).unwrap_or_default();
    program.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Where a hook's lines go.
#[derive(Clone)]
struct Log {
    with: Surroundings,
    moment: &'static str,
    last: Arc<Mutex<Option<String>>>,
}

impl Log {
    fn line(&self, line: &str) {
        let line: String = self.with.secrets.redact(line).chars().filter(|c| !c.is_control()).collect();
        if line.is_empty() {
            return;
        }
        tracing::info!(hook = self.moment, "{line}");
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }
}

/// Runs a program to its end, whatever it prints. Blocks.
fn to_its_end(program: Program, stop: Stop, time: Duration, log: &Log) -> Result<Ended, HookError> {
    let limits = Limits { stop, deadline: None }.at_most(time);
    let errors = log.clone();
    let (process, output) = Process::spawn(program, limits, move |line| errors.line(&line))?;
    each_line(output, log);
    process.wait().map_err(HookError::Unknown)
}

fn each_line(mut output: Output, log: &Log) {
    let mut buffer = vec![0; LINE_MAX_BYTES];
    let mut rest: Vec<u8> = vec![];
    // A program that is cut off says so by its status.
    while let Ok(read @ 1..) = output.read(&mut buffer) {
        rest.extend(buffer.get(..read).unwrap_or_default());
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            log.line(&String::from_utf8_lossy(&line));
        }
        if rest.len() >= LINE_MAX_BYTES {
            log.line(&String::from_utf8_lossy(&std::mem::take(&mut rest)));
        }
    }
    log.line(&String::from_utf8_lossy(&rest));
}
