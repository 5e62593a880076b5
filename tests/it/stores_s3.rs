//! What of S3 not every server has: storage classes, encryption, locks, digests, uploads that nobody completed, proxies,
//! temporary keys, buckets as hosts.

use std::fs;
use std::process::Output;
use std::time::Duration;

use eightbells::destination::{Addressing, Checksum, LockMode};
use eightbells::run::journal::Obligation;
use eightbells::run::os;
use eightbells::run::store::{
    BucketStore, Credentials, Encrypting, Ledger, Locking, S3Options, Store as _, StoreError, StoreErrorKind, Storing,
};
use secrecy::SecretString;

use crate::contract::{MIB, begin, bytes, get, keeps_its_promises, kind, names, put};
use crate::support::moto::{Key, Moto};
use crate::support::s3::S3Server;
use crate::support::webdav::{PASSWORD, Proxy, USER};
use crate::support::{TempDir, program, said, temp_dir, wait_until};

const HOUR: Duration = Duration::from_secs(3600);

fn options(endpoint: String, bucket: &str, key: &Key) -> S3Options {
    let Key { access, secret, token } = key.clone();
    S3Options {
        destination: "d".into(),
        endpoint: Some(endpoint),
        region: None,
        bucket: bucket.into(),
        prefix: "backups/".into(),
        credentials: Some(Credentials {
            access_key: access,
            secret_key: SecretString::from(secret),
            session_token: token.map(SecretString::from),
        }),
        addressing: Addressing::Path,
        ca_pem: None,
        allow_http: false,
        proxy: None,
        upload: None,
        storing: Storing::default(),
    }
}

fn key(server: &S3Server) -> Key {
    Key { access: server.access_key.clone(), secret: server.secret_key.clone(), token: None }
}

fn storing(options: S3Options, storing: Storing) -> BucketStore {
    BucketStore::s3(S3Options { storing, ..options }, Ledger::default()).unwrap()
}

fn at_moto(moto: &Moto, bucket: &str, with: Storing) -> BucketStore {
    storing(options(moto.endpoint(), bucket, &moto.key), with)
}

fn locked_for(lasts: Duration) -> Storing {
    let lock = Locking { retention: Some((LockMode::Governance, lasts)), legal_hold: false };
    Storing { lock: Some(lock), ..Storing::default() }
}

fn told(error: &StoreError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}\n{cause}\n{}", error.helps().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_with_an_object_is_what_the_server_has() {
    let Some(moto) = Moto::start() else { return };
    all_that_goes_with_an_object_arrives(&moto).await;
    what_is_locked_stays_whole_and_goes_later(&moto).await;
    a_server_that_refuses_is_told_with_the_key_to_take_out(&moto).await;
    uploads_that_nobody_completes_are_found_and_live_ones_are_not(&moto).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_key_comes_with_its_token() {
    let Some(moto) = Moto::start_strict() else { return };
    let temporary = moto.temporary.clone().unwrap();
    let open = |key: &Key| storing(options(moto.endpoint(), Moto::LOCKED, key), locked_for(HOUR));
    put(&open(&temporary), "temporary", &bytes(7)).await.unwrap_or_else(|error| panic!("{}", told(&error)));
    assert_eq!(get(&open(&temporary), "temporary").await.unwrap(), bytes(7));
    for token in [Some("expired".to_owned()), None] {
        let error = get(&open(&Key { token, ..temporary.clone() }), "temporary").await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{}", told(&error));
    }
    assert_eq!(kind(open(&temporary).delete(&["temporary".into()]).await), StoreErrorKind::Locked);
}

