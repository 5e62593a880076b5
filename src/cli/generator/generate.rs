//! `eightbells generate`.

use super::files::{self, Change};
use super::{TargetArgs, load_or_fail};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::plan::plan;
use crate::render::{File, render};
use crate::spec::Spec;
use clap::Args;
use std::path::{Path, PathBuf};

/// What `generate` is told.
#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// The spec
    spec: PathBuf,
    /// Write the units into this folder, each atomically, and only those that changed; without it they are printed
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Write nothing; compare with the folder, and exit 1 with the difference where they are not the same
    #[arg(long, requires = "output")]
    check: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let (spec, _) = load_or_fail(&args.spec, &args.target)?;
    let files = units(&spec, &args.target)?;
    match &args.output {
        None => print(&listing(&files)),
        Some(folder) if args.check => compare(folder, &files),
        Some(folder) => write(folder, &files),
    }
}

/// All units of a spec.
pub(super) fn units(spec: &Spec, target: &TargetArgs) -> Result<Vec<File>, Failure> {
    render(&plan(spec, target.options(spec))).map_err(|error| Failure::new(exit::FAILED, error.to_string()))
}

/// The units one after the other; between two of them a line that names the next, which is a comment to systemd.
fn listing(files: &[File]) -> String {
    files.iter().map(|file| format!("# {}\n{}", file.name, file.text)).collect::<Vec<_>>().join("\n")
}

fn write(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let changes = files::write_changed(folder, files)?;
    for (file, change) in files.iter().zip(&changes) {
        let word = match change {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Same => "same",
        };
        say(&format!("{word:8}{}", folder.join(&file.name).display()));
    }
    Ok(())
}

fn compare(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let mut differing = 0;
    for file in files {
        if files::compare(folder, file)? != Change::Same {
            differing += 1;
            print(&files::difference(folder, file)?)?;
        }
    }
    if differing == 0 { Ok(()) } else { Err(files::differs(differing)) }
}
