//! What is made in a container for a dump, and undone: its scratch folder, its processes.

use super::engine::{Engine, Found, program_is_missing};
use super::{ContainerError, tree};
use crate::run::dump::start::Start;
use crate::run::dump::{DumpError, Tail, processes};
use crate::run::journal::{MARK_VARIABLE, Obligation};
use crate::run::os::{self, Captured, Environment, Limits};
use crate::run::scratch;
use rustix::process::Signal;
use std::fs::{self, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;

/// Where a container's scratch folders are made.
const FOLDER: &str = "/tmp";

/// The scratch folder with this mark.
pub(super) fn scratch_path(mark: &str) -> String {
    format!("{FOLDER}/{}{mark}", scratch::PREFIX)
}

/// Makes it with the container's own `mkdir`, as the user that the dump runs as; where there is none, by copying an
/// empty folder in, which everyone in the container may then write to since its user is not known.
pub(super) fn make_scratch(
    found: &Found,
    path: &str,
    user: Option<&str>,
    start: &mut Start<'_>,
) -> Result<(), DumpError> {
    let options = user.map(|user| ["--user".into(), user.into()]);
    let mkdir = found.exec(options.as_ref().map_or(&[], <[_; 2]>::as_slice), &["mkdir", "-p", "-m", "700", path]);
    let made = found.engine.run(mkdir, "exec", &start.limits)?;
    if made.ended.well() {
        return Ok(());
    }
    if !program_is_missing(&made) {
        found.still_runs()?;
        return Err(ContainerError::Scratch { path: path.to_owned(), said: start.log.of_lines(&made.lines()) }.into());
    }
    copy_empty_folder(found, path, start)
}

fn copy_empty_folder(found: &Found, path: &str, start: &mut Start<'_>) -> Result<(), DumpError> {
    let empty = scratch::path(&start.with.journal, &format!("{}-empty", start.mark()));
    let failed = |source| DumpError::Scratch { path: empty.clone(), source };
    start.owe(Obligation::HostScratch { path: empty.clone() })?;
    scratch::make(&empty).and_then(|()| fs::set_permissions(&empty, Permissions::from_mode(0o777))).map_err(failed)?;
    let target = format!("{}:{path}", found.id);
    let copied = found.engine.call(&["cp", &empty.to_string_lossy(), &target], &start.limits)?;
    if copied.ended.well() {
        return Ok(());
    }
    Err(ContainerError::Scratch { path: path.to_owned(), said: start.log.of_lines(&copied.lines()) }.into())
}

/// Removes a scratch folder. A container that is gone has none; one that does not run keeps it until it does.
pub(in crate::run::dump) fn remove_scratch(
    engine: &str,
    id: &str,
    path: &str,
    environment: &Environment,
) -> Result<(), ContainerError> {
    let ours = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')?.strip_prefix(scratch::PREFIX));
    if !ours.is_some_and(|rest| !rest.is_empty() && !rest.contains('/')) {
        return Err(ContainerError::NotScratch { path: path.to_owned() });
    }
    let limits = Limits::default();
    let found = match Engine::named(engine, environment).container(id, &limits) {
        Ok(found) => found,
        Err(ContainerError::Missing { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    let mut removed = found.call(&["rm", "-rf", "--", path], &limits)?;
    if !removed.ended.well() && !program_is_missing(&removed) {
        // Something that was just ended may have written a last file.
        removed = found.call(&["rm", "-rf", "--", path], &limits)?;
    }
    match (removed.ended.well(), program_is_missing(&removed)) {
        (true, _) => Ok(()),
        (false, true) => remove_from_host(&found, path),
        (false, false) => Err(ContainerError::ScratchRemains {
            path: path.to_owned(),
            name: found.name.clone(),
            said: Tail::of(&removed.lines()),
        }),
    }
}

/// For a container without `rm`.
fn remove_from_host(found: &Found, path: &str) -> Result<(), ContainerError> {
    let failed =
        |source| ContainerError::ScratchUnreachable { path: path.to_owned(), name: found.name.clone(), source };
    let folder = tree::open_in(found, FOLDER).map_err(|reason| failed(reason.into_io()))?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let through = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
    match fs::remove_dir_all(through) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints the ids of all processes whose environment holds `$1`, and sends them the signal `$2` unless it is `0`.
const SCRIPT: &str = r#"for p in /proc/[0-9]*; do
if tr '\000' '\n' <"$p/environ" 2>/dev/null | grep -q -x -F -e "$1"; then
if [ "$2" != 0 ]; then kill -s "$2" "${p##*/}" 2>/dev/null; fi; echo "${p##*/}"; fi; done; true"#;

/// Ends the marked processes of a container: from the host where the runner is root and sees them, else with the
/// container's own shell.
pub(in crate::run::dump) fn end_processes(
    engine: &str,
    id: &str,
    mark: &str,
    environment: &Environment,
) -> Result<(), ContainerError> {
    let limits = Limits::default();
    let on_host = processes::end_on_host(mark);
    let found = match Engine::named(engine, environment).container(id, &limits) {
        Ok(found) => found,
        Err(ContainerError::Missing { .. } | ContainerError::NotRunning { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    if !on_host.is_empty() {
        return Err(ContainerError::ProcessesRemain { name: found.name });
    }
    if os::is_root() && tree::is_of(found.pid, &found.id) {
        return Ok(());
    }
    end_from_inside(&found, mark, &limits)
}

fn end_from_inside(found: &Found, mark: &str, limits: &Limits) -> Result<(), ContainerError> {
    let marked = format!("{MARK_VARIABLE}={mark}");
    let script = |signal: &str| found.call(&["sh", "-c", SCRIPT, "sh", &marked, signal], limits);
    let first = script("0")?;
    if !first.ended.well() {
        return Err(ContainerError::ProcessesUnknown { name: found.name.clone(), said: Tail::of(&first.lines()) });
    }
    let find = || script("0").map(|captured| pids(&captured)).unwrap_or_default();
    let signal = |_: &[i32], signal: Signal| {
        let _ = script(if signal == Signal::KILL { "KILL" } else { "TERM" });
    };
    match processes::end(&find, &signal) {
        left if left.is_empty() => Ok(()),
        _ => Err(ContainerError::ProcessesRemain { name: found.name.clone() }),
    }
}

fn pids(captured: &Captured) -> Vec<i32> {
    String::from_utf8_lossy(&captured.stdout).lines().filter_map(|line| line.trim().parse().ok()).collect()
}