async fn all_that_goes_with_an_object_arrives(moto: &Moto) {
    let with = Storing {
        storage_class: Some("STANDARD_IA".into()),
        encryption: Some(Encrypting::Kms(Some("alias/own".into()))),
        ..locked_for(HOUR)
    };
    let store = at_moto(moto, Moto::LOCKED, with);
    for name in ["a.tar.zst", "a.json", "a.json.pin"] {
        put(&store, name, &bytes(5)).await.unwrap_or_else(|error| panic!("{}", told(&error)));
    }
    let head = r"
for name in words:
    head = s3.head_object(Bucket='locked-box', Key='backups/' + name, ChecksumMode='ENABLED')
    left = head.get('ObjectLockRetainUntilDate', datetime.datetime.now(datetime.timezone.utc)) - head['LastModified']
    print(name, head.get('StorageClass'), head.get('ServerSideEncryption'), head.get('SSEKMSKeyId'),
        head.get('ObjectLockMode'), round(left.total_seconds() / 60), head.get('ObjectLockLegalHoldStatus'),
        bool(head.get('ChecksumSHA256')))
";
    let seen = moto.ask(head, &["a.tar.zst", "a.json", "a.json.pin"]);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "a.tar.zst STANDARD_IA aws:kms alias/own GOVERNANCE 60 None True");
    // What every run reads is in the usual class; what people take away is not locked.
    assert_eq!(lines[1], "a.json None aws:kms alias/own GOVERNANCE 60 None True");
    assert_eq!(lines[2], "a.json.pin None aws:kms alias/own None 0 None True");

    let with = Storing {
        storage_class: Some("GLACIER".into()),
        encryption: Some(Encrypting::Aes256),
        checksum: Some(Checksum::Crc64nvme),
        lock: None,
    };
    let parts = at_moto(moto, Moto::PLAIN, with);
    put(&parts, "b.tar.zst", &bytes(20 * MIB)).await.unwrap_or_else(|error| panic!("{}", told(&error)));
    let head = "head = s3.head_object(Bucket='plain-box', Key='backups/b.tar.zst')\n\
                print(head['StorageClass'], head['ServerSideEncryption'], head['ContentLength'])";
    assert_eq!(moto.ask(head, &[]).trim(), format!("GLACIER AES256 {}", 20 * MIB));
    let error = get(&parts, "b.tar.zst").await.unwrap_err();
    assert!(told(&error).contains("restore-object"), "{}", told(&error));
    parts.delete(&["b.tar.zst".into()]).await.unwrap();
}

async fn what_is_locked_stays_whole_and_goes_later(moto: &Moto) {
    let store = at_moto(moto, Moto::LOCKED, locked_for(HOUR));
    let set: Vec<String> = ["a.json.pin", "a.json", "a.tar.zst"].map(ToOwned::to_owned).into();
    let error = store.delete(&set).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert!(
        error.to_string().contains("backups/a.json` is locked until 20") && error.to_string().contains("(governance)")
    );
    assert_eq!(names(&store).await, ["a.json", "a.json.pin", "a.tar.zst"], "a set that is locked lost something");
    let unlock = r"
for name in words:
    s3.put_object_retention(Bucket='locked-box', Key='backups/' + name, Retention={}, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket='locked-box', Key='backups/' + name, LegalHold={'Status': 'ON'})
";
    moto.ask(unlock, &["a.json", "a.tar.zst"]);
    let error = store.delete(&set).await.unwrap_err();
    assert!(error.kind() == StoreErrorKind::Locked && error.to_string().contains("legal hold"), "{error}");
    moto.ask(&unlock.replace("ON", "OFF"), &["a.json", "a.tar.zst"]);
    store.delete(&set).await.unwrap();
    assert!(names(&store).await.is_empty());
    let versions = "found = s3.list_object_versions(Bucket='locked-box')\n\
                    print(len(found.get('Versions', [])), len(found.get('DeleteMarkers', [])))";
    assert_eq!(moto.ask(versions, &[]).trim(), "0 0", "what was removed lies there still, hidden");
}

async fn a_server_that_refuses_is_told_with_the_key_to_take_out(moto: &Moto) {
    let store = at_moto(moto, Moto::PLAIN, locked_for(HOUR));
    let error = put(&store, "x.tar", &bytes(5)).await.unwrap_err();
    assert!(told(&error).contains("take `object_lock:` out"), "{}", told(&error));
    let with = Storing { storage_class: Some("NO_SUCH".into()), ..Storing::default() };
    let store = at_moto(moto, Moto::PLAIN, with);
    let error = put(&store, "x.tar", &bytes(5)).await.unwrap_err();
    assert!(told(&error).contains("`storage_class:`"), "{}", told(&error));
    assert!(names(&store).await.is_empty());

    // moto takes the lock of an upload in parts, and does nothing about it.
    let store = at_moto(moto, Moto::LOCKED, locked_for(HOUR));
    let error = put(&store, "x.tar", &bytes(20 * MIB)).await.unwrap_err();
    assert!(told(&error).contains("as if there were no `object_lock:`"), "{}", told(&error));
    store.delete(&["x.tar".into()]).await.unwrap();
}

