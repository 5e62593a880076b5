//! Scores of exposure against `systemd-analyze security --offline=yes`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::random::Random;
use crate::systemd::{analyze, installed, is_missing};
use eightbells::lint::exposure::{self, Assessment};
use eightbells::lint::{Files, Unit};
use eightbells::plan::{self, Options};
use eightbells::render::render;
use eightbells::spec;
use eightbells::target::Target;
use serde_json::{Value, json};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn assess(name: &str, text: &str) -> Assessment {
    let mut files = Files::new(Some(Target::parse("systemd:252").unwrap()));
    files.add(name, text);
    exposure::assess(&files.units()[0]).unwrap()
}

/// What systemd says in all: names with score and level.
fn overall(files: &[PathBuf]) -> BTreeMap<String, String> {
    let output = analyze(&["security", "--offline=yes", "--man=no"], files);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once("Overall exposure level for ")?.1.split_once(": "));
    lines.map(|(name, rest)| (name.to_owned(), rest.split(' ').take(2).collect::<Vec<_>>().join(" "))).collect()
}

/// Our own, in the same words.
fn ours(assessment: &Assessment) -> String {
    format!("{} {}", assessment.score, assessment.level.word())
}

/// Values to choose from, by key.
const POOL: [(&str, &[&str]); 52] = [
    ("User", &["root", "0", "nobody", "backup", "", "%u"]),
    ("DynamicUser", &["yes", "no", "true"]),
    ("SupplementaryGroups", &["docker", "adm disk", ""]),
    ("PrivateDevices", &["yes", "no"]),
    ("PrivateMounts", &["yes", "off"]),
    ("PrivateNetwork", &["yes", "no"]),
    ("PrivateTmp", &["true", "0", ""]),
    ("PrivateUsers", &["yes", "no"]),
    ("ProtectControlGroups", &["yes", "no"]),
    ("ProtectKernelModules", &["yes", "no"]),
    ("ProtectKernelTunables", &["y", "n"]),
    ("ProtectKernelLogs", &["yes", "no"]),
    ("ProtectClock", &["yes", "no"]),
    ("ProtectHome", &["yes", "read-only", "tmpfs", "no", "readonly"]),
    ("ProtectHostname", &["yes", "no"]),
    ("ProtectSystem", &["yes", "full", "strict", "no", "most"]),
    ("RootDirectory", &["/", "/srv/root", ""]),
    ("RootImage", &["/srv/root.raw", ""]),
    ("LockPersonality", &["yes", "no"]),
    ("MemoryDenyWriteExecute", &["yes", "no"]),
    ("NoNewPrivileges", &["yes", "no"]),
    (
        "CapabilityBoundingSet",
        &[
            "",
            "~",
            "CAP_CHOWN",
            "~CAP_SYS_ADMIN CAP_SYS_PTRACE",
            "CAP_DAC_READ_SEARCH cap_kill",
            "~CAP_AUDIT_READ 12",
            "CAP_NONSENSE",
        ],
    ),
    (
        "CapabilityBoundingSet",
        &["CAP_NET_ADMIN CAP_NET_RAW", "~CAP_NET_ADMIN", "~CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_BPF"],
    ),
    ("AmbientCapabilities", &["CAP_CHOWN", "", "~CAP_CHOWN"]),
    ("UMask", &["0077", "0027", "022", "0002", "0000", "abc", "0037"]),
    ("KeyringMode", &["private", "inherit", "shared"]),
    ("ProtectProc", &["invisible", "noaccess", "ptraceable", "default"]),
    ("ProcSubset", &["pid", "all"]),
    ("NotifyAccess", &["all", "main", "none", "exec"]),
    ("RemoveIPC", &["yes", "no"]),
    ("Delegate", &["yes", "no", "cpu memory", ""]),
    ("RestrictRealtime", &["yes", "no"]),
    ("RestrictSUIDSGID", &["yes", "no"]),
    ("RestrictNamespaces", &["yes", "no", "user", "~user mnt", "~net", "nonsense", "", "pid uts cgroup"]),
    ("RestrictNamespaces", &["ipc", "~ipc user"]),
    (
        "RestrictAddressFamilies",
        &["none", "AF_UNIX", "~AF_PACKET", "AF_INET AF_INET6", "", "AF_ALG", "~AF_ALG AF_NETLINK"],
    ),
    ("RestrictAddressFamilies", &["AF_LOCAL AF_ROUTE", "~AF_INET", "af_unix", "AF_NONE"]),
    ("SystemCallArchitectures", &["native", "x86-64", "native x86", "", "vax"]),
    (
        "SystemCallFilter",
        &["@system-service", "~@privileged @resources", "@known", "~@clock:EPERM @swap", "", "read write"],
    ),
    (
        "SystemCallFilter",
        &["~@mount @module @raw-io", "~@debug @obsolete @cpu-emulation @reboot", "@basic-io @chown", "~chown:17"],
    ),
    ("SystemCallFilter", &["~@known", "fchown", "nonsense", "~@setuid @file-system:kill", "mount:EPERM"]),
    ("IPAddressDeny", &["any", "0.0.0.0/0", "::/0", "10.0.0.0/8", "", "nowhere"]),
    ("IPAddressDeny", &["0.0.0.0/0 ::/0", "link-local"]),
    ("IPAddressAllow", &["localhost", "127.0.0.0/8", "::1/64", "multicast", "", "192.168.1.1", "localhost 10.0.0.0/8"]),
    ("DevicePolicy", &["closed", "strict", "auto", "open"]),
    ("DeviceAllow", &["/dev/null rw", "char-pts", "block-loop rwm", "", "null", "/dev/sda x"]),
    ("MountImages", &["/srv/i.raw:/mnt", ""]),
    ("LoadCredentialEncrypted", &["a:/etc/a"]),
    ("Type", &["oneshot", "simple", "exec", "notify"]),
    ("WatchdogSec", &["10s"]),
    ("StateDirectory", &["a"]),
    ("ReadWritePaths", &["/var/tmp"]),
];

