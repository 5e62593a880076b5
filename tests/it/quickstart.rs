//! The generated quickstart pair in a real systemd: the timer starts the service by itself, under its full hardening.

use crate::support::program::{eightbells, runner_path};
use crate::support::sdbox::Sdbox;
use crate::support::{repository, said, temp_dir, wait_until};
use std::path::Path;
use std::time::Duration;

/// Generates the units of the example for a timer that fires all the time, into a folder.
fn generate(folder: &Path, more: &[&str]) -> (String, String) {
    let output = eightbells()
        .current_dir(repository())
        .args(["generate", "examples/quickstart.yaml", "-o", folder.to_str().unwrap()])
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("quickstart.service"), read("quickstart.timer"))
}

fn installed() -> Option<Sdbox> {
    let sdbox = Sdbox::start(&[])?;
    // The box stands on this machine's files, among which somebody may have tried the quickstart.
    sdbox.sh("rm -rf /var/tmp/eightbells-quickstart");
    sdbox.copy(&runner_path(), "/usr/local/bin/eightbells-run");
    sdbox.put("/etc/eightbells/backups.yaml", &std::fs::read(repository().join("examples/quickstart.yaml")).unwrap());
    Some(sdbox)
}

fn archives(sdbox: &Sdbox) -> Vec<String> {
    let listed = sdbox.sh("ls /var/tmp/eightbells-quickstart 2>/dev/null || true");
    listed.lines().filter(|name| name.ends_with(".tar.zst")).map(str::to_owned).collect()
}

#[test]
fn the_timer_runs_the_hardened_service_by_itself_again_and_again() {
    let Some(sdbox) = installed() else { return };
    let room = temp_dir();
    let (service, timer) = generate(room.path(), &["--every", "2s"]);
    assert!(service.contains("ProtectSystem=strict") && service.contains("CapabilityBoundingSet="), "{service}");
    sdbox.install("quickstart.service", &service);
    sdbox.install("quickstart.timer", &timer);
    sdbox.sh("systemctl enable --now quickstart.timer");
    let twice = wait_until(Duration::from_secs(40), || archives(&sdbox).len() >= 2);
    assert!(twice, "{}", sdbox.journal("quickstart.service"));
    sdbox.sh("systemctl stop quickstart.timer");
    let ended =
        wait_until(Duration::from_secs(20), || sdbox.property("quickstart.service", "ActiveState") == "inactive");
    assert!(ended, "{}", sdbox.journal("quickstart.service"));
    assert_eq!(sdbox.property("quickstart.service", "Result"), "success");

    let spec = "/etc/eightbells/backups.yaml";
    sdbox.sh(&format!("/usr/local/bin/eightbells-run verify --spec {spec} --job quickstart"));
    sdbox.sh(&format!("/usr/local/bin/eightbells-run restore --spec {spec} --job quickstart --to /tmp/restored"));
    sdbox.sh("diff -r /etc/apt /tmp/restored/etc/apt");
    let left = sdbox.sh("ls -A /var/tmp/eightbells-quickstart | grep -v '^quickstart_' || true");
    assert_eq!(left, "", "something was left behind");
}

#[test]
fn a_unit_of_another_spec_says_that_the_units_are_to_be_generated_again() {
    let Some(sdbox) = installed() else { return };
    let room = temp_dir();
    let (service, _) = generate(room.path(), &[]);
    sdbox.install("quickstart.service", &service);
    sdbox.sh("sed -i 's/at_least: 3/at_least: 4/' /etc/eightbells/backups.yaml");
    let started = sdbox.exec(&["systemctl", "start", "quickstart.service"]);
    assert!(!started.status.success());
    assert_eq!(sdbox.property("quickstart.service", "ExecMainStatus"), "78");
    assert!(sdbox.journal("quickstart.service").contains("regenerate the units"));
    assert_eq!(archives(&sdbox).len(), 0);
}

/// A job whose dump shows its secret to whoever listens.
const CHATTY: &str = r#"
version: 1
target: systemd
destinations:
  here: {local: {path: /var/backups/chatty}}
jobs:
  chatty:
    job_in: unit
    schedule: {every: 1h}
    sources:
      words:
        command: [/bin/sh, -c, "echo \"the token is $TOKEN\" >&2; echo content"]
        env: {TOKEN: {credential: {name: token, path: /etc/eightbells/token}}}
        extension: txt
    store: [here]
"#;

#[test]
fn a_secret_is_in_no_unit_no_property_and_no_journal() {
    let Some(sdbox) = installed() else { return };
    let room = temp_dir();
    let token = crate::support::s3::random_word("token");
    std::fs::write(room.path().join("chatty.yaml"), CHATTY).unwrap();
    let output = eightbells().current_dir(room.path()).args(["generate", "chatty.yaml", "-o", "."]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let service = std::fs::read_to_string(room.path().join("chatty.service")).unwrap();
    sdbox.put("/etc/eightbells/token", token.as_bytes());
    sdbox.install("chatty.service", &service);
    let started = sdbox.exec(&["systemctl", "start", "chatty.service"]);
    let journal = sdbox.journal_fields("chatty.service");
    assert!(started.status.success(), "{journal}");
    assert!(journal.contains("the token is ***"), "{journal}");
    let shown = sdbox.sh("systemctl show chatty.service; systemctl cat chatty.service");
    for seen in [&journal, &shown, &service] {
        assert!(!seen.contains(&token), "{seen}");
    }
    assert_eq!(sdbox.sh("zstd -dc /var/backups/chatty/chatty_words_*.txt.zst"), "content\n");
}
