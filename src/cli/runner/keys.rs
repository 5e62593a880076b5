//! What opens encrypted archives.

use super::place::Shelf;
use super::{Ground, failure};
use crate::cli::output::Failure;
use crate::contract::exit;
use crate::run::cipher::Keys;
use crate::run::restore::Machine;
use clap::Args;
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// What opens encrypted archives.
#[derive(Debug, Clone, Args)]
pub(super) struct KeyArgs {
    /// What opens encrypted archives: a file of age's identities, or a private key of OpenSSH of the kind ed25519; may
    /// be given several times
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// The file whose first line is the passphrase of the archives, or of the identity file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The same, with these identities where none are named.
    pub(super) fn or(&self, identity: Vec<PathBuf>) -> Self {
        let own = self.identity.clone();
        let identity = if own.is_empty() { identity } else { own };
        Self { identity, passphrase_file: self.passphrase_file.clone() }
    }

    /// The keys named, or else the passphrase that the job refers to.
    fn keys(&self, shelves: &[Shelf]) -> Result<Keys, Failure> {
        let Self { identity, passphrase_file } = self;
        let passphrase = match passphrase_file {
            Some(path) => Some(first_line(path)?),
            None => shelves.iter().find_map(|shelf| shelf.passphrase.clone()),
        };
        Keys::read(identity, passphrase.as_ref()).map_err(|error| failure(exit::FAILED, &error))
    }

    /// What the way back needs, with these keys.
    pub(super) fn machine(&self, ground: &Ground, shelves: &[Shelf]) -> Result<Machine, Failure> {
        let keys = self.keys(shelves)?;
        Ok(Machine { environment: ground.environment.clone(), stop: ground.stop.clone(), keys })
    }
}

fn first_line(path: &Path) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::new(exit::FAILED, format!("`{}` has no passphrase in its first line", path.display())));
    }
    Ok(line.to_owned().into())
}
