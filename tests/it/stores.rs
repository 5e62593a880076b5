//! Folders and buckets: what every destination promises, and what these promise besides.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use eightbells::destination::Addressing;
use eightbells::run::store::{
    BucketStore, Credentials, Ledger, LocalStore, S3Options, Store as _, StoreErrorKind, Storing,
};
use secrecy::SecretString;

use crate::contract::{MIB, begin, bytes, fill, get, keeps_its_promises, kind, names, put};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::s3::S3Server;
use crate::support::{free_port, temp_dir};

const BUCKET: &str = "box";

fn options(s3: &S3Server, prefix: &str) -> S3Options {
    S3Options {
        destination: "d".into(),
        endpoint: Some(s3.endpoint()),
        region: Some(S3Server::REGION.into()),
        bucket: s3.bucket(BUCKET).into(),
        prefix: prefix.into(),
        credentials: Some(Credentials {
            access_key: s3.access_key.clone(),
            secret_key: SecretString::from(s3.secret_key.clone()),
            session_token: None,
        }),
        addressing: Addressing::Path,
        ca_pem: None,
        allow_http: false,
        proxy: None,
        storing: Storing::default(),
        upload: None,
    }
}

fn open(options: S3Options) -> BucketStore {
    BucketStore::s3(options, Ledger::default()).unwrap()
}

fn with_endpoint(port: u16, options: S3Options) -> S3Options {
    S3Options { endpoint: Some(format!("http://127.0.0.1:{port}")), ..options }
}

#[tokio::test]
async fn a_folder_keeps_its_promises() {
    let folder = temp_dir();
    keeps_its_promises(&LocalStore::new(folder.path(), false, Ledger::default())).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "staged files are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_its_promises() {
    let Some(s3) = S3Server::start() else { return };
    for prefix in ["", "backups/", "backups/wiki-", "a/b/"] {
        keeps_its_promises(&open(options(&s3, prefix))).await;
    }
    assert_eq!(s3.unfinished_uploads(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_a_server_that_overwrites_whatever_it_is_told_keeps_its_promises() {
    let Some(s3) = S3Server::start_rclone() else { return };
    keeps_its_promises(&open(options(&s3, "backups/"))).await;
}

#[tokio::test]
async fn a_folder_is_made_only_where_that_was_asked_for() {
    let folder = temp_dir();
    let path = folder.path().join("a/b");
    let strict = LocalStore::new(&path, false, Ledger::default());
    assert_eq!(kind(strict.list().await), StoreErrorKind::Missing);
    let error = strict.begin("x").await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Missing);
    assert!(error.helps()[0].contains("mounted"), "{error}");
    assert!(!path.exists());
    let making = LocalStore::new(&path, true, Ledger::default());
    assert!(names(&making).await.is_empty());
    put(&making, "x", &bytes(1)).await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(path.join("x").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_folder_shows_nothing_but_whole_files() {
    let folder = temp_dir();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    std::fs::write(folder.path().join(".hidden"), "x").unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let store = LocalStore::new(folder.path(), false, Ledger::default());
    assert_eq!(names(&store).await, ["file"]);
    let upload = begin(&store, "new", &bytes(1)).await.unwrap();
    drop(upload);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "a dropped upload leaves its file");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_complete_beyond_a_page_and_hold_nothing_of_others() {
    let folder = temp_dir();
    fill(folder.path(), "o", 2500);
    assert_eq!(names(&LocalStore::new(folder.path(), false, Ledger::default())).await.len(), 2500);

    let Some(s3) = S3Server::start() else { return };
    let store = open(options(&s3, "p/wiki-"));
    let data = s3.data().join(BUCKET).join("p");
    std::fs::create_dir_all(data.join("wiki-sub")).unwrap();
    fill(&data, "wiki-", 2500);
    fill(&data, "other-", 30);
    fill(&data.join("wiki-sub"), "", 30);
    let listed = names(&store).await;
    assert_eq!((listed.len(), listed[0].as_str(), listed[2499].as_str()), (2500, "00000", "02499"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_missing_buckets_and_servers_that_are_not_there_are_told_apart() {
    let Some(s3) = S3Server::start() else { return };
    let key = |access_key: &str, secret: &str| {
        let secret_key = SecretString::from(secret.to_owned());
        Some(Credentials { access_key: access_key.into(), secret_key, session_token: None })
    };
    let wrong = open(S3Options { credentials: key(&s3.access_key, "wrong"), ..options(&s3, "") });
    let error = wrong.list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(!error.is_transient());
    assert!(error.helps()[0].contains("secret_key"), "{:?}", error.helps());
    assert_eq!(kind(put(&wrong, "x", &bytes(1)).await), StoreErrorKind::Denied);

    let missing = open(S3Options { bucket: "no-such-bucket".into(), ..options(&s3, "") });
    let error = missing.list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Missing);
    assert!(error.helps()[0].contains("`bucket:`"), "{:?}", error.helps());

    let begun = Instant::now();
    let nobody = open(with_endpoint(free_port(), options(&s3, "")));
    let error = nobody.list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert!(error.is_transient());
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("refused"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(90));
    assert_eq!(s3.keys(BUCKET), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_are_tried_again() {
    let Some(s3) = S3Server::start() else { return };
    let content = bytes(20 * MIB);
    for fault in [Fault::CutAfter(0), Fault::ResetAfter(0), Fault::ResetAfter(100)] {
        let proxy = ChaosProxy::spoil_first(s3.port(), 2, Faults::down(fault));
        let store = open(with_endpoint(proxy.port(), options(&s3, "")));
        put(&store, "x", &content).await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert!(proxy.connections() > 2);
        assert!(s3.object(BUCKET, "x") == content);
        store.delete(&["x".into()]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_objects_that_wait_for_their_commit_do_not_fill_the_memory() {
    let Some(s3) = S3Server::start() else { return };
    let store = open(options(&s3, ""));
    let content = bytes(7 * MIB);
    let mut waiting = vec![];
    for number in 0..8 {
        let mut upload = begin(&store, &format!("o{number}"), &content).await.unwrap();
        upload.stage().await.unwrap();
        waiting.push(upload);
    }
    assert!(!s3.unfinished_uploads().is_empty(), "all eight are held in memory");
    assert!(names(&store).await.is_empty());
    for upload in waiting {
        upload.commit().await.unwrap();
    }
    assert_eq!(names(&store).await.len(), 8);
    assert!(s3.object(BUCKET, "o7") == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_s_certificate_is_trusted_through_the_destination_s_own_authority_only() {
    let Some(s3) = S3Server::start_rclone_tls() else { return };
    let endpoint = Some(format!("https://127.0.0.1:{}", s3.port()));
    let strict = S3Options { endpoint, ..options(&s3, "") };
    let error = open(strict.clone()).list().await.unwrap_err();
    assert!(error.helps()[0].contains("`ca_file:`"), "{error:?}");
    let store = open(S3Options { ca_pem: Some(std::fs::read(s3.ca()).unwrap()), ..strict });
    put(&store, "x", &bytes(10 * MIB)).await.unwrap();
    assert!(get(&store, "x").await.unwrap() == bytes(10 * MIB));
}
