//! The scripts that a newcomer meets first.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{TempDir, find_program, repository, said, temp_dir};

fn script(name: &str) -> Command {
    let mut command = Command::new(repository().join(name));
    command.env("EIGHTBELLS_INSTALL", "never").env_remove("EIGHTBELLS_NO_SKIP").env_remove("CARGO_TARGET_DIR");
    command
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// A folder to stand in for `PATH`, with these programs of the machine's.
fn path_with(programs: &[&str]) -> TempDir {
    let dir = temp_dir();
    for name in programs {
        symlink(find_program(name).unwrap(), dir.path().join(name)).unwrap();
    }
    dir
}

fn put_program(dir: &Path, name: &str, text: &str) {
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Runs `tests/run` with a cargo that only prints, and exits with `status`.
fn run_with_cargo_that_says(lines: &str, skips: &str, status: u8, arguments: &[&str]) -> Output {
    let dir = temp_dir();
    let text = format!(
        "#!/bin/sh\necho \"cargo $*\"\nprintf '{skips}' >>\"$EIGHTBELLS_SKIPPED\"\nprintf '{lines}'\nexit {status}\n"
    );
    put_program(dir.path(), "cargo", &text);
    let path = std::env::var("PATH").unwrap();
    script("tests/run").args(arguments).env("PATH", format!("{}:{path}", dir.path().display())).output().unwrap()
}

const TWO_RESULTS: &str = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out\\n\
                           test result: FAILED. 30 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\\n";

#[test]
fn try_tells_its_use() {
    let bare = script("try").output().unwrap();
    assert_eq!(bare.status.code(), Some(2));
    assert!(bare.stdout.is_empty());
    assert!(String::from_utf8_lossy(&bare.stderr).contains("./try SPEC [JOB]"));
    let asked = script("try").arg("--help").output().unwrap();
    assert_eq!(asked.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&asked.stdout).contains("./try SPEC [JOB]"));
}

#[test]
fn without_rust_try_says_what_to_install() {
    let path = path_with(&["sh", "dirname", "sed", "id"]);
    let output = script("try").arg("spec.yaml").env("PATH", path.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no cargo here: install Rust"), "{}", said(&output));
}

#[test]
fn where_try_may_not_install_it_prints_the_line_to_type() {
    let path = path_with(&["sh", "dirname", "sed", "id"]);
    put_program(path.path(), "cargo", "#!/bin/sh\n");
    put_program(path.path(), "apt-get", "#!/bin/sh\necho apt was called\n");
    let output = script("try").arg("spec.yaml").env("PATH", path.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = "sudo apt-get install -y --no-install-recommends gcc libc6-dev protobuf-compiler";
    assert!(said(&output).contains(line), "{}", said(&output));
    assert!(!said(&output).contains("apt was called"));
}

#[test]
fn the_test_runner_sums_up_and_lists_what_was_skipped() {
    let output =
        run_with_cargo_that_says(TWO_RESULTS, "SKIPPED: b: why\\nSKIPPED: a: because\\n", 101, &["some", "more"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(101));
    assert!(text.contains("cargo test --locked --no-fail-fast -- some more\n"), "{text}");
    assert!(text.contains("skipped, 2 of them:\nSKIPPED: a: because\nSKIPPED: b: why\n"), "{text}");
    assert_eq!(last_line(&output), "40 passed, 2 failed, 3 skipped");
}

#[test]
fn the_test_runner_fails_where_cargo_fails_or_nothing_ran() {
    let output = run_with_cargo_that_says("error: could not compile\\n", "", 101, &[]);
    assert_eq!((output.status.code(), last_line(&output).as_str()), (Some(101), "0 passed, 0 failed, 0 skipped"));
    let output = run_with_cargo_that_says("", "", 0, &["no-such-test"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(script("tests/run").arg("--unknown").output().unwrap().status.code(), Some(2));
}
