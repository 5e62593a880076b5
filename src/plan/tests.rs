use super::*;
use crate::diag::{Colour, Report, render_human};
use crate::spec;

const JOB: &str = "    schedule: {every: 4h}\n    sources: {s: {paths: [/etc]}}\n    store: [h]\n";

fn units(top: &str, job: &str, target: &str) -> String {
    let text = format!("version: 1\n{top}destinations: {{h: {{local: {{path: /srv/backups}}}}}}\njobs:\n  a:\n{job}");
    text_units(&text, target)
}

fn text_units(text: &str, target: &str) -> String {
    let (spec, report) = spec::load_text("a.yaml", text.as_bytes());
    let spec = spec.unwrap_or_else(|| panic!("{}", render_human(&report, Colour::Never)));
    let options = Options { target: Target::parse(target).unwrap(), every: None };
    let mut report = Report::default();
    check(&spec, options, &mut report);
    assert!(!report.has_errors(), "{}", render_human(&report, Colour::Never));
    let install = if options.target.scheduler == Scheduler::Fleet { "X-Fleet" } else { "Install" };
    plan(&spec, options).units.iter().map(|unit| lines(unit, install)).collect()
}

/// A unit's lines as the templates print them.
fn lines(unit: &Unit, install: &str) -> String {
    let sections = [("Unit", &unit.unit), ("Service or Timer", &unit.body), (install, &unit.scheduler)];
    let section = |(name, lines): (&str, &Vec<Line>)| {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        if lines.is_empty() { String::new() } else { format!("[{name}]\n{}\n", lines.join("\n")) }
    };
    sections.into_iter().map(section).collect()
}

#[test]
fn a_job_that_reaches_nothing_has_no_network_and_one_in_etcd_has() {
    let alone = units("", JOB, "systemd:252");
    assert!(alone.contains("PrivateNetwork=true") && alone.contains("RestrictAddressFamilies=AF_UNIX\n"));
    let top = "etcd: {endpoints: [\"http://127.0.0.1:2379\"]}\nspec_key: /spec\n";
    let in_etcd = units(top, &format!("    job_in: etcd\n{JOB}"), "systemd:252");
    assert!(!in_etcd.contains("PrivateNetwork="), "{in_etcd}");
    assert!(in_etcd.contains("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"), "{in_etcd}");
    assert!(in_etcd.contains("--spec etcd:/spec"), "{in_etcd}");
}

#[test]
fn a_folder_that_is_there_narrows_what_may_be_written() {
    assert!(units("", JOB, "systemd:252").contains("ReadWritePaths=/srv\n"));
    let there =
        "version: 1\ndestinations: {h: {local: {path: /srv/backups, create: false}}}\njobs:\n  a:\n".to_owned() + JOB;
    assert!(text_units(&there, "systemd:252").contains("ReadWritePaths=/srv/backups\n"));
}

#[test]
fn an_old_systemd_gets_the_older_words() {
    let job = format!("{JOB}    service: {{memory_max: 1GiB, cpu_weight: 50, timeout: none}}\n");
    let job = job.replace("{every: 4h}", "{calendar: \"Mon..Fri 02:30\", jitter: 10m}");
    let old = units("", &job, "systemd:215");
    for line in
        ["MemoryLimit=1073741824\n", "CPUShares=512\n", "TimeoutStartSec=0\n", "OnCalendar=Mon-Fri ", "--jitter 10m"]
    {
        assert!(old.contains(line), "{line} is not in {old}");
    }
    assert!(!old.contains("RandomizedDelaySec="), "{old}");
    let new = units("", &job, "systemd:252");
    for line in [
        "MemoryMax=1073741824\n",
        "CPUWeight=50\n",
        "TimeoutStartSec=infinity\n",
        "OnCalendar=Mon..Fri ",
        "RandomizedDelaySec=10min\n",
    ] {
        assert!(new.contains(line), "{line} is not in {new}");
    }
}

#[test]
fn a_timer_that_counts_fires_first_when_it_starts_and_never_at_a_reload() {
    for target in ["fleet:215", "systemd:252"] {
        let text = units("", JOB, target);
        assert!(text.contains("OnBootSec=0\nOnUnitActiveSec=4h\n"), "{text}");
        assert!(!text.contains("OnActiveSec=") && !text.contains("Persistent="), "{text}");
    }
}

#[test]
fn fleet_units_have_no_install_section_and_bind_the_timer_to_its_service() {
    let fleet = units("", &format!("    instances: [\"80\"]\n{JOB}"), "fleet");
    assert!(!fleet.contains("[Install]"), "{fleet}");
    assert!(fleet.contains("MachineOf=%p@%i.service\n"), "{fleet}");
    assert!(units("", JOB, "systemd").contains("[Install]\nWantedBy=timers.target\n"));
}

