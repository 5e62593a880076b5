//! Deploying: in a real systemd, and through a stand-in for `fleetctl` that behaves as fleet's documentation and
//! sources say, since fleet itself is not to be had any more.

use crate::support::program::{clean, eightbells, eightbells_path, runner_path};
use crate::support::sdbox::Sdbox;
use crate::support::{TempDir, repository, said, temp_dir};
use std::process::Output;

const SYSTEMD: &str = r#"
version: 1
target: systemd
destinations:
  here: {local: {path: /var/backups/deployed}}
jobs:
  wiki:
    instances: ["80", "81"]
    schedule: {calendar: "2099-01-01 04:00:00", catch_up: false}
    sources: {etc: {paths: [/etc/apt]}}
    store: [here]
  files:
    schedule: {calendar: "2099-01-01 05:00:00", catch_up: false}
    sources: {etc: {paths: [/etc/apt]}}
    store: [here]
    drill: {schedule: {calendar: "2099-01-01 07:00:00", catch_up: false}, check: [test, -d, etc/apt]}
"#;

fn booted() -> Option<Sdbox> {
    let sdbox = Sdbox::start(&[])?;
    sdbox.copy(&eightbells_path(), "/usr/local/bin/eightbells");
    sdbox.copy(&runner_path(), "/usr/local/bin/eightbells-run");
    sdbox.put("/srv/backups.yaml", SYSTEMD.as_bytes());
    Some(sdbox)
}

fn deploy(sdbox: &Sdbox, words: &[&str]) -> Output {
    let mut command = vec!["/usr/local/bin/eightbells"];
    command.extend(words);
    sdbox.exec(&command)
}

fn good(sdbox: &Sdbox, words: &[&str]) -> String {
    let output = deploy(sdbox, words);
    assert!(output.status.success(), "{words:?}: {}", said(&output));
    said(&output)
}

#[test]
fn deployed_changed_and_removed_in_a_real_systemd() {
    let Some(sdbox) = booted() else { return };
    let dry = good(&sdbox, &["deploy", "/srv/backups.yaml", "--dry-run"]);
    assert!(dry.contains("systemctl enable --now wiki@80.timer wiki@81.timer files.timer"), "{dry}");
    assert_eq!(sdbox.sh("cd /etc/systemd/system; ls | grep -c -e '^wiki@' -e '^files\\.' || true"), "0\n");

    good(&sdbox, &["deploy", "/srv/backups.yaml"]);
    for timer in ["wiki@80.timer", "wiki@81.timer", "files.timer", "files-drill.timer"] {
        assert_eq!(sdbox.property(timer, "ActiveState"), "active", "{timer}");
        assert_eq!(sdbox.property(timer, "UnitFileState"), "enabled", "{timer}");
    }
    assert_eq!(sdbox.sh("cat /etc/eightbells/backups.yaml"), SYSTEMD);
    assert_eq!(sdbox.property("files.service", "ActiveState"), "inactive", "deploying runs nothing");
    assert!(good(&sdbox, &["diff", "/srv/backups.yaml"]).contains("everything is as the spec says"));
    assert!(good(&sdbox, &["deploy", "/srv/backups.yaml"]).contains("everything is as the spec says"));

    a_change_reaches_what_is_loaded(&sdbox);
    an_instance_that_is_gone_is_told_and_removed_when_asked(&sdbox);

    good(&sdbox, &["run-now", "/srv/backups.yaml", "files"]);
    assert_eq!(sdbox.property("files.service", "Result"), "success");
    assert_eq!(sdbox.sh("ls /var/backups/deployed | grep -c manifest"), "1\n");
    // Confined as it is, the drill can restore and look.
    sdbox.exec(&["systemctl", "start", "files-drill.service"]);
    let told = sdbox.journal("files-drill.service");
    assert_eq!(sdbox.property("files-drill.service", "Result"), "success", "{told}");
    assert!(told.contains("comes back and is well"), "{told}");
    let reports = "/usr/local/bin/eightbells-run status files --spec /srv/backups.yaml --state-dir /var/lib/eightbells";
    assert!(sdbox.sh(reports).contains(", well\n"), "the state of drills is with that of runs");
    let status = good(&sdbox, &["status", "/srv/backups.yaml"]);
    assert!(status.contains("files.timer") && status.contains("success"), "{status}");
    assert!(status.contains("files-drill.timer"), "{status}");

    good(&sdbox, &["remove", "/srv/backups.yaml"]);
    assert_eq!(sdbox.sh("cd /etc/systemd/system; ls | grep -c -e '^wiki@' -e '^files' || true"), "0\n");
    assert_eq!(sdbox.property("files-drill.timer", "ActiveState"), "inactive");
    assert_eq!(sdbox.property("files.timer", "LoadState"), "not-found");
    assert_eq!(sdbox.sh("ls /var/backups/deployed | grep -c manifest"), "1\n", "archives stay");
    assert_eq!(deploy(&sdbox, &["status", "/srv/backups.yaml"]).status.code(), Some(1));
}

