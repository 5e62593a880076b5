//! Specs that are right, and what they mean.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::indexing_slicing, reason = "as above")]

use eightbells::archive::Compression;
use eightbells::destination::{Addressing, Checksum, DestinationKind, Encryption, LockMode, ObjectLock, S3};
use eightbells::diag::{Colour, Report, render_human};
use eightbells::retention::{Guard, Keep, Percent, Policy};
use eightbells::schedule::Trigger;
use eightbells::source::{Access, At, Content, Databases, Engine, PostgresFormat, Server, SourceKind};
use eightbells::spec::{self, IoClass, Job, JobIn, Origin, ReadError, Spec};
use eightbells::target::{Scheduler, Scope, Target};
use eightbells::value::{Bytes, Reference, Value};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

const MOINMOIN: &str = include_str!("specs/moinmoin.yaml");
const HOURS: u64 = 3600;

fn told(report: &Report) -> String {
    render_human(report, Colour::Never)
}

fn read(text: &str) -> Spec {
    let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
    assert!(report.is_clean(), "{}\n{text}", told(&report));
    spec.unwrap()
}

/// A spec of one job, to whose necessary keys others are added.
fn job_with(keys: &str) -> Spec {
    read(&format!(
        "version: 1\ndestinations: {{host: {{local: {{path: /b}}}}}}\njobs:\n  a:\n    schedule: {{every: 4h}}\n    \
         sources: {{f: {{paths: [/a]}}}}\n    store: [host]\n    instances: [\"80\"]\n    {keys}\n"
    ))
}

#[test]
fn archives_are_encrypted_for_recipients_or_by_a_passphrase() {
    const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN me";
    let archive = |keys: &str| job_with(&format!("archive: {keys}")).jobs.remove(0).archive;
    let both = archive(&format!("{{encrypt: {{recipients: [{AGE}, \"{SSH}\"], recipients_file: /etc/r}}}}"));
    let encrypt = both.encrypt.as_ref().unwrap();
    assert_eq!(encrypt.recipients, [AGE, SSH]);
    assert!(encrypt.recipients_file.is_some() && encrypt.passphrase.is_none());
    assert_eq!(both.suffix(), ".zst.age");
    let by_word = archive("{compression: gzip, frame_size: 2MiB, encrypt: {passphrase: {file: /etc/p}}}");
    assert!(by_word.encrypt.as_ref().is_some_and(|encrypt| encrypt.passphrase.is_some()));
    assert_eq!((by_word.suffix().as_str(), by_word.frame_bytes()), (".gz.age", 2 << 20));
    let plain = archive("{}");
    assert_eq!((plain.suffix().as_str(), plain.frame_bytes(), plain.encrypt), (".zst", 4 << 20, None));
}

#[test]
fn a_drill_has_a_schedule_of_its_own_and_defaults_can_be_declined() {
    let spec = job_with(
        "drill: {schedule: {calendar: \"Sun 05:00 UTC\"}, check: [test, -d, \"{scratch}/a/{instance}\"], at: latest~2, source: f}",
    );
    let drilled = spec.jobs[0].drill.clone().unwrap();
    assert_eq!(drilled.schedule.usual_interval(), Some(Duration::from_secs(7 * 24 * HOURS)));
    assert_eq!((drilled.drill.back, drilled.drill.source.as_deref(), drilled.drill.timeout), (2, Some("f"), None));
    assert_eq!(spec.compile(&spec.jobs[0]).drill, Some(drilled.drill));
    let shown = spec::show(&spec, &Report::default().sources, Some("a"));
    assert!(shown.contains("at: \"latest~2\"") && shown.contains("timeout: \"1h\""), "{shown}");
    let text = "version: 1\ndestinations: {host: {local: {path: /b}}}\ndefaults:\n  drill: {schedule: {every: 7d}, check: [\"true\"]}\njobs:\n  a:\n    schedule: {every: 4h}\n    sources: {f: {paths: [/a]}}\n    store: [host]\n  b:\n    schedule: {every: 4h}\n    sources: {f: {paths: [/a]}}\n    store: [host]\n    drill: none\n";
    let spec = read(text);
    assert_eq!(spec.jobs.iter().map(Job::drill_name).collect::<Vec<_>>(), [Some("a-drill".to_owned()), None]);
}

/// A spec of one job whose schedule is given.
fn scheduled(schedule: &str) -> Job {
    let head = "version: 1\ndestinations: {host: {local: {path: /b}}}\njobs:\n  a:\n    sources: {f: {paths: [/a]}}\n";
    read(&format!("{head}    store: [host]\n    schedule: {schedule}\n")).jobs.remove(0)
}

