//! A program of the host whose standard output is the content.

use super::start::Start;
use super::{Dump, DumpError};
use crate::run::journal::{MARK_VARIABLE, Obligation};
use crate::run::os::Program;
use crate::run::scratch;
use crate::source::Command;
use crate::value::{Placeholder, Template};
use secrecy::ExposeSecret as _;

pub(super) fn start(command: &Command, mut start: Start<'_>) -> Result<Dump, DumpError> {
    let Command { argv, env, directory, extension: _ } = command;
    let values = env.values().filter_map(|value| value.text());
    if argv.iter().chain(directory).chain(values).flat_map(Template::placeholders).any(|p| *p == Placeholder::Scratch) {
        make_scratch(&mut start)?;
    }
    let words = start.expand_all(argv)?;
    let (name, args) = words.split_first().ok_or(DumpError::NoProgram)?;
    let mut program = Program::new(name, &start.with.environment).args(args).env(MARK_VARIABLE, start.mark());
    for (variable, value) in env {
        program = program.env(variable, start.with.secrets.text(value, &start.context)?.expose_secret());
    }
    let directory = directory.as_ref().map(|template| template.expand(&start.context)).transpose()?;
    let program = program.directory(directory.map(Into::into));
    start.owe(Obligation::HostProcess { mark: start.mark() })?;
    start.stdout(name, program)
}

/// Makes a scratch folder on the host; its path.
pub(super) fn make_scratch(start: &mut Start<'_>) -> Result<String, DumpError> {
    let path = scratch::path(&start.with.journal, &start.mark());
    start.owe(Obligation::HostScratch { path: path.clone() })?;
    scratch::make(&path).map_err(|source| DumpError::Scratch { path: path.clone(), source })?;
    let path = path.to_string_lossy().into_owned();
    start.context.scratch = Some(path.clone());
    Ok(path)
}
