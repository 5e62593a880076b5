//! Where a database's client programs run, and one call of them.

use super::DatabaseError;
use crate::run::dump::DumpError;
use crate::run::dump::container::{self, ContainerError, Found};
use crate::run::dump::start::Start;
use crate::run::journal::{MARK_VARIABLE, Obligation};
use crate::run::os::{Captured, Input, Limits, Program};
use crate::source::{At, Database};
use crate::value::Value;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

/// How long a client may take to tell its version.
const VERSION_WITHIN: Duration = Duration::from_secs(30);

/// Where a database's client programs run.
pub(in crate::run::dump) enum Client {
    /// On the host, in this folder where one is named.
    Host {
        /// The folder.
        bin: Option<String>,
    },
    /// In a container.
    Container {
        /// Which.
        found: Found,
    },
}

/// One call of a client program. A secret is never among its words.
#[derive(Debug)]
pub(in crate::run::dump) struct Call {
    pub program: String,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    /// Variables whose values no process list and no `inspect` may show.
    secret: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
    folder: Option<String>,
}

impl Call {
    pub(in crate::run::dump) fn new(program: &str) -> Self {
        let program = program.to_owned();
        Self { program, args: vec![], env: vec![], secret: vec![], stdin: None, folder: None }
    }

    pub(in crate::run::dump) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(in crate::run::dump) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(in crate::run::dump) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub(in crate::run::dump) fn secret(mut self, name: &str, value: impl Into<String>) -> Self {
        self.secret.push((name.to_owned(), value.into()));
        self
    }

    pub(in crate::run::dump) fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    pub(in crate::run::dump) fn in_folder(mut self, folder: &str) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }
}

impl Client {
    pub(in crate::run::dump) fn find(database: &Database, start: &Start<'_>) -> Result<Self, DumpError> {
        match &database.at {
            At::Host { socket: _ } | At::Network { host: _, port: _ } => {
                let bin = database.bin.as_ref().map(|bin| start.expand(bin)).transpose()?;
                Ok(Self::Host { bin })
            }
            At::Container { container, engine } => {
                let found = container::find(*engine, container, start)?;
                Ok(Self::Container { found })
            }
        }
    }

    /// For people: where the client runs, if not on this host.
    pub(in crate::run::dump) fn place(&self) -> String {
        match self {
            Self::Host { bin: _ } => String::new(),
            Self::Container { found } => format!(", through `{} exec`", found.engine.name),
        }
    }

    pub(in crate::run::dump) fn container(&self) -> Option<Found> {
        match self {
            Self::Host { bin: _ } => None,
            Self::Container { found } => Some(found.clone()),
        }
    }

    /// The first of some programs that is there, with what it says of its version.
    pub(in crate::run::dump) fn first(
        &self,
        programs: &[&'static str],
        package: &'static str,
        start: &Start<'_>,
    ) -> Result<(&'static str, String), DumpError> {
        for name in programs {
            let limits = start.limits.at_most(VERSION_WITHIN);
            match self.program(Call::new(name).arg("--version"), start)?.capture(limits) {
                Ok(captured) if self.is_missing(&captured) => {}
                Ok(captured) => {
                    let said = String::from_utf8_lossy(&captured.stdout).lines().next().unwrap_or(name).to_owned();
                    return Ok((name, said));
                }
                Err(error) if error.source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let programs = programs.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        Err(match self {
            Self::Host { bin } => DatabaseError::NoClient { programs, bin: bin.clone(), package },
            Self::Container { found } => DatabaseError::NoClientInside { programs, container: found.name.clone() },
        }
        .into())
    }

    fn is_missing(&self, captured: &Captured) -> bool {
        match self {
            Self::Host { bin: _ } => false,
            Self::Container { found: _ } => container::program_is_missing(captured),
        }
    }

    /// A program whose processes are promised to be ended.
    pub(in crate::run::dump) fn owed(&self, call: Call, start: &mut Start<'_>) -> Result<Program, DumpError> {
        let mark = start.mark();
        start.owe(match self {
            Self::Host { bin: _ } => Obligation::HostProcess { mark },
            Self::Container { found } => {
                let (engine, container) = (found.engine.name.clone(), found.id.clone());
                Obligation::ContainerProcess { engine, container, mark }
            }
        })?;
        self.program(call, start)
    }

    /// Runs a short call to its end.
    pub(in crate::run::dump) fn answer(
        &self,
        call: Call,
        start: &Start<'_>,
        limits: &Limits,
    ) -> Result<Vec<u8>, DumpError> {
        let what = call.program.clone();
        let captured = self.program(call, start)?.capture(limits.clone())?;
        if let Some(cut) = captured.ended.cut {
            return Err(DumpError::Cut { what, cut });
        }
        if captured.ended.status.success() {
            return Ok(captured.stdout);
        }
        let tail = start.log.of_lines(&captured.lines());
        Err(DumpError::Failed { what, how: captured.ended.describe(), tail })
    }

    fn program(&self, call: Call, start: &Start<'_>) -> Result<Program, DumpError> {
        match self {
            Self::Host { bin } => Ok(on_host(call, bin.as_deref(), start)),
            Self::Container { found } => inside(call, found, start),
        }
    }
}

fn on_host(call: Call, bin: Option<&str>, start: &Start<'_>) -> Program {
    let Call { program, args, env, secret, stdin, folder } = call;
    let name = bin.map_or(program.clone(), |bin| format!("{}/{program}", bin.trim_end_matches('/')));
    let mut ready = Program::new(name, &start.with.environment).args(args).env(MARK_VARIABLE, start.mark());
    for (name, value) in env.into_iter().chain(secret) {
        ready = ready.env(name, value);
    }
    ready.directory(folder.map(PathBuf::from)).stdin(stdin.map_or(Input::Null, Input::Bytes))
}

fn inside(call: Call, found: &Found, start: &Start<'_>) -> Result<Program, DumpError> {
    let Call { program, args, env, secret, stdin, folder } = call;
    let mut options: Vec<OsString> = vec!["--env".into(), format!("{MARK_VARIABLE}={}", start.mark()).into()];
    for (name, value) in env {
        options.extend(["--env".into(), format!("{name}={value}").into()]);
    }
    for (name, _) in &secret {
        if Program::engine_reads(name) {
            return Err(ContainerError::ReservedVariable { name: name.clone() }.into());
        }
        options.extend(["--env".into(), name.into()]);
    }
    if stdin.is_some() {
        options.push("--interactive".into());
    }
    if let Some(folder) = folder {
        options.extend(["--workdir".into(), folder.into()]);
    }
    let words: Vec<OsString> = std::iter::once(program.into()).chain(args).collect();
    let mut ready = found.exec(&options, &words);
    for (name, value) in secret {
        ready = ready.env(name, value);
    }
    Ok(ready.stdin(stdin.map_or(Input::Null, Input::Bytes)))
}

/// The variables that a source adds, as part of a call.
pub(in crate::run::dump) fn with_variables(
    mut call: Call,
    database: &Database,
    start: &Start<'_>,
) -> Result<Call, DumpError> {
    use secrecy::ExposeSecret as _;
    for (name, value) in &database.env {
        let text = start.with.secrets.text(value, &start.context)?;
        call = match value {
            Value::Text(_) => call.env(name, text.expose_secret()),
            Value::Reference(_) => call.secret(name, text.expose_secret()),
        };
    }
    Ok(call)
}
