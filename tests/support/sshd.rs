//! An SSH server with keys of its own, which serves files of the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::guard::Guard;
use super::{free_port, listens, need_program, output_of, temp_dir};

/// OpenSSH's server, for the user who runs the tests.
#[derive(Debug)]
pub struct Sshd {
    guard: Guard,
    port: u16,
}

impl Sshd {
    /// Starts it with the sftp subsystem.
    pub fn start() -> Option<Self> {
        Self::start_with("Subsystem sftp internal-sftp")
    }

    /// Starts it with these lines of configuration besides.
    pub fn start_with(lines: &str) -> Option<Self> {
        let program = need_program("sshd", "Debian: openssh-server")?;
        need_program("ssh", "Debian: openssh-client")?;
        let dir = temp_dir().keep();
        let port = free_port();
        std::fs::create_dir(dir.join("data")).unwrap();
        for key in ["host", "user", "stranger"] {
            make_key(&dir.join(key));
        }
        std::fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        known(&dir.join("known"), &dir.join("host.pub"));
        known(&dir.join("known-other"), &dir.join("stranger.pub"));
        std::fs::write(dir.join("known-none"), "").unwrap();
        // Where it drops its privileges to; packages make it when the service starts.
        let _ = std::fs::create_dir("/run/sshd");
        let own = dir.display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {own}/host\nAuthorizedKeysFile {own}/authorized\n\
             PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nMaxStartups 100\nMaxSessions 100\n{lines}\n"
        );
        std::fs::write(dir.join("config"), config).unwrap();
        let config = dir.join("config");
        let words = [program.to_str().unwrap(), "-D", "-e", "-f", config.to_str().unwrap()].map(ToOwned::to_owned);
        let guard = Guard::serve(dir, ":", &words);
        guard.wait_ready("sshd", || listens(port));
        Some(Self { guard, port })
    }

    /// The port where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder that is there, and empty.
    pub fn data(&self) -> PathBuf {
        self.guard.dir().join("data")
    }

    /// A file of the server's: the keys `user` (let in) and `stranger` (not), and the lists of known hosts `known`,
    /// `known-other` (another key than the server's) and `known-none`.
    pub fn file(&self, name: &str) -> String {
        self.guard.dir().join(name).to_str().unwrap().to_owned()
    }
}

fn make_key(path: &Path) {
    output_of(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path));
}

/// A list that holds one key, for any host.
fn known(path: &Path, key: &Path) {
    std::fs::write(path, format!("* {}", std::fs::read_to_string(key).unwrap())).unwrap();
}
