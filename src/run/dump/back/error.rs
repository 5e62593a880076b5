//! Why an archive does not go back into where it came from.

use crate::run::dump::{ContainerError, DumpError};
use std::io;

/// Why an archive does not go back into where it came from.
#[derive(Debug, thiserror::Error)]
pub enum BackError {
    /// It cannot be put back there; what to do instead.
    #[error("an archive cannot be put back into {what}: {instead}")]
    Cannot {
        /// Into what.
        what: String,
        /// What to do.
        instead: String,
    },
    /// Something is there.
    #[error("{what}: say --overwrite where it is to give way{beside}")]
    NotEmpty {
        /// What is there.
        what: String,
        /// What else can be done.
        beside: &'static str,
    },
    /// A client, or the engine.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The content is not what it should be.
    #[error("the content cannot be read")]
    Content(#[source] io::Error),
    /// Something of the host's.
    #[error("{what}")]
    Io {
        /// What could not be done.
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl BackError {
    pub(super) fn cannot(what: &str, instead: &str) -> Self {
        Self::Cannot { what: what.to_owned(), instead: instead.to_owned() }
    }

    /// Nobody knows which folder of a container is meant.
    pub(super) fn nowhere(name: &str) -> Self {
        Self::Cannot {
            what: "a container without its folder".into(),
            instead: format!("say which: `--into container:{name}:/PATH`"),
        }
    }
}

impl From<ContainerError> for BackError {
    fn from(error: ContainerError) -> Self {
        Self::Dump(error.into())
    }
}
