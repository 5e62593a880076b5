//! Before the first dump: what killed runs left is put back, and destinations are looked at.

use super::Run;
use super::site::Site;
use crate::run::catalog;
use crate::run::drill::{self, Owner};
use crate::run::dump::{self, Surroundings};
use crate::run::journal::{Journal, Leftover, Obligation};
use crate::run::lock::StateDir;
use crate::run::os::{Environment, RunId};
use crate::run::store::{self, Ledger, Means, Store, StoreError, StoreErrorKind};
use crate::value::{Bytes, format_duration};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// Undoes what earlier runs left on this host and in its containers; what could not be, in words.
pub(super) async fn undo(journal: &Arc<Journal>, environment: &Environment) -> Vec<String> {
    let (journal, environment) = (Arc::clone(journal), environment.clone());
    let done = tokio::task::spawn_blocking(move || undo_all(&journal, &environment));
    done.await.unwrap_or_default()
}

/// The same, blocking.
pub(in crate::run) fn undo_all(journal: &Journal, environment: &Environment) -> Vec<String> {
    let broken = journal
        .broken()
        .iter()
        .map(|line| format!("line {} of the journal of an earlier run cannot be read and is forgotten", line.line));
    let mut troubles: Vec<String> = broken.collect();
    for left in journal.leftovers().iter().rev() {
        troubles.extend(undo_one(left, journal, environment));
    }
    troubles
}

/// Clears up what a killed drill of the job left.
pub(super) async fn sweep_drill(state: &StateDir, owner: Owner, with: (&RunId, &Environment)) -> Vec<String> {
    let (state, run, environment) = (state.clone(), with.0.clone(), with.1.clone());
    let done = tokio::task::spawn_blocking(move || drill::sweep(&state, &owner, &run, &environment));
    done.await.unwrap_or_default()
}

fn undo_one(left: &Leftover, journal: &Journal, environment: &Environment) -> Option<String> {
    let trouble = match &left.obligation {
        Obligation::StagedFile { path } => match store::remove_staged(path) {
            Ok(()) => journal.done(left.id).err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        },
        // Its destination is asked later.
        Obligation::MultipartUpload { .. } | Obligation::StagedObject { .. } | Obligation::HalfSet { .. } => {
            return None;
        }
        Obligation::ContainerScratch { .. }
        | Obligation::ContainerProcess { .. }
        | Obligation::ContainerHalted { .. }
        | Obligation::HostProcess { .. }
        | Obligation::HostScratch { .. } => dump::undo(left, journal, environment).err().map(|error| error.to_string()),
    };
    if trouble.is_none() {
        tracing::info!("put back what the run {} left: {}", left.run, describe(&left.obligation));
    }
    trouble.map(|trouble| format!("what the run {} left could not be put back: {trouble}", left.run))
}

pub(super) fn describe(obligation: &Obligation) -> String {
    match obligation {
        Obligation::StagedFile { path } | Obligation::HostScratch { path } => path.display().to_string(),
        Obligation::ContainerScratch { container, path, .. } => format!("{path} in the container {container}"),
        Obligation::ContainerProcess { container, .. } => format!("a process in the container {container}"),
        Obligation::ContainerHalted { name, halt, .. } => format!("the container {name}, which was {}", halt.done()),
        Obligation::HostProcess { .. } => "a process".into(),
        Obligation::MultipartUpload { key, .. } => format!("an upload of {key}"),
        Obligation::HalfSet { destination, manifest, objects: _ } => {
            format!("archives at `{destination}` without their manifest {manifest}")
        }
        Obligation::StagedObject { name, destination } => format!("{name} at `{destination}`"),
    }
}