#[test]
fn a_directive_written_out_takes_the_place_of_the_derived_one() {
    let job = format!("{JOB}    service: {{directives: {{Service: {{ProtectSystem: full}}}}}}\n");
    let text = units("", &job, "systemd:252");
    assert_eq!(text.matches("ProtectSystem=").count(), 1, "{text}");
    assert!(text.contains("ProtectSystem=full\n"), "{text}");
}

#[test]
fn a_step_without_an_end_gets_one_in_the_words_that_the_target_has() {
    let job = JOB.replace("{every: 4h}", "{calendar: \"*:0/7\"}");
    assert!(units("", &job, "systemd:252").contains("OnCalendar=*-*-* *:00..56/7:00\n"));
    assert!(units("", &job, "systemd:215").contains("OnCalendar=*-*-* *:00,07,14,21,28,35,42,49,56:00\n"));
}

#[test]
fn a_drill_has_a_pair_of_its_own_that_goes_where_the_backup_is_and_waits_for_it() {
    let job = format!(
        "    instances: [\"80\"]\n    description: \"The {{job}} of {{instance}}\"\n{JOB}    drill: {{schedule: {{calendar: \"Sun 05:00\"}}, check: [\"true\"]}}\n    service: {{directives: {{Install: {{Alias: x.timer}}, Service: {{MemoryMax: 1G}}}}}}\n"
    );
    let names = |target: &str| {
        let head = format!("version: 1\ntarget: {target}\ndestinations: {{h: {{local: {{path: /srv/backups}}}}}}");
        let (spec, _) = spec::load_text("a.yaml", format!("{head}\njobs:\n  a:\n{job}").as_bytes());
        let options = Options { target: Target::parse(target).unwrap(), every: Some(Duration::from_secs(10)) };
        plan(spec.as_ref().unwrap(), options).units
    };
    let units = names("fleet");
    let all: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(all, ["a@.service", "a@.timer", "a-drill@.service", "a-drill@.timer"]);
    let text: Vec<String> = units.iter().map(|unit| lines(unit, "X-Fleet")).collect();
    let (service, timer) = (&text[2], &text[3]);
    for line in
        ["Description=The a of %I, drill\n", "After=a@%i.service\n", "MachineOf=a@%i.service\n", "MemoryMax=1G\n"]
    {
        assert!(service.contains(line), "{line} is not in {service}");
    }
    assert!(service.contains("eightbells-run drill --instance %i\n"), "{service}");
    assert!(timer.contains("MachineOf=%p@%i.service\n") && timer.contains("OnCalendar=Sun "), "{timer}");
    assert!(!timer.contains("OnUnitActiveSec="), "`every` is about backups: {timer}");
    let text: Vec<String> = names("systemd:252").iter().map(|unit| lines(unit, "Install")).collect();
    assert!(text[1].contains("Alias=x.timer") && !text[3].contains("Alias="), "{}", text[3]);
    assert!(text[2].contains("drill --spec /etc/eightbells/backups.yaml --job a --digest "), "{}", text[2]);
    assert!(!text[2].contains("ReadWritePaths="), "destinations are only read: {}", text[2]);
    for (index, cause) in [(0, "jobs.a.schedule"), (1, "jobs.a.drill.schedule")] {
        let timer = &units[2 * index + 1];
        assert!(timer.body.iter().any(|line| line.because.route == cause), "{:?}", timer.body);
    }
}

#[test]
fn directives_written_out_go_into_their_sections() {
    let written = "{Unit: {Documentation: \"https://example.org/{job}\"}, Timer: {AccuracySec: 5min}, Install: {Alias: \"nightly-{job}.timer\"}, X-Fleet: {MachineMetadata: a=b}}";
    let job = format!("{JOB}    service: {{directives: {written}}}\n");
    let text = units("", &job, "systemd:252");
    for line in ["Documentation=https://example.org/%p\n", "AccuracySec=5min\n", "Alias=nightly-%p.timer\n"] {
        assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
    }
    assert!(units("", &job, "fleet").contains("[X-Fleet]\nMachineMetadata=a=b\n"));
}

#[test]
fn what_no_unit_can_hold_is_told_at_its_place() {
    let long = "x".repeat(3_000);
    let text = format!(
        "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs:\n  a:\n    job_in: unit\n    schedule: {{every: 1h}}\n    sources: {{s: {{command: [/bin/echo, {long}], extension: txt}}}}\n    store: [h]\n"
    );
    let (spec, mut report) = spec::load_text("a.yaml", text.as_bytes());
    let spec = spec.unwrap();
    check(&spec, Options { target: spec.target, every: None }, &mut report);
    let told = render_human(&report, Colour::Never);
    assert!(told.contains("error[not-for-a-unit]") && told.contains("--> a.yaml:5:"), "{told}");
    assert!(told.contains("job_in: file"), "{told}");
}
