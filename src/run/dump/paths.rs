//! Files and folders of the host, through GNU tar.

use super::start::Start;
use super::{Dump, DumpError, gnu_tar, listed};
use crate::run::os::Input;
use crate::source::Paths;
use std::io;
use std::path::Path;

pub(super) fn start(paths: &Paths, start: Start<'_>) -> Result<Dump, DumpError> {
    let Paths {
        paths: roots,
        exclude,
        one_file_system,
        exclude_caches,
        exclude_if_present,
        exclude_from: _,
        gitignore: _,
        max_file_size: _,
    } = paths;
    let roots = start.expand_all(roots)?;
    let mut remarks = vec![];
    for root in &roots {
        remarks.extend(remark(Path::new(root))?);
    }
    if roots.is_empty() {
        return Err(DumpError::NoPath);
    }
    let environment = &start.with.environment;
    let mut program = gnu_tar::find(environment, &start.limits)?.program(environment);
    for pattern in start.expand_all(exclude)? {
        program = program.arg(gnu_tar::exclude(&pattern));
    }
    if *one_file_system {
        program = program.arg("--one-file-system");
    }
    if *exclude_caches {
        program = program.arg("--exclude-caches");
    }
    program = program.args(exclude_if_present.iter().map(|name| format!("--exclude-tag={name}")));
    let listed = listed::is_needed(paths);
    if listed {
        // Behind the patterns, which are to keep their meaning for folders.
        program = program.arg("--no-recursion");
    }
    program = program.args(["--null", "--verbatim-files-from", "--files-from=-"]);
    let remarks_of_tar = gnu_tar::Remarks::new(listed);
    let input = if listed {
        let (remarks, log) = (remarks_of_tar.clone(), start.log.clone());
        let walk = listed::Walk { roots, paths: paths.clone(), remarks, log };
        Input::Written(Box::new(move |to| walk.write(to)))
    } else {
        Input::Bytes(null_separated(&roots))
    };
    let mut dump = start.tar_with(program.stdin(input), remarks_of_tar, None)?;
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
