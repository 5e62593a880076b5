//! A program to start: its words, its environment, what it reads.

use super::Environment;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where programs are looked for if the runner was started without `PATH`.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every child gets of the runner's environment, where it is set: nothing that could hold a secret.
const HARMLESS: [&str; 14] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_COLLATE",
    "LC_TIME",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];

/// What a container engine's command line gets besides: where its daemon, its settings and its store are.
const ENGINE: [&str; 16] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
];

/// A program to start. Its environment is empty but for what is added here.
#[derive(Debug)]
pub struct Program {
    pub(super) name: OsString,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    directory: Option<PathBuf>,
    pub(super) stdin: Input,
}

/// What a program reads from its standard input.
#[derive(Default)]
pub enum Input {
    /// Nothing.
    #[default]
    Null,
    /// These bytes.
    Bytes(Vec<u8>),
    /// What this writes, in a thread of its own. A program that stops reading makes it fail, which is not told.
    Written(Writing),
    /// A file, or a folder.
    File(OwnedFd),
}

/// Writes a program's input.
pub type Writing = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bytes(_) => "Bytes",
            Self::Written(_) => "Written",
            Self::File(_) => "File",
        })
    }
}

impl Program {
    /// A program by its name or path, with the harmless part of the runner's environment.
    #[must_use]
    pub fn new(name: impl Into<OsString>, environment: &Environment) -> Self {
        let mut env = BTreeMap::new();
        copy(&HARMLESS, environment, &mut env);
        let path = environment.get("PATH").unwrap_or(OsStr::new(PATH_DEFAULT));
        env.insert("PATH".into(), path.into());
        Self { name: name.into(), args: vec![], env, directory: None, stdin: Input::Null }
    }

    /// A container engine's command line, with what it needs to find its daemon.
    #[must_use]
    pub fn engine(name: impl Into<OsString>, environment: &Environment) -> Self {
        let mut program = Self::new(name, environment);
        copy(&ENGINE, environment, &mut program.env);
        program
    }

    /// `ssh`, with what it needs to find the user's agent.
    #[must_use]
    pub fn ssh(environment: &Environment) -> Self {
        let mut program = Self::new("ssh", environment);
        copy(&["SSH_AUTH_SOCK"], environment, &mut program.env);
        program
    }

    /// rclone, with what it needs to find its configuration.
    #[must_use]
    pub fn rclone(name: impl Into<OsString>, environment: &Environment) -> Self {
        let mut program = Self::new(name, environment);
        copy(&["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SSH_AUTH_SOCK"], environment, &mut program.env);
        program
    }

    /// Whether a variable of this name would change what the engine's command line itself does.
    #[must_use]
    pub fn engine_reads(name: &str) -> bool {
        let prefixes = ["DOCKER_", "CONTAINER", "PODMAN_", "XDG_", "LD_", "LC_", "GO"];
        let proxy = name.to_ascii_uppercase().ends_with("_PROXY");
        name == "PATH"
            || proxy
            || HARMLESS.contains(&name)
            || ENGINE.contains(&name)
            || prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The folder it starts in.
    #[must_use]
    pub fn directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directory = directory;
        self
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(mut self, stdin: Input) -> Self {
        self.stdin = stdin;
        self
    }

    /// The command, in a process group of its own, both outputs piped; and what writes to it.
    pub(super) fn into_command(self) -> (Command, Option<Writing>) {
        let Self { name, args, env, directory, stdin } = self;
        let (stdin, writing): (_, Option<Writing>) = match stdin {
            Input::Null => (Stdio::null(), None),
            Input::Bytes(bytes) => (Stdio::piped(), Some(Box::new(move |to| to.write_all(&bytes)))),
            Input::Written(writing) => (Stdio::piped(), Some(writing)),
            Input::File(file) => (Stdio::from(file), None),
        };
        let mut command = Command::new(name);
        command.args(args).env_clear().envs(env).process_group(0);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        (command, writing)
    }
}

fn copy(names: &[&str], from: &Environment, to: &mut BTreeMap<OsString, OsString>) {
    for name in names {
        if let Some(value) = from.get(name) {
            to.insert(name.into(), value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_s_environment_holds_nothing_of_the_runner_s_secrets() {
        let runner = [
            ("EIGHTBELLS_JOB", "{}"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("CREDENTIALS_DIRECTORY", "/c"),
            ("HOME", "/h"),
            ("DOCKER_HOST", "d"),
        ];
        let environment = Environment::from_iter(runner);
        let (command, _) = Program::new("x", &environment).env("PGPASSWORD", "p").into_command();
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["HOME", "PATH", "PGPASSWORD"]);
        let (engine, _) = Program::engine("docker", &environment).into_command();
        assert!(engine.get_envs().any(|(name, _)| name == "DOCKER_HOST"));
    }
}
