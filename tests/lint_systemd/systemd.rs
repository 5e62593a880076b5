//! The machine's `systemd-analyze`.

use crate::skip::skip;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The version whose verdicts ours are compared with; `EIGHTBELLS_ANY_SYSTEMD` compares with any.
const VERSION: u16 = 252;

/// Says so where there is no `systemd-analyze` of that version.
pub fn is_missing() -> bool {
    let output = Command::new("systemd-analyze").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let found = text.split_whitespace().nth(1).and_then(|number| number.parse::<u16>().ok());
    if found == Some(VERSION) || (found.is_some() && std::env::var_os("EIGHTBELLS_ANY_SYSTEMD").is_some()) {
        return false;
    }
    let found = found.map_or("none".to_owned(), |number| number.to_string());
    skip(&format!("a comparison with systemd-analyze {VERSION}; found {found}"));
    true
}

/// Runs it on files.
pub fn analyze(args: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.env("LC_ALL", "C.UTF-8").env("SYSTEMD_COLORS", "0").env("SYSTEMD_URLIFY", "0").env_remove("COLUMNS");
    command.args(args).arg("--no-pager").args(files).output().unwrap()
}

/// The unit files under a folder of the machine's, by name; links and masked units left out.
pub fn installed(folder: &str, suffixes: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_unit = |path: &Path| {
        let suffix = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        suffixes.contains(&suffix) && std::fs::symlink_metadata(path).is_ok_and(|it| it.is_file())
    };
    paths.retain(|path| is_unit(path));
    paths.sort();
    paths
}
