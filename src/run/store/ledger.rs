//! Obligations of stores: written into the run's journal where there is one.

use super::staged::{self, Owner};
use super::{StoreError, StoreErrorKind};
use crate::run::journal::{Journal, Obligation, PromiseId};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The run's journal, or none for what only reads; and whose the things are.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    journal: Option<Arc<Journal>>,
    owner: Option<Owner>,
}

/// Something that must be put back, or published, before the run ends.
#[derive(Debug)]
pub struct Promise(Option<(Arc<Journal>, PromiseId)>);

impl Ledger {
    /// Writes into this journal.
    #[must_use]
    pub fn new(journal: Arc<Journal>) -> Self {
        Self { journal: Some(journal), owner: None }
    }

    /// The same, with the owner's name on all that is staged.
    #[must_use]
    pub fn owned_by(self, owner: Owner) -> Self {
        Self { journal: self.journal, owner: Some(owner) }
    }

    /// A file in a folder of this host, written down before it is made, to be renamed when it is whole.
    ///
    /// # Errors
    /// The journal cannot be written, or no random name can be had.
    pub fn staged_file(&self, folder: &Path) -> Result<(PathBuf, Promise), StoreError> {
        let path = folder.join(self.staged_name()?);
        let promise = self.promise(Obligation::StagedFile { path: path.clone() })?;
        Ok((path, promise))
    }

    /// A name for an object until it is whole.
    pub(super) fn staged_name(&self) -> Result<String, StoreError> {
        staged::staged_name(self.owner.as_ref())
    }

    /// Writes an obligation down; call it before making the thing.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn promise(&self, obligation: Obligation) -> Result<Promise, StoreError> {
        let Some(journal) = &self.journal else { return Ok(Promise(None)) };
        let failed = |error| {
            StoreError::new(StoreErrorKind::Other, "what a killed run would leave cannot be written down")
                .because(error)
        };
        let id = journal.promise(obligation).map_err(failed)?;
        Ok(Promise(Some((Arc::clone(journal), id))))
    }
}

impl Promise {
    /// That of nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The thing was put back, or published. Where that cannot be written, the next run looks for it in vain.
    pub fn fulfilled(self) {
        if let Some((journal, id)) = self.0 {
            let _ = journal.done(id);
        }
    }
}
