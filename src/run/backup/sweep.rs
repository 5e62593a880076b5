//! What runs of this job on this host left behind and no journal tells of any more: the host was built anew, or its state
//! folder was lost. It is known by its owner and its age, which stand in its name.

use super::Run;
use super::site::Site;
use super::start::describe;
use crate::run::journal::Obligation;
use crate::run::os;
use crate::run::scratch;
use crate::run::store::{Owner, Store, StoreError};
use crate::value::format_duration;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

/// How old something must be before it counts as left behind. This run holds the job's lock, so that another run under
/// the same names can only be that of a second machine with this host's name: it has twice the day that a run may take
/// where its unit says nothing else.
pub(super) const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(2 * 24 * 3600);

impl Run<'_> {
    /// Whose the things are that this run makes.
    pub(super) fn owner(&self) -> Owner {
        let context = &self.with.context;
        Owner::new(&context.host, &context.job, context.instance.as_deref())
    }

    fn left_behind_after(&self) -> Duration {
        self.job.conduct.timeouts.run.unwrap_or_default().max(LEFT_BEHIND_AFTER)
    }

    /// Removes what was left behind at the destinations and in the state folder, and tells it.
    pub(super) async fn sweep(&self, sites: &[Site]) {
        join_all(sites.iter().map(|site| async move {
            let Some(store) = site.taking() else { return };
            if let Err(error) = self.sweep_at(&site.name, store.as_ref()).await {
                tracing::warn!("what earlier runs left behind at `{}` could not be removed: {error}", site.name);
            }
        }))
        .await;
        let (folder, after) = (self.with.journal.folder().to_owned(), self.left_behind_after());
        let _ = tokio::task::spawn_blocking(move || sweep_folder(&folder, after)).await;
    }

    async fn sweep_at(&self, site: &str, store: &dyn Store) -> Result<(), StoreError> {
        let (owner, now) = (self.owner(), os::now());
        for left in store.staged().await? {
            let Some((name, began)) = name(&left).and_then(|name| Some((name, owner.began(name)?))) else { continue };
            if age(began, now) < self.left_behind_after() {
                continue;
            }
            store.clean(&left).await?;
            tracing::warn!("removed {name} at `{site}`, which a run of this job left there on {began}");
        }
        self.abort_stale_at(site, store, now).await
    }

    /// Uploads under names of this job that took nothing for so long that no run can be about to go on with them.
    async fn abort_stale_at(&self, site: &str, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let (names, before) = (self.names(), now.checked_sub(self.left_behind_after()).unwrap_or(Timestamp::MIN));
        for left in store.stale(&|name| names.are_of(name), before).await? {
            store.clean(&left).await?;
            tracing::warn!("aborted {} at `{site}`, which a run of this job left there", describe(&left));
        }
        Ok(())
    }
}

fn name(left: &Obligation) -> Option<&str> {
    match left {
        Obligation::StagedFile { path } => path.file_name()?.to_str(),
        Obligation::StagedObject { name, destination: _ } => Some(name),
        Obligation::ContainerScratch { .. }
        | Obligation::ContainerProcess { .. }
        | Obligation::ContainerHalted { .. }
        | Obligation::HostProcess { .. }
        | Obligation::HostScratch { .. }
        | Obligation::HalfSet { .. }
        | Obligation::MultipartUpload { .. } => None,
    }
}

/// Nothing of what the clock says lies ahead.
fn age(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}

/// Removes scratch folders that no journal beside them tells of: a run writes its own down before it makes one.
fn sweep_folder(folder: &Path, after: Duration) {
    let names = names(folder);
    let scratch: Vec<&String> = names.iter().filter(|name| name.starts_with(scratch::PREFIX)).collect();
    if scratch.is_empty() {
        return;
    }
    let mut told = String::new();
    for journal in names.iter().filter(|name| Path::new(name).extension().is_some_and(|it| it == "journal")) {
        // One that cannot be read may tell of any of them.
        let Ok(text) = std::fs::read(folder.join(journal)) else { return };
        told.push_str(&String::from_utf8_lossy(&text));
    }
    for name in scratch.into_iter().filter(|name| !told.contains(*name)) {
        let path = folder.join(name);
        let Some(age) = untouched(&path).filter(|age| *age >= after) else { continue };
        match scratch::remove(&path) {
            Ok(()) => tracing::warn!(
                "removed {}, which a run left there and nobody touched for {}",
                path.display(),
                format_duration(Duration::from_secs(age.as_secs()))
            ),
            Err(error) => tracing::warn!("{} could not be removed: {error}", path.display()),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// How long a folder has not been changed; none of anything else.
fn untouched(path: &Path) -> Option<Duration> {
    let meta = path.symlink_metadata().ok().filter(std::fs::Metadata::is_dir)?;
    Some(age(Timestamp::try_from(meta.modified().ok()?).ok()?, os::now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, FileTimes};

    #[test]
    fn scratch_folders_go_where_they_are_old_and_no_journal_tells_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let then = os::now() - jiff::SignedDuration::from_hours(72);
        let old = FileTimes::new().set_modified(then.into());
        for (name, aged) in
            [("eightbells-a-db", true), ("eightbells-b-db", true), ("eightbells-c-db", false), ("other", true)]
        {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("file"), "x").unwrap();
            if aged {
                File::open(folder.path().join(name)).unwrap().set_times(old).unwrap();
            }
        }
        std::os::unix::fs::symlink("other", folder.path().join("eightbells-link")).unwrap();
        fs::write(folder.path().join("another.journal"), "…/eightbells-b-db\"}").unwrap();
        sweep_folder(folder.path(), LEFT_BEHIND_AFTER);
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["another.journal", "eightbells-b-db", "eightbells-c-db", "eightbells-link", "other"]);
    }

    #[test]
    fn what_the_clock_says_lies_ahead_is_not_old() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(age(Timestamp::from_second(1_900_000_000).unwrap(), now), Duration::ZERO);
        assert_eq!(age(Timestamp::from_second(1_699_999_000).unwrap(), now), Duration::from_secs(1000));
    }
}
