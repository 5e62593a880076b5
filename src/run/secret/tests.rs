use super::*;
use crate::archive::Archive;
use crate::contract::{Etcd, EtcdApi, JOB_VERSION};
use crate::destination::Addressing;
use crate::destination::S3;
use crate::value::Template;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn value(json: &serde_json::Value) -> Value {
    serde_json::from_value(json.clone()).unwrap()
}

/// A job that stores to a bucket with these values, and dumps with this variable.
fn job(secret_key: &serde_json::Value, bucket: &serde_json::Value, variable: &serde_json::Value) -> Job {
    let s3 = S3 {
        endpoint: None,
        region: None,
        bucket: value(bucket),
        access_key: None,
        secret_key: Some(value(secret_key)),
        session_token: None,
        prefix: None,
        addressing: Addressing::Path,
        ca_file: None,
        allow_http: false,
        proxy: None,
        storage_class: None,
        server_side_encryption: None,
        checksum: None,
        object_lock: None,
    };
    let source = serde_json::json!({"name": "s", "kind": {"command": {"argv": ["x"], "env": {"V": variable}, "extension": "sql"}}});
    Job {
        version: JOB_VERSION,
        name: "j".into(),
        instances: true,
        sources: vec![serde_json::from_value(source).unwrap()],
        archive: Archive::default(),
        store: vec![StoreAt {
            to: Destination {
                name: "d".into(),
                kind: DestinationKind::S3(Box::new(s3)),
                limit: crate::destination::Limit::default(),
            },
            keep: crate::retention::Keep::default(),
        }],
        guard: None,
        etcd: None,
        unless_newer_than: None,
        blackout: vec![],
        conduct: Conduct::default(),
        drill: None,
    }
}

fn context() -> Context {
    let time = "2014-11-02T01:02:03[UTC]".parse().unwrap();
    Context { job: "j".into(), instance: Some("80".into()), host: "h".into(), source: None, scratch: None, time }
}

fn resolve(job: &Job, environment: &Environment) -> Result<Secrets, SecretError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Secrets::resolve(job, &context(), environment))
}

fn secret_key(job: &Job) -> Value {
    let DestinationKind::S3(s3) = &job.store[0].to.kind else { panic!() };
    s3.secret_key.clone().unwrap()
}

fn message(secret: &serde_json::Value, environment: &Environment) -> String {
    let error = resolve(&job(secret, &"b".into(), &"v".into()), environment).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn references_are_read_from_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder.path().join("secret-80"), "of-file\n");
    let template = file.replace("80", "{instance}");
    write(&folder.path().join("cred"), "of-credential\n");
    let environment = Environment::from_iter([
        ("VAR", "of-env\n"),
        ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ]);
    let outside = Environment::default();
    for (reference, environment, expected) in [
        (serde_json::json!({"env": "VAR"}), &environment, "of-env\n"),
        (serde_json::json!({"file": template}), &environment, "of-file"),
        (serde_json::json!({"credential": {"name": "cred"}}), &environment, "of-credential"),
        (serde_json::json!({"credential": {"name": "c", "path": file}}), &outside, "of-file"),
        (
            serde_json::json!({"command": ["sh", "-c", "echo \"of-command-{instance}$AWS_SECRET_ACCESS_KEY\""]}),
            &environment,
            "of-command-80",
        ),
    ] {
        let job = job(&reference, &"b".into(), &"v".into());
        let secrets = resolve(&job, environment).unwrap();
        let text = secrets.text(&secret_key(&job), &context()).unwrap();
        assert_eq!(text.expose_secret(), expected);
        assert_eq!(secrets.redact(&format!("<{expected}>")), "<***>");
        assert!(!format!("{secrets:?}").contains("of-"), "{secrets:?}");
    }
}

#[test]
fn only_what_stands_in_a_secret_s_place_is_masked() {
    let environment = Environment::from_iter([("KEY", "the-key"), ("BUCKET", "the-bucket"), ("PW", "of-source-s")]);
    let of_env = |name: &str| serde_json::json!({ "env": name });
    let secrets = resolve(&job(&of_env("KEY"), &of_env("BUCKET"), &of_env("PW")), &environment).unwrap();
    assert_eq!(secrets.redact("the-key the-bucket of-source-s"), "*** the-bucket ***");
    let secrets = resolve(&job(&of_env("KEY"), &"b".into(), &"written-out".into()), &environment).unwrap();
    assert_eq!(secrets.redact("written-out"), "written-out");
}

