//! `ssh`, and the file protocol through its standard streams.

use super::refusal;
use crate::run::os::{Environment, Program, Running, Streams};
use crate::run::store::again::again;
use crate::run::store::{StoreError, StoreErrorKind};
use openssh_sftp_client::{Error, Sftp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long `ssh` may take to connect.
const CONNECT_SECONDS: u32 = 15;
/// How long any request may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);
/// How long `ssh` may take to end after its streams have ended.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a folder is, and how to get there.
#[derive(Debug, Clone)]
pub struct SftpOptions {
    /// The destination's name in the spec.
    pub destination: String,
    /// The host, or a `Host` of the user's SSH configuration.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: Option<String>,
    /// The folder.
    pub path: String,
    /// Whether the folder is made where it is missing.
    pub create: bool,
    /// The file of the private key.
    pub identity_file: Option<String>,
    /// The file of hosts' keys to trust.
    pub known_hosts: Option<String>,
    /// How long the server may be silent before it is asked for a sign of life, of which three may stay away.
    pub probe_after: Duration,
    /// How many bytes of an upload are held until they are sent together, and again where the connection breaks.
    pub window_bytes: usize,
    /// The runner's environment.
    pub environment: Environment,
}

/// How long a server may be silent where nobody says otherwise.
pub const PROBE_AFTER_DEFAULT: Duration = Duration::from_secs(15);

/// A connection.
pub(super) struct Session {
    pub(super) sftp: Sftp,
    running: Mutex<Running>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

/// The way to a folder: connected to when it is needed, and again where the connection broke.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) options: SftpOptions,
    current: Mutex<Option<Arc<Session>>>,
}

impl SftpOptions {
    fn program(&self) -> Program {
        let fixed = [
            "BatchMode=yes".into(),
            format!("ConnectTimeout={CONNECT_SECONDS}"),
            format!("ServerAliveInterval={}", self.probe_after.as_secs().max(1)),
            "ServerAliveCountMax=3".into(),
            // A master that stays behind would keep our pipes open.
            "ControlMaster=no".into(),
            "ClearAllForwardings=yes".into(),
            "ForwardAgent=no".into(),
            "PermitLocalCommand=no".into(),
            "EscapeChar=none".into(),
        ];
        let mut options: Vec<String> = fixed.to_vec();
        if let Some(file) = &self.known_hosts {
            options.push(format!("UserKnownHostsFile={}", quoted(file)));
            options.push("GlobalKnownHostsFile=/dev/null".into());
            options.push("StrictHostKeyChecking=yes".into());
        }
        if let Some(file) = &self.identity_file {
            options.push(format!("IdentityFile={}", quoted(file)));
            options.push("IdentitiesOnly=yes".into());
        }
        let options = options.into_iter().flat_map(|option| ["-o".to_owned(), option]);
        let port = self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]);
        let user = self.user.iter().flat_map(|user| ["-l".to_owned(), user.clone()]);
        let program = Program::ssh(&self.environment).args(["-T", "-x"]).args(options).args(port).args(user);
        program.args(["-s", "--"]).arg(&self.host).arg("sftp")
    }
}

/// A path as an option's value, in which blanks separate and `%` begins a token.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('%', "%%"))
}

impl Link {
    pub(super) fn new(options: SftpOptions) -> Self {
        Self { options, current: Mutex::new(None) }
    }

    async fn session(&self) -> Result<Arc<Session>, StoreError> {
        let mut current = self.current.lock().await;
        if let Some(session) = current.as_ref() {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(self.connect().await?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn connect(&self) -> Result<Session, StoreError> {
        self.files_can_be_read()?;
        let started = self.options.program().start().map_err(|error| {
            StoreError::new(StoreErrorKind::Other, format!("{} cannot be reached", self.place()))
                .because(error)
                .help("install the OpenSSH client (Debian: openssh-client)")
        })?;
        let Streams { input, output, mut running } = started;
        let greeting =
            tokio::time::timeout(ANSWER_TIMEOUT, Sftp::new(input, output, openssh_sftp_client::SftpOptions::new()))
                .await;
        match greeting {
            Ok(Ok(sftp)) => Ok(Session { sftp, running: Mutex::new(running) }),
            Ok(Err(error)) => {
                let _ = tokio::time::timeout(END_TIMEOUT, running.wait()).await;
                Err(refusal::of_connection(&self.options, &running.complaints(), error))
            }
            Err(_) => Err(self.no_answer()),
        }
    }

    /// `ssh` says nothing of a key that it cannot read: it goes on without.
    fn files_can_be_read(&self) -> Result<(), StoreError> {
        let SftpOptions { identity_file, known_hosts, .. } = &self.options;
        for (key, path) in [("identity_file", identity_file), ("known_hosts", known_hosts)] {
            let Some(path) = path else { continue };
            std::fs::File::open(path).map_err(|error| {
                let message =
                    format!("`{key}: {path}` of the destination `{}` cannot be read", self.options.destination);
                StoreError::new(StoreErrorKind::Denied, message)
                    .because(error)
                    .help("under systemd: may the service read it (`User=`, `ProtectHome=`)?")
            })?;
        }
        Ok(())
    }

    /// For people, without anything secret.
    pub(super) fn place(&self) -> String {
        let SftpOptions { host, port, user, path, .. } = &self.options;
        let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = if path.starts_with('/') { path.clone() } else { format!("/~/{path}") };
        format!("sftp://{user}{host}{port}{}", path.trim_end_matches('/'))
    }

    fn no_answer(&self) -> StoreError {
        let message = format!("{} did not answer within {} s", self.place(), ANSWER_TIMEOUT.as_secs());
        StoreError::new(StoreErrorKind::Busy, message)
            .help("the server is overloaded or the connection stalled: try again later")
    }

    /// One request, or several, of one connection.
    pub(super) async fn once<T, F>(&self, doing: &str, act: impl FnOnce(Arc<Session>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let session = self.session().await?;
        let done = tokio::time::timeout(ANSWER_TIMEOUT, act(Arc::clone(&session))).await;
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if refusal::is_answer(&error) => {
                Err(refusal::of_request(&format!("{doing} at {}", self.place()), error))
            }
            Ok(Err(error)) => Err(self.lost(&session, error).await),
            Err(_) => {
                self.forget(&session).await;
                Err(self.no_answer())
            }
        }
    }

    /// The same, tried again where the connection broke. Whatever is done must bear being done twice.
    pub(super) async fn often<T, F>(&self, doing: &str, act: impl Fn(Arc<Session>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        again(|_| self.once(doing, &act)).await
    }

    /// The connection broke: `ssh` knows why.
    async fn lost(&self, session: &Arc<Session>, error: Error) -> StoreError {
        self.forget(session).await;
        let mut running = session.running.lock().await;
        let _ = tokio::time::timeout(END_TIMEOUT, running.wait()).await;
        refusal::of_connection(&self.options, &running.complaints(), error)
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|known| Arc::ptr_eq(known, session)) {
            *current = None;
        }
    }
}
