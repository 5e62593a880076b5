//! Servers that never outlive their test, however it ends.
//!
//! Each server is the child of a small shell that reads from a pipe whose other end this process holds. When the
//! guard is dropped, or this process is gone (finished, panicked, killed with SIGKILL), the pipe closes, and the
//! shell stops the server by its process id and removes its folder.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait_until;

/// How long a server may take to be ready: two slow cores, shared with a compiler.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// `$1` is the folder, `$2` what to do first when the end comes; the rest is the server's command, if there is one.
const SCRIPT: &str = r#"
dir=$1; last=$2; shift 2
start() {
    "$@" </dev/null >>"$dir/log" 2>&1 &
    server=$!
    echo "$server" >"$dir/pid"
}
[ $# -eq 0 ] || start "$@"
while read -r _; do
    kill "$server"
    wait "$server"
    start "$@"
done
eval "$last"
if [ -n "${server:-}" ]; then
    kill "$server"
    for _ in $(seq 50); do kill -0 "$server" || break; sleep 0.1; done
    kill -9 "$server"
    wait "$server"
fi
rm -rf -- "$dir"
"#;

/// A running server with a folder of its own, both gone when this value is.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    dir: PathBuf,
}

impl Guard {
    /// Starts `command` in the background, its output going to `log` in `dir`; `last` is a shell line run before the
    /// server is told to stop. The guard owns `dir`.
    pub fn serve<S: AsRef<OsStr>>(dir: PathBuf, last: &str, command: &[S]) -> Self {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(&dir)
            .arg(last)
            .args(command)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the tests alone; the guard then learns from its pipe that they are gone.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { shell, dir }
    }

    /// Runs `last` and removes `dir` when the value is gone: for what has a way of its own to start.
    pub fn finally(dir: PathBuf, last: &str) -> Self {
        Self::serve::<&str>(dir, last, &[])
    }

    /// The server's own folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until `ready`, or tells what the server said.
    pub fn wait_ready(&self, name: &str, mut ready: impl FnMut() -> bool) {
        let ended = || self.pid().is_some_and(|pid| !is_running(&pid));
        let settled = wait_until(READY_WITHIN, || ready() || ended());
        let log = || std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        assert!(settled && !ended(), "{name} did not start:\n{}", log());
    }

    /// Ends the server by SIGTERM, and starts the same command again.
    pub fn restart(&self, name: &str, ready: impl FnMut() -> bool) {
        let before = self.pid();
        let mut shell = self.shell.stdin.as_ref().unwrap();
        shell.write_all(b"again\n").unwrap();
        assert!(wait_until(READY_WITHIN, || self.pid().is_some_and(|pid| Some(pid) != before)), "{name} did not end");
        self.wait_ready(name, ready);
    }

    fn pid(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.dir.join("pid")).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    }
}

/// Whether a process has not ended: one that nobody has waited for yet stays listed, as a zombie.
fn is_running(pid: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
