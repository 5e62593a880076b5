//! Remotes of the rclone program.

use std::path::PathBuf;

use eightbells::run::os::Environment;
use eightbells::run::store::{Ledger, RcloneOptions, RcloneStore, Store, StoreErrorKind};
use secrecy::SecretString;

use crate::contract::{
    Uploads, bytes, files, fill, get, keeps_its_promises, kind, names, put, survives_broken_connections,
};
use crate::support::s3::S3Server;
use crate::support::{TempDir, find_program, free_port, need_program, temp_dir};

/// A configuration with a remote `box` that is a folder of this host.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Option<Self> {
        need_program("rclone", "`tests/install s3-more` installs it")?;
        let folder = temp_dir();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let data = folder.path().join("data");
        std::fs::write(folder.path().join("conf"), format!("[box]\ntype = alias\nremote = {}\n", data.display()))
            .unwrap();
        Some(Self { folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn options(&self, remote: &str) -> RcloneOptions {
        RcloneOptions {
            destination: "d".into(),
            remote: remote.into(),
            config: Some(self.folder.path().join("conf").to_str().unwrap().into()),
            env: vec![],
            program: find_program("rclone").map(|path| path.to_str().unwrap().to_owned()),
            environment: Environment::current(),
        }
    }

    /// With a remote `s3` at that port.
    fn s3(&self, s3: &S3Server, port: u16) -> RcloneOptions {
        let variable =
            |name: &str, value: &str| (format!("RCLONE_CONFIG_S3_{name}"), SecretString::from(value.to_owned()));
        let env = vec![
            variable("TYPE", "s3"),
            variable("PROVIDER", "Other"),
            variable("ENDPOINT", &format!("http://127.0.0.1:{port}")),
            variable("ACCESS_KEY_ID", &s3.access_key),
            variable("SECRET_ACCESS_KEY", &s3.secret_key),
        ];
        RcloneOptions { env, ..self.options(&format!("s3:{}/p", s3.bucket("box"))) }
    }
}

fn open(options: RcloneOptions) -> RcloneStore {
    RcloneStore::new(options, Ledger::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_keeps_its_promises() {
    let Some(bench) = Bench::new() else { return };
    keeps_its_promises(&open(bench.options("box:a b/c"))).await;
    assert_eq!(files(&bench.data().join("a b/c")), [""; 0], "staged files are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_cannot_rename_keeps_its_promises() {
    let Some(bench) = Bench::new() else { return };
    let variable = ("RCLONE_DISABLE".to_owned(), SecretString::from("move,copy"));
    let options = RcloneOptions { env: vec![variable], ..bench.options("box:") };
    let store = open(options);
    put(&store, "x", &bytes(3_000_000)).await.unwrap();
    assert!(get(&store, "x").await.unwrap() == bytes(3_000_000));
    assert_eq!(kind(store.begin("x").await), StoreErrorKind::Exists);
    assert_eq!(files(&bench.data()), ["x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rclone_carries_arrives_whole_or_not_at_all() {
    let (Some(bench), Some(s3)) = (Bench::new(), S3Server::start_rclone()) else { return };
    let open = |port| Box::new(open(bench.s3(&s3, port))) as Box<dyn Store>;
    survives_broken_connections(s3.port(), Uploads::StartAgain, open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_remote_is_complete_and_shows_files_only() {
    let Some(bench) = Bench::new() else { return };
    fill(&bench.data(), "o", 3000);
    std::fs::create_dir(bench.data().join("folder")).unwrap();
    std::fs::write(bench.data().join(".hidden"), "x").unwrap();
    assert_eq!(names(&open(bench.options("box:"))).await.len(), 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_unknown_remotes_and_a_program_that_is_missing_are_told_apart() {
    let (Some(bench), Some(s3)) = (Bench::new(), S3Server::start_rclone()) else { return };
    let error = open(bench.options("nowhere:x")).list().await.unwrap_err();
    assert!(error.helps()[0].contains("listremotes"), "{error:?}");
    let mut wrong = bench.s3(&s3, s3.port());
    wrong.env.last_mut().unwrap().1 = SecretString::from("wrong");
    let error = open(wrong).list().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error:?}");
    let missing = RcloneOptions { program: Some("/nonexistent/rclone".into()), ..bench.options("box:") };
    assert!(open(missing).list().await.unwrap_err().helps()[0].contains("install rclone"));
    assert_eq!(kind(open(bench.s3(&s3, free_port())).size("x").await), StoreErrorKind::Busy);
}
