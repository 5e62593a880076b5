use super::*;
use crate::destination::{DestinationKind, Limit, Local};
use crate::source::{Paths, SourceKind};
use crate::value::Template;

fn job() -> Job {
    let paths: Paths = serde_json::from_value(serde_json::json!({"paths": ["/srv/{{x}}"]})).unwrap();
    let source = Source {
        name: "files".into(),
        kind: SourceKind::Paths(paths),
        allow_empty: false,
        timeout: Some(Duration::from_secs(90)),
        hooks: crate::conduct::Hooks::default(),
        still: None,
    };
    let local = Local { path: Value::Text(Template::literal("/var/backups")), create: true };
    let to = Destination { name: "host".into(), kind: DestinationKind::Local(local), limit: Limit::default() };
    Job {
        version: JOB_VERSION,
        name: "files".into(),
        instances: false,
        sources: vec![source],
        archive: Archive::default(),
        store: vec![StoreAt { to, keep: Keep::All }],
        guard: Guard::usual(),
        etcd: None,
        unless_newer_than: None,
        blackout: vec![],
        conduct: Conduct::default(),
        drill: None,
    }
}

#[test]
fn a_compiled_job_round_trips() {
    let job = job();
    assert_eq!(Job::from_json(&job.to_json().to_string()).unwrap(), job);
}

#[test]
fn another_version_is_told_apart_from_garbage() {
    let newer = job().to_json().to_string().replacen("\"version\":1", "\"version\":7", 1);
    assert!(matches!(Job::from_json(&newer), Err(JobError::Version { found: 7 })));
    assert!(matches!(Job::from_json("{"), Err(JobError::Form(_))));
    assert!(matches!(Job::from_json("[]"), Err(JobError::Form(_))));
}

#[test]
fn the_digest_is_the_job_s() {
    let mut other = job();
    assert_eq!(other.digest(), job().digest());
    other.name = "other".into();
    assert_ne!(other.digest(), job().digest());
    assert_eq!(job().digest().len(), 64);
}

#[test]
fn a_blackout_may_pass_midnight() {
    let at = |text: &str| text.parse().unwrap();
    let night = Blackout { from: at("22:00:00"), until: at("06:00:00") };
    assert!(night.covers(at("23:00:00")) && night.covers(at("05:59:59")));
    assert!(!night.covers(at("06:00:00")) && !night.covers(at("12:00:00")));
}