/// The source that a text describes.
fn source(text: &str) -> eightbells::source::Source {
    let head = "version: 1\ndestinations: {host: {local: {path: /b}}}\njobs:\n  a:\n    schedule: {every: 4h}\n";
    read(&format!("{head}    store: [host]\n    sources: {{f: {text}}}\n")).jobs.remove(0).sources.remove(0)
}

/// The destination that a text describes.
fn destination(text: &str) -> DestinationKind {
    let head = "version: 1\netcd: {endpoints: [\"http://127.0.0.1:2379\"]}\njobs:\n  a: {schedule: {every: 4h}, ";
    let job = "sources: {f: {paths: [/a]}}, store: [x], service: {environment_file: /etc/e}}\n";
    read(&format!("{head}{job}destinations: {{x: {text}}}\n")).destinations["x"].kind.clone()
}

fn s3(text: &str) -> S3 {
    match destination(&format!("{{s3: {text}}}")) {
        DestinationKind::S3(s3) => *s3,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_folder_behind_ssh_is_made_unless_that_is_refused() {
    let DestinationKind::Sftp(sftp) = destination("{sftp: {host: h, path: \"a/{job}\"}}") else { panic!() };
    assert_eq!((sftp.create, sftp.port, sftp.identity_file.is_none()), (true, None, true));
    let text = |value: &Value| value.text().unwrap().to_string();
    let place = |text_of| destination(text_of).place(&text);
    assert_eq!(place("{sftp: {host: h, path: \"a/{job}\"}}"), "sftp://h/~/a/{job}");
    assert_eq!(place("{azure: {account: a, container: c, prefix: p/, sas_token: {file: /s}}}"), "azure://a/c/p/");
    assert_eq!(
        place("{gcs: {bucket: b, service_account: {file: /s}, endpoint: \"http://[::1]:4443\"}}"),
        "gs://b/ (http://[::1]:4443)"
    );
    assert_eq!(place("{sftp: {host: h, user: u, port: 2, path: /a/, create: false}}"), "sftp://u@h:2/a");
}

#[test]
fn the_design_s_spec_means_what_it_says() {
    let spec = read(MOINMOIN);
    assert_eq!(spec.target, Target { scheduler: Scheduler::Fleet, systemd: 215 });
    assert_eq!(spec.runner, "/opt/bin/eightbells-run");
    let job = &spec.jobs[0];
    assert_eq!((job.name.as_str(), job.description.to_string()), ("moinmoin-backup", "MoinMoin backup".into()));
    assert_eq!(job.instances, ["80"]);
    assert_eq!(job.schedule.trigger, Trigger::Every(Duration::from_secs(4 * HOURS)));
    assert_eq!(job.relations.needs[0].to_string(), "moinmoin@{instance}.service");
    assert_eq!(job.job_in, JobIn::Unit);
    assert_eq!(job.store.iter().map(|s| s.to.as_str()).collect::<Vec<_>>(), ["host", "idcf"]);
    let within = Policy { within: Some(Duration::from_secs(48 * HOURS)), ..Policy::default() };
    assert_eq!(job.store[0].keep, Keep::Policy(within));
    assert_eq!(job.archive.compression, Compression::Gzip { level: 6, threads: 2 });
    assert_eq!(job.fleet.machine_metadata, [("role".to_owned(), vec!["moin".to_owned()])]);
    assert_eq!(job.fleet.conflicts[0].to_string(), "{job}@*.service");
    assert_eq!((job.service.nice, job.service.io_class), (Some(10), Some(IoClass::Idle)));
    assert!(job.service.network_online && job.service.hardening);
    let SourceKind::Container(container) = &job.sources[0].kind else { panic!() };
    assert_eq!(container.container.to_string(), "moinmoin{instance}");
    assert_eq!(container.dump.len(), 4);
    assert!(matches!(&container.content, Content::Tree { path, .. } if path.to_string() == "{scratch}/pages"));
}

#[test]
fn what_is_not_said_has_its_default() {
    let spec = read(
        "version: 1\ndestinations: {h: {local: {path: /b}}}\njobs: {a: {schedule: {cron: \"30 2 * * *\"}, sources: {f: \
         {paths: /a}}, store: h}}\n",
    );
    assert_eq!(spec.target, Target { scheduler: Scheduler::Systemd(Scope::System), systemd: 252 });
    assert_eq!(spec.runner, "/usr/local/bin/eightbells-run");
    assert_eq!(spec.spec_path, "/etc/eightbells/backups.yaml");
    let job = &spec.jobs[0];
    assert_eq!(job.job_in, JobIn::File);
    assert_eq!(job.store[0].keep, Keep::All);
    assert_eq!(job.archive, eightbells::archive::Archive::default());
    assert_eq!(job.service.timeout, Some(Duration::from_secs(24 * HOURS)));
    assert!(!job.service.network_online, "nothing here is remote");
    assert!(matches!(job.schedule.trigger, Trigger::Calendar { catch_up: true, .. }));
}

#[test]
fn targets_are_read_in_short_and_long_form() {
    let forms = [
        ("fleet", "fleet:215"),
        ("{fleet: {systemd: 229}}", "fleet:229"),
        ("{fleet: {}}", "fleet:215"),
        ("systemd", "systemd:252"),
        ("{systemd: {version: 255, scope: user}}", "systemd:255:user"),
        ("\"systemd:247\"", "systemd:247"),
    ];
    for (form, target) in forms {
        let spec = read(&format!(
            "version: 1\ntarget: {form}\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs: {{a: {{schedule: {{every: 1h}}, sources: {{f: {{paths: /a}}}}, store: h}}}}\n"
        ));
        assert_eq!(spec.target.to_string(), target);
    }
}

#[test]
fn schedules_are_read_in_every_form() {
    let every = [("4h", 4 * HOURS), ("1h 30m", 5400), ("2d", 48 * HOURS), ("5min", 300), ("1w", 168 * HOURS)];
    for (text, seconds) in every {
        let trigger = scheduled(&format!("{{every: {text}}}")).schedule.trigger;
        assert_eq!(trigger, Trigger::Every(Duration::from_secs(seconds)), "{text}");
    }
    let calendars = [
        ("{calendar: daily}", 1, true),
        ("{calendar: [daily, \"Mon *-*-* 02:30:00\"], catch_up: false}", 2, false),
        ("{cron: \"30 2 * * *\"}", 1, true),
        ("{cron: \"30 2 13 * 5\"}", 2, true),
        ("{calendar: \"*-*-* 02:30:00\", timezone: Asia/Tokyo}", 1, true),
    ];
    for (text, times, wanted) in calendars {
        let Trigger::Calendar { specs, catch_up } = scheduled(text).schedule.trigger else { panic!("{text}") };
        assert_eq!((specs.len(), catch_up), (times, wanted), "{text}");
    }
    let schedule =
        scheduled("{every: 1h, jitter: 5min, unless_newer_than: 30m, blackout: [{from: 22:00, until: \"06:30\"}]}")
            .schedule;
    assert_eq!(schedule.jitter, Some(Duration::from_secs(300)));
    assert_eq!(schedule.unless_newer_than, Some(Duration::from_secs(1800)));
    assert_eq!(schedule.blackout.len(), 1);
}

#[test]
fn sources_are_read_in_every_form() {
    let paths = source(
        "{paths: [/a, \"/b/{host}\"], exclude: \"*.tmp\", one_file_system: true, allow_empty: true, timeout: 1h}",
    );
    let SourceKind::Paths(inner) = &paths.kind else { panic!() };
    assert_eq!((inner.paths.len(), inner.exclude.len(), inner.one_file_system), (2, 1, true));
    assert!(paths.allow_empty && paths.timeout == Some(Duration::from_secs(HOURS)));
    let command = source(
        "{command: [pg_dump, \"--date={time:%F}\", \"\"], extension: sql, env: {PGHOST: db, PGPORT: 5432}, directory: /srv}",
    );
    let SourceKind::Command(inner) = &command.kind else { panic!() };
    assert_eq!((inner.argv.len(), inner.env.len(), inner.extension.as_str()), (3, 2, "sql"));
    let stream = source("{container: db, engine: podman, dump: [pg_dumpall], user: postgres, extension: sql}");
    let SourceKind::Container(inner) = &stream.kind else { panic!() };
    assert_eq!((inner.engine, inner.access), (Engine::Podman, Access::Auto));
    let tree = source("{container: \"wiki-{job}\", tree: /data, exclude: [cache], access: exec}");
    let SourceKind::Container(inner) = &tree.kind else { panic!() };
    assert_eq!((inner.access, inner.dump.len(), tree.extension()), (Access::Exec, 0, "tar"));
}

#[test]
fn databases_are_read_in_every_form() {
    let database = |text: &str| match source(text).kind {
        SourceKind::Database(database) => *database,
        other => panic!("{other:?}"),
    };
    let one = database(
        "{postgres: {database: \"shop-{job}\", socket: /run/pg, user: {file: /u}, format: custom, bin: /opt/pg}}",
    );
    let Server::Postgres(postgres) = &one.server else { panic!() };
    assert!(matches!(postgres.databases, Databases::One(_)) && postgres.format == PostgresFormat::Custom);
    assert!(matches!(one.at, At::Host { socket: Some(_) }) && one.bin.is_some() && !postgres.globals);
    let all =
        source("{postgres: {databases: all, except: [old], host: db, port: 5433, password: {file: /p}}, timeout: 1h}");
    let pairs = |source: &eightbells::source::Source| -> Vec<String> {
        source.objects().into_iter().map(|(name, extension)| format!("{name}.{extension}")).collect()
    };
    assert_eq!(pairs(&all), ["f@*.sql", "f.sql"]);
    assert!(all.is_many() && all.timeout.is_some());
    let some = source("{mysql: {databases: [shop, \"Wiki 2\"], consistency: lock}}");
    assert_eq!(pairs(&some), ["f@shop.sql", "f@Wiki=202.sql"]);
    let inside = database(
        "{mariadb: {database: shop, container: \"db-{job}\", engine: podman, env: {A: b}, options: [--skip-events]}}",
    );
    assert!(matches!(inside.at, At::Container { engine: Engine::Podman, .. }) && inside.options.len() == 1);
    assert_eq!(database("{redis: {}}").server, Server::Redis);
    let bare = database("{sqlite: /srv/shop.db}");
    assert_eq!(bare, database("{sqlite: {path: /srv/shop.db}}"));
    let mongodb = database("{mongodb: {oplog: true}}");
    assert!(matches!(mongodb.server, Server::Mongodb(ref inner) if inner.oplog && inner.database.is_none()));
    let etcd = source("{etcd: {endpoints: \"https://h:2379\", user: root, password: {file: /p}}}");
    assert!(matches!(&etcd.kind, SourceKind::EtcdSnapshot(snapshot) if snapshot.endpoints.len() == 1));
    for source in [all, some, etcd] {
        let json = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<eightbells::source::Source>(&json).unwrap(), source);
    }
}

#[test]
fn what_show_prints_of_databases_is_the_same_spec() {
    let sources = "a: {postgres: {databases: all, except: [x], host: h, port: 1, globals: false}}, b: {redis: {}}, c: {sqlite: /x.db}, \
                   d: {mysql: {database: y, container: c}}, e: {etcd: {endpoints: [\"http://h:1\"]}}, f: {mongodb: {database: z}}, \
                   g: {mariadb: {databases: [p, q], socket: /s}}";
    let text = format!(
        "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs: {{a: {{schedule: {{every: 1h}}, sources: {{{sources}}}, store: h}}}}\n"
    );
    let read_again = |text: &str| {
        let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
        let spec = spec.unwrap_or_else(|| panic!("{}\n{text}", told(&report)));
        (spec::show(&spec, &report.sources, None), spec.jobs[0].sources.clone())
    };
    let (shown, sources) = read_again(&text);
    assert_eq!(read_again(&shown).1, sources, "{shown}");
    assert!(shown.contains("database: \"y\"  # backups.yaml:3"), "{shown}");
}

#[test]
fn compressions_are_read_in_every_form() {
    let forms = [
        ("none", Compression::None),
        ("gzip", Compression::Gzip { level: 6, threads: 2 }),
        ("{gzip: {level: 1, threads: 64}}", Compression::Gzip { level: 1, threads: 64 }),
        ("{gzip: {level: 9}}", Compression::Gzip { level: 9, threads: 2 }),
        ("zstd", Compression::Zstd { level: 3, threads: 2 }),
        ("{zstd: {level: 19, threads: 4}}", Compression::Zstd { level: 19, threads: 4 }),
    ];
    for (form, compression) in forms {
        assert_eq!(job_with(&format!("archive: {{compression: {form}}}")).jobs[0].archive.compression, compression);
    }
}

#[test]
fn destinations_are_read_in_every_form() {
    assert!(matches!(destination("{local: {path: /b, create: false}}"), DestinationKind::Local(l) if !l.create));
    let plain = s3("{bucket: b}");
    assert_eq!((plain.addressing, plain.endpoint, plain.allow_http), (Addressing::Virtual, None, false));
    let own = s3(
        "{bucket: b, endpoint: \"https://s3.example.org\", region: eu-1, prefix: \"{host}/\", ca_file: /etc/ca.pem}",
    );
    assert_eq!(own.addressing, Addressing::Path);
    assert!(s3("{bucket: b, endpoint: \"http://s3.example.org\", allow_http: true}").allow_http);
    assert!(!s3("{bucket: b, endpoint: \"http://[::1]:9000\"}").allow_http);
}

#[test]
fn references_are_read_in_every_form() {
    let of = |text: &str| match s3(&format!("{{bucket: {text}}}")).bucket {
        Value::Reference(reference) => reference,
        Value::Text(text) => panic!("{text}"),
    };
    assert!(matches!(of("{etcd: \"/k/{job}\"}"), Reference::Etcd(_)));
    assert_eq!(of("{env: BUCKET}"), Reference::Env("BUCKET".into()));
    assert!(matches!(of("{file: /run/bucket}"), Reference::File(_)));
    assert!(matches!(of("{credential: bucket}"), Reference::Credential { path: None, .. }));
    assert!(matches!(
        of("{credential: {name: bucket, path: /etc/bucket}}"),
        Reference::Credential { path: Some(_), .. }
    ));
    assert!(matches!(of("{command: [pass, show, bucket]}"), Reference::Command(argv) if argv.len() == 3));
}

#[test]
fn what_is_kept_is_read_in_every_form() {
    let keep = |text: &str| {
        let head = "version: 1\ndestinations: {h: {local: {path: /b}}}\njobs: {a: {schedule: {every: 1h}, sources: {f: {paths: /a}}, ";
        read(&format!("{head}store: [{{to: h, keep: {text}}}]}}}}\n")).jobs.remove(0).store.remove(0).keep
    };
    assert_eq!(keep("all"), Keep::All);
    let n = NonZeroU32::new;
    let policy = Policy { last: n(14), at_least: n(3), ..Policy::default() };
    assert_eq!(keep("{last: 14, at_least: 3}"), Keep::Policy(policy));
    let policy = Policy {
        within: Some(Duration::from_secs(48 * HOURS)),
        last: n(1),
        hourly: n(24),
        daily: n(7),
        weekly: n(5),
        monthly: n(12),
        quarterly: n(8),
        yearly: n(10),
        at_least: n(2),
    };
    let text =
        "{within: 2d, last: 1, hourly: 24, daily: 7, weekly: 5, monthly: 12, quarterly: 8, yearly: 10, at_least: 2}";
    assert_eq!(keep(text), Keep::Policy(policy));
}

#[test]
fn a_guard_is_read_in_every_form_and_is_on_by_default() {
    let guard = |keys: &str| job_with(keys).jobs.remove(0).guard;
    assert_eq!(guard(""), Some(Guard::default()));
    assert_eq!(guard("guard: none"), None);
    let other = Guard { shrink: Percent::parse("80%").unwrap(), over: NonZeroU32::new(9).unwrap() };
    assert_eq!(guard("guard: {shrink: 80%, over: 9}"), Some(other));
    assert_eq!(guard("guard: {shrink: 50%}"), Some(Guard::default()));
}

#[test]
fn services_are_read_in_full() {
    let spec = job_with(
        "service: {user: backup, group: 1000, supplementary_groups: [docker, adm], nice: -5, io_class: best-effort, io_priority: 7, \
         cpu_weight: 50, memory_max: 512MiB, tasks_max: 64, timeout: none, environment_file: [\"-/etc/a\", /etc/b], network_online: true, \
         on_failure: \"alert@{job}.service\", hardening: false, directives: {Service: {Slice: backup.slice, ReadOnlyPaths: [/a, /b], \
         PrivateTmp: false}, X-Fleet: {MachineOf: \"x@{instance}.service\"}}}",
    );
    let service = &spec.jobs[0].service;
    assert_eq!((service.user.as_deref(), service.group.as_deref()), (Some("backup"), Some("1000")));
    assert_eq!((service.memory_max, service.timeout), (Some(Bytes(512 << 20)), None));
    assert_eq!(service.environment_file.len(), 2);
    assert_eq!(service.directives["Service"]["ReadOnlyPaths"].len(), 2);
    assert_eq!(service.directives["Service"]["PrivateTmp"][0].to_string(), "false");
}

#[test]
fn texts_are_what_was_written() {
    for (written, meant) in [
        ("[80]", "80"),
        ("[1.10]", "1.10"),
        ("[\"010\"]", "010"),
        ("[0x50]", "0x50"),
        ("[\"yes\"]", "yes"),
        ("[1_000]", "1_000"),
    ] {
        let text = format!(
            "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs: {{a: {{schedule: {{every: 1h}}, sources: {{f: {{paths: /a}}}}, store: h, instances: {written}}}}}\n"
        );
        assert_eq!(read(&text).jobs[0].instances, [meant]);
    }
}

#[test]
fn anchors_merge_keys_and_extensions_work() {
    let spec = read(
        "version: 1\nx-often: &often {every: 1h}\nx-job: &job {schedule: *often, store: [h]}\ndestinations: {h: {local: {path: /b}}}\n\
         jobs:\n  a: {<<: *job, sources: {f: {paths: /a}}}\n  b: {<<: *job, sources: {f: {paths: /b}}, schedule: {every: 2h}}\n",
    );
    assert_eq!(spec.jobs[0].schedule.trigger, Trigger::Every(Duration::from_secs(HOURS)));
    assert_eq!(spec.jobs[1].schedule.trigger, Trigger::Every(Duration::from_secs(2 * HOURS)));
}

const DEFAULTS: &str = "version: 1
destinations: {h: {local: {path: /b}}, g: {local: {path: /c}}}
defaults:
  schedule: {every: 4h, jitter: 5min}
  store: [h]
  archive: {compression: gzip, timezone: Asia/Tokyo}
  fleet: {machine_metadata: {role: a}, machine_of: [a.service]}
  service: {nice: 5, user: backup, directives: {Service: {Slice: a.slice, CPUQuota: 10%}}}
jobs:
  a: {sources: {f: {paths: /a}}}
  b:
    sources: {f: {paths: /b}}
    schedule: {every: 1h}
    store: [g]
    archive: {compression: none}
    fleet: {machine_of: [b.service]}
    service: {nice: 9, directives: {Service: {Slice: b.slice}, Unit: {X-A: b}}}
";

#[test]
fn defaults_apply_and_a_job_s_own_values_win() {
    let spec = read(DEFAULTS);
    let [a, b] = spec.jobs.as_slice() else { panic!() };
    assert_eq!(a.schedule.trigger, Trigger::Every(Duration::from_secs(4 * HOURS)));
    assert_eq!((b.schedule.trigger.clone(), b.schedule.jitter), (Trigger::Every(Duration::from_secs(HOURS)), None));
    assert_eq!((a.store[0].to.as_str(), b.store[0].to.as_str(), b.store.len()), ("h", "g", 1));
    assert_eq!((b.archive.compression, b.archive.timezone.as_deref()), (Compression::None, Some("Asia/Tokyo")));
    assert_eq!((b.service.nice, b.service.user.as_deref()), (Some(9), Some("backup")));
    assert_eq!(b.service.directives["Service"]["Slice"][0].to_string(), "b.slice");
    assert_eq!(b.service.directives["Service"]["CPUQuota"][0].to_string(), "10%");
    assert_eq!(b.service.directives["Unit"]["X-A"].len(), 1);
    assert_eq!((b.fleet.machine_of.len(), b.fleet.machine_metadata.len()), (1, 1));
}

#[test]
fn every_value_knows_where_it_was_written() {
    let (spec, report) = spec::load_text("backups.yaml", DEFAULTS.as_bytes());
    let spec = spec.unwrap();
    let written = |route: &str| {
        let place = spec.places.exact(route).unwrap_or_else(|| panic!("{route}"));
        let text =
            report.sources.get(place.span.file).unwrap().text.get(place.span.start..place.span.end).unwrap().to_owned();
        (text, place.origin)
    };
    let cases = [
        ("version", "1", Origin::Written),
        ("destinations.h.local.path", "/b", Origin::Written),
        ("jobs.a.schedule.every", "4h", Origin::Default),
        ("jobs.b.schedule.every", "1h", Origin::Written),
        ("jobs.a.sources.f.paths", "/a", Origin::Written),
        ("jobs.a.store[0]", "h", Origin::Default),
        ("jobs.b.archive.compression", "none", Origin::Written),
        ("jobs.b.archive.timezone", "Asia/Tokyo", Origin::Default),
        ("jobs.b.service.directives.Service.Slice", "Slice", Origin::Written),
        ("jobs.b.service.directives.Service.CPUQuota", "CPUQuota", Origin::Default),
    ];
    for (route, text, origin) in cases {
        assert_eq!(written(route), (text.to_owned(), origin), "{route}");
    }
    assert_eq!(spec.places.exact("jobs.b.schedule.jitter"), None);
}

/// A spec of several files, by their paths.
fn load(path: &str, files: &[(&str, &str)]) -> (Option<Spec>, Report) {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let missing = |path: &str| ReadError::Io { path: path.to_owned(), reason: "no such file".into() };
    spec::load(path, &|path| files.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| missing(path)))
}

