//! Specs that are wrong, each with what is told of it: the folder `bad_specs`, and a snapshot of each report.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use eightbells::diag::{Colour, render_human};
use eightbells::spec;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_specs")
}

/// The names in a folder that end so, without the ending.
fn names(folder: &Path, ending: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// What is told of a bad spec, its files by their names in the folder.
fn told(name: &str) -> String {
    let read = |path: &str| spec::read_file(folder().join(path).to_str().unwrap()).map_err(nameless);
    let (spec, report) = spec::load(&format!("{name}.yaml"), &read);
    assert!(!report.is_clean(), "{name} is not bad at all");
    assert_eq!(spec.is_none(), report.has_errors(), "{name}");
    render_human(&report, Colour::Never)
}

/// The same error without this machine's folders in it.
fn nameless(error: spec::ReadError) -> spec::ReadError {
    let folder = format!("{}/", folder().display());
    match error {
        spec::ReadError::Io { path, reason } => spec::ReadError::Io { path: path.replace(&folder, ""), reason },
        other @ (spec::ReadError::NotAFile { .. } | spec::ReadError::TooLarge { .. }) => other,
    }
}

#[test]
fn every_bad_spec_is_told_of_as_reviewed() {
    let mut failed = vec![];
    for name in names(&folder(), ".yaml") {
        let told = told(&name);
        let compare = || insta::assert_snapshot!(name.as_str(), told);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare)).is_err() {
            failed.push(name);
        }
    }
    assert_eq!(failed, [""; 0]);
}

#[test]
fn every_bad_spec_has_a_snapshot_and_every_snapshot_a_bad_spec() {
    let snapshots = folder().parent().unwrap().join("snapshots");
    let told: BTreeSet<String> = names(&snapshots, ".snap")
        .iter()
        .filter_map(|name| name.strip_prefix("bad_specs__").map(str::to_owned))
        .collect();
    assert_eq!(told, names(&folder(), ".yaml"));
    assert!(told.len() >= 45, "{}", told.len());
}

#[test]
fn no_secret_of_a_bad_spec_is_repeated() {
    for name in names(&folder(), ".yaml").into_iter().filter(|name| name.starts_with("secret")) {
        let told = told(&name);
        assert!(!told.contains("hunter2") && !told.contains("AKIAIOSFODNN7EXAMPLE"), "{name}:\n{told}");
    }
}
