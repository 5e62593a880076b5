//! Back into a container, by the engine's own `cp`, which takes a tar: owners, modes and links are those of the archive, and
//! nothing has to be installed in the container.

use super::fed::{Fed, unheeded};
use super::{BackError, Order, Way, Work};
use crate::run::dump::container::{Engine, Found, State};
use crate::run::dump::log::Log;
use crate::run::dump::owed::Debts;
use crate::run::dump::{DumpError, Surroundings};
use crate::run::os::{Limits, Process, Program};
use crate::run::tar_check::{Bounds, Checked};
use crate::source;
use std::io::Read;

/// A tar's block, in bytes.
const BLOCK: usize = 512;
/// How many blocks of a folder are asked for: more than the headers of two members.
const LOOKED_AT: usize = 64;

/// Which folder of which container.
pub(super) struct Where<'a> {
    pub engine: source::Engine,
    pub name: &'a str,
    /// The folder in which names of the archive begin.
    pub folder: String,
    /// The folder that gets the content.
    pub path: String,
}

impl<'a> Where<'a> {
    /// Where a tree was: its archive's names begin with the tree's own.
    pub(super) fn of_tree(engine: source::Engine, name: &'a str, path: String) -> Self {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        parts.pop();
        let folder = format!("/{}", parts.join("/"));
        Self { engine, name, folder, path }
    }
}

/// A load that was found possible.
pub(super) struct Load {
    found: Found,
    /// The folder in which names of the archive begin.
    folder: String,
    make: bool,
    with: Surroundings,
    fed: Option<Fed>,
}

pub(super) fn find(to: Where<'_>, order: &Order, with: &Surroundings) -> Result<Way, BackError> {
    let Where { engine, name, folder, path } = to;
    let limits = Limits { stop: with.stop.clone(), deadline: None };
    let engine = Engine::find(engine, &with.environment, &limits)?;
    let found = engine.look(name, &limits)?;
    let there = look(&found, &path, &limits)?;
    if there == There::Full && !order.overwrite {
        let what = format!("`{path}` in the container `{name}` is not empty");
        return Err(BackError::NotEmpty {
            what,
            beside: ", which merges: files take the place of files, nothing else goes",
        });
    }
    if there == There::Missing && found.state != State::Running {
        let instead = format!("start `{name}`, or name a folder that is there");
        return Err(BackError::cannot(&format!("`{path}`, which is not in the container"), &instead));
    }
    let state = if found.state == State::Running { "" } else { ", which does not run" };
    let what = format!("into `{path}` in the container `{name}`{state}, by `{} cp`", found.engine.name);
    let aftermath =
        format!("`{path}` in the container `{name}` may hold a part of the archive: run it again with --overwrite");
    let make = there == There::Missing;
    Ok(Way { what, aftermath, work: Work::Tree(Load { found, folder, make, with: with.clone(), fed: None }) })
}

/// What is at a path in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Missing,
    Empty,
    Full,
}

/// The first two headers of what the engine sends of it tell, in a container that does not run, too.
fn look(found: &Found, path: &str, limits: &Limits) -> Result<There, BackError> {
    let program = found.engine.program().args(["cp", &format!("{}:{path}/.", found.id), "-"]);
    let (lines, complaints) = std::sync::mpsc::channel();
    let (process, mut output) =
        Process::spawn(program, limits.clone(), move |line| drop(lines.send(line))).map_err(DumpError::from)?;
    let mut headers = vec![];
    let most = (LOOKED_AT * BLOCK) as u64;
    let read = (&mut output).take(most).read_to_end(&mut headers);
    drop(output);
    let ended = if (headers.len() as u64) < most { process.wait() } else { process.cancel() };
    let failed = |source| BackError::Io { what: format!("`{path}` in the container cannot be looked at"), source };
    read.and(ended.map(drop)).map_err(failed)?;
    let names = members(&headers);
    if names > 1 {
        return Ok(There::Full);
    }
    let said: Vec<String> = complaints.iter().collect();
    // podman sends nothing of an empty folder, and says nothing.
    if names == 1 || said.is_empty() {
        return Ok(There::Empty);
    }
    let missing = [
        "no such container:path",
        "could not find the file",
        "no such file",
        "no such directory",
        "could not be found",
    ];
    let words = said.join("\n").to_ascii_lowercase();
    if missing.iter().any(|word| words.contains(word)) {
        return Ok(There::Missing);
    }
    Err(BackError::cannot(
        &format!("`{path}` in the container"),
        &format!("the engine cannot look at it: {}", said.join("; ")),
    ))
}

/// How many members a tar's beginning shows, of at least two.
fn members(tar: &[u8]) -> usize {
    let mut at = 0;
    let mut members = 0;
    while let Some(header) = tar.get(at..at + BLOCK).filter(|header| header.iter().any(|byte| *byte != 0)) {
        let size = header.get(124..136).map(|digits| String::from_utf8_lossy(digits).into_owned()).unwrap_or_default();
        let size = usize::from_str_radix(size.trim_matches([' ', '\0']), 8).unwrap_or(0);
        // Headers that only say more of the next one are none.
        if !matches!(header.get(156), Some(b'x' | b'g' | b'L' | b'K')) {
            members += 1;
        }
        at = at.saturating_add(BLOCK).saturating_add(size.next_multiple_of(BLOCK));
    }
    members
}

impl Load {
    pub(super) fn take(&mut self, content: &mut dyn Read, bounds: Bounds) -> Result<(), BackError> {
        let limits = Limits { stop: self.with.stop.clone(), deadline: None };
        if self.make {
            let made = self.found.call(&["mkdir", "-p", &self.folder], &limits)?;
            if !made.ended.well() {
                return Err(self.found.engine.trouble("exec", &self.found.name, &made).into());
            }
        }
        let log = Log::new("restore", self.with.secrets.clone());
        let mut fed = Fed::start("cp", self.program(), (log, limits, Debts::default()), unheeded)?;
        let mut checked = Checked::new(content, bounds, true);
        fed.feed(&mut checked)?;
        self.fed = Some(fed);
        Ok(())
    }

    /// Without `-a`, which would give all to the container's user; podman has it by default.
    fn program(&self) -> Program {
        let own: &[&str] = if self.found.engine.name == "podman" { &["--archive=false"] } else { &[] };
        let to = format!("{}:{}", self.found.id, self.folder);
        self.found.engine.program().arg("cp").args(own.iter().copied()).args(["-", &to])
    }

    pub(super) fn end(mut self) -> Result<(), BackError> {
        self.fed.take().map_or(Ok(()), Fed::end).map_err(BackError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_tar_tells_whether_a_folder_is_empty() {
        let member = |kind: u8, size: usize| {
            let mut block = vec![b'n'; BLOCK];
            block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
            block[156] = kind;
            block.resize(BLOCK + size.next_multiple_of(BLOCK), b'd');
            block
        };
        let end = vec![0; 2 * BLOCK];
        assert_eq!(members(&[member(b'5', 0), end.clone()].concat()), 1);
        assert_eq!(members(&[member(b'x', 30), member(b'5', 0), end.clone()].concat()), 1);
        assert_eq!(members(&[member(b'5', 0), member(b'0', 700), end.clone()].concat()), 2);
        assert_eq!(members(&end), 0);
    }
}
