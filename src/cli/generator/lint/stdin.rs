//! `-`: the text of one file comes from standard input, as editors give it.

use crate::cli::output::Failure;
use crate::contract::exit;
use crate::unit::{Dialect, UnitFile, UnitType};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A text in the place of a file's.
pub(super) struct Buffer {
    /// The file.
    pub path: PathBuf,
    /// What it would hold.
    pub text: Vec<u8>,
}

impl Buffer {
    /// Reads it where `-` is among the paths.
    pub(super) fn of(paths: &[PathBuf], name: Option<&PathBuf>) -> Result<Option<Self>, Failure> {
        match (is_given(paths), name) {
            (false, None) => Ok(None),
            (false, Some(_)) => {
                let message = "`--stdin-filename` names what is read from standard input";
                Err(Failure::new(exit::USAGE, message).help("give `-` as a path"))
            }
            (true, name) => {
                let mut text = Vec::new();
                let read = std::io::stdin().lock().read_to_end(&mut text);
                read.map_err(|error| Failure::io("read", Path::new("-"), &error))?;
                let path = name.cloned().unwrap_or_else(|| guessed(&text));
                Ok(Some(Self { path, text }))
            }
        }
    }
}

/// Whether a text is to be read from standard input.
pub(super) fn is_given(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| path.as_os_str() == "-")
}

/// A name for a text without one: of the type whose section it has.
fn guessed(text: &[u8]) -> PathBuf {
    let unit = UnitFile::parse(text, Dialect::Systemd);
    let is_of = |unit_type: &&UnitType| {
        unit.sections().iter().any(|section| section.name.eq_ignore_ascii_case(unit_type.as_str()))
    };
    let suffix = UnitType::ALL.iter().find(is_of).map_or("service", |unit_type| unit_type.as_str());
    PathBuf::from(format!("stdin.{suffix}"))
}