fn a_change_reaches_what_is_loaded(sdbox: &Sdbox) {
    sdbox.sh("sed -i 's/2099-01-01 05/2098-01-01 06/' /srv/backups.yaml");
    let differing = deploy(sdbox, &["diff", "/srv/backups.yaml"]);
    assert_eq!(differing.status.code(), Some(1));
    assert!(said(&differing).contains("+OnCalendar=2098-01-01 06:00:00"), "{}", said(&differing));
    let told = good(sdbox, &["deploy", "/srv/backups.yaml"]);
    assert!(told.contains("daemon-reload") && !told.contains("enable"), "only what differs is touched: {told}");
    assert!(!told.contains("wiki@.service"), "the other job's units are left alone: {told}");
    let next = sdbox.property("files.timer", "NextElapseUSecRealtime");
    assert!(next.contains("2098-01-01 06:00:00"), "{next}");
}

fn an_instance_that_is_gone_is_told_and_removed_when_asked(sdbox: &Sdbox) {
    sdbox.sh(r#"sed -i 's/\["80", "81"\]/["80"]/' /srv/backups.yaml"#);
    let told = good(sdbox, &["deploy", "/srv/backups.yaml"]);
    assert!(told.contains("wiki@81.timer") && told.contains("--remove-orphans"), "{told}");
    assert_eq!(sdbox.property("wiki@81.timer", "ActiveState"), "active");
    good(sdbox, &["deploy", "/srv/backups.yaml", "--remove-orphans"]);
    assert_eq!(sdbox.property("wiki@81.timer", "ActiveState"), "inactive");
    assert_eq!(sdbox.property("wiki@80.timer", "ActiveState"), "active");
}

#[test]
fn a_unit_of_somebody_else_is_not_replaced() {
    let Some(sdbox) = booted() else { return };
    sdbox.install("files.service", "[Service]\nExecStart=/bin/true\n");
    let refused = deploy(&sdbox, &["deploy", "/srv/backups.yaml"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("not made by this program"), "{}", said(&refused));
    assert_eq!(sdbox.sh("cat /etc/systemd/system/files.service"), "[Service]\nExecStart=/bin/true\n");
    assert_eq!(sdbox.sh("ls /etc/systemd/system | grep -c '^wiki@' || true"), "0\n", "nothing half done");
}

#[test]
fn what_fails_midway_is_told_and_can_be_repeated() {
    let Some(sdbox) = booted() else { return };
    // A folder has the place of the spec: writing it fails after the units are written.
    sdbox.sh("mkdir -p /etc/eightbells/backups.yaml/in-the-way");
    let failed = deploy(&sdbox, &["deploy", "/srv/backups.yaml"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(said(&failed).contains("run the same command again"), "{}", said(&failed));
    sdbox.sh("rm -r /etc/eightbells/backups.yaml");
    good(&sdbox, &["deploy", "/srv/backups.yaml"]);
    assert_eq!(sdbox.property("files.timer", "ActiveState"), "active");
}

/// A cluster of the stand-in's.
struct Cluster {
    room: TempDir,
}

impl Cluster {
    fn new() -> Self {
        let room = temp_dir();
        let spec = std::fs::read_to_string(repository().join("examples/moinmoin.yaml")).unwrap();
        std::fs::write(room.path().join("wiki.yaml"), spec).unwrap();
        Self { room }
    }

    fn run(&self, words: &[&str]) -> Output {
        let fleetctl = repository().join("tests/support/fleetctl").display().to_string();
        let mut command = clean(&eightbells_path());
        command.args(words.iter().take(1)).arg("wiki.yaml").args(words.iter().skip(1));
        command.args(["--fleetctl", &fleetctl]).current_dir(self.room.path());
        command.env("FLEET_STATE", self.room.path().join("state")).output().unwrap()
    }

    fn good(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    }

    /// What fleetctl was told to change since it was asked last.
    fn calls(&self) -> String {
        let path = self.room.path().join("state/calls");
        let calls = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        calls
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.room.path().join("wiki.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    fn running(&self, services: &str) {
        std::fs::write(self.room.path().join("state/running"), services).unwrap();
    }
}

const LOAD: &str = "load moinmoin-backup@80.service moinmoin-backup@80.timer\nstart moinmoin-backup@80.timer\n";
const SUBMIT: &str = "submit moinmoin-backup@.service moinmoin-backup@.timer\n";
const AGAIN: &str = "destroy moinmoin-backup@80.timer moinmoin-backup@80.service\n";

#[test]
fn on_fleet_the_service_is_loaded_and_only_the_timer_started() {
    let cluster = Cluster::new();
    assert!(cluster.good(&["deploy", "--dry-run"]).contains("fleetctl submit units/moinmoin-backup@.service"));
    assert_eq!(cluster.calls(), "");
    cluster.good(&["deploy"]);
    assert_eq!(cluster.calls(), format!("{SUBMIT}{LOAD}"));
    cluster.good(&["deploy"]);
    assert_eq!(cluster.calls(), "", "a second time nothing differs");
    cluster.good(&["diff"]);
    cluster.good(&["status"]);
}

#[test]
fn on_fleet_a_drill_is_one_more_timer_to_start() {
    let cluster = Cluster::new();
    let drill = "    drill: {schedule: {calendar: \"Sun 05:00\"}, check: [test, -d, pages]}\n    fleet:";
    cluster.edit("    fleet:", drill);
    cluster.good(&["deploy"]);
    let calls = cluster.calls();
    let of_drill = LOAD.replace("backup@80", "backup-drill@80");
    assert!(calls.contains(LOAD) && calls.ends_with(&of_drill), "{calls}");
    cluster.edit(drill, "    fleet:");
    let told = cluster.good(&["deploy"]);
    assert!(told.contains("moinmoin-backup-drill@80.timer"), "one that is gone from the spec is told: {told}");
}

#[test]
fn on_fleet_a_changed_template_reaches_its_instances() {
    let cluster = Cluster::new();
    cluster.good(&["deploy"]);
    cluster.calls();
    cluster.edit("description: MoinMoin backup", "description: the wiki");
    assert!(said(&cluster.run(&["diff"])).contains("+Description=the wiki"));
    cluster.good(&["deploy"]);
    let destroyed = "destroy moinmoin-backup@.service moinmoin-backup@.timer\n";
    assert_eq!(cluster.calls(), format!("{destroyed}{SUBMIT}{AGAIN}{LOAD}"));
}

#[test]
fn on_fleet_a_backup_that_runs_is_left_alone_until_it_has_ended() {
    let cluster = Cluster::new();
    cluster.good(&["deploy"]);
    cluster.calls();
    cluster.edit("description: MoinMoin backup", "description: the wiki");
    cluster.running("moinmoin-backup@80.service\n");
    let output = cluster.run(&["deploy"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("its backup runs now: moinmoin-backup@80.service"), "{}", said(&output));
    assert!(!cluster.calls().contains("@80"), "the instance was touched");
    let refused = cluster.run(&["remove"]);
    assert_eq!(refused.status.code(), Some(3));
    cluster.running("");
    cluster.calls();
    cluster.good(&["deploy"]);
    assert_eq!(cluster.calls(), format!("{AGAIN}{LOAD}"));
}

#[test]
fn on_fleet_orphans_are_removed_when_asked_and_everything_with_remove() {
    let cluster = Cluster::new();
    cluster.edit("{time:%Y", "{instance}_{time:%Y");
    cluster.edit(r#"instances: ["80"]"#, r#"instances: ["80", "81"]"#);
    cluster.good(&["deploy"]);
    cluster.calls();
    cluster.edit(r#"instances: ["80", "81"]"#, r#"instances: ["80"]"#);
    let told = cluster.good(&["deploy"]);
    assert!(told.contains("moinmoin-backup@81.timer") && cluster.calls().is_empty(), "{told}");
    cluster.good(&["deploy", "--remove-orphans"]);
    assert_eq!(cluster.calls(), "destroy moinmoin-backup@81.timer moinmoin-backup@81.service\n");
    cluster.good(&["run-now"]);
    assert_eq!(cluster.calls(), "ssh moinmoin-backup@80.service sudo systemctl start moinmoin-backup@80.service\n");
    cluster.good(&["remove"]);
    let all = "destroy moinmoin-backup@.timer moinmoin-backup@80.timer moinmoin-backup@.service \
               moinmoin-backup@80.service\n";
    assert_eq!(cluster.calls(), all);
    assert_eq!(cluster.run(&["status"]).status.code(), Some(1));
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told() {
    let room = temp_dir();
    let mut command = eightbells();
    command.args(["deploy", "examples/moinmoin.yaml", "--fleetctl", "/nonexistent/fleetctl"]);
    let output = command.current_dir(repository()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cannot run `/nonexistent/fleetctl`"), "{}", said(&output));
    drop(room);
}
