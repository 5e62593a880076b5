//! What is kept of every run on its host: its report, for `status`, and a file for Prometheus.

use super::metrics;
use super::report::{Outcome, RunReport};
use crate::contract::Job;
use crate::run::lock::StateDir;
use crate::run::store::{Ledger, StoreError};
use crate::value::{Context, ExpandError};
use jiff::Timestamp;
use serde::Deserialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A report that is longer is not read again, in bytes.
const REPORT_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Metrics are for another user to read.
const METRICS_MODE: u32 = 0o644;
const REPORT_MODE: u32 = 0o600;

/// Why a run is not remembered.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file or folder cannot be made or read.
    #[error("`{}` cannot be kept", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a killed run would leave of it cannot be written down.
    #[error(transparent)]
    Note(#[from] StoreError),
    /// A placeholder has no value.
    #[error("a path of `report` cannot be filled in")]
    Expand(#[from] ExpandError),
}

/// What is remembered of a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PastRun {
    /// The run's instant.
    pub time: Timestamp,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Its sources.
    #[serde(default)]
    pub sources: Vec<PastSource>,
    /// Why it failed.
    #[serde(default)]
    pub problem: Option<PastProblem>,
}

/// What is remembered of a source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastSource {
    /// Bytes stored.
    pub size: u64,
}

/// What is remembered of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastProblem {
    /// In one line.
    pub message: String,
}

impl PastRun {
    /// Bytes stored at each destination.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sources.iter().map(|source| source.size).sum()
    }

    /// Whether everything was everywhere, or was so already.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.outcome, Outcome::Done)
    }
}

/// Where a job's reports lie: in the folder that the job names, or in the state directory.
///
/// # Errors
/// A placeholder without value.
pub fn folder(state: &StateDir, job: &Job, context: &Context) -> Result<PathBuf, ExpandError> {
    let own = |folder: PathBuf| folder.join(file_name(state, job, context, ".reports"));
    match &job.conduct.report.path {
        Some(path) => Ok(own(path.expand(context)?.into())),
        None => Ok(state.file(&job.name, context.instance.as_deref(), ".reports")),
    }
}

fn file_name(state: &StateDir, job: &Job, context: &Context, suffix: &str) -> String {
    let path = state.file(&job.name, context.instance.as_deref(), suffix);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The runs that are remembered, oldest first; what cannot be read is left out.
#[must_use]
pub fn past(folder: &Path) -> Vec<PastRun> {
    names(folder).iter().filter_map(|name| read(&folder.join(name))).collect()
}

/// The run that is remembered as the last one.
pub(super) fn last(folder: &Path) -> Option<PastRun> {
    read(&folder.join(names(folder).last()?))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json"))
        .collect();
    names.sort();
    names
}

fn read(path: &Path) -> Option<PastRun> {
    use std::io::Read as _;
    let mut text = String::new();
    File::open(path).ok()?.take(REPORT_MAX_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Writes the report down, and the metrics where the job wants them; what could not be, in words.
pub(super) fn keep(
    state: &StateDir,
    job: &Job,
    context: &Context,
    ledger: &Ledger,
    report: &RunReport,
) -> Vec<RecordError> {
    let mut troubles = vec![];
    let mut last_good = matches!(report.outcome, Outcome::Done).then_some(report.time);
    match folder(state, job, context) {
        Err(error) => troubles.push(error.into()),
        Ok(folder) => {
            let before = past(&folder);
            last_good = last_good.or_else(|| before.iter().rev().find(|run| run.is_good()).map(|run| run.time));
            troubles.extend(keep_report(&folder, job.conduct.report.keep, ledger, report).err());
        }
    }
    if let Some(metrics) = &job.conduct.report.metrics {
        let written = metrics.expand(context).map_err(RecordError::from).and_then(|folder| {
            let name = format!("eightbells_{}", file_name(state, job, context, ".prom"));
            let text = metrics::text(report, last_good);
            write(Path::new(&folder), &name, METRICS_MODE, text.as_bytes())
        });
        troubles.extend(written.err());
    }
    troubles
}

fn keep_report(folder: &Path, count: u32, ledger: &Ledger, report: &RunReport) -> Result<(), RecordError> {
    let failed = |source| RecordError::File { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let time = report.time.strftime("%Y%m%dT%H%M%SZ");
    let (partial, promise) = ledger.staged_file(folder)?;
    let path = folder.join(format!("{time}-{}.json", report.run));
    write_by(&partial, &path, REPORT_MODE, report.to_json().as_bytes())
        .map_err(|source| RecordError::File { path, source })?;
    promise.fulfilled();
    let names = names(folder);
    let surplus = names.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    for name in names.iter().take(surplus) {
        fs::remove_file(folder.join(name)).map_err(failed)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, mode: u32, content: &[u8]) -> Result<(), RecordError> {
    let failed = |source| RecordError::File { path: folder.join(name), source };
    write_whole(folder, name, mode, content).map_err(failed)
}

/// A file that is there whole or not at all: `node_exporter` may read it at any moment.
pub(in crate::run) fn write_whole(folder: &Path, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
    write_by(&folder.join(format!(".{name}.partial")), &folder.join(name), mode, content)
}

fn write_by(partial: &Path, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(partial)?;
    // The unit's UMask= takes rights away.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(partial, path)
}
