//! Destinations that lack sets which others of the job have: after the archive is stored, they are brought up to date.

use super::Run;
use super::report::{CaughtUp, Problem};
use super::site::{Site, SiteState};
use crate::run::catalog::Set;
use crate::run::prune::Rules;
use crate::run::store::Store;
use crate::run::sync;
use crate::value::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many sets a run copies to a destination at the most: the newest first, the rest is left to the next runs.
const SETS_MAX: usize = 10;
/// After this long in one run no further set is begun.
const TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// A set, and the destination that has it.
struct Wanted {
    set: Set,
    from: Arc<dyn Store>,
    name: String,
}

impl Run<'_> {
    /// Brings destinations that have the new archive up to date. What fails costs the run nothing but its exit code.
    pub(super) async fn catch_up(&self, sites: &mut [Site]) {
        let begun = Instant::now();
        for at in 0..sites.len() {
            let wanted = self.wanted(sites, at);
            let Some(site) = sites.get_mut(at).filter(|_| !wanted.is_empty()) else { continue };
            self.catch_up_at(site, wanted, begun).await;
        }
    }

    /// What one destination lacks, the newest first, each set from the first of the others that has it.
    fn wanted(&self, sites: &[Site], at: usize) -> Vec<Wanted> {
        let Some(target) = sites.get(at).filter(|site| is_stored(site)) else { return vec![] };
        let rules = Rules::of(self.job, &target.keep, self.pattern.zone());
        let mut wanted: Vec<Wanted> = vec![];
        for (other, site) in sites.iter().enumerate() {
            let (Some(from), SiteState::Stored(pruned)) = (&site.store, &site.state) else { continue };
            if other == at {
                continue;
            }
            for set in sync::missing(&site.before, &target.before, &rules, self.time) {
                let gone = set.manifest_name.as_ref().is_none_or(|name| pruned.removed.contains(name));
                if !gone && !wanted.iter().any(|known| known.set.manifest_name == set.manifest_name) {
                    wanted.push(Wanted { set: set.clone(), from: Arc::clone(from), name: site.name.clone() });
                }
            }
        }
        wanted.sort_by_key(|wanted| std::cmp::Reverse(wanted.set.time));
        wanted
    }

    async fn catch_up_at(&self, site: &mut Site, wanted: Vec<Wanted>, begun: Instant) {
        let Some(to) = site.store.clone() else { return };
        let mut done = CaughtUp { sets: 0, bytes: 0, left: wanted.len(), failed: false };
        for Wanted { set, from, name } in wanted.into_iter().take(SETS_MAX) {
            if self.with.stop.is_stopped() || begun.elapsed() > TIME_MAX {
                break;
            }
            tracing::info!("`{}` lacks the archive of {}: copying it from `{name}`", site.name, set.time);
            match sync::copy(&set, from.as_ref(), to.as_ref(), &self.with.stop).await {
                Ok(bytes) => {
                    done.sets += 1;
                    done.bytes += bytes;
                    done.left -= 1;
                }
                Err(sync::SyncError::Stopped) => break,
                Err(error) => {
                    done.failed = true;
                    let about = format!("the archive of {} could not be copied from `{name}`", set.time);
                    let problem = Problem::of(&error).about(&about);
                    site.notes.push(error.helps().into_iter().fold(problem, Problem::help));
                    // What one destination refuses once it refuses again.
                    if matches!(error, sync::SyncError::To(_)) {
                        break;
                    }
                }
            }
        }
        tracing::info!("`{}`: {} copied, {} left", site.name, Bytes(done.bytes), done.left);
        site.caught_up = Some(done);
    }
}

fn is_stored(site: &Site) -> bool {
    match site.state {
        SiteState::Stored(_) => true,
        SiteState::Taking | SiteState::Failed(_) => false,
    }
}
