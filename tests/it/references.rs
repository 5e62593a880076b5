//! References to a real etcd: every way in, and every way in which it can go wrong, with its own words.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use eightbells::contract;
use eightbells::run::etcd::{self, EtcdError, Values};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::support::etcd::{Etcd, Options, make_certificates};
use crate::support::guard::Guard;
use crate::support::{free_port, loopback, need_program, output_of, temp_dir};

fn read(settings: &Value, password: Option<&str>, keys: &[&str]) -> Result<Values, EtcdError> {
    let settings: contract::Etcd = serde_json::from_value(settings.clone()).unwrap();
    let keys: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let password = password.map(SecretString::from);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(etcd::read(&settings, password.as_ref(), &keys))
}

fn text(values: &Values, key: &str) -> String {
    values.get(key).unwrap().expose_secret().to_owned()
}

fn said(result: Result<Values, EtcdError>) -> String {
    let error = result.unwrap_err();
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[test]
fn both_key_spaces_are_read_and_a_missing_key_names_the_other() {
    let Some(server) = Etcd::start(Options::default()) else { return };
    server.put("/both", "of-v3");
    server.put("/only/v3", "x\n");
    server.put_v2("/both", "of-v2");
    // The address that reaches etcd; the key in it is `/only/v2 ü?`.
    server.put_v2("/only/v2%20%C3%BC%3F", "y");
    let v3 = json!({"endpoints": [server.endpoint()]});
    let v2 = json!({"endpoints": [server.endpoint()], "api": "v2"});
    let values = read(&v3, None, &["/both", "/only/v3"]).unwrap();
    assert_eq!((text(&values, "/both"), text(&values, "/only/v3")), ("of-v3".into(), "x".into()));
    let values = read(&v2, None, &["/both", "/only/v2 ü?"]).unwrap();
    assert_eq!((text(&values, "/both"), text(&values, "/only/v2 ü?")), ("of-v2".into(), "y".into()));
    let missing = said(read(&v3, None, &["/both", "/only/v2 ü?", "/no"]));
    assert!(
        missing.contains("`/no`, `/only/v2 ü?`") && missing.contains("api: v2") && !missing.contains("/both"),
        "{missing}"
    );
    let missing = said(read(&v2, None, &["/only/v3"]));
    assert!(missing.contains("`/only/v3`") && missing.contains("api: v3"), "{missing}");
    assert!(said(read(&v2, None, &["/only"])).contains("is a folder"));
    assert!(read(&v3, None, &[]).unwrap().is_empty());
}

#[test]
fn a_user_logs_in_and_every_refusal_has_its_own_words() {
    let Some(server) = Etcd::start(Options { auth: true, tls: false }) else { return };
    server.put("/k", "v");
    for step in [
        &["role", "add", "narrow"][..],
        &["role", "grant-permission", "narrow", "read", "/mine"],
        &["user", "add", "narrow:pw"],
        &["user", "grant-role", "narrow", "narrow"],
    ] {
        output_of(&mut server.ctl(step));
    }
    let endpoint = server.endpoint();
    let of_user = |user: &str| json!({"endpoints": [&endpoint], "user": user});
    assert_eq!(text(&read(&of_user(Etcd::USER), Some(&server.password), &["/k"]).unwrap(), "/k"), "v");
    for (settings, password, expected) in [
        (of_user(Etcd::USER), Some("wrong-pw"), "does not accept the password of the user `backup`"),
        (of_user("nobody"), Some("wrong-pw"), "does not accept the password of the user `nobody`"),
        (of_user(Etcd::USER), None, "has no password"),
        (json!({"endpoints": [&endpoint]}), None, "wants a user and a password"),
        (of_user("narrow"), Some("pw"), "user `narrow` may not read `/k`"),
    ] {
        let begin = Instant::now();
        let said = said(read(&settings, password, &["/k"]));
        assert!(said.contains(expected) && !said.contains("wrong-pw"), "{said}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{said}");
    }
    let Some(open) = Etcd::start(Options::default()) else { return };
    let said = said(read(&json!({"endpoints": [open.endpoint()], "user": "u"}), Some("pw"), &["/k"]));
    assert!(said.contains("authentication is not enabled"), "{said}");
}

#[test]
fn tls_trusts_the_given_authority_only() {
    let Some(server) = Etcd::start(Options { auth: true, tls: true }) else { return };
    server.put("/k", "v");
    let settings = |ca: Option<&Path>| json!({"endpoints": [server.endpoint()], "user": Etcd::USER, "ca_file": ca, "timeout": "2s"});
    assert_eq!(text(&read(&settings(Some(&server.ca())), Some(&server.password), &["/k"]).unwrap(), "/k"), "v");
    let untrusted = said(read(&settings(None), Some(&server.password), &["/k"]));
    assert!(
        untrusted.contains("no etcd endpoint answers") && untrusted.to_lowercase().contains("certificate"),
        "{untrusted}"
    );
    let missing = said(read(&settings(Some(Path::new("/no/such.pem"))), Some(&server.password), &["/k"]));
    assert!(missing.contains("/no/such.pem") && missing.contains("No such file"), "{missing}");
    let plain = json!({"endpoints": [server.endpoint().replace("https", "http")], "user": Etcd::USER, "timeout": "2s"});
    assert!(said(read(&plain, Some(&server.password), &["/k"])).contains("no etcd endpoint answers"));
    let half = json!({"endpoints": [server.endpoint()], "cert_file": server.ca()});
    assert!(said(read(&half, None, &["/k"])).contains("`cert_file` below `etcd` needs `key_file`"));
}

/// An etcd that wants its clients to have certificates of its authority; the folder holds them.
fn start_with_client_certificates() -> Option<(Guard, String)> {
    let server = need_program("etcd", "Debian has it in etcd-server")?;
    let dir = temp_dir().keep();
    make_certificates(&dir);
    for step in [
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=client -keyout c.key -out c.csr",
        "echo extendedKeyUsage=clientAuth >c.ext",
        "openssl x509 -req -in c.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile c.ext -out c.pem",
    ] {
        output_of(Command::new("sh").args(["-c", step]).current_dir(&dir));
    }
    let (clients, peers) = (format!("https://127.0.0.1:{}", free_port()), format!("http://127.0.0.1:{}", free_port()));
    let words = format!(
        "{} --name t --data-dir data --listen-client-urls {clients} --advertise-client-urls {clients} \
         --listen-peer-urls {peers} --initial-advertise-peer-urls {peers} --initial-cluster t={peers} --enable-v2=true \
         --cert-file server.pem --key-file server.key --trusted-ca-file ca.pem --client-cert-auth",
        server.display()
    );
    let guard = Guard::serve(dir.clone(), ":", &words.split_whitespace().collect::<Vec<_>>());
    guard.wait_ready("etcd", || curl(&dir, &format!("{clients}/health"), &[]));
    assert!(curl(&dir, &format!("{clients}/v2/keys/k"), &["-X", "PUT", "-d", "value=v2"]));
    let mut put = Command::new(need_program("etcdctl", "Debian has it in etcd-client")?);
    put.env("ETCDCTL_API", "3").args(["--cacert=ca.pem", "--cert=c.pem", "--key=c.key", "--endpoints", &clients]);
    output_of(put.args(["put", "/k", "v3"]).current_dir(&dir));
    Some((guard, clients))
}

fn curl(dir: &Path, url: &str, more: &[&str]) -> bool {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--cacert", "ca.pem", "--cert", "c.pem", "--key", "c.key", url]).args(more);
    curl.current_dir(dir).output().unwrap().status.success()
}

#[test]
fn a_client_s_certificate_is_shown_where_it_is_wanted() {
    let Some((guard, endpoint)) = start_with_client_certificates() else { return };
    let file = |name: &str| guard.dir().join(name);
    for (api, value) in [("v3", "v3"), ("v2", "v2")] {
        let without = json!({"endpoints": [endpoint], "api": api, "ca_file": file("ca.pem"), "timeout": "3s"});
        let mut with = without.clone();
        with["cert_file"] = json!(file("c.pem"));
        with["key_file"] = json!(file("c.key"));
        assert_eq!(text(&read(&with, None, &["/k"]).unwrap(), "/k"), value);
        let refused = said(read(&without, None, &["/k"]));
        assert!(refused.contains("no etcd endpoint answers"), "{api}: {refused}");
        with["key_file"] = json!(file("server.key"));
        let foreign = said(read(&with, None, &["/k"]));
        assert!(!foreign.contains("PRIVATE"), "{foreign}");
    }
}

#[test]
fn tls_of_the_v2_key_space_trusts_the_given_authority_only() {
    let Some(server) = Etcd::start(Options { auth: false, tls: true }) else { return };
    server.put_v2("/k", "v");
    let settings =
        |ca: Option<&Path>| json!({"endpoints": [server.endpoint()], "api": "v2", "ca_file": ca, "timeout": "2s"});
    assert_eq!(text(&read(&settings(Some(&server.ca())), None, &["/k"]).unwrap(), "/k"), "v");
    let untrusted = said(read(&settings(None), None, &["/k"]));
    assert!(untrusted.to_lowercase().contains("certificate"), "{untrusted}");
    let rubbish = temp_dir();
    let file = rubbish.path().join("ca.pem");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let said = said(read(&settings(Some(&file)), None, &["/k"]));
    assert!(said.contains("PEM form"), "{said}");
}

#[test]
fn a_dead_endpoint_is_passed_over_and_a_silent_one_too() {
    let Some(server) = Etcd::start(Options::default()) else { return };
    server.put("/k", "v");
    server.put_v2("/k", "v");
    let silent = TcpListener::bind(loopback(0)).unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for api in ["v3", "v2"] {
        let settings = json!({"endpoints": [Etcd::dead_endpoint(), silent, "not an address", server.endpoint()], "api": api, "timeout": "1s"});
        let begin = Instant::now();
        assert_eq!(text(&read(&settings, None, &["/k"]).unwrap(), "/k"), "v", "{api}");
        assert!(begin.elapsed() < Duration::from_secs(6), "{api}: {:?}", begin.elapsed());
    }
}

#[test]
fn where_no_endpoint_answers_each_is_named_with_its_reason() {
    let silent = TcpListener::bind(loopback(0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let dead = Etcd::dead_endpoint();
    for api in ["v3", "v2"] {
        let endpoints = [
            dead.clone(),
            format!("http://u:hidden@{}:{silent_port}", Ipv4Addr::LOCALHOST),
            "http://no-such-host.invalid:1".into(),
        ];
        let said = said(read(&json!({"endpoints": endpoints, "api": api, "timeout": "500ms"}), None, &["/k"]));
        assert!(said.contains(&dead) && said.contains("refused"), "{said}");
        assert!(said.contains(&format!("http://127.0.0.1:{silent_port}: no answer within 500ms")), "{said}");
        assert!(said.contains("no-such-host.invalid") && !said.contains("hidden"), "{said}");
    }
    assert!(said(read(&json!({"endpoints": []}), None, &["/k"])).contains("none is given"));
}

#[test]
fn a_value_that_is_not_text_is_told() {
    let Some(server) = Etcd::start(Options::default()) else { return };
    let file = temp_dir();
    std::fs::write(file.path().join("v"), b"\xff\xfe").unwrap();
    let mut put = server.ctl(&["put", "/binary"]);
    output_of(Command::stdin(&mut put, std::fs::File::open(file.path().join("v")).unwrap()));
    assert!(
        said(read(&json!({"endpoints": [server.endpoint()]}), None, &["/binary"])).contains("`/binary` is not text")
    );
}