fn generated(random: &mut Random) -> String {
    let mut text = "[Unit]\n".to_owned();
    match random.below(8) {
        0 => text.push_str("DefaultDependencies=no\n"),
        1 => text.push_str("DefaultDependencies=no\nDefaultDependencies=yes\n"),
        _ => {}
    }
    text.push_str("[Service]\nExecStart=/bin/true\n");
    for _ in 0..random.below(40) {
        let (key, values) = random.pick(&POOL);
        writeln!(text, "{key}={}", random.pick(values)).unwrap();
    }
    text
}

fn write(folder: &Path, units: &[(String, String)]) -> Vec<PathBuf> {
    let file = |(name, text): &(String, String)| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    units.iter().map(file).collect()
}

/// Ours, assessment by assessment, as systemd's JSON has it.
fn rows(assessment: &Assessment) -> BTreeMap<&str, Value> {
    let exposure = |part: &exposure::Part| match part.exposure {
        Some(score) if score.tenths > 0 => json!(score.to_string()),
        _ => Value::Null,
    };
    assessment.parts.iter().map(|part| (part.id, exposure(part))).collect()
}

#[test]
fn every_assessment_of_generated_units_is_systemds() {
    if is_missing() {
        return;
    }
    let mut random = Random::new(1);
    let count = crate::sized(60, 1000);
    let units: Vec<_> = (0..count).map(|i| (format!("unit{i}.service"), generated(&mut random))).collect();
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), &units);
    let json = analyze(&["security", "--offline=yes", "--man=no", "--json=short"], &files).stdout;
    let tables: Vec<Value> = serde_json::Deserializer::from_slice(&json).into_iter().map(Result::unwrap).collect();
    let scores = overall(&files);
    assert_eq!((tables.len(), scores.len()), (units.len(), units.len()));
    for ((name, text), table) in units.iter().zip(&tables) {
        let assessment = assess(name, text);
        let ours_rows = rows(&assessment);
        assert_eq!(table.as_array().unwrap().len(), ours_rows.len());
        for row in table.as_array().unwrap() {
            let id = row["name"].as_str().unwrap();
            assert_eq!(ours_rows.get(id), Some(&row["exposure"]), "{id} of\n{text}\n{}", row["description"]);
        }
        assert_eq!(ours(&assessment), scores[name], "{text}");
    }
    println!("{count} generated units: every assessment and every score equal");
}

#[test]
fn the_installed_services_have_systemds_scores() {
    if is_missing() {
        return;
    }
    for folder in ["/usr/lib/systemd/system", "/usr/lib/systemd/user"] {
        let files = installed(folder, &["service", "socket", "mount"]);
        let scores = overall(&files);
        let mut set = Files::new(Some(Target::parse("systemd:252").unwrap()));
        for file in files.iter().filter(|file| !is_link(file)) {
            set.add(&file.to_string_lossy(), std::fs::read(file).unwrap());
        }
        let units = set.units();
        let compared: Vec<_> = units.iter().filter_map(|unit| Some((unit, scores.get(&instance(unit))?))).collect();
        for (unit, score) in &compared {
            assert_eq!(&ours(&exposure::assess(unit).unwrap()), *score, "{}", unit.name());
        }
        assert!(compared.len() + 20 > scores.len(), "{} of {}", compared.len(), scores.len());
        println!("{folder}: {} units, every score equal", compared.len());
    }
}

fn is_link(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_ok_and(|it| it.is_symlink())
}

/// systemd takes `i` for the instance of a template.
fn instance(unit: &Unit<'_>) -> String {
    unit.name().replace("@.", "@i.")
}

#[test]
fn our_own_units_have_systemds_scores() {
    if is_missing() {
        return;
    }
    let target = Target::parse("systemd:252").unwrap();
    let mut compared = 0;
    for entry in std::fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "yaml") {
            continue;
        }
        let (spec, _) = spec::load(&path.to_string_lossy(), &spec::read_file);
        let made = render(&plan::plan(&spec.unwrap(), Options { target, every: None })).unwrap();
        let services = made.into_iter().filter(|file| file.name.ends_with(".service"));
        let units: Vec<_> = services.map(|file| (file.name, file.text)).collect();
        let folder = tempfile::tempdir().unwrap();
        let scores = overall(&write(folder.path(), &units));
        for (name, text) in &units {
            let score = &scores[&name.replace("@.", "@i.")];
            assert_eq!(&ours(&assess(name, text)), score, "{name} of {}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 4, "{compared}");
    println!("{compared} services of the examples: every score equal");
}