async fn uploads_that_nobody_completes_are_found_and_live_ones_are_not(moto: &Moto) {
    // Whenever an upload was begun, moto says it was in 2010; of parts it tells the truth.
    let begin = r"
for name in words:
    begun = s3.create_multipart_upload(Bucket='plain-box', Key='backups/' + name)
    if name == 'live':
        s3.upload_part(Bucket='plain-box', Key='backups/live', UploadId=begun['UploadId'], PartNumber=1, Body=b'x')
";
    moto.ask(begin, &["dead", "live", "other", "sub/dead"]);
    let store = at_moto(moto, Moto::PLAIN, Storing::default());
    let ours = |name: &str| name != "other" && !name.contains('/');
    let before = os::now() - jiff::SignedDuration::from_hours(1);
    let found = store.stale(&ours, before).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(store.clean(&found[0]).await.unwrap());
    let after = os::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(store.stale(&ours, after).await.unwrap().len(), 1, "the live one");
    let left = "print([it['Key'] for it in s3.list_multipart_uploads(Bucket='plain-box')['Uploads']])";
    assert_eq!(moto.ask(left, &[]).trim(), "['backups/live', 'backups/other', 'backups/sub/dead']");
    assert!(names(&store).await.is_empty(), "unfinished uploads are listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_silently_does_nothing_about_what_it_is_told_is_found_out() {
    let Some(s3) = S3Server::start() else { return };
    let at = || options(s3.endpoint(), s3.bucket("box"), &key(&s3));
    let class = || Storing { storage_class: Some("STANDARD_IA".into()), ..Storing::default() };
    let encrypted = Storing { encryption: Some(Encrypting::Aes256), ..Storing::default() };
    for (key, with) in
        [("object_lock", locked_for(HOUR)), ("storage_class", class()), ("server_side_encryption", encrypted)]
    {
        let store = storing(at(), with);
        // A wrong signature would be refused: the headers are added to what was signed before.
        for size in [5, 9 * MIB] {
            let error = put(&store, "x.tar.zst", &bytes(size)).await.unwrap_err();
            assert!(told(&error).contains(&format!("`{key}:`")), "{}", told(&error));
            store.delete(&["x.tar.zst".into()]).await.unwrap();
        }
    }
    assert_eq!(s3.unfinished_uploads(), Vec::<String>::new());
    // Checked digests, with whatever goes with them; this server does not list uploads at all.
    let store = storing(at(), Storing { checksum: Some(Checksum::Sha256), ..Storing::default() });
    keeps_its_promises(&store).await;
    assert!(store.stale(&|_| true, os::now()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_listed_with_a_signature_that_is_looked_at() {
    let Some(s3) = S3Server::start_rclone() else { return };
    let store = storing(options(s3.endpoint(), s3.bucket("box"), &key(&s3)), Storing::default());
    let upload = begin(&store, "a b+c.tar", &bytes(20 * MIB)).await.unwrap();
    let soon = os::now() + jiff::SignedDuration::from_hours(1);
    let found = store.stale(&|_| true, soon).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(store.stale(&|_| true, os::now() - jiff::SignedDuration::from_hours(1)).await.unwrap().is_empty());
    let Obligation::MultipartUpload { destination, key, upload_id: Some(_) } = &found[0] else { panic!("{found:?}") };
    // A run that was killed before the server told the upload's number knows its key alone.
    let unnamed = Obligation::MultipartUpload { destination: destination.clone(), key: key.clone(), upload_id: None };
    assert!(store.clean(&unnamed).await.unwrap());
    assert!(store.stale(&|_| true, soon).await.unwrap().is_empty());
    drop(upload);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_a_host_where_that_was_asked_for() {
    let Some(s3) = S3Server::start_with_domain("s3.test") else { return };
    s3.bucket("box");
    // Nobody resolves the name: the server stands in for the proxy, which is told whole addresses.
    let virtual_host = S3Options {
        addressing: Addressing::Virtual,
        proxy: Some(SecretString::from(s3.endpoint())),
        allow_http: true,
        ..options("http://s3.test".into(), "box", &key(&s3))
    };
    let store = storing(virtual_host, Storing::default());
    put(&store, "x", &bytes(9 * MIB)).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert!(get(&store, "x").await.unwrap() == bytes(9 * MIB));
    assert_eq!(s3.keys("box"), ["backups/x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_gone_through_with_its_user_and_password() {
    let (Some(proxy), Some(plain), Some(tls)) = (Proxy::start(), S3Server::start(), S3Server::start_rclone_tls())
    else {
        return;
    };
    let through = |user: &str| Some(SecretString::from(format!("http://{user}127.0.0.1:{}", proxy.port())));
    let (good, bad) = (format!("{USER}:{}@", PASSWORD.replace(' ', "%20")), format!("{USER}:hunter2@"));
    let to_plain = options(plain.endpoint(), plain.bucket("box"), &key(&plain));
    let to_tls = S3Options {
        ca_pem: Some(fs::read(tls.ca()).unwrap()),
        ..options(format!("https://127.0.0.1:{}", tls.port()), tls.bucket("box"), &key(&tls))
    };
    for (number, to) in [to_plain, to_tls].into_iter().enumerate() {
        let store = storing(S3Options { proxy: through(&good), ..to.clone() }, Storing::default());
        put(&store, "x", &bytes(9 * MIB)).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(get(&store, "x").await.unwrap() == bytes(9 * MIB));
        // A tunnel is told of once it is closed.
        drop(store);
        let begin = ["PUT http://", "CONNECT 127"][number];
        let seen = || proxy.requests().iter().any(|line| line.starts_with(begin));
        assert!(wait_until(Duration::from_secs(10), seen), "{:?}", proxy.requests());
        let denied = storing(S3Options { proxy: through(&bad), ..to }, Storing::default());
        let error = denied.list().await.unwrap_err();
        assert!(told(&error).contains("`proxy:`") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

/// A job that stores with a lock at moto's, where archives of both of its runs are locked when the second prunes.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(moto: &Moto) -> Self {
        let folder = temp_dir();
        let own = folder.path().display();
        fs::write(folder.path().join("secret"), &moto.key.secret).unwrap();
        let spec = format!(
            "version: 1\ntarget: systemd\ndestinations:\n  box:\n    s3:\n      endpoint: \"{}\"\n      bucket: {}\n      \
             access_key: {}\n      secret_key: {{file: {own}/secret}}\n      prefix: backups/\n      \
             storage_class: STANDARD_IA\n      object_lock: {{mode: governance, for: 1h}}\njobs:\n  job:\n    \
             schedule: {{every: 1h}}\n    sources: {{out: {{command: [echo, hello], extension: txt}}}}\n    \
             archive: {{name: \"{{job}}_{{source}}_{{time:%Y-%m-%d-%H-%M-%S}}\"}}\n    \
             store: [{{to: box, keep: {{last: 1}}}}]\n",
            moto.endpoint(),
            Moto::LOCKED,
            moto.key.access
        );
        fs::write(folder.path().join("spec.yaml"), spec).unwrap();
        Self { folder }
    }

    fn run(&self, verb: &str) -> Output {
        let mut command = program::runner();
        command.arg(verb).env("EIGHTBELLS_STATE_DIR", self.folder.path().join("state"));
        let output = command.arg("--spec").arg(self.folder.path().join("spec.yaml")).args(["--job", "job"]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        output
    }
}

#[test]
fn a_lock_that_outlives_the_policy_fails_no_run_and_stale_uploads_of_the_job_alone_are_aborted() {
    let Some(moto) = Moto::start() else { return };
    let bench = Bench::new(&moto);
    let begin = "for name in words:\n    s3.create_multipart_upload(Bucket='locked-box', Key='backups/' + name)";
    moto.ask(begin, &["job_out_2020-01-02-03-04-05.txt.zst", "other_out_2020-01-02-03-04-05.txt.zst"]);
    let first = said(&bench.run("backup"));
    assert!(first.contains("aborted an upload of backups/job_out_2020-01-02-03-04-05.txt.zst at `box`"), "{first}");
    let left = "print([it['Key'] for it in s3.list_multipart_uploads(Bucket='locked-box')['Uploads']])";
    assert_eq!(moto.ask(left, &[]).trim(), "['backups/other_out_2020-01-02-03-04-05.txt.zst']");

    let second = said(&bench.run("backup"));
    assert!(second.contains("is kept: `backups/job_manifest_") && second.contains("is locked until 20"), "{second}");
    assert!(!second.contains("warning"), "{second}");
    let pruned = said(&bench.run("prune"));
    assert!(pruned.contains("0 of 2 went") && pruned.contains("locked  "), "{pruned}");

    let unlock = r"
for version in s3.list_object_versions(Bucket='locked-box')['Versions']:
    s3.put_object_retention(Bucket='locked-box', Key=version['Key'], Retention={}, BypassGovernanceRetention=True)
";
    moto.ask(unlock, &[]);
    let pruned = said(&bench.run("prune"));
    assert!(pruned.contains("1 of 2 went"), "{pruned}");
    let versions = "found = s3.list_object_versions(Bucket='locked-box')\n\
                    print(len(found['Versions']), len(found.get('DeleteMarkers', [])))";
    assert_eq!(moto.ask(versions, &[]).trim(), "2 0");
}
