//! Files and folders of the host, through GNU tar.

use super::start::Start;
use super::{Dump, DumpError, gnu_tar};
use crate::run::os::Input;
use crate::source::Paths;
use std::io;
use std::path::Path;

pub(super) fn start(paths: &Paths, start: Start<'_>) -> Result<Dump, DumpError> {
    let Paths { paths: roots, exclude, one_file_system } = paths;
    let roots = start.expand_all(roots)?;
    let mut remarks = vec![];
    for root in &roots {
        remarks.extend(remark(Path::new(root))?);
    }
    if roots.is_empty() {
        return Err(DumpError::NoPath);
    }
    let environment = &start.with.environment;
    gnu_tar::require(environment, &start.limits)?;
    let mut program = gnu_tar::program(environment);
    for pattern in start.expand_all(exclude)? {
        program = program.arg(gnu_tar::exclude(&pattern));
    }
    if *one_file_system {
        program = program.arg("--one-file-system");
    }
    let program =
        program.args(["--null", "--verbatim-files-from", "--files-from=-"]).stdin(Input::Bytes(null_separated(&roots)));
    let mut dump = start.tar(program, None)?;
    dump.running.warnings = remarks;
    Ok(dump)
}

/// A word about a root that will not hold what one expects; a missing one is an error.
fn remark(root: &Path) -> Result<Option<String>, DumpError> {
    let path = root.to_owned();
    match std::fs::symlink_metadata(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DumpError::PathMissing { path }),
        Err(source) => Err(DumpError::PathUnusable { path, source }),
        Ok(found) if found.is_symlink() => Ok(Some(format!(
            "{}: is a symbolic link, and only the link itself is in the archive; name what it leads to",
            root.display()
        ))),
        Ok(_) => Ok(None),
    }
}

fn null_separated(names: &[String]) -> Vec<u8> {
    let mut list = vec![];
    for name in names {
        list.extend(name.as_bytes());
        list.push(0);
    }
    list
}
