//! What can go wrong at a destination.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The object, the bucket or the folder is not there.
    Missing,
    /// The name is taken.
    Exists,
    /// Not with these credentials or rights.
    Denied,
    /// The object cannot be removed yet.
    Locked,
    /// The destination cannot be reached, or asks to come back later.
    Busy,
    /// No room is left.
    Full,
    /// Anything else.
    Other,
}

/// Why something could not be done at a destination.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    help: Vec<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    asked_pause: Option<Duration>,
}

impl StoreError {
    /// An error in words.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: vec![], source: None, asked_pause: None }
    }

    /// An error of the file system.
    #[must_use]
    pub fn io(message: impl Into<String>, source: io::Error) -> Self {
        let kind = kind_of_io(&source);
        let error = Self::new(kind, message).because(source);
        match kind {
            StoreErrorKind::Full => error.help("make room there, or keep fewer archives"),
            StoreErrorKind::Denied => error
                .help("look at the owner and the mode of the folder, and at the unit's `User=` and `ReadWritePaths=`"),
            StoreErrorKind::Missing
            | StoreErrorKind::Exists
            | StoreErrorKind::Locked
            | StoreErrorKind::Busy
            | StoreErrorKind::Other => error,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with a line of what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// The same with the pause that the destination asked for.
    #[must_use]
    pub fn pausing(mut self, pause: Option<Duration>) -> Self {
        self.asked_pause = pause;
        self
    }

    /// How long the destination asked to be left alone (`Retry-After`).
    #[must_use]
    pub fn asked_pause(&self) -> Option<Duration> {
        self.asked_pause
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same may work a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            StoreErrorKind::Busy => true,
            StoreErrorKind::Missing
            | StoreErrorKind::Exists
            | StoreErrorKind::Denied
            | StoreErrorKind::Locked
            | StoreErrorKind::Full
            | StoreErrorKind::Other => false,
        }
    }

    /// What to do, a line each.
    #[must_use]
    pub fn helps(&self) -> &[String] {
        &self.help
    }
}

fn kind_of_io(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::Missing,
        io::ErrorKind::AlreadyExists => StoreErrorKind::Exists,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => StoreErrorKind::Full,
        _ => StoreErrorKind::Other,
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