#[test]
fn a_variable_may_be_empty_and_a_key_may_not() {
    let environment = Environment::from_iter([("EMPTY", ""), ("KEY", "the-key")]);
    let of_env = |name: &str| serde_json::json!({ "env": name });
    assert!(resolve(&job(&of_env("KEY"), &"b".into(), &of_env("EMPTY")), &environment).is_ok());
    let error = resolve(&job(&of_env("EMPTY"), &"b".into(), &"v".into()), &environment).unwrap_err();
    assert_eq!(error.to_string(), "`{env: EMPTY}`: the value is empty");
    let error = resolve(&job(&of_env("EMPTY"), &"b".into(), &of_env("EMPTY")), &environment).unwrap_err();
    assert!(matches!(error, SecretError::Empty { .. }));
}

#[test]
fn each_fault_has_its_own_words_and_none_the_value() {
    let folder = tempfile::tempdir().unwrap();
    let nul = write(&folder.path().join("nul"), "top\0secret");
    let binary = folder.path().join("binary");
    std::fs::write(&binary, b"topsecret\xff").unwrap();
    let long = write(&folder.path().join("long"), &"topsecret".repeat(200_000));
    let script = folder.path().join("script");
    write(&script, "#!/bin/sh\necho topsecret; echo topsecret >&2; exit 4\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let environment = Environment::default();
    for (reference, expected) in [
        (serde_json::json!({"env": "NO"}), "environment_file"),
        (serde_json::json!({"file": "/no/such"}), "No such file"),
        (serde_json::json!({"file": nul}), "NUL"),
        (serde_json::json!({"file": binary}), "not text"),
        (serde_json::json!({"file": long}), "over 1 MiB"),
        (serde_json::json!({"credential": {"name": "c"}}), "LoadCredential=c"),
        (serde_json::json!({"credential": {"name": "../c"}}), "holds no `/`"),
        (serde_json::json!({"command": [script, "topsecret"]}), "exited with status 4"),
        (serde_json::json!({"command": ["/no/such"]}), "cannot be started"),
        (serde_json::json!({"etcd": "/k"}), "give `endpoints`"),
        (serde_json::json!({"file": "/x/{source}"}), "`{source}` has no value here"),
    ] {
        let message = message(&reference, &environment);
        assert!(message.contains(expected) && !message.contains("topsecret"), "{reference}: {message}");
    }
}

#[test]
fn a_program_that_nobody_waits_for_is_ended() {
    let job = job(&serde_json::json!({"command": ["sleep", "50"]}), &"b".into(), &"v".into());
    let begin = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (context, environment) = (context(), Environment::current());
    let resolving = Secrets::resolve(&job, &context, &environment);
    let soon = std::time::Duration::from_millis(300);
    assert!(runtime.block_on(async { tokio::time::timeout(soon, resolving).await }).is_err());
    drop(runtime);
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn etcd_s_password_is_not_in_etcd() {
    let mut job = job(&serde_json::json!({"etcd": "/k"}), &"b".into(), &"v".into());
    let password = Some(Reference::Etcd(Template::literal("/pw")));
    let none = (None, None, None);
    job.etcd = Some(Etcd {
        endpoints: vec![],
        api: EtcdApi::V3,
        user: Some("u".into()),
        password,
        ca_file: none.0,
        cert_file: none.1,
        key_file: none.2,
        timeout: None,
    });
    assert!(matches!(resolve(&job, &Environment::default()), Err(SecretError::PasswordInEtcd)));
}

#[test]
fn a_reference_of_another_job_is_an_error() {
    let secrets = Secrets::default();
    let error = secrets.text(&value(&serde_json::json!({"env": "X"})), &context()).unwrap_err();
    assert!(matches!(error, SecretError::NotResolved { .. }));
}
