//! Obligations of stores: written into the run's journal where there is one.

use super::{StoreError, StoreErrorKind};
use crate::run::journal::{Journal, Obligation, PromiseId};
use std::sync::Arc;

/// The run's journal, or none for what only reads.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Option<Arc<Journal>>);

/// Something that must be put back, or published, before the run ends.
#[derive(Debug)]
pub struct Promise(Option<(Arc<Journal>, PromiseId)>);

impl Ledger {
    /// Writes into this journal.
    #[must_use]
    pub fn new(journal: Arc<Journal>) -> Self {
        Self(Some(journal))
    }

    /// Writes an obligation down; call it before making the thing.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn promise(&self, obligation: Obligation) -> Result<Promise, StoreError> {
        let Some(journal) = &self.0 else { return Ok(Promise(None)) };
        let failed = |error| {
            StoreError::new(StoreErrorKind::Other, "what a killed run would leave cannot be written down")
                .because(error)
        };
        let id = journal.promise(obligation).map_err(failed)?;
        Ok(Promise(Some((Arc::clone(journal), id))))
    }
}

impl Promise {
    /// The thing was put back, or published. Where that cannot be written, the next run looks for it in vain.
    pub fn fulfilled(self) {
        if let Some((journal, id)) = self.0 {
            let _ = journal.done(id);
        }
    }
}
