//! What `ssh` and the server complain of, and what to do about it.

use super::SftpOptions;
use crate::run::store::{StoreError, StoreErrorKind};
use openssh_sftp_client::Error;
use openssh_sftp_client::error::SftpErrorKind;

/// What a line of `ssh`'s means: words in it, the kind of trouble, and what to do. The first row that fits counts.
/// The words are those of OpenSSH's client (sshconnect.c, sshconnect2.c, authfile.c, clientloop.c, packet.c, readconf.c).
const ROWS: [(&str, StoreErrorKind, &str); 16] = [
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        StoreErrorKind::Denied,
        "the server shows another host key than the one that is known: it was set up anew, or somebody else answers in its place; compare its fingerprint with the server's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there) before anything else, then replace the line in known_hosts (`ssh-keygen -R HOST`, `ssh-keyscan HOST`)",
    ),
    (
        "Host key verification failed",
        StoreErrorKind::Denied,
        "the server's host key is not known here: fetch it with `ssh-keyscan -p PORT HOST`, compare its fingerprint with the server's own, and add it to known_hosts, or name a file of known keys with `known_hosts:`",
    ),
    (
        "host key is known for",
        StoreErrorKind::Denied,
        "the server's host key is not known here: fetch it with `ssh-keyscan -p PORT HOST`, compare its fingerprint with the server's own, and add it to known_hosts, or name a file of known keys with `known_hosts:`",
    ),
    (
        "UNPROTECTED PRIVATE KEY FILE",
        StoreErrorKind::Denied,
        "others may read the private key, so that ssh does not use it: `chmod 600` it",
    ),
    (
        "incorrect passphrase",
        StoreErrorKind::Denied,
        "the private key has a passphrase, and nobody is there to type it: use a key without one, or an agent (SSH_AUTH_SOCK)",
    ),
    (
        "Too many authentication failures",
        StoreErrorKind::Denied,
        "the agent offers too many keys: say which with `identity_file:`",
    ),
    (
        "Permission denied (",
        StoreErrorKind::Denied,
        "the server does not let this user in with this key: add its public half to authorized_keys there, or correct `user:` and `identity_file:`",
    ),
    ("Bad configuration option", StoreErrorKind::Other, "correct the SSH configuration of the user who runs the job"),
    ("Bad owner or permissions", StoreErrorKind::Other, "correct the owner and mode of the SSH configuration"),
    (
        "subsystem request failed",
        StoreErrorKind::Other,
        "the server does not offer sftp: let its sshd_config say `Subsystem sftp internal-sftp`",
    ),
    ("Could not resolve hostname", StoreErrorKind::Busy, "is `host:` right, and do names resolve here?"),
    (
        "Connection refused",
        StoreErrorKind::Busy,
        "is the address right, the server up, and the network reached from here?",
    ),
    (
        "No route to host",
        StoreErrorKind::Busy,
        "is the address right, the server up, and the network reached from here?",
    ),
    ("timed out", StoreErrorKind::Busy, "is the address right, the server up, and the network reached from here?"),
    ("not responding", StoreErrorKind::Busy, "the connection stalled: try again later"),
    ("Connection", StoreErrorKind::Busy, "the connection broke off: try again later"),
];

/// Whether the server has answered: else the connection is gone.
pub(super) fn is_answer(error: &Error) -> bool {
    matches!(error, Error::SftpError(..) | Error::UnsupportedExtension(_))
}

/// What a server's refusal of a request means.
pub(super) fn of_request(doing: &str, error: Error) -> StoreError {
    let kind = match &error {
        Error::SftpError(SftpErrorKind::NoSuchFile, _) => StoreErrorKind::Missing,
        Error::SftpError(SftpErrorKind::PermDenied, _) => StoreErrorKind::Denied,
        _ => StoreErrorKind::Other,
    };
    let told = StoreError::new(kind, doing);
    let told = match &error {
        Error::SftpError(SftpErrorKind::Failure, _) => {
            told.because("the server says `Failure` and not why: its disk may be full, or a quota used up")
        }
        Error::SftpError(kind, words) => told.because(format!("the server says {kind:?}: {}", cleaned(words.get().0))),
        _ => told.because(error),
    };
    match kind {
        StoreErrorKind::Denied => told.help("look at the owner and the mode of the folder on the server"),
        StoreErrorKind::Missing
        | StoreErrorKind::Exists
        | StoreErrorKind::Busy
        | StoreErrorKind::Locked
        | StoreErrorKind::Full
        | StoreErrorKind::Other => told,
    }
}

/// Why there is no connection, or none any more.
pub(super) fn of_connection(options: &SftpOptions, complaints: &str, error: Error) -> StoreError {
    let message = format!("no connection to {}", options.host);
    let row = ROWS.iter().find(|(words, ..)| complaints.contains(words));
    let (kind, help) = row.map_or((StoreErrorKind::Busy, None), |(_, kind, help)| (*kind, Some(*help)));
    let told = StoreError::new(kind, message);
    let said = last_words(complaints);
    let told = if said.is_empty() { told.because(error) } else { told.because(format!("ssh says: {said}")) };
    help.into_iter().fold(told, StoreError::help)
}

/// The last line that says something.
fn last_words(complaints: &str) -> String {
    let mut lines = complaints.lines().map(cleaned).filter(|line| !line.is_empty() && !line.starts_with('@'));
    lines.next_back().unwrap_or_default()
}

fn cleaned(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::os::Environment;

    fn told(complaints: &str) -> StoreError {
        let options = SftpOptions {
            destination: "d".into(),
            host: "h".into(),
            port: None,
            user: None,
            path: "p".into(),
            create: true,
            identity_file: None,
            known_hosts: None,
            window_bytes: 1,
            probe_after: crate::run::store::sftp::session::PROBE_AFTER_DEFAULT,
            environment: Environment::default(),
        };
        of_connection(&options, complaints, Error::HandleTooLong)
    }

    #[test]
    fn a_changed_host_key_is_not_an_unknown_one() {
        let changed =
            "@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@\nHost key verification failed.\r\n";
        assert!(told(changed).helps()[0].contains("anew"));
        let unknown = "No ED25519 host key is known for h and you have requested strict checking.\r\nHost key verification failed.\r\n";
        assert!(told(unknown).helps()[0].contains("ssh-keyscan"));
        assert_eq!(told(changed).kind(), StoreErrorKind::Denied);
    }

    #[test]
    fn what_may_work_later_is_tried_again_and_a_wrong_key_is_not() {
        assert!(told("ssh: connect to host h port 22: Connection refused\r\n").is_transient());
        assert!(told("kex_exchange_identification: Connection closed by remote host\r\n").is_transient());
        assert!(told("").is_transient());
        assert!(!told("u@h: Permission denied (publickey).\r\n").is_transient());
    }
}
