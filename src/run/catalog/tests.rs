use super::*;
use crate::archive::{ArchiveName, Identity};
use crate::run::manifest::tests::manifest;
use crate::run::store::{Ledger, LocalStore};
use jiff::tz::TimeZone;
use std::path::Path;

fn names() -> Names {
    let identity = Identity { job: "j", instance: None, host: Some("h") };
    Names {
        pattern: ArchiveName::for_job(false, false).pattern(identity, TimeZone::UTC),
        sources: vec![("pages".into(), "tar".into()), ("db".into(), "sql".into())],
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[tokio::test]
async fn a_set_is_good_only_with_manifest_and_all_its_objects() {
    let folder = tempfile::tempdir().unwrap();
    let names = names();
    for (second, what) in [(1, "good"), (2, "no manifest"), (3, "short"), (4, "missing"), (5, "garbage"), (6, "later")]
    {
        let time: Timestamp = format!("2014-11-02T01:02:0{second}Z").parse().unwrap();
        let object = format!("{}.tar.gz", names.pattern.stem("pages", time));
        if what != "missing" {
            put(folder.path(), &object, if what == "short" { "1234" } else { "12345" });
        }
        let text = match what {
            "garbage" => "{".to_owned(),
            "later" => "{\"eightbells_manifest\": 9}".to_owned(),
            _ => manifest(&time.to_string(), &[("pages", &object, 5)]).to_json(),
        };
        if what != "no manifest" {
            put(folder.path(), &names.pattern.manifest(time), &text);
        }
    }
    put(folder.path(), "j_pages_2014-11-02T01-02-09Z.tar.gz.part", "foreign");
    put(folder.path(), "notes.json", "{}");
    let store = LocalStore::new(folder.path(), false, Ledger::default());
    let sets = sets(&store, &names).await.unwrap();
    let states: Vec<_> = sets
        .iter()
        .map(|set| match &set.state {
            SetState::Good => "good",
            SetState::Incomplete(_) => "incomplete",
            SetState::Unknown(_) => "unknown",
        })
        .collect();
    assert_eq!(states, ["good", "incomplete", "incomplete", "incomplete", "incomplete", "unknown"]);
    assert_eq!((sets[0].size(), sets[4].objects.len()), (5, 1));
    let all = all_sets(&store).await.unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(all.iter().filter(|set| set.is_good()).count(), 1);
}

#[tokio::test]
async fn a_manifest_cannot_claim_what_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let names = names();
    let time: Timestamp = "2014-11-02T01:02:03Z".parse().unwrap();
    put(folder.path(), "wedding.jpg", "12345");
    put(
        folder.path(),
        &names.pattern.manifest(time),
        &manifest(&time.to_string(), &[("pages", "wedding.jpg", 5)]).to_json(),
    );
    let store = LocalStore::new(folder.path(), false, Ledger::default());
    let sets = sets(&store, &names).await.unwrap();
    assert!(!sets[0].is_good());
    assert!(sets[0].objects.is_empty());
}

#[tokio::test]
async fn a_source_that_the_job_has_no_more_is_still_the_set_s() {
    let folder = tempfile::tempdir().unwrap();
    let names = names();
    let time: Timestamp = "2014-11-02T01:02:03Z".parse().unwrap();
    let object = format!("{}.tar.gz", names.pattern.stem("former", time));
    put(folder.path(), &object, "12345");
    put(
        folder.path(),
        &names.pattern.manifest(time),
        &manifest(&time.to_string(), &[("former", &object, 5)]).to_json(),
    );
    let store = LocalStore::new(folder.path(), false, Ledger::default());
    let sets = sets(&store, &names).await.unwrap();
    assert!(sets[0].is_good());
    assert_eq!(sets[0].objects[0].name, object);
}
