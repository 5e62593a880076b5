//! GNU tar on the way back: unpacking, and walking an archive without unpacking it.

use super::os::{Environment, Input, Limits, Process, Program, Stop};
use super::tar_check::{Bounds, Checked};
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc::channel;

/// How many lines of tar's complaints are told.
const COMPLAINTS_MAX: usize = 10;

/// Unpacks an archive into an empty folder. What no archive of ours holds is refused before tar sees it; and GNU tar
/// makes links that lead elsewhere only after everything else, so that nothing is written outside the folder.
///
/// # Errors
/// tar is missing, or complains; the archive holds what it may not, or more than `bounds`.
pub fn extract(
    archive: &mut dyn Read,
    folder: &Path,
    bounds: Bounds,
    environment: &Environment,
    stop: &Stop,
) -> io::Result<()> {
    let mut archive = Checked::new(archive, bounds, super::os::is_root());
    let owner = if super::os::is_root() { "--same-owner" } else { "--no-same-owner" };
    let program = Program::new("tar", environment)
        .env("LC_ALL", "C")
        .args([
            "--extract",
            "--file=-",
            "--numeric-owner",
            "--preserve-permissions",
            "--delay-directory-restore",
            "--acls",
            "--xattrs",
        ])
        .arg(owner)
        .arg("--directory")
        .arg(folder);
    feed(program, &mut archive, stop, |_| ())
}

/// Reads an archive to its end, and says how many files and folders it holds.
///
/// # Errors
/// It is no whole archive, or tar is missing.
pub fn count(archive: &mut dyn Read, environment: &Environment, stop: &Stop) -> io::Result<u64> {
    let program =
        Program::new("tar", environment).env("LC_ALL", "C").args(["--list", "--file=-", "--quoting-style=escape"]);
    let mut lines = 0u64;
    feed(program, archive, stop, |output| {
        lines += output.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
    })?;
    Ok(lines)
}

fn feed(program: Program, archive: &mut dyn Read, stop: &Stop, mut take: impl FnMut(&[u8]) + Send) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    let limits = Limits { stop: stop.clone(), deadline: None };
    let (lines, complaints) = channel();
    let program = program.stdin(Input::File(OwnedFd::from(reader)));
    let started = Process::spawn(program, limits, move |line| drop(lines.send(line)));
    let (process, mut output) = started.map_err(|error| io::Error::other(format!("{error}: GNU tar is needed")))?;
    let fed = std::thread::scope(|scope| {
        let drained = scope.spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match output.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(length) => take(buffer.get(..length).unwrap_or_default()),
                    Err(error) => return Err(error),
                }
            }
        });
        let fed = copy(archive, writer);
        let drained = drained.join().unwrap_or_else(|_| Err(io::Error::other("tar's output could not be read")));
        fed.map(|()| drained)
    });
    let ended = process.wait()?;
    if ended.well() {
        return fed?;
    }
    let told: Vec<String> = complaints.iter().take(COMPLAINTS_MAX).collect();
    // What could not be read explains more than tar's own surprise at it.
    match fed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(_) | Err(_) => Err(io::Error::other(format!("tar {}: {}", ended.describe(), told.join("; ")))),
    }
}

fn copy(archive: &mut dyn Read, mut writer: io::PipeWriter) -> io::Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match archive.read(&mut buffer)? {
            0 => return writer.flush(),
            length => writer.write_all(buffer.get(..length).unwrap_or_default())?,
        }
    }
}
