//! rclone's command line: how it is called, and what its exit codes and complaints mean.

use crate::run::os::{Environment, Program, Streams};
use crate::run::store::{StoreError, StoreErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// How long a question may take; a list of thousands at a slow service is made in that time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// The longest answer that is read, in bytes.
const ANSWER_MAX_BYTES: u64 = 256 << 20;

/// A remote, and how rclone is to reach it.
#[derive(Debug, Clone)]
pub struct RcloneOptions {
    /// The destination's name in the spec.
    pub destination: String,
    /// `NAME:PATH`.
    pub remote: String,
    /// rclone's configuration.
    pub config: Option<String>,
    /// Variables for rclone.
    pub env: Vec<(String, SecretString)>,
    /// The program; none means `rclone` in `PATH`.
    pub program: Option<String>,
    /// The runner's environment.
    pub environment: Environment,
}

/// What words in rclone's complaints mean, and what to do; the first row that fits counts.
const ROWS: [(&[&str], StoreErrorKind, &str); 5] = [
    (
        &["didn't find section in config file"],
        StoreErrorKind::Other,
        "rclone's configuration has no such remote: `rclone listremotes` prints those that it has; say where it is with `config:`",
    ),
    (
        &["no space left", "quota", "insufficient storage", "storageQuotaExceeded", "insufficient_space", "507 "],
        StoreErrorKind::Full,
        "make room there, or keep fewer archives",
    ),
    (
        &[
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "AccessDenied",
            "Access Denied",
            "permission denied",
            "401 ",
            "403 ",
            "Unauthorized",
            "Forbidden",
            "invalid_grant",
            "unable to authenticate",
            "couldn't login",
            "expired",
        ],
        StoreErrorKind::Denied,
        "correct the remote's credentials: `rclone config reconnect NAME:` renews a token, `rclone lsd NAME:` tries them",
    ),
    (
        &[
            "connection refused",
            "no such host",
            "i/o timeout",
            "connection reset",
            "EOF",
            "broken pipe",
            "TLS handshake timeout",
            "network is unreachable",
            "no route to host",
            "429",
            "503 ",
            "502 ",
            "504 ",
            "rate limit",
            "too many requests",
        ],
        StoreErrorKind::Busy,
        "is the service up, and the network reached from here? try again later",
    ),
    (
        &["NoSuchBucket", "bucket does not exist", "directory not found"],
        StoreErrorKind::Missing,
        "make the bucket or folder, or correct `remote:`",
    ),
];

impl RcloneOptions {
    /// For people; a connection string may hold a password, so only its beginning is shown.
    pub(super) fn place(&self) -> String {
        let remote = self.remote.trim_end_matches('/');
        match remote.strip_prefix(':').and_then(|rest| rest.split_once([',', ':'])) {
            Some((kind, _)) => format!("rclone :{kind}:…"),
            None => format!("rclone {remote}"),
        }
    }

    /// What rclone calls a name in the folder.
    pub(super) fn path(&self, name: &str) -> String {
        if self.remote.ends_with([':', '/']) {
            format!("{}{name}", self.remote)
        } else {
            format!("{}/{name}", self.remote)
        }
    }

    /// Starts rclone with these words.
    pub(super) fn start(&self, words: &[&str]) -> Result<Streams, StoreError> {
        let name = self.program.as_deref().unwrap_or("rclone");
        let mut program = Program::rclone(name, &self.environment).args(["--ask-password=false", "--log-level=ERROR"]);
        program = program.args(["--retries=1", "--low-level-retries=4", "--contimeout=15s", "--use-json-log=false"]);
        program = program.args(["--stats=0"]);
        if let Some(config) = &self.config {
            program = program.arg("--config").arg(config);
        }
        for (name, value) in &self.env {
            program = program.env(name, value.expose_secret());
        }
        program.args(words.iter().copied()).start().map_err(|error| {
            StoreError::new(StoreErrorKind::Other, format!("{} cannot be reached", self.place()))
                .because(error)
                .help("install rclone, or say where it is with `program:`")
        })
    }

    /// Runs rclone to its end; what it prints.
    pub(super) async fn ask(&self, doing: &str, words: &[&str]) -> Result<Vec<u8>, StoreError> {
        let Streams { input, output, mut running } = self.start(words)?;
        drop(input);
        let mut text = vec![];
        let asking = async {
            let _ = output.take(ANSWER_MAX_BYTES).read_to_end(&mut text).await;
            running.wait().await
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, asking).await {
            Err(_) => {
                let message = format!("{doing} at {}: no answer within {} s", self.place(), ANSWER_TIMEOUT.as_secs());
                Err(StoreError::new(StoreErrorKind::Busy, message))
            }
            Ok(Ok(status)) if status.success() => Ok(text),
            Ok(Ok(status)) => Err(self.refusal(doing, status, &running.complaints())),
            Ok(Err(error)) => Err(StoreError::io(format!("{doing} at {}", self.place()), error)),
        }
    }

    /// What it means that rclone failed (rclone.org/docs, "List of exit codes").
    pub(super) fn refusal(&self, doing: &str, status: ExitStatus, complaints: &str) -> StoreError {
        let fits = |words: &[&str]| words.iter().any(|word| complaints.contains(word));
        let row = ROWS.iter().find(|(words, ..)| fits(words));
        let (kind, help) = match (status.code(), row) {
            (Some(3 | 4), _) => (StoreErrorKind::Missing, None),
            (_, Some((_, kind, help))) => (*kind, Some(*help)),
            (Some(5), None) => (StoreErrorKind::Busy, None),
            (Some(8), None) => (StoreErrorKind::Full, Some("rclone's `--max-transfer` is reached")),
            (_, None) => (StoreErrorKind::Other, None),
        };
        let said = last_words(complaints);
        let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
        let told = StoreError::new(kind, format!("{doing} at {}", self.place()));
        let told =
            told.because(if said.is_empty() { format!("rclone: {how}") } else { format!("rclone: {how}: {said}") });
        help.into_iter().fold(told, StoreError::help)
    }
}

/// The last line that says something, without its time.
fn last_words(complaints: &str) -> String {
    let line = complaints.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let said = line.split_once(" : ").map_or(line, |(_, said)| said);
    said.chars().filter(|c| !c.is_control()).take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    fn options(remote: &str) -> RcloneOptions {
        RcloneOptions {
            destination: "d".into(),
            remote: remote.into(),
            config: None,
            env: vec![],
            program: None,
            environment: Environment::default(),
        }
    }

    #[test]
    fn exit_codes_and_complaints_are_told_apart() {
        for (code, complaints, kind) in [
            (3, "directory not found", StoreErrorKind::Missing),
            (4, "", StoreErrorKind::Missing),
            (5, "", StoreErrorKind::Busy),
            (1, "2026/01/01 CRITICAL: Failed to rcat: no space left on device", StoreErrorKind::Full),
            (1, "googleapi: Error 403: storageQuotaExceeded", StoreErrorKind::Full),
            (1, "dial tcp 127.0.0.1:1: connect: connection refused", StoreErrorKind::Busy),
            (1, "operation error S3: StatusCode: 403, api error SignatureDoesNotMatch", StoreErrorKind::Denied),
            (1, "Failed to create file system for \"x:\": didn't find section in config file", StoreErrorKind::Other),
            (1, "something else", StoreErrorKind::Other),
        ] {
            let error = options("x:").refusal("d", ExitStatus::from_raw(code << 8), complaints);
            assert_eq!(error.kind(), kind, "{code} {complaints}");
        }
    }

    #[test]
    fn names_go_behind_the_path_and_a_password_in_a_connection_string_is_not_shown() {
        assert_eq!(options("box:").path("n"), "box:n");
        assert_eq!(options("box:a/b").path("n"), "box:a/b/n");
        assert_eq!(options(":ftp,host=h,pass=hunter2:a").place(), "rclone :ftp:…");
    }
}