impl Run<'_> {
    /// All destinations, connected to and looked at, side by side.
    pub(super) async fn sites(&self) -> Vec<Site> {
        join_all(self.job.store.iter().map(|at| async move {
            let mut site = Site::new(at);
            let patience = self.job.conduct.timeouts.connect;
            let looked = tokio::time::timeout(patience, self.look_at(&mut site, at)).await;
            if let Err(error) = looked.unwrap_or_else(|_| Err(no_answer(patience))) {
                site.fail(&error);
            }
            self.progress.moved();
            site
        }))
        .await
    }

    /// Where this run writes down what it is to put back.
    pub(super) fn ledger(&self) -> Ledger {
        Ledger::new(Arc::clone(&self.with.journal)).owned_by(self.owner())
    }

    async fn look_at(&self, site: &mut Site, at: &crate::contract::StoreAt) -> Result<(), StoreError> {
        let Surroundings { secrets, context, environment, .. } = &self.with;
        let store = store::open(&at.to, Means { secrets, context, environment }, self.ledger())?;
        site.store = Some(Arc::clone(&store));
        site.before = catalog::sets(store.as_ref(), &self.names()).await?;
        let last = site.last_good().map(catalog::Set::size);
        match (store.free_bytes().await?, last) {
            (Some(free), Some(last)) if free < last => Err(no_room(store.as_ref(), free, last)),
            (Some(free), None) => {
                tracing::info!("{} free at `{}`; how much an archive takes is not known yet", Bytes(free), site.name);
                Ok(())
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Puts back at destinations what earlier runs left there; what could not be, in words.
    pub(super) async fn clean(&self, sites: &[Site]) -> Vec<String> {
        let mut troubles = vec![];
        for left in self.with.journal.leftovers() {
            let (destination, known) = match &left.obligation {
                Obligation::MultipartUpload { destination, key: _, upload_id } => (destination, upload_id.is_some()),
                Obligation::StagedObject { destination, .. } | Obligation::HalfSet { destination, .. } => {
                    (destination, true)
                }
                Obligation::StagedFile { .. }
                | Obligation::ContainerScratch { .. }
                | Obligation::ContainerProcess { .. }
                | Obligation::ContainerHalted { .. }
                | Obligation::HostProcess { .. }
                | Obligation::HostScratch { .. } => continue,
            };
            let site = sites.iter().find(|site| site.name == *destination);
            let trouble = match site.and_then(|site| site.store.as_ref()) {
                Some(store) => match clean_at(store.as_ref(), &left.obligation).await {
                    Ok(false) if !known => {
                        Some("its server never told its number: look for it with the server's tools".to_owned())
                    }
                    Ok(_) => None,
                    Err(error) => Some(error.to_string()),
                },
                None => Some(format!("there is no destination `{destination}` any more")),
            };
            let what = describe(&left.obligation);
            match &trouble {
                None => tracing::info!("put back what the run {} left: {what}", left.run),
                Some(trouble) => troubles.push(format!("{what}, which the run {} left: {trouble}", left.run)),
            }
            // What can never be undone is told once.
            if trouble.is_none() || !known || site.is_none() {
                let _ = self.with.journal.done(left.id);
            }
        }
        troubles
    }
}

/// Undoes one thing at a destination; false where it cannot be told there. What became of it after its note was written is
/// looked for now.
async fn clean_at(store: &dyn Store, left: &Obligation) -> Result<bool, StoreError> {
    match left {
        Obligation::HalfSet { destination: _, manifest, objects } => match store.size(manifest).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::Missing => match store.delete(objects).await {
                // What is without its manifest is pruned, as soon as its lock lets it go.
                Err(error) if error.kind() == StoreErrorKind::Locked => Ok(true),
                deleted => deleted.map(|()| true),
            },
            Err(error) => Err(error),
        },
        Obligation::MultipartUpload { key, .. } => match store.clean(left).await {
            // Servers say different things of an upload that was completed; its object then says it all.
            Err(error) if !error.is_transient() => {
                let name = key.rsplit('/').next().unwrap_or_default();
                store.size(name).await.map(|_| true).map_err(|_| error)
            }
            cleaned => cleaned,
        },
        Obligation::StagedObject { .. }
        | Obligation::StagedFile { .. }
        | Obligation::ContainerScratch { .. }
        | Obligation::ContainerProcess { .. }
        | Obligation::ContainerHalted { .. }
        | Obligation::HostProcess { .. }
        | Obligation::HostScratch { .. } => store.clean(left).await,
    }
}

fn no_answer(patience: Duration) -> StoreError {
    let patience = format_duration(patience);
    let message = format!("it has not told within {patience} what lies there (`timeouts.connect`)");
    StoreError::new(StoreErrorKind::Busy, message)
}

fn no_room(store: &dyn Store, free: u64, last: u64) -> StoreError {
    let message =
        format!("{} has {} free, and the last archive there took {}", store.describe(), Bytes(free), Bytes(last));
    StoreError::new(StoreErrorKind::Full, message).help("make room there, or keep fewer archives")
}
