//! Obligations under way: what a dump made is undone with it, whether it ends well, badly or not at all.

use super::container::{self, ContainerError};
use super::{DumpError, Surroundings};
use super::{processes, still};
use crate::run::journal::{Journal, JournalError, Leftover, Obligation, PromiseId};
use crate::run::os::Environment;
use crate::run::scratch;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Promises in the order in which they were made; they are kept in the opposite one. Dropping them keeps them.
#[derive(Debug, Default)]
pub(super) struct Debts(Vec<Owed>);

impl Debts {
    /// Writes a promise down; make the thing only afterwards.
    pub(super) fn owe(&mut self, obligation: Obligation, with: &Surroundings) -> Result<(), DumpError> {
        self.0.push(Owed::new(obligation, with)?);
        Ok(())
    }

    /// Strikes the last one out without doing anything: there is nothing to undo any more.
    pub(super) fn forget_last(&mut self) {
        if let Some(owed) = self.0.pop() {
            owed.forget();
        }
    }

    /// Undoes everything after a dump that ended well; what it left running on purpose goes on running. Returns what
    /// could not be undone.
    pub(super) fn settle(mut self) -> Vec<String> {
        let mut troubles = vec![];
        while let Some(owed) = self.0.pop() {
            match owed.obligation {
                Obligation::HostProcess { .. } | Obligation::ContainerProcess { .. } => owed.forget(),
                Obligation::HostScratch { .. }
                | Obligation::ContainerScratch { .. }
                | Obligation::ContainerHalted { .. }
                | Obligation::StagedFile { .. }
                | Obligation::StagedObject { .. }
                | Obligation::HalfSet { .. }
                | Obligation::MultipartUpload { .. } => troubles.extend(owed.settle()),
            }
        }
        troubles
    }
}

impl Drop for Debts {
    fn drop(&mut self) {
        while let Some(owed) = self.0.pop() {
            drop(owed);
        }
    }
}

/// One promise. Dropping it keeps it.
#[derive(Debug)]
struct Owed {
    obligation: Obligation,
    id: PromiseId,
    journal: Arc<Journal>,
    environment: Environment,
    settled: bool,
}

impl Owed {
    fn new(obligation: Obligation, with: &Surroundings) -> Result<Self, DumpError> {
        let id = with.journal.promise(obligation.clone())?;
        Ok(Self {
            obligation,
            id,
            journal: Arc::clone(&with.journal),
            environment: with.environment.clone(),
            settled: false,
        })
    }

    /// Undoes the thing; a text where that was not possible (the next run will try again).
    fn settle(mut self) -> Option<String> {
        self.undo()
    }

    fn forget(mut self) {
        self.settled = true;
        strike_out(&self.journal, self.id);
    }

    fn undo(&mut self) -> Option<String> {
        self.settled = true;
        match undo_obligation(&self.obligation, &self.environment) {
            Ok(_) => {
                strike_out(&self.journal, self.id);
                None
            }
            Err(error) => Some(format!("{}; the next run will try again", chain(&error))),
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.settled
            && let Some(trouble) = self.undo()
        {
            tracing::warn!("{trouble}");
        }
    }
}

fn strike_out(journal: &Journal, id: PromiseId) {
    if let Err(error) = journal.done(id) {
        tracing::warn!("{}", chain(&error));
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Why something that a run made is still there.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// A scratch folder of the host.
    #[error("the scratch folder `{}` cannot be removed", path.display())]
    HostScratch {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Processes of the host.
    #[error("processes of the dump are still running on this host: {pids:?}")]
    HostProcess {
        /// Their ids.
        pids: Vec<i32>,
    },
    /// Something in a container.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// It was undone, and that cannot be written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Undoes what an earlier run left, where it is of this module's kinds (scratch folders and processes, in containers
/// and on the host), and strikes it out. True where it was of these kinds; staged files and uploads are the stores'.
///
/// # Errors
/// It is still there, and stays in the journal.
pub fn undo(left: &Leftover, journal: &Journal, environment: &Environment) -> Result<bool, UndoError> {
    let ours = undo_obligation(&left.obligation, environment)?;
    if ours {
        journal.done(left.id)?;
    }
    Ok(ours)
}

fn undo_obligation(obligation: &Obligation, environment: &Environment) -> Result<bool, UndoError> {
    match obligation {
        Obligation::HostScratch { path } => {
            scratch::remove(path).map_err(|source| UndoError::HostScratch { path: path.clone(), source })?;
        }
        Obligation::HostProcess { mark } => match processes::end_on_host(mark) {
            pids if pids.is_empty() => {}
            pids => return Err(UndoError::HostProcess { pids }),
        },
        Obligation::ContainerScratch { engine, container, path } => {
            container::remove_scratch(engine, container, path, environment)?;
        }
        Obligation::ContainerProcess { engine, container, mark } => {
            container::end_processes(engine, container, mark, environment)?;
        }
        Obligation::ContainerHalted { engine, container, name: _, halt } => {
            still::wake(engine, container, *halt, environment)?;
        }
        Obligation::StagedFile { .. }
        | Obligation::StagedObject { .. }
        | Obligation::HalfSet { .. }
        | Obligation::MultipartUpload { .. } => {
            return Ok(false);
        }
    }
    Ok(true)
}