#[test]
fn included_files_are_found_beside_the_one_that_names_them() {
    let files = [
        (
            "conf/main.yaml",
            "version: 1\ninclude: [parts/jobs.yaml, ../host.yaml]\njobs: {a: {sources: {f: {paths: /a}}, store: h}}\n",
        ),
        (
            "conf/parts/jobs.yaml",
            "version: 1\ninclude: defaults.yaml\njobs: {b: {sources: {f: {paths: /b}}, store: h}}\n",
        ),
        ("conf/parts/defaults.yaml", "defaults: {schedule: {every: 4h}}\n"),
        ("conf/../host.yaml", "destinations: {h: {local: {path: /b}}}\nx-note: anything\n"),
    ];
    let (spec, report) = load("conf/main.yaml", &files);
    assert!(report.is_clean(), "{}", told(&report));
    let spec = spec.unwrap();
    assert_eq!(spec.jobs.iter().map(|j| j.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let place = spec.places.exact("jobs.b.schedule.every").unwrap();
    assert_eq!(report.sources.describe(&place.span), "conf/parts/defaults.yaml:1:30");
}

#[test]
fn a_fault_in_an_included_file_is_shown_there() {
    let files = [
        ("main.yaml", "version: 1\ninclude: jobs.yaml\ndestinations: {h: {local: {path: /b}}}\n"),
        ("jobs.yaml", "jobs: {b: {schedule: {evry: 4h}, sources: {f: {paths: /b}}, store: h}}\n"),
    ];
    let (spec, report) = load("main.yaml", &files);
    assert!(spec.is_none());
    assert!(told(&report).contains("--> jobs.yaml:1:23"), "{}", told(&report));
}

#[test]
fn a_spec_that_is_no_file_includes_nothing() {
    let (spec, report) = spec::load_text("etcd:/spec", b"version: 1\ninclude: /etc/shadow\njobs: {}\n");
    assert!(spec.is_none());
    assert!(told(&report).contains("cannot include files"), "{}", told(&report));
}

#[test]
fn what_show_prints_names_the_origin_of_each_value_and_no_secret() {
    let text = MOINMOIN.replace("{etcd: /idcf/storage/secret_key}", "{file: /run/secret}");
    let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
    let shown = spec::show(&spec.unwrap(), &report.sources, None);
    assert!(shown.contains("every: \"4h\"  # backups.yaml:"), "{shown}");
    assert!(shown.contains("# built in"), "{shown}");
    assert!(shown.contains("secret_key:") && shown.contains("/run/secret"), "{shown}");
}

#[test]
fn what_show_prints_is_the_same_spec() {
    let again = |text: &str| {
        let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
        spec::show(&spec.unwrap_or_else(|| panic!("{}\n{text}", told(&report))), &report.sources, None)
    };
    let plain = |text: &str| -> String {
        text.lines().map(|l| l.rsplit_once("  # ").map_or(l, |(v, _)| v).to_owned() + "\n").collect()
    };
    let cron = MOINMOIN.replace(
        "{every: 4h}",
        "{cron: \"30 2 13 * 5\", timezone: Asia/Tokyo, blackout: [{from: \"22:00\", until: \"23:00\"}]}",
    );
    for text in [MOINMOIN, DEFAULTS, &cron] {
        let shown = again(text);
        assert_eq!(plain(&again(&shown)), plain(&shown));
    }
    let shown = again(&cron);
    assert!(shown.contains("# backups.yaml:23"), "{shown}");
    assert!(shown.contains("tree: \"{scratch}/pages\"  # backups.yaml:30"), "{shown}");
    assert!(shown.contains("level: 6  # backups.yaml:33"), "{shown}");
}

#[test]
fn what_looks_like_a_secret_is_not_shown() {
    let text = "version: 1\ndestinations: {h: {local: {path: /b}}}\njobs: {a: {schedule: {every: 1h}, sources: {f: {command: [x, \
                --password=hunter2], extension: sql, env: {TOKEN: hunter2}}}, store: h}}\n";
    let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
    let shown = spec::show(&spec.unwrap(), &report.sources, None);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_hook_is_a_list_of_words_or_says_more() {
    use eightbells::conduct::OnError;
    let spec = job_with(
        "hooks: {before: [mount, /x], after: [[a], {run: [b, \"{job}\"], env: {E: e}, timeout: 1m, on_error: warn}]}",
    );
    let hooks = &spec.jobs[0].conduct.hooks;
    assert_eq!(hooks.before.len(), 1);
    assert_eq!(hooks.before[0].run.iter().map(ToString::to_string).collect::<Vec<_>>(), ["mount", "/x"]);
    assert_eq!((hooks.after.len(), hooks.after[1].on_error), (2, OnError::Warn));
    assert_eq!(hooks.after[1].timeout, Some(Duration::from_secs(60)));
    let source = source("{command: [x], extension: y, hooks: {finally: [thaw, \"{source}\"]}}");
    assert_eq!(source.hooks.finally.len(), 1);
    assert_eq!(job_with("wait: 5m").jobs[0].conduct.wait, Some(Duration::from_secs(300)));
}

#[test]
fn the_conduct_of_a_job_has_defaults_that_a_key_alone_keeps() {
    use eightbells::conduct::{Event, Timeouts, Way};
    let conduct = |keys: &str| job_with(keys).jobs.remove(0).conduct;
    let retry = conduct("retry: {times: 3}").retry.unwrap();
    assert_eq!((retry.times, retry.wait, retry.backoff), (3, Duration::from_secs(60), 2));
    let timeouts = conduct("timeouts: {idle: 1h}").timeouts;
    assert_eq!(timeouts, Timeouts { idle: Some(Duration::from_secs(HOURS)), ..Timeouts::default() });
    let notify = conduct(
        "notify: [{ping: {env: URL}}, {ntfy: {url: \"https://ntfy.sh/x\"}, on: start}, {mail: {to: root}}]\n    service: {environment_file: /etc/e}",
    )
    .notify;
    assert_eq!(notify.iter().map(|notice| notice.on.len()).collect::<Vec<_>>(), [4, 1, 2]);
    assert_eq!(notify[1].on, [Event::Start]);
    let Way::Mail(mail) = &notify[2].way else { panic!("{notify:?}") };
    assert_eq!(mail.sendmail.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/usr/sbin/sendmail", "-t", "-i"]);
    let report = conduct("report: {metrics: /var/lib/node_exporter}").report;
    assert_eq!((report.keep, report.path), (60, None));
}

#[test]
fn containers_volumes_and_what_stands_still_are_read_in_every_form() {
    let labelled = source("{container: {label: \"a=b\", project: shop, all: true}, tree: /data}");
    assert_eq!(labelled.objects(), [("f@*".to_owned(), "tar".to_owned())]);
    let text = "{volume: wiki, exclude: [cache], access: direct, while: {stopped: [wiki, {label: a}], paused: db, engine: podman, spool: 1GiB}}";
    let volume = source(text);
    let SourceKind::Volume(inner) = &volume.kind else { panic!() };
    assert_eq!((inner.access, inner.exclude.len(), volume.extension()), (Access::Direct, 1, "tar"));
    let still = volume.still.as_ref().unwrap();
    assert_eq!((still.stopped.len(), still.paused.len(), still.spool), (2, 1, Some(1 << 30)));
    let paths = source(
        "{paths: [/a], exclude_from: .backupignore, gitignore: true, exclude_caches: true, exclude_if_present: [.nobackup], max_file_size: 2GiB}",
    );
    let SourceKind::Paths(inner) = &paths.kind else { panic!() };
    assert_eq!((inner.exclude_from.len(), inner.exclude_if_present.len(), inner.max_file_size), (1, 1, Some(2 << 30)));
    for source in [&labelled, &volume, &paths] {
        let json = serde_json::to_string(source).unwrap();
        assert_eq!(serde_json::from_str::<eightbells::source::Source>(&json).unwrap(), *source);
    }
    let whole = format!(
        "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs: {{a: {{schedule: {{every: 1h}}, store: h, sources: {{a: {text}, b: {{paths: [/a], max_file_size: 3KiB}}}}}}}}\n"
    );
    let again = |text: &str| {
        let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
        let spec = spec.unwrap_or_else(|| panic!("{}\n{text}", told(&report)));
        (spec::show(&spec, &report.sources, None), spec.jobs[0].sources.clone())
    };
    let (shown, sources) = again(&whole);
    assert_eq!(again(&shown).1, sources, "{shown}");
}

#[test]
fn an_s3_destination_says_how_objects_are_stored() {
    let s3 = |keys: &str| {
        let text = format!(
            "version: 1\ndestinations: {{d: {{s3: {{bucket: b, {keys}}}}}}}\njobs:\n  a:\n    schedule: {{every: 4h}}\n    \
             sources: {{f: {{paths: [/a]}}}}\n    store: [{{to: d, keep: {{within: 30d}}}}]\n"
        );
        let DestinationKind::S3(s3) = read(&text).destinations.remove("d").unwrap().kind else { panic!("no s3") };
        s3
    };
    let all = s3("storage_class: GLACIER_IR, server_side_encryption: {kms_key_id: alias/own}, checksum: crc64nvme, \
                  object_lock: {mode: compliance, for: 30d, legal_hold: false}, proxy: \"http://proxy.example.org:3128\"");
    assert_eq!(all.storage_class.as_deref(), Some("GLACIER_IR"));
    assert_eq!(all.checksum, Some(Checksum::Crc64nvme));
    assert!(matches!(all.server_side_encryption, Some(Encryption::KmsKeyId(Value::Text(_)))));
    let lasts = Some(Duration::from_secs(30 * 24 * HOURS));
    assert_eq!(all.object_lock, Some(ObjectLock { mode: Some(LockMode::Compliance), lasts, legal_hold: false }));
    assert!(matches!(all.proxy, Some(Value::Text(_))));
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<S3>(&json).unwrap(), *all, "{json}");

    assert_eq!(s3("server_side_encryption: aes256").server_side_encryption, Some(Encryption::Aes256));
    assert_eq!(s3("server_side_encryption: kms").server_side_encryption, Some(Encryption::Kms));
    let proxy = s3("proxy: {file: /etc/proxy}").proxy;
    assert!(matches!(proxy, Some(Value::Reference(Reference::File(_)))), "{proxy:?}");
}
