//! Completion in a shell: the script that a shell reads once, and the answers that it then asks this program for.
//!
//! The answers come from the program itself, so that they know the jobs of the spec on the line being typed.

use super::output::{Failure, print, say};
use crate::contract::exit;
use crate::spec;
use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The variable by which a shell's script says that it asks for candidates.
const ASKING_VARIABLE: &str = "EIGHTBELLS_COMPLETE";
/// The shells that there is a script for.
const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// What `completions` is told.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = PossibleValuesParser::new(SHELLS))]
    shell: String,
}

/// Answers a shell that asks for candidates; none where it is a run like any other.
pub(super) fn answer(program: fn() -> clap::Command, args: &[OsString]) -> Option<u8> {
    let folder = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(program).var(ASKING_VARIABLE).try_complete(args, folder.as_deref());
    match asked {
        Ok(false) => None,
        Ok(true) => Some(exit::OK),
        Err(error) => {
            say(&format!("error: {error}"));
            Some(exit::USAGE)
        }
    }
}

/// Prints the script for a shell.
pub(super) fn script(args: &CompletionsArgs, program: &str) -> Result<(), Failure> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(Failure::new(exit::USAGE, format!("there is no script for `{}`", args.shell)));
    };
    let mut script = vec![];
    let name = program.replace('-', "_");
    let written = shell.write_registration(ASKING_VARIABLE, &name, program, program, &mut script);
    written.map_err(|error| Failure::new(exit::FAILED, format!("cannot write the script: {error}")))?;
    print(&String::from_utf8_lossy(&script))
}

/// The jobs of the spec that is on the line already.
pub(super) fn jobs(current: &OsStr) -> Vec<CompletionCandidate> {
    let line: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let begun = current.to_string_lossy();
    let specs = line.iter().filter(|word| is_spec(word)).filter_map(|path| {
        let (spec, _) = spec::load(&path.to_string_lossy(), &spec::read_file);
        spec
    });
    let jobs = specs.flat_map(|spec| spec.jobs).filter(|job| job.name.starts_with(begun.as_ref()));
    jobs.map(|job| CompletionCandidate::new(job.name).help(Some(job.description.to_string().into()))).collect()
}

fn is_spec(word: &OsStr) -> bool {
    let path = Path::new(word);
    path.extension().is_some_and(|suffix| suffix == "yaml" || suffix == "yml") && path.is_file()
}
