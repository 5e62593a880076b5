//! Folders of WebDAV servers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use eightbells::run::store::{Ledger, Store, StoreErrorKind, WebDavOptions, WebDavStore};
use secrecy::SecretString;

use crate::contract::{
    Uploads, bytes, files, fill, get, keeps_its_promises, kind, names, put, survives_broken_connections,
};
use crate::support::free_port;
use crate::support::webdav::{PASSWORD, USER, WebDavServer};

fn options(port: u16, path: &str) -> WebDavOptions {
    WebDavOptions {
        destination: "d".into(),
        url: format!("http://127.0.0.1:{port}/{path}"),
        user: Some(USER.into()),
        password: Some(SecretString::from(PASSWORD)),
        create: true,
        ca_pem: None,
        allow_http: false,
    }
}

fn open(options: WebDavOptions) -> WebDavStore {
    WebDavStore::open(options, Ledger::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_behind_webdav_keeps_its_promises() {
    for (name, server) in WebDavServer::all() {
        println!("{name}");
        keeps_its_promises(&open(options(server.port(), "a%20b/c"))).await;
        assert_eq!(files(&server.data().join("a b/c")), [""; 0], "{name}: staged files are left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_webdav_carries_arrives_whole_or_not_at_all() {
    for (name, server) in WebDavServer::all() {
        println!("{name}");
        let open = |port| Box::new(open(options(port, ""))) as Box<dyn Store>;
        survives_broken_connections(server.port(), Uploads::StartAgain, open).await;
        assert_eq!(files(&server.data()), [""; 0], "{name}: staged files are left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_over_webdav_is_complete_and_shows_files_only() {
    for (name, server) in WebDavServer::all() {
        fill(&server.data(), "o %", 3000);
        std::fs::create_dir(server.data().join("folder")).unwrap();
        std::fs::write(server.data().join(".hidden"), "x").unwrap();
        let listed = names(&open(options(server.port(), ""))).await;
        assert_eq!((listed.len(), listed[0].as_str()), (3000, "o %00000"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_missing_folders_and_servers_that_are_no_webdav_are_told_apart() {
    for (name, server) in WebDavServer::all() {
        let good = options(server.port(), "");
        let wrong = open(WebDavOptions { password: Some(SecretString::from("wrong")), ..good.clone() });
        let error = wrong.list().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{name}");
        assert!(error.helps()[0].contains("password"), "{name}: {error:?}");
        let strict = open(WebDavOptions { create: false, ..options(server.port(), "no/where") });
        for error in [strict.list().await.err().unwrap(), strict.begin("x").await.err().unwrap()] {
            assert_eq!(error.kind(), StoreErrorKind::Missing, "{name}");
            assert!(error.helps()[0].contains("create: true"), "{name}: {error:?}");
        }
    }
    let nobody = open(options(free_port(), ""));
    assert_eq!(kind(nobody.list().await), StoreErrorKind::Busy);
    let port = answer_each("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert!(open(options(port, "")).list().await.unwrap_err().helps()[0].contains("WebDAV"));
    let port = answer_each("HTTP/1.1 301 Moved\r\nLocation: https://there/\r\nContent-Length: 0\r\n\r\n");
    assert!(open(options(port, "")).list().await.unwrap_err().helps()[0].contains("https://there/"));
}

/// Every request gets this answer.
fn answer_each(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _ = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn a_password_never_goes_over_plain_http_to_another_machine_unasked() {
    let far = WebDavOptions { url: "http://dav.example.org/".into(), ..options(1, "") };
    let error = WebDavStore::open(far.clone(), Ledger::default()).unwrap_err();
    assert!(error.helps()[0].contains("allow_http"), "{error:?}");
    WebDavStore::open(WebDavOptions { allow_http: true, ..far }, Ledger::default()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_put_there_meanwhile_is_not_overwritten() {
    for (name, server) in WebDavServer::all() {
        let store = open(options(server.port(), ""));
        let mut late = store.begin("one").await.unwrap();
        late.write(bytes(7)).await.unwrap();
        late.stage().await.unwrap();
        put(&store, "one", &bytes(9)).await.unwrap();
        assert_eq!(kind(late.commit().await), StoreErrorKind::Exists, "{name}");
        assert_eq!(get(&store, "one").await.unwrap(), bytes(9), "{name}");
    }
}
