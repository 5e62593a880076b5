//! Reading one reference: a variable, a file, a credential, a program.

use super::Place;
use crate::run::etcd::{EtcdError, without_line_break};
use crate::run::os::{Captured, Environment, Limits, Program, SpawnError, Stop};
use crate::value::ExpandError;
use secrecy::SecretString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A secret longer than this is a mistake.
const VALUE_MAX_BYTES: u64 = 1 << 20;
/// How long a program may take to print a secret.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);
/// Where systemd puts a unit's credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Why a reference could not be resolved. No text of these holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A placeholder in the reference has no value.
    #[error("a reference cannot be filled in")]
    Expand(#[from] ExpandError),
    /// Something about etcd.
    #[error("the keys of `{{etcd: …}}` cannot be read")]
    Etcd(#[from] EtcdError),
    /// A key, and no etcd to ask.
    #[error("`{{etcd: {key}}}` needs an etcd: give `endpoints` below `etcd` in the spec")]
    NoEtcd {
        /// Which key.
        key: String,
    },
    /// etcd's password in etcd.
    #[error("etcd's own password cannot be read from etcd: use `env`, `file`, `credential` or `command`")]
    PasswordInEtcd,
    /// A variable that is not set.
    #[error(
        "`{{env: {name}}}`: the runner's environment has no variable `{name}`; set it, or give the unit an `environment_file`"
    )]
    NoVariable {
        /// Which.
        name: String,
    },
    /// A file that cannot be read.
    #[error("`{place}`: `{}` cannot be read", path.display())]
    File {
        /// The reference.
        place: Place,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A credential outside of a unit.
    #[error(
        "`{{credential: {name}}}`: there are no credentials here; they exist only where systemd (247 or later) started the runner with `LoadCredential={name}:…`"
    )]
    NoCredentials {
        /// Its name.
        name: String,
    },
    /// A name that leads out of the folder.
    #[error("`{{credential: {name}}}`: a credential's name holds no `/` and is not `.` or `..`")]
    CredentialName {
        /// Its name.
        name: String,
    },
    /// The value is too long.
    #[error("`{place}`: the value is over 1 MiB; is this the right place?")]
    TooLong {
        /// The reference.
        place: Place,
    },
    /// The value is not UTF-8.
    #[error("`{place}`: the value is not text")]
    NotText {
        /// The reference.
        place: Place,
    },
    /// The value is empty.
    #[error("`{place}`: the value is empty")]
    Empty {
        /// The reference.
        place: Place,
    },
    /// The value holds a NUL.
    #[error("`{place}`: the value holds a NUL character, which no variable and no request can carry")]
    HoldsNul {
        /// The reference.
        place: Place,
    },
    /// The program cannot be started.
    #[error("`{place}` cannot be asked")]
    Spawn {
        /// The reference.
        place: Place,
        /// Why.
        source: SpawnError,
    },
    /// The program failed. What it said is not repeated, since it might hold the secret.
    #[error("`{place}` failed: {how}; run it by hand to see what it says")]
    Command {
        /// The reference.
        place: Place,
        /// How it ended.
        how: String,
    },
    /// A reference of another job.
    #[error("`{place}` was not read at the start of the run")]
    NotResolved {
        /// The reference.
        place: Place,
    },
}

/// Reads one reference; etcd's are read all at once elsewhere.
pub(super) async fn read(place: &Place, environment: &Environment) -> Result<SecretString, SecretError> {
    let bytes = match place {
        Place::Etcd(_) => return Err(SecretError::NotResolved { place: place.clone() }),
        Place::Env(name) => environment
            .get_raw(name)
            .ok_or_else(|| SecretError::NoVariable { name: name.clone() })?
            .as_encoded_bytes()
            .to_vec(),
        Place::File(path) => file(place, Path::new(path))?,
        Place::Credential(name, path) => file(place, &credential(name, path.as_deref(), environment)?)?,
        Place::Command(words) => command(place, words, environment).await?,
    };
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotText { place: place.clone() })?;
    let is_exact = matches!(place, Place::Env(_));
    Ok(SecretString::from(if is_exact { &text } else { without_line_break(&text) }))
}

fn file(place: &Place, path: &Path) -> Result<Vec<u8>, SecretError> {
    let failed = |source| SecretError::File { place: place.clone(), path: path.to_owned(), source };
    let mut bytes = vec![];
    File::open(path).and_then(|file| file.take(VALUE_MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    not_too_long(place, bytes)
}

fn not_too_long(place: &Place, bytes: Vec<u8>) -> Result<Vec<u8>, SecretError> {
    if bytes.len() as u64 > VALUE_MAX_BYTES { Err(SecretError::TooLong { place: place.clone() }) } else { Ok(bytes) }
}

/// Below systemd's folder; without one, as when a job is tried by hand, the file that systemd would have read.
fn credential(name: &str, path: Option<&str>, environment: &Environment) -> Result<PathBuf, SecretError> {
    if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
        return Err(SecretError::CredentialName { name: name.to_owned() });
    }
    let given = environment.path(CREDENTIALS_DIRECTORY).map(|folder| folder.join(name));
    given.or_else(|| path.map(PathBuf::from)).ok_or_else(|| SecretError::NoCredentials { name: name.to_owned() })
}

/// Ends a program when nobody waits for its answer any more: the run was told to stop.
struct Asked(Stop);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn command(place: &Place, words: &[String], environment: &Environment) -> Result<Vec<u8>, SecretError> {
    let failed = |how: &str| SecretError::Command { place: place.clone(), how: how.to_owned() };
    let (name, args) = words.split_first().ok_or_else(|| failed("it has no words"))?;
    let program = Program::new(name, environment).args(args);
    let asked = Asked(Stop::default());
    let limits = Limits { stop: asked.0.clone(), deadline: None }.at_most(COMMAND_WITHIN);
    let run = move || program.capture(limits);
    let captured = tokio::task::spawn_blocking(run).await.map_err(|_| failed("it was not waited for"))?;
    let Captured { ended, stdout, stderr: _ } =
        captured.map_err(|source| SecretError::Spawn { place: place.clone(), source })?;
    if ended.well() { not_too_long(place, stdout) } else { Err(failed(&ended.describe())) }
}
