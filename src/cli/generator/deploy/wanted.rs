//! What a spec wants to be there.

use super::super::generate::units;
use super::super::trial::{instance_names, unit_stems};
use super::super::{TargetArgs, load_or_fail};
use crate::cli::output::Failure;
use crate::contract::exit;
use crate::diag::Report;
use crate::render::File;
use crate::spec::{self, Job, JobIn, Spec};
use crate::target::Target;
use crate::unit::{Dialect, UnitFile};
use std::path::{Component, Path, PathBuf};

/// A spec, its units, and the names under which they run.
#[derive(Debug)]
pub(super) struct Wanted {
    pub target: Target,
    /// The runner's path on the hosts.
    pub runner: String,
    /// All unit files.
    pub files: Vec<File>,
    /// Every pair that runs.
    pub pairs: Vec<Pair>,
    /// The spec's own files with their places on the hosts, where some job's unit reads them there.
    pub spec_files: Vec<SpecFile>,
    /// The jobs' names.
    pub jobs: Vec<String>,
}

/// A service and its timer, instances filled in, and the files that they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub job: String,
    pub service: String,
    pub timer: String,
    /// `wiki@.service` for `wiki@80.service`.
    pub service_file: String,
    pub timer_file: String,
}

impl Pair {
    /// Whether the files are templates.
    pub(super) fn is_instance(&self) -> bool {
        self.service != self.service_file
    }
}

/// A file of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecFile {
    /// Where it is here.
    pub here: String,
    /// Where it belongs on the hosts.
    pub there: String,
    pub text: String,
}

impl Wanted {
    pub(super) fn read(path: &Path, target: &TargetArgs) -> Result<Self, Failure> {
        let (spec, report) = load_or_fail(path, target)?;
        Ok(Self {
            target: target.options(&spec).target,
            runner: spec.runner.clone(),
            files: units(&spec, target)?,
            pairs: spec.jobs.iter().flat_map(pairs).collect(),
            spec_files: if reads_spec(&spec) { spec_files(path, &spec, &report)? } else { vec![] },
            jobs: spec.jobs.iter().map(|job| job.name.clone()).collect(),
        })
    }

    /// A unit file by name.
    pub(super) fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }
}

fn pairs(job: &Job) -> Vec<Pair> {
    let at = if job.instances.is_empty() { "" } else { "@" };
    let of = |stem: String| {
        let pair = |name: String| Pair {
            job: job.name.clone(),
            service: format!("{name}.service"),
            timer: format!("{name}.timer"),
            service_file: format!("{stem}{at}.service"),
            timer_file: format!("{stem}{at}.timer"),
        };
        instance_names(job, &stem).into_iter().map(pair).collect::<Vec<_>>()
    };
    unit_stems(job).into_iter().flat_map(of).collect()
}

fn reads_spec(spec: &Spec) -> bool {
    spec.jobs.iter().any(|job| job.job_in == JobIn::File)
}

/// The spec and what it includes; each keeps its place relative to the spec.
fn spec_files(path: &Path, spec: &Spec, report: &Report) -> Result<Vec<SpecFile>, Failure> {
    let here = path.parent().unwrap_or(Path::new(""));
    let there = Path::new(&spec.spec_path).parent().unwrap_or(Path::new("/")).to_path_buf();
    let mut files = vec![];
    for name in report.sources.names().map(str::to_owned) {
        let bytes = spec::read_file(&name).map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if Path::new(&name) == path {
            files.push(SpecFile { here: name, there: spec.spec_path.clone(), text });
            continue;
        }
        let Some(place) = below(here, Path::new(&name)).map(|inner| there.join(inner)) else {
            let message = format!("`{name}` is included from outside the spec's folder");
            let help = "include it from beside the spec, or copy the files to the hosts by hand";
            return Err(Failure::new(exit::CONFIG, message).help(help));
        };
        files.push(SpecFile { here: name, there: place.display().to_string(), text });
    }
    Ok(files)
}

/// A path relative to a folder that it lies in, by its text.
fn below(folder: &Path, path: &Path) -> Option<PathBuf> {
    let inner = path.strip_prefix(folder).ok()?;
    inner.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)).then(|| inner.to_path_buf())
}

/// The job that a unit says it was made from; none where we did not make it.
pub(super) fn job_of(text: &[u8]) -> Option<String> {
    let file = UnitFile::parse(text.to_vec(), Dialect::Systemd);
    file.entries_for("X-Eightbells", "Job").next().map(|entry| entry.value().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_tells_the_job_that_it_was_made_from() {
        assert_eq!(job_of(b"[Unit]\nA=b\n[X-Eightbells]\nJob=wiki\nDigest=x\n").as_deref(), Some("wiki"));
        assert_eq!(job_of(b"[Unit]\nDescription=by hand\n"), None);
    }

    #[test]
    fn what_is_included_keeps_its_place() {
        assert_eq!(below(Path::new("conf"), Path::new("conf/d/a.yaml")), Some("d/a.yaml".into()));
        assert_eq!(below(Path::new("conf"), Path::new("conf/../a.yaml")), None);
        assert_eq!(below(Path::new("conf"), Path::new("/etc/a.yaml")), None);
    }
}
