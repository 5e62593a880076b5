//! Folders of other hosts, behind a real SSH server.

use std::path::Path;
use std::time::{Duration, Instant};

use eightbells::run::os::Environment;
use eightbells::run::store::{Ledger, PROBE_AFTER_DEFAULT, SftpOptions, SftpStore, Store, StoreErrorKind};

use crate::contract::{
    MIB, Uploads, begin, bytes, files, fill, get, keeps_its_promises, names, put, survives_broken_connections,
};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::disk::SmallDisk;
use crate::support::free_port;
use crate::support::sshd::Sshd;

fn options(sshd: &Sshd, path: &Path) -> SftpOptions {
    SftpOptions {
        destination: "d".into(),
        host: "127.0.0.1".into(),
        port: Some(sshd.port()),
        user: None,
        path: path.to_str().unwrap().into(),
        create: true,
        identity_file: Some(sshd.file("user")),
        known_hosts: Some(sshd.file("known")),
        window_bytes: 4 * MIB,
        probe_after: PROBE_AFTER_DEFAULT,
        environment: Environment::current(),
    }
}

fn open(options: SftpOptions) -> SftpStore {
    SftpStore::new(options, Ledger::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_behind_ssh_keeps_its_promises() {
    let Some(sshd) = Sshd::start() else { return };
    keeps_its_promises(&open(options(&sshd, &sshd.data()))).await;
    assert_eq!(files(&sshd.data()), [""; 0], "staged files are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_downloads_go_on_over_another_connection_where_one_breaks() {
    let Some(sshd) = Sshd::start() else { return };
    let open =
        |port| Box::new(open(SftpOptions { port: Some(port), ..options(&sshd, &sshd.data()) })) as Box<dyn Store>;
    survives_broken_connections(sshd.port(), Uploads::GoOn, open).await;
    assert_eq!(files(&sshd.data()), [""; 0], "staged files are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stalls_is_given_up_for_another_one() {
    let Some(sshd) = Sshd::start() else { return };
    let proxy = ChaosProxy::spoil_first(sshd.port(), 1, Faults::up(Fault::StallAfter(5 * MIB as u64)));
    let store = open(SftpOptions {
        port: Some(proxy.port()),
        probe_after: Duration::from_secs(1),
        ..options(&sshd, &sshd.data())
    });
    put(&store, "x", &bytes(20 * MIB)).await.unwrap();
    assert!(get(&store, "x").await.unwrap() == bytes(20 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_behind_ssh_is_made_with_those_above_it_or_told_to_be_missing() {
    let Some(sshd) = Sshd::start() else { return };
    let path = sshd.data().join("a b/c%d");
    let strict = open(SftpOptions { create: false, ..options(&sshd, &path) });
    for error in [strict.list().await.err().unwrap(), strict.begin("x").await.err().unwrap()] {
        assert_eq!(error.kind(), StoreErrorKind::Missing);
        assert!(error.helps()[0].contains("create: true"), "{error:?}");
    }
    let making = open(options(&sshd, &path));
    assert!(names(&making).await.is_empty());
    put(&making, "x", &bytes(1)).await.unwrap();
    assert_eq!(files(&path), ["x"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.join("x").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(making.free_bytes().await.unwrap().is_some_and(|free| free > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_over_ssh_is_complete_and_shows_files_only() {
    let Some(sshd) = Sshd::start() else { return };
    fill(&sshd.data(), "o", 3000);
    std::fs::create_dir(sshd.data().join("folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", sshd.data().join("link")).unwrap();
    std::fs::write(sshd.data().join(".hidden"), "x").unwrap();
    assert_eq!(names(&open(options(&sshd, &sshd.data()))).await.len(), 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_unknown_hosts_and_changed_ones_are_told_apart() {
    let Some(sshd) = Sshd::start() else { return };
    let good = options(&sshd, &sshd.data());
    let with = |identity: &str, known: &str| SftpOptions {
        identity_file: Some(sshd.file(identity)),
        known_hosts: Some(sshd.file(known)),
        ..good.clone()
    };
    for (options, expected) in [
        (with("stranger", "known"), "authorized_keys"),
        (with("user", "known-other"), "set up anew"),
        (with("user", "known-none"), "ssh-keyscan"),
        (with("nowhere", "known"), "may the service read it"),
    ] {
        let error = open(options).list().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{error:?}");
        assert!(error.helps()[0].contains(expected), "{error:?}");
    }
    let nobody = open(SftpOptions { port: Some(free_port()), ..good.clone() });
    let error = nobody.list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("refused"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_sftp_is_told() {
    let Some(sshd) = Sshd::start_with("") else { return };
    let error = open(options(&sshd, &sshd.data())).list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Other);
    assert!(error.helps()[0].contains("Subsystem"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_to_is_told_before_anything_is_sent() {
    let Some(sshd) = Sshd::start_with("Subsystem sftp internal-sftp -R") else { return };
    let error = open(options(&sshd, &sshd.data())).begin("x").await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error:?}");
}

// restic#21904: a quota that is used up was tried again for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_not_tried_again() {
    let Some(sshd) = Sshd::start() else { return };
    let Some(small) = SmallDisk::mount() else { return };
    let store = open(options(&sshd, &small.path()));
    let begun = Instant::now();
    let error = begin(&store, "x", &bytes(20 * MIB)).await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(error.helps()[0].contains("make room"), "{error:?}");
}
