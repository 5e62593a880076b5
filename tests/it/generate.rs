//! `eightbells generate` on the examples: snapshots for both targets, real systemd's opinion, determinism, `--check`.

use crate::support::{need_program, repository, said, temp_dir};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The oldest and the newest systemd of each scheduler that units are generated for.
const TARGETS: [&str; 7] =
    ["fleet:215", "fleet:229", "systemd:215", "systemd:229", "systemd:247", "systemd:252", "systemd:255"];

fn examples() -> Vec<PathBuf> {
    let mut specs: Vec<PathBuf> = std::fs::read_dir(repository().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    specs.sort();
    assert!(specs.len() >= 5, "{specs:?}");
    specs
}

fn eightbells(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eightbells"));
    command.current_dir(repository()).env("NO_COLOR", "1").args(args).output().unwrap()
}

fn generate(spec: &Path, more: &[&str]) -> Output {
    let spec = spec.strip_prefix(repository()).unwrap_or(spec).to_str().unwrap().to_owned();
    eightbells(&[&["generate", &spec], more].concat())
}

#[test]
fn every_example_checks_clean() {
    for spec in examples() {
        let output = eightbells(&["check", spec.to_str().unwrap()]);
        assert!(output.status.success(), "{}: {}", spec.display(), said(&output));
    }
}

#[test]
fn units_of_the_examples_are_as_reviewed() {
    for spec in examples() {
        let stem = spec.file_stem().unwrap().to_str().unwrap().to_owned();
        for target in ["fleet:215", "systemd:252"] {
            let output = generate(&spec, &["--target", target]);
            let name = format!("{stem}-{}", target.replace(':', "-"));
            // What a target cannot do is refused, and the refusal is reviewed as well.
            insta::assert_snapshot!(name, said(&output));
        }
    }
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let Some(analyze) = need_program("systemd-analyze", "it is part of Debian's systemd") else { return };
    let room = temp_dir();
    let mut verified = 0;
    for spec in examples() {
        for target in TARGETS {
            let folder = room.path().join(format!(
                "{}-{}",
                spec.file_stem().unwrap().to_str().unwrap(),
                target.replace(':', "-")
            ));
            let output = generate(&spec, &["--target", target, "-o", folder.to_str().unwrap()]);
            if output.status.code() == Some(78) {
                // The example asks for what this target lacks, and was told so.
                continue;
            }
            assert!(output.status.success(), "{}", said(&output));
            verify(&analyze, &folder);
            verified += 1;
        }
    }
    assert!(verified >= 20, "only {verified} pairs were verified");
}

/// Every unit of a folder through `systemd-analyze verify`. What units name and is not here (the runner, the wiki's own
/// service) is made, so that whatever is printed is a fault of ours.
fn verify(analyze: &Path, folder: &Path) {
    let runner = folder.join("runner");
    std::fs::write(&runner, "#!/bin/sh\n").unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&runner).unwrap().permissions(), 0o755);
    let _ = Command::new("chmod").arg("755").arg(&runner).status().unwrap();
    let mut units = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "service" || e == "timer") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("/opt/bin/eightbells-run", runner.to_str().unwrap());
            let text = text.replace("/usr/local/bin/eightbells-run", runner.to_str().unwrap());
            std::fs::write(&path, text).unwrap();
            units.push(path);
        }
    }
    assert!(!units.is_empty());
    let stand_in = "[Service]\nExecStart=/bin/true\n";
    for name in ["moinmoin@.service", "notify@.service", "docker.service"] {
        std::fs::write(folder.join(name), stand_in).unwrap();
    }
    let output = Command::new(analyze)
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(&units)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.display()))
        .output()
        .unwrap();
    // What an old target needs is deprecated to the systemd at hand, which says so and takes it.
    let deprecated = |line: &&str| line.contains("MemoryLimit=; please use MemoryMax=");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let left: Vec<&str> = errors.lines().filter(|line| !deprecated(line)).collect();
    assert!(left.is_empty() && output.status.success(), "{}: {left:#?}", folder.display());
}

#[test]
fn the_same_spec_gives_the_same_bytes() {
    for spec in examples() {
        assert_eq!(generate(&spec, &[]).stdout, generate(&spec, &[]).stdout);
    }
}

#[test]
fn only_what_changed_is_written_and_check_shows_the_difference() {
    let room = temp_dir();
    let folder = room.path().join("units");
    let spec = repository().join("examples/quickstart.yaml");
    let there = ["-o", folder.to_str().unwrap()];
    assert!(said(&generate(&spec, &there)).contains("new     "));
    let service = folder.join("quickstart.service");
    let before = std::fs::metadata(&service).unwrap().modified().unwrap();
    assert!(said(&generate(&spec, &there)).contains("same    "));
    assert_eq!(std::fs::metadata(&service).unwrap().modified().unwrap(), before);
    let check = [there.as_slice(), &["--check"]].concat();
    assert!(generate(&spec, &check).status.success());

    std::fs::write(&service, std::fs::read_to_string(&service).unwrap().replace("oneshot", "simple")).unwrap();
    let output = generate(&spec, &check);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("-Type=simple\n+Type=oneshot\n"), "{text}");
    assert!(text.contains("1 file differs"), "{text}");
    assert!(said(&generate(&spec, &there)).contains("changed "));
    assert!(generate(&spec, &check).status.success());
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn every_overrides_each_schedule() {
    let output = generate(&repository().join("examples/postgres.yaml"), &["--every", "5m"]);
    let text = said(&output);
    assert!(text.contains("OnBootSec=0\nOnUnitActiveSec=5min\nAccuracySec=1s\n"), "{text}");
    assert!(!text.contains("OnCalendar=") && !text.contains("Persistent="), "{text}");
}

#[test]
fn editing_one_job_changes_no_other_unit() {
    let room = temp_dir();
    let spec = room.path().join("spec.yaml");
    let text = |days: u32| {
        format!(
            "version: 1\ndestinations: {{d: {{local: {{path: /var/backups}}}}}}\njobs:\n  one: {{schedule: {{every: 1h}}, sources: {{a: {{paths: [/etc]}}}}, store: [{{to: d, keep: {{within: {days}d}}}}]}}\n  two: {{schedule: {{every: 1h}}, sources: {{a: {{paths: [/srv]}}}}, store: [d]}}\n"
        )
    };
    let folder = room.path().join("units");
    let there = ["-o", folder.to_str().unwrap()];
    std::fs::write(&spec, text(1)).unwrap();
    assert!(generate(&spec, &there).status.success());
    std::fs::write(&spec, text(2)).unwrap();
    let told = said(&generate(&spec, &there));
    assert!(told.contains("changed ") && told.contains("same    "), "{told}");
    assert!(told.lines().filter(|l| l.starts_with("changed")).all(|l| l.contains("one.")), "{told}");
}

#[test]
fn a_wrong_spec_writes_nothing_and_exits_78() {
    let room = temp_dir();
    let spec = room.path().join("spec.yaml");
    std::fs::write(&spec, "version: 1\njobz: {}\n").unwrap();
    let folder = room.path().join("units");
    let output = generate(&spec, &["-o", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("did you mean `jobs`?"), "{}", said(&output));
    assert!(!folder.exists());
}
