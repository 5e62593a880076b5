//! What the integration tests stand on: real servers that are started here and never outlive the tests, a real
//! systemd in a box, a proxy that spoils connections, and our two programs in a clean environment.
//!
//! A server that cannot be had makes its `start` return `None` after telling so ([`skip`]); the test then returns:
//!
//! ```text
//! let Some(s3) = S3Server::start() else { return };
//! ```

pub mod chaos;
pub mod cloud;
pub mod databases;
pub mod disk;
pub mod docker;
pub mod etcd;
pub mod guard;
pub mod moto;
pub mod program;
pub mod recorder;
pub mod s3;
pub mod sdbox;
pub mod skip;
pub mod sshd;
pub mod trap;
pub mod webdav;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub use skip::skip;
pub use tempfile::TempDir;

/// The package's own folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder that is removed with the value.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new().prefix("eightbells-").tempdir().unwrap()
}

/// A port of the loopback interface that nobody listens on, chosen by the kernel.
pub fn free_port() -> u16 {
    TcpListener::bind(loopback(0)).unwrap().local_addr().unwrap().port()
}

/// A port of the loopback interface.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Whether something accepts connections at this port of the loopback interface.
pub fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(&loopback(port), Duration::from_millis(500)).is_ok()
}

/// Asks again and again until `done`, or until `limit` has passed; whether it came true.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `short`, or `long` where `EIGHTBELLS_LONG` is set, as `tests/long` does: the size of a test that grows.
pub fn sized<T>(short: T, long: T) -> T {
    if std::env::var_os("EIGHTBELLS_LONG").is_some() { long } else { short }
}

/// Whether this process is root, which containers and the systemd box need.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program: in `EIGHTBELLS_TOOLS` (the folder or its `bin`), in `target/tools/bin`, or in `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let given = std::env::var_os("EIGHTBELLS_TOOLS").map(PathBuf::from);
    let given = given.into_iter().flat_map(|dir| [dir.join("bin"), dir]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    given
        .chain([repository().join("target/tools/bin")])
        .chain(std::env::split_paths(&path))
        // Where Debian puts daemons; not in everybody's PATH.
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// A program, or a skip that tells where it comes from.
pub fn need_program(name: &str, comes_from: &str) -> Option<PathBuf> {
    let found = find_program(name);
    if found.is_none() {
        skip(&format!("no `{name}` here: {comes_from}"));
    }
    found
}

/// Runs a command to its end; its standard output.
///
/// # Panics
/// Where it fails, with all it said.
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// All that a command printed, for messages.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
