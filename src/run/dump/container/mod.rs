//! Dumps in containers, driven through the command line of docker or podman.

mod engine;
mod error;
mod inside;
mod label;
mod tree;
mod volume;

pub(super) use engine::{Engine, Found, State, program_is_missing};
pub use error::ContainerError;
pub(super) use inside::{end_processes, remove_scratch};
use tree::NotDirect;
pub(super) use volume::start as volume;

use super::start::Start;
use super::{Dump, DumpError, Surroundings};
use crate::archive::part_name;
use crate::run::journal::{MARK_VARIABLE, Obligation};
use crate::run::os::{Process, Program};
use crate::source::{self, Container, Content, Source, SourceKind, Which};
use crate::value::{Placeholder, Template, Value};
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _};

/// How much of a line that a dump prints beside its tree is logged.
const LINE_MAX_BYTES: u64 = 8 * 1024;

pub(super) fn start(container: &Container, mut start: Start<'_>) -> Result<Dump, DumpError> {
    let Container { container: name, engine, dump: _, env: _, user: _, directory: _, content, access } = container;
    let found = find(*engine, name, &start)?;
    if uses_scratch(container) {
        make_scratch(&found, container, &mut start)?;
    }
    match content {
        Content::Stdout { extension: _ } => stdout(&found, container, start),
        Content::Tree { path, exclude } => {
            if !container.dump.is_empty() {
                dump_first(&found, container, &mut start)?;
            }
            let tree = tree::Tree::parse(&start.expand(path)?, start.expand_all(exclude)?)?;
            tree::read(&tree, *access, found, start)
        }
    }
}

/// The running container that is meant.
pub(super) fn find(engine: source::Engine, which: &Which, start: &Start<'_>) -> Result<Found, DumpError> {
    Engine::find(engine, &start.with.environment, &start.limits)?.one(which, start)
}

/// The sources that a source is stored as: itself, or one for each container that has its label.
pub(super) fn parts(source: &Source, container: &Container, with: &Surroundings) -> Result<Vec<Source>, DumpError> {
    if !container.container.is_all() {
        return Ok(vec![source.clone()]);
    }
    let start = Start::new(source, with);
    let engine = Engine::find(container.engine, &with.environment, &start.limits)?;
    let found = engine.which(&container.container, &start)?;
    if found.is_empty() && !source.allow_empty {
        return Err(ContainerError::NoneLabelled { label: container.container.to_string() }.into());
    }
    let one = |found: &Found| {
        let container = Container { container: Which::Name(Template::literal(&found.name)), ..container.clone() };
        Source { name: part_name(&source.name, &found.name), kind: SourceKind::Container(container), ..source.clone() }
    };
    Ok(found.iter().map(one).collect())
}

fn uses_scratch(container: &Container) -> bool {
    let Container { container: _, engine: _, dump, env, user: _, directory, content, access: _ } = container;
    let tree = match content {
        Content::Tree { path, exclude } => std::iter::once(path).chain(exclude).collect::<Vec<_>>(),
        Content::Stdout { extension: _ } => vec![],
    };
    let values = env.values().filter_map(Value::text);
    dump.iter()
        .chain(directory)
        .chain(tree)
        .chain(values)
        .flat_map(Template::placeholders)
        .any(|p| *p == Placeholder::Scratch)
}

fn make_scratch(found: &Found, container: &Container, start: &mut Start<'_>) -> Result<(), DumpError> {
    let user = container.user.as_ref().map(|user| start.expand(user)).transpose()?;
    inside_scratch(found, user.as_deref(), start).map(drop)
}

/// Makes a scratch folder in a container, as a user of it; its path.
pub(super) fn inside_scratch(found: &Found, user: Option<&str>, start: &mut Start<'_>) -> Result<String, DumpError> {
    let path = inside::scratch_path(&start.mark());
    let (engine, id) = (found.engine.name.clone(), found.id.clone());
    start.owe(Obligation::ContainerScratch { engine, container: id, path: path.clone() })?;
    inside::make_scratch(found, &path, user, start)?;
    start.context.scratch = Some(path.clone());
    Ok(path)
}

/// The dump's own standard output as the content.
fn stdout(found: &Found, container: &Container, mut start: Start<'_>) -> Result<Dump, DumpError> {
    let (name, program) = dump_program(found, container, &mut start)?;
    let mut dump = start.stdout(&name, program)?;
    dump.running.container = Some(found.clone());
    dump.running.how = Some(format!("through `{} exec`", found.engine.name));
    Ok(dump)
}

/// Runs a dump that writes a tree, to its end; what it prints is logged.
fn dump_first(found: &Found, container: &Container, start: &mut Start<'_>) -> Result<(), DumpError> {
    let (what, program) = dump_program(found, container, start)?;
    let (process, output) = Process::spawn(program, start.limits.clone(), start.log.sink(&what))?;
    let mut lines = BufReader::new(output);
    let mut line = vec![];
    while let Ok(1..) = (&mut lines).take(LINE_MAX_BYTES).read_until(b'\n', &mut line) {
        start.log.line(&what, String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    drop(lines);
    let ended = process.wait().map_err(|source| DumpError::Unknown { what: what.clone(), source })?;
    if let Some(cut) = ended.cut {
        return Err(DumpError::Cut { what, cut });
    }
    found.still_runs_after(ended)?;
    if !ended.status.success() {
        return Err(DumpError::Failed { what, how: ended.describe(), tail: start.log.tail() });
    }
    start.forget_last();
    Ok(())
}

/// The dump's name and its call; its processes are promised to be ended.
fn dump_program(found: &Found, container: &Container, start: &mut Start<'_>) -> Result<(String, Program), DumpError> {
    let Container { container: _, engine: _, dump, env, user, directory, content: _, access: _ } = container;
    let words = start.expand_all(dump)?;
    let name = words.first().ok_or(DumpError::NoProgram)?.clone();
    let mut options: Vec<OsString> = vec!["--env".into(), format!("{MARK_VARIABLE}={}", start.mark()).into()];
    let secret = variables(env, start, &mut options)?;
    for (option, value) in [("--user", user), ("--workdir", directory)] {
        if let Some(value) = value {
            options.extend([option.into(), start.expand(value)?.into()]);
        }
    }
    let mut program = found.exec(&options, &words);
    for (variable, value) in secret {
        program = program.env(variable, value);
    }
    let (engine, container, mark) = (found.engine.name.clone(), found.id.clone(), start.mark());
    start.owe(Obligation::ContainerProcess { engine, container, mark })?;
    Ok((name, program))
}

/// Adds the variables to the call: written-out values as they are, references by name only, their values to be set in
/// the environment of the engine's command line, where no process list and no `inspect` shows them.
fn variables(
    env: &BTreeMap<String, Value>,
    start: &Start<'_>,
    options: &mut Vec<OsString>,
) -> Result<Vec<(String, String)>, DumpError> {
    let mut secret = vec![];
    for (name, value) in env {
        let text = start.with.secrets.text(value, &start.context)?;
        options.push("--env".into());
        match value {
            Value::Text(_) => options.push(format!("{name}={}", text.expose_secret()).into()),
            Value::Reference(_) if Program::engine_reads(name) => {
                return Err(ContainerError::ReservedVariable { name: name.clone() }.into());
            }
            Value::Reference(_) => {
                options.push(name.into());
                secret.push((name.clone(), text.expose_secret().to_owned()));
            }
        }
    }
    Ok(secret)
}
