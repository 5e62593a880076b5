//! The moment in which archives become visible: objects first, the manifest last, or nothing.

use super::Run;
use super::report::{Problem, RunReport};
use super::site::{Site, SiteState, Staged};
use crate::run::journal::Obligation;
use crate::run::manifest::{Entry, MANIFEST_VERSION, Manifest, WARNINGS_MAX};
use crate::run::prune::{Notes, PruneError, Pruned, Rules, prune};
use crate::run::store::{Promise, Store, StoreError, StoreErrorKind};
use bytes::Bytes;
use futures_util::future::join_all;
use std::sync::Arc;

/// What wrote a manifest.
const TOOL: &str = concat!("eightbells ", env!("CARGO_PKG_VERSION"));

impl Run<'_> {
    /// Gives everything its name at every destination that took it all.
    pub(super) async fn commit(
        &self,
        sites: &mut [Site],
        entries: Vec<Entry>,
        report: &RunReport,
    ) -> Result<(), Problem> {
        if self.with.stop.is_stopped() {
            self.put_all_back(sites).await;
            return Err(Problem::new("the run was told to stop"));
        }
        let manifest = self.manifest(entries, report);
        join_all(sites.iter_mut().map(|site| self.commit_at(site, &manifest))).await;
        if sites.iter().any(|site| matches!(site.state, SiteState::Stored(_))) {
            return Ok(());
        }
        let stopped = self.with.stop.is_stopped();
        Err(Problem::new(if stopped { "the run was told to stop" } else { "no destination has the archive" }))
    }

    fn manifest(&self, objects: Vec<Entry>, report: &RunReport) -> Manifest {
        let context = &self.with.context;
        let warnings = report.sources.iter().flat_map(|source| source.unreadable.iter().chain(&source.warnings));
        Manifest {
            eightbells_manifest: MANIFEST_VERSION,
            job: self.job.name.clone(),
            instance: context.instance.clone(),
            host: context.host.clone(),
            run: self.with.run.to_string(),
            time: self.time,
            tool: TOOL.to_owned(),
            objects,
            warnings: warnings.take(WARNINGS_MAX).map(|warning| self.with.secrets.redact(warning)).collect(),
        }
    }

    async fn commit_at(&self, site: &mut Site, manifest: &Manifest) {
        let Some(store) = site.taking() else { return };
        let staged = site.staged.iter().map(|staged| staged.name.clone()).collect();
        let half = match self.note_half(&site.name, staged) {
            Ok(half) => half,
            Err(error) => {
                site.fail(&error);
                return site.put_back().await;
            }
        };
        let mut named = vec![];
        match self.publish(site, &store, manifest, &mut named).await {
            Ok(()) => {
                site.state = SiteState::Stored(Pruned::default());
                half.fulfilled();
            }
            Err(error) => {
                site.fail(&error);
                site.put_back().await;
                self.take_back(site, &store, named, half).await;
            }
        }
    }

    /// Writes down which archives are without their manifest until the last moment.
    fn note_half(&self, site: &str, objects: Vec<String>) -> Result<Promise, StoreError> {
        let (destination, manifest) = (site.to_owned(), self.pattern.manifest(self.time));
        self.ledger().promise(Obligation::HalfSet { destination, manifest, objects })
    }

    /// Removes names that were free before, and that only this run gives: whatever is there now is this run's.
    async fn take_back(&self, site: &mut Site, store: &Arc<dyn Store>, named: Vec<String>, half: Promise) {
        if let Err(error) = store.delete(&named).await {
            site.notes.push(Problem::of_store(&error).about("what was stored already could not be removed again"));
            // A name that somebody else had given is not the next run's to remove: it is noted without it.
            if self.note_half(&site.name, named).is_err() {
                return;
            }
        }
        half.fulfilled();
    }

    /// `named` gathers the names that may be visible by now. A stop is looked for between names only: a name given in
    /// the background could not be taken back.
    async fn publish(
        &self,
        site: &mut Site,
        store: &Arc<dyn Store>,
        manifest: &Manifest,
        named: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        while !site.staged.is_empty() {
            self.go_on()?;
            let Staged { name, upload, whole: _ } = site.staged.remove(0);
            let attempt = named.len();
            named.push(name);
            let committed = upload.commit().await;
            if committed.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Exists) {
                // Somebody else's.
                named.truncate(attempt);
            }
            committed?;
        }
        let name = self.pattern.manifest(self.time);
        let mut upload = store.begin(&name).await?;
        upload.write(Bytes::from(manifest.to_json())).await?;
        upload.stage().await?;
        if let Err(stopped) = self.go_on() {
            upload.abort().await?;
            return Err(stopped);
        }
        named.insert(0, name);
        upload.commit().await
    }

    fn go_on(&self) -> Result<(), StoreError> {
        let stopped = || StoreError::new(StoreErrorKind::Other, "the run was told to stop");
        if self.with.stop.is_stopped() { Err(stopped()) } else { Ok(()) }
    }

    pub(super) async fn put_all_back(&self, sites: &mut [Site]) {
        join_all(sites.iter_mut().map(Site::put_back)).await;
    }

    /// Removes what may go, at destinations that have the new archive only.
    pub(super) async fn prune(&self, sites: &mut [Site]) {
        let stored = self.named_time();
        for site in sites {
            let (Some(store), SiteState::Stored(done)) = (&site.store, &mut site.state) else { continue };
            let rules = Rules::of(self.job, &site.keep, self.pattern.zone());
            let notes = Notes { ledger: &self.ledger(), destination: &site.name };
            match prune(store.as_ref(), &self.names(), &rules, (stored, self.time), notes).await {
                Ok(pruned) => *done = pruned,
                Err(error) => site.notes.push(of_prune(&error)),
            }
        }
    }
}

fn of_prune(error: &PruneError) -> Problem {
    let problem = Problem::of(error);
    match error {
        PruneError::List(store) | PruneError::Delete(store) => {
            store.helps().iter().fold(problem, |problem, help| problem.help(help.clone()))
        }
        PruneError::NotSeen => problem,
    }
}
