//! Our two programs, as a user starts them, in an environment that holds nothing by chance.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The generator and linter, as built for these tests.
pub fn eightbells_path() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_eightbells"))
}

/// The runner, as built for these tests.
pub fn runner_path() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_eightbells-run"))
}

/// `eightbells`, to be spawned, signalled or awaited by the test itself.
pub fn eightbells() -> Command {
    clean(&eightbells_path())
}

/// `eightbells-run`, likewise.
pub fn runner() -> Command {
    clean(&runner_path())
}

/// Any program without our environment: `PATH`, a home that does not exist, UTC, a plain locale.
pub fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", "/nonexistent").env("LANG", "C.UTF-8").env("TZ", "UTC");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// For assertions: `asserted(runner().args(["list"])).assert().code(2)`.
pub fn asserted(command: Command) -> assert_cmd::Command {
    assert_cmd::Command::from_std(command)
}
