//! A run's sources, one after the other, each with what runs around it.

use super::Run;
use super::hooks::{About, Moment, Verdict};
use super::report::{Halt, RunReport};
use super::site::Site;
use super::transfer::SourceError;
use crate::run::dump::{self, DumpError};
use crate::run::manifest::Entry;
use crate::source::Source;
use tokio::task::spawn_blocking;

impl Run<'_> {
    /// Dumps one source after the other to all destinations at once; afterwards every object is staged.
    pub(super) async fn store(&self, sites: &mut [Site], report: &mut RunReport) -> Result<Vec<Entry>, Halt> {
        let mut entries = vec![];
        for source in &self.job.sources {
            entries.extend(self.with_hooks(source, sites, report).await?);
        }
        Ok(entries)
    }

    /// A source with what runs around it.
    async fn with_hooks(
        &self,
        source: &Source,
        sites: &mut [Site],
        report: &mut RunReport,
    ) -> Result<Vec<Entry>, Halt> {
        let (hooks, name) = (&source.hooks, Some(source.name.as_str()));
        let done = match self.before(&hooks.before, name, report).await {
            Verdict::GoOn => self.all_parts(source, sites, report).await,
            Verdict::Skip(reason) => Err(Halt::Skipped(reason)),
            Verdict::Fail(problem) => Err(Halt::for_good(problem)),
        };
        let about = |moment, state, error| About { moment, source: name, state, error };
        let (state, error) = match &done {
            Ok(_) => {
                self.later(&hooks.after, about(Moment::After, "done", None), report).await;
                let mut own = report.hooks.iter().filter(|hook| hook.source.as_deref() == name);
                let error = own.find_map(|hook| hook.problem.clone());
                (if error.is_some() { "partial" } else { "done" }, error)
            }
            Err(Halt::Failed { problem, transient: _ }) => ("failed", Some(problem.clone())),
            Err(Halt::Skipped(_)) => ("skipped", None),
        };
        if error.is_some() {
            self.later(&hooks.failed, about(Moment::Failed, state, error.as_ref()), report).await;
        }
        self.later(&hooks.finally, about(Moment::Finally, state, error.as_ref()), report).await;
        done
    }

    async fn all_parts(&self, source: &Source, sites: &mut [Site], report: &mut RunReport) -> Result<Vec<Entry>, Halt> {
        let mut entries = vec![];
        for part in self.parts(source).await.map_err(|error| self.halt(&error, sites))? {
            let done = self.source(&part, sites, report).await;
            let (entry, of_source) = done.map_err(|error| self.halt(&error, sites))?;
            tracing::info!("{of_source}");
            entries.push(entry);
            report.sources.push(of_source);
        }
        Ok(entries)
    }

    /// The sources that a source is stored as, one object each.
    async fn parts(&self, source: &Source) -> Result<Vec<Source>, SourceError> {
        if !source.is_many() {
            return Ok(vec![source.clone()]);
        }
        let (source, with) = (source.clone(), self.with.clone());
        let name = source.name.clone();
        let asked = spawn_blocking(move || dump::parts(&source, &with)).await;
        let asked = asked.map_err(|error| SourceError::Broken(name.clone(), error))?;
        asked.map_err(|error| SourceError::Dump(name, error))
    }

    /// Whether another try can help against what failed.
    fn halt(&self, error: &SourceError, sites: &[Site]) -> Halt {
        let transient = match error {
            SourceError::Dump(_, error) => matches!(
                error,
                DumpError::Failed { .. }
                    | DumpError::Cut { .. }
                    | DumpError::NoEnd
                    | DumpError::Unknown { .. }
                    | DumpError::Container(_)
            ),
            SourceError::Pack(..) | SourceError::Broken(..) => true,
            SourceError::NoDestination(_) => sites.iter().any(|site| site.may_pass),
            SourceError::Empty(_) | SourceError::Stopped => false,
        };
        Halt::Failed { problem: error.problem(), transient: transient && !self.with.stop.is_stopped() }
    }
}
