//! The command line of docker or podman, and a container that it knows.

use super::ContainerError;
use crate::run::dump::Tail;
use crate::run::os::{Captured, Ended, Environment, Limits, Program};
use crate::source;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// How long a question to the engine may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long an engine may take to know that a container stopped.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// Engines abbreviate ids to this many digits; fewer are not taken for one.
const SHORT_ID_DIGITS: usize = 12;
/// What is asked of a container; one line each, since a name holds no line break.
const FORMAT: &str = "{{.Id}}\n{{.Name}}\n{{.State.Status}}\n{{.State.Pid}}\n{{.State.StartedAt}}\n\
                      {{.HostConfig.AutoRemove}}\n{{index .Config.Labels \"com.docker.compose.project\"}}";

/// An engine's command line.
#[derive(Debug, Clone)]
pub(in crate::run::dump) struct Engine {
    /// The program: `docker` or `podman`.
    pub name: String,
    environment: Environment,
}

/// Whether a container moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run::dump) enum State {
    Running,
    Paused,
    /// `exited`, `created`, `restarting`, `dead`.
    Other,
}

/// A container when it was looked at.
#[derive(Debug, Clone)]
pub(in crate::run::dump) struct Found {
    pub engine: Engine,
    /// As the job names it, or where a label does, its own.
    pub name: String,
    /// All 64 digits.
    pub id: String,
    /// Its first process, in the engine's process namespace; 0 where the engine does not say.
    pub pid: i32,
    started: String,
    pub state: State,
    /// Whether the engine removes it when it stops.
    pub removed_when_stopped: bool,
    /// The compose project that it belongs to; empty where to none.
    pub project: String,
    status: String,
}

