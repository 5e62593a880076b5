//! Limits of a destination's rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use eightbells::contract::Job;
use eightbells::run::os::Environment;
use eightbells::run::secret::Secrets;
use eightbells::run::store::{Ledger, Means, Store, open};
use eightbells::value::Context;
use serde_json::{Value, json};

use crate::backup::{Bench, assert_one_set, code};
use crate::contract::{MIB, begin, bytes, get};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::s3::S3Server;
use crate::support::webdav::{PASSWORD, USER, WebDavServer};
use crate::support::{said, temp_dir};

/// A destination as a compiled job has it.
async fn connect(kind: Value, limit: Value) -> Arc<dyn Store> {
    let mut to = json!({"name": "d", "kind": kind});
    if !limit.is_null() {
        to["limit"] = limit;
    }
    let archive = serde_json::to_value(eightbells::archive::Archive::default()).unwrap();
    let job = json!({"version": 1, "name": "j", "sources": [], "archive": archive, "store": [{"to": to}]});
    let job = Job::from_json(&job.to_string()).unwrap();
    let context = Context {
        job: "j".into(),
        instance: None,
        host: "h".into(),
        source: None,
        scratch: None,
        time: jiff::Zoned::default(),
    };
    let environment = Environment::current();
    let secrets = Secrets::resolve(&job, &context, &environment).await.unwrap();
    let means = Means { secrets: &secrets, context: &context, environment: &environment };
    open(&job.store[0].to, means, Ledger::default()).unwrap()
}

fn assert_about(what: &str, taken: Duration, expected: Duration) {
    let ratio = taken.as_secs_f64() / expected.as_secs_f64();
    assert!((0.8..=1.2).contains(&ratio), "{what}: {taken:?} where {expected:?} was right");
}

/// 10 MiB up and down again at 5 MiB/s.
async fn takes_as_long_as_it_should(name: &str, kind: Value, content: Bytes) {
    let store = connect(kind, json!({"upload": "5MiB/s", "download": "5MiB/s"})).await;
    let expected = Duration::from_secs(2);
    let begun = Instant::now();
    let mut upload = begin(&*store, "x", &content).await.unwrap();
    upload.stage().await.unwrap();
    upload.commit().await.unwrap();
    assert_about(&format!("{name}, up"), begun.elapsed(), expected);
    let begun = Instant::now();
    assert!(get(&*store, "x").await.unwrap() == content);
    assert_about(&format!("{name}, down"), begun.elapsed(), expected);
}

fn bucket(s3: &S3Server) -> Value {
    json!({"s3": {
        "endpoint": s3.endpoint(), "bucket": s3.bucket("box"), "addressing": "path",
        "access_key": s3.access_key, "secret_key": s3.secret_key,
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_is_as_fast_as_its_limit_and_no_faster() {
    let (folder, webdav) = (temp_dir(), WebDavServer::all());
    let Some(s3) = S3Server::start() else { return };
    let mut all = vec![("folder", json!({"local": {"path": folder.path(), "create": true}})), ("bucket", bucket(&s3))];
    all.extend(webdav.iter().map(|(name, server)| {
        let url = format!("http://127.0.0.1:{}/", server.port());
        (*name, json!({"webdav": {"url": url, "user": USER, "password": PASSWORD, "create": true}}))
    }));
    let content = bytes(10 * MIB);
    let each = all.into_iter().map(|(name, kind)| takes_as_long_as_it_should(name, kind, content.clone()));
    futures_util::future::join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_itself_is_slowed_and_does_not_go_out_in_a_burst() {
    let Some(s3) = S3Server::start() else { return };
    let (store, content) = (connect(bucket(&s3), json!({"upload": "4MiB/s"})).await, bytes(7 * MIB));
    let mut upload = begin(&*store, "x", &content).await.unwrap();
    upload.stage().await.unwrap();
    let begun = Instant::now();
    upload.commit().await.unwrap();
    assert_about("one request of 7 MiB", begun.elapsed(), Duration::from_millis(1_750));
    let begun = Instant::now();
    assert!(get(&*store, "x").await.unwrap() == content);
    assert!(begun.elapsed() < Duration::from_millis(1_200), "a limit of uploads slows no download");
}

const TEN_MEGABYTES: &str = "db: {command: [head, -c, \"10000000\", /dev/urandom], extension: x}";

#[test]
fn who_keeps_to_a_limit_has_not_stalled_and_who_stalls_has() {
    let Some(mut bench) = Bench::with_s3() else { return };
    bench.bucket_at("slow", "q/", bench.s3().port());
    bench.limit("{upload: 4MiB/s}");
    bench.job(&[TEN_MEGABYTES], "timeouts: {stall: 1s, idle: 1s}\narchive: {compression: none}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let keys = bench.in_bucket();
    let slow: Vec<String> = keys.iter().filter_map(|key| key.strip_prefix("q/")).map(ToOwned::to_owned).collect();
    assert_one_set(&slow, 1);
    // One part of 8 MiB alone takes twice what counts as stalled.
    assert!(begun.elapsed() >= Duration::from_millis(2_200), "{:?}", begun.elapsed());

    let Some(mut bench) = Bench::with_s3() else { return };
    let proxy = ChaosProxy::start(bench.s3().port(), |_| Faults::up(Fault::StallAfter(3_000_000)));
    bench.bucket_at("slow", "q/", proxy.port());
    bench.limit("4MiB/s");
    bench.job(&[TEN_MEGABYTES], "timeouts: {stall: 1s}\narchive: {compression: none}");
    let output = bench.run();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(said(&output).contains("it has stalled"), "{}", said(&output));
}
