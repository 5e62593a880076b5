//! A real systemd, as process 1 of namespaces of its own over a throw-away layer above `/`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::guard::Guard;
use super::{find_program, is_root, repository, said, skip, temp_dir, wait_until};

/// A booted box.
#[derive(Debug)]
pub struct Sdbox {
    guard: Guard,
}

impl Sdbox {
    /// Boots one. `binds` are paths of the host's that are mounted read-only at the same place inside: what lies on the
    /// root file system is there anyway, but for `/tmp`, `/run` and `/dev`, which are empty.
    pub fn start(binds: &[&Path]) -> Option<Self> {
        if let Err(reason) = can_boot() {
            skip(&reason);
            return None;
        }
        let dir = temp_dir().keep();
        let script = script();
        let last = format!("'{}' stop '{}'", script.display(), dir.join("box").display());
        let guard = Guard::finally(dir, &last);
        let output = Command::new(&script).arg("start").arg(guard.dir().join("box")).args(binds).output().unwrap();
        assert!(output.status.success(), "the box did not boot: {}", said(&output));
        Some(Self { guard })
    }

    /// Runs a command inside: `systemctl`, `journalctl`, `busctl`, `systemd-run` all work.
    pub fn exec(&self, command: &[&str]) -> Output {
        self.command(command).output().unwrap()
    }

    /// Runs a command inside that must succeed; what it printed.
    pub fn sh(&self, script: &str) -> String {
        let output = self.exec(&["sh", "-c", script]);
        assert!(output.status.success(), "{script}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a file inside, with its folder.
    pub fn put(&self, path: &str, content: &[u8]) {
        let mut command = self.command(&["sh", "-c", r#"mkdir -p "${1%/*}/" && cat >"$1""#, "put", path]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success(), "could not write {path} in the box");
    }

    /// Copies a program of the host's to a place inside where every hardening lets it be run: `/tmp` and home folders
    /// are hidden from many services.
    pub fn copy(&self, from: &Path, to: &str) {
        self.put(to, &std::fs::read(from).unwrap());
        self.sh(&format!("chmod 755 '{to}'"));
    }

    /// Puts a unit where the administrator's are, and loads it.
    pub fn install(&self, unit: &str, text: &str) {
        self.put(&format!("/etc/systemd/system/{unit}"), text.as_bytes());
        self.sh("systemctl daemon-reload");
    }

    /// One property of a unit, as `systemctl show` tells it.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let value = self.exec(&["systemctl", "show", "--value", "--property", name, unit]);
        String::from_utf8(value.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// Waits until a property has a value; whether it came to it.
    pub fn wait_property(&self, unit: &str, name: &str, value: &str, limit: Duration) -> bool {
        wait_until(limit, || self.property(unit, name) == value)
    }

    /// What a unit wrote and what systemd wrote about it, message by line.
    pub fn journal(&self, unit: &str) -> String {
        // Messages arrive at the journal a little after the service has ended.
        self.exec(&["journalctl", "--sync"]);
        let output = self.exec(&["journalctl", "--no-pager", "--output=cat", "--unit", unit]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The same with every field, a JSON object a line.
    pub fn journal_fields(&self, unit: &str) -> String {
        self.exec(&["journalctl", "--sync"]);
        let output = self.exec(&["journalctl", "--no-pager", "--output=json", "--all", "--unit", unit]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, command: &[&str]) -> Command {
        let mut inside = Command::new(script());
        inside.arg("exec").arg(self.guard.dir().join("box")).args(command);
        inside
    }
}

fn script() -> PathBuf {
    repository().join("tests/tools/sdbox")
}

fn can_boot() -> Result<(), String> {
    if !is_root() {
        return Err("booting a systemd in a box takes root".to_owned());
    }
    for (program, package) in [("systemctl", "systemd"), ("busctl", "systemd"), ("dbus-daemon", "dbus")] {
        find_program(program).ok_or_else(|| format!("no `{program}` here: Debian has it in {package}"))?;
    }
    Ok(())
}