impl Engine {
    /// The engine that the source names, or the one that is installed.
    pub(in crate::run::dump) fn find(
        wanted: source::Engine,
        environment: &Environment,
        limits: &Limits,
    ) -> Result<Self, ContainerError> {
        let (names, none): (&[&str], _) = match wanted {
            source::Engine::Docker => (&["docker"], "`docker`"),
            source::Engine::Podman => (&["podman"], "`podman`"),
            source::Engine::Auto => (&["docker", "podman"], "`docker` or `podman`"),
        };
        for name in names {
            let engine = Self::named(name, environment);
            match engine.program().arg("--version").capture(limits.at_most(ANSWER_WITHIN)) {
                Ok(_) => return Ok(engine),
                Err(error) if error.source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ContainerError::NoEngine { wanted: none })
    }

    pub(in crate::run::dump) fn named(name: &str, environment: &Environment) -> Self {
        Self { name: name.to_owned(), environment: environment.clone() }
    }

    pub(in crate::run::dump) fn program(&self) -> Program {
        Program::engine(&self.name, &self.environment)
    }

    /// Calls it; a bad exit status is for the caller to judge.
    pub(in crate::run::dump) fn call(&self, args: &[&str], limits: &Limits) -> Result<Captured, ContainerError> {
        self.run(self.program().args(args), args.first().copied().unwrap_or_default(), limits)
    }

    pub(in crate::run::dump) fn run(
        &self,
        program: Program,
        verb: &str,
        limits: &Limits,
    ) -> Result<Captured, ContainerError> {
        let captured = program.capture(limits.at_most(ANSWER_WITHIN))?;
        match captured.ended.cut {
            None => Ok(captured),
            Some(cut) => Err(ContainerError::Cut { call: format!("{} {verb}", self.name), cut }),
        }
    }

    /// Looks a running container up by its name or id.
    pub(in crate::run::dump) fn container(&self, name: &str, limits: &Limits) -> Result<Found, ContainerError> {
        let found = self.look(name, limits)?;
        match found.state {
            State::Running => Ok(found),
            State::Paused => Err(ContainerError::Paused { name: found.name }),
            State::Other => Err(ContainerError::NotRunning { name: found.name, state: found.status }),
        }
    }

    /// Stops, pauses or starts a container.
    pub(in crate::run::dump) fn order(&self, verb: &str, found: &Found, limits: &Limits) -> Result<(), ContainerError> {
        let captured = self.program().args([verb, &found.id]).capture(limits.clone())?;
        match captured.ended.cut {
            Some(cut) => Err(ContainerError::Cut { call: format!("{} {verb}", self.name), cut }),
            None if captured.ended.well() => Ok(()),
            None => Err(self.trouble(verb, &found.name, &captured)),
        }
    }

    /// A container, whatever its state.
    pub(in crate::run::dump) fn look(&self, name: &str, limits: &Limits) -> Result<Found, ContainerError> {
        let missing = || ContainerError::Missing { engine: self.name.clone(), name: name.to_owned() };
        let captured = self.call(&["inspect", "--type", "container", "--format", FORMAT, "--", name], limits)?;
        if !captured.ended.well() {
            return Err(self.trouble("inspect", name, &captured));
        }
        let text = String::from_utf8_lossy(&captured.stdout);
        let fields: Vec<&str> = text.trim_end().split('\n').collect();
        let &[id, its_name, status, pid, started, removed, ref project @ ..] = fields.as_slice() else {
            return Err(missing());
        };
        let by_id = name.len() >= SHORT_ID_DIGITS && id.starts_with(name);
        if its_name.trim_start_matches('/') != name && !by_id {
            return Err(missing());
        }
        let pid = pid.parse().unwrap_or(0);
        let state = match status {
            "running" => State::Running,
            "paused" => State::Paused,
            _ => State::Other,
        };
        Ok(Found {
            engine: self.clone(),
            name: if by_id { its_name.trim_start_matches('/').to_owned() } else { name.to_owned() },
            id: id.to_owned(),
            pid,
            started: started.to_owned(),
            state,
            removed_when_stopped: removed == "true",
            project: project.first().map(|project| (*project).to_owned()).unwrap_or_default(),
            status: status.to_owned(),
        })
    }

    /// What a failed call means, by the engine's own words.
    pub(in crate::run::dump) fn trouble(&self, verb: &str, name: &str, captured: &Captured) -> ContainerError {
        let engine = self.name.clone();
        let said = Tail::of(&captured.lines());
        let words = captured.lines().join("\n").to_ascii_lowercase();
        let says = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
        if says(&["no such container", "no such object", "no container with name"]) {
            ContainerError::Missing { engine, name: name.to_owned() }
        } else if says(&["permission denied while trying to connect", "connect: permission denied"]) {
            ContainerError::Denied { engine, said }
        } else if says(&[
            "cannot connect to",
            "is the docker daemon running",
            "error during connect",
            "unable to connect to",
        ]) {
            ContainerError::Unreachable { engine, said }
        } else {
            ContainerError::Engine { call: format!("{engine} {verb}"), how: captured.ended.describe(), said }
        }
    }
}

impl Found {
    /// A call of a program in it.
    pub(in crate::run::dump) fn exec<W: Clone + Into<OsString>>(&self, options: &[OsString], words: &[W]) -> Program {
        self.engine.program().arg("exec").args(options.iter().cloned()).arg(&self.id).args(words.iter().cloned())
    }

    /// Runs a short program in it as its root.
    pub(in crate::run::dump) fn call(&self, words: &[&str], limits: &Limits) -> Result<Captured, ContainerError> {
        self.engine.run(self.exec(&["--user".into(), "0".into()], words), "exec", limits)
    }

    /// Makes sure that it has run all the time, once a process in it has ended. A container that is stopped kills its
    /// processes first and is known to be stopped a moment later.
    pub(in crate::run::dump) fn still_runs_after(&self, ended: Ended) -> Result<(), ContainerError> {
        let begin = Instant::now();
        let was_killed = ended.status.code().is_none_or(|code| code > 128);
        loop {
            self.still_runs()?;
            if !was_killed || begin.elapsed() >= STOPS_WITHIN {
                return Ok(());
            }
            std::thread::sleep(STOPS_WITHIN / 25);
        }
    }

    /// Makes sure that it has run all the time since it was looked up.
    pub(in crate::run::dump) fn still_runs(&self) -> Result<(), ContainerError> {
        let ended = || ContainerError::Ended { name: self.name.clone() };
        match self.engine.look(&self.id, &Limits::default()) {
            Ok(now) if now.state == State::Running && now.pid == self.pid && now.started == self.started => Ok(()),
            Ok(_) | Err(ContainerError::Missing { .. }) => Err(ended()),
            Err(other) => Err(other),
        }
    }
}

/// Whether an exec failed because there is no such program in the container.
pub(in crate::run::dump) fn program_is_missing(captured: &Captured) -> bool {
    matches!(captured.ended.status.code(), Some(126 | 127))
}
