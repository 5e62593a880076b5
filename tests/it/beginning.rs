//! The first spec: `init` by flags and by questions on a real terminal, `import` of crontabs and of units.

use crate::support::docker::Docker;
use crate::support::program::{clean, eightbells, eightbells_path};
use crate::support::{find_program, output_of, repository, said, skip, temp_dir};
use eightbells::diag::{Colour, render_human};
use eightbells::spec::{self, Job, Spec};
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

fn read(text: &str) -> Spec {
    let (spec, report) = spec::load_text("a.yaml", text.as_bytes());
    assert!(!report.has_errors(), "{}\n{text}", render_human(&report, Colour::Never));
    spec.unwrap()
}

/// What is shown of a job, without where it comes from.
fn shown(spec: &Spec, keys: &[&str]) -> Vec<String> {
    let text = spec::show(spec, &eightbells::diag::Sources::default(), None);
    let mut lines = vec![];
    let mut inside = false;
    for line in text.lines().map(|line| line.split("  # ").next().unwrap_or_default()) {
        let depth = line.len() - line.trim_start().len();
        if depth == 4 {
            inside = keys.iter().any(|key| line.trim_start().starts_with(&format!("{key}:")));
        }
        if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn init_by_flags_writes_a_spec_that_checks_and_never_writes_over_one() {
    let room = temp_dir();
    let args = [
        "init",
        "--yes",
        "--no-look",
        "--path",
        "/srv/www",
        "--path",
        "/etc",
        "--to",
        "s3:backups/web1",
        "--every",
        "4h",
    ];
    output_of(
        eightbells()
            .args(args)
            .args(["--endpoint", "https://s3.example.org", "--keep", "14d"])
            .current_dir(room.path()),
    );
    let text = std::fs::read_to_string(room.path().join("backups.yaml")).unwrap();
    output_of(eightbells().args(["check", "backups.yaml"]).current_dir(room.path()));
    assert!(text.contains("paths: [/srv/www, /etc]") && text.contains("prefix: web1/"), "{text}");
    assert!(text.contains("schedule: {every: 4h}") && text.contains("keep: {within: 14d, at_least: 7}"), "{text}");
    let again = eightbells().args(args).current_dir(room.path()).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("is there already"), "{}", said(&again));
    assert_eq!(std::fs::read_to_string(room.path().join("backups.yaml")).unwrap(), text);
    for (wrong, code) in
        [(["--every", "often"], 2), (["--keep", "4"], 2), (["--to", "nowhere"], 2), (["--name", "a b"], 1)]
    {
        let output = eightbells().args(["init", "--yes", "--no-look", "--stdout"]).args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{wrong:?}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

/// Runs it on a pseudo-terminal, with answers typed.
fn on_a_terminal(folder: &Path, args: &str, answers: &str) -> Option<Output> {
    let Some(script) = find_program("script") else {
        skip("no script, which makes pseudo-terminals");
        return None;
    };
    let line = format!("{} {args}", eightbells_path().display());
    let mut command = clean(&script);
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

#[test]
fn init_asks_on_a_terminal_and_asks_again_where_an_answer_is_wrong() {
    let room = temp_dir();
    let answers = "/srv /opt/data\nnowhere\n/mnt/backups\noften\nMon..Fri 02:30\n4\n\n";
    let Some(output) = on_a_terminal(room.path(), "init --no-look asked.yaml", answers) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let told = said(&output);
    for wrong in ["`nowhere`: neither", "`often`: neither", "`4`: `4` needs a unit"] {
        assert!(told.contains(wrong), "{wrong}: {told}");
    }
    let text = std::fs::read_to_string(room.path().join("asked.yaml")).unwrap();
    assert!(text.contains("paths: [/srv, /opt/data]") && text.contains("local: {path: /mnt/backups}"), "{text}");
    assert!(text.contains("calendar: \"Mon..Fri 02:30\"") && text.contains("within: 31d"), "{text}");
    output_of(eightbells().args(["check", "asked.yaml"]).current_dir(room.path()));
    let Some(output) = on_a_terminal(room.path(), "init --no-look other.yaml", "/srv\n\u{4}") else { return };
    assert!(!output.status.success() && !room.path().join("other.yaml").exists(), "{}", said(&output));
}

#[test]
fn init_finds_containers_and_compose_files() {
    let Some(docker) = Docker::start() else { return };
    let name = format!("eightbells-init-{}", std::process::id());
    let volume = format!("{name}-files");
    let container = docker.run(&name, &["--volume", &format!("{volume}:/data")]);
    let room = temp_dir();
    std::fs::write(room.path().join("compose.yaml"), "services: {web: {image: nginx}}\nvolumes: {data: {}}\n").unwrap();
    let mut command = eightbells();
    command.args(["init", "--yes", "--stdout"]).current_dir(room.path());
    command.envs(docker.environment().iter().map(|(name, value)| (*name, value.as_str())));
    let text = output_of(&mut command);
    assert!(
        text.contains(&format!("volume: {volume}")) && text.contains("compose.yaml has the services web"),
        "{text}"
    );
    assert!(text.contains(&format!("stopped: [{name}]")), "{text}");
    read(&text);
    drop(container);
    output_of(&mut docker.command(&["volume", "rm", &volume]));
}

fn import(folder: &Path, args: &[&str]) -> (String, String, Option<i32>) {
    let output = eightbells().arg("import").args(args).current_dir(folder).output().unwrap();
    let (text, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    (text, told, output.status.code())
}

#[test]
fn the_pair_of_the_article_is_imported_to_the_example_and_the_rest_is_told() {
    let folder = repository().join("tests/lint/article");
    let (text, told, code) =
        import(&folder, &["moinmoin-backup@.service", "moinmoin-backup@.timer", "--instance", "80"]);
    assert_eq!(code, Some(3), "{told}");
    let ours = read(&text);
    let example = read(&std::fs::read_to_string(repository().join("examples/moinmoin.yaml")).unwrap());
    assert_eq!(ours.target, example.target);
    let job = |spec: &Spec| -> Job { spec.jobs[0].clone() };
    assert_eq!(job(&ours).name, job(&example).name);
    let same = ["instances", "schedule", "needs", "archive", "fleet"];
    assert_eq!(shown(&ours, &same), shown(&example, &same), "{text}");
    // What the example says of the dump's environment is nowhere in the pair, nor are bucket and endpoint.
    let without_env = |spec: &Spec| {
        let lines = shown(spec, &["sources"]);
        lines.into_iter().filter(|line| !line.contains("PYTHONPATH") && line.trim() != "env:").collect::<Vec<_>>()
    };
    assert_eq!(without_env(&ours), without_env(&example), "{text}");
    assert_eq!(ours.destinations["host"], example.destinations["host"]);
    assert_eq!(job(&ours).store[0], job(&example).store[0]);
    for (line, what) in [
        (20, "`reducewiki`"),
        (1, "machine_of"),
        (8, "a run that hangs"),
        (15, "access_key: {etcd: /storage/access_key}"),
        (33, "[Install]"),
    ] {
        let note = told.lines().find(|told| told.contains(what)).unwrap_or_else(|| panic!("{what}: {told}"));
        let placed = note.contains(&format!("moinmoin-backup@.service:{line}:")) || line == 1;
        assert!(placed, "{line}: {note}");
        assert!(text.contains(note.split_once(": ").unwrap().1), "the spec does not repeat it: {note}");
    }
}

#[test]
fn lines_of_a_crontab_become_jobs() {
    let room = temp_dir();
    let script = room.path().join("site.sh");
    std::fs::write(
        &script,
        "#!/bin/sh\nDEST=/backup/site\nNOW=$(date +%Y-%m-%d_%H%M%S)\nmkdir -p $DEST\n\
         tar --exclude='*.tmp' -czf \"$DEST/site-$NOW.tar.gz\" -C /srv www\nfind $DEST -name '*.gz' -mtime +30 -delete\n\
         rsync -a $DEST/ backup@nas.example.org:site/\n",
    )
    .unwrap();
    let crontab = format!(
        "# m h dom mon dow command\nMAILTO=admin@example.org\nCRON_TZ=Europe/Berlin\n\n\
         15 3 * * * {}\n\
         30 2 * * 1-5 PGPASSWORD=hunter2 pg_dump -h db1 -U shop shop | gzip > /backup/db/shop-$(date +\\%F).sql.gz\n\
         0 4 * * 0 docker exec -u root wiki-db mysqldump --all-databases -phunter2 > /backup/db/wiki.sql\n\
         */5 * * * * /usr/bin/true\n\
         61 * * * * tar czf /b/a.tgz /etc\n\
         @daily restic backup /home\n",
        script.display()
    );
    std::fs::write(room.path().join("crontab"), crontab).unwrap();
    let (text, told, code) = import(room.path(), &["crontab", "-o", "imported.yaml"]);
    assert_eq!((code, text.as_str()), (Some(3), ""), "{told}");
    let text = std::fs::read_to_string(room.path().join("imported.yaml")).unwrap();
    let spec = read(&text);
    assert!(!text.contains("hunter2") && !told.contains("hunter2"), "{text}{told}");
    let names: Vec<&str> = spec.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["www-backup", "shop-backup", "mysql-backup"], "{text}");
    for line in [
        "schedule: {cron: \"15 3 * * *\", timezone: Europe/Berlin}",
        "paths: [/srv/www]",
        "exclude: [\"*.tmp\"]",
        "name: \"site-{time:%Y-%m-%d_%H%M%S}\"",
        "{to: host, keep: {within: 30d}}",
        "sftp: {host: nas.example.org, user: backup, path: site/}",
        "postgres: {database: shop, host: db1, user: shop, password: {file: /etc/eightbells/shop.password}}",
        "name: \"{source}-{time:%F}\"",
        "mysql: {databases: all, container: wiki-db",
        "notify: [{mail: {to: admin@example.org}}]",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for note in ["crontab:9: ", "crontab:10: `restic backup /home`: a backup program"] {
        assert!(told.contains(note), "{note}: {told}");
    }
    let (_, told, code) = import(room.path(), &["crontab", "-o", "imported.yaml"]);
    assert!(code == Some(1) && told.contains("is there already"), "{told}");
    std::fs::write(room.path().join("none"), "* * * * * /usr/bin/true\n").unwrap();
    let (text, told, code) = import(room.path(), &["none"]);
    assert!(code == Some(1) && text.is_empty() && told.contains("no backup that is known"), "{told}");
}

#[test]
fn a_pair_of_ours_comes_back_from_its_own_times_and_relations() {
    let room = temp_dir();
    let service = "[Unit]\nDescription=Files\nWants=network-online.target\nAfter=network-online.target db.service\nRequires=db.service\n\
                   [Service]\nType=oneshot\nUser=backup\nNice=5\nPrivateTmp=true\nExecStart=/usr/bin/tar -czf /b/files.tgz /srv/files\n";
    let timer = "[Timer]\nOnCalendar=Mon 02:00\nOnCalendar=Thu 02:00\nPersistent=true\nRandomizedDelaySec=5min\nAccuracySec=1s\n\
                 [Install]\nWantedBy=timers.target\n";
    std::fs::write(room.path().join("files.service"), service).unwrap();
    std::fs::write(room.path().join("files.timer"), timer).unwrap();
    let (text, told, code) = import(room.path(), &["files.service", "files.timer"]);
    assert_eq!(code, Some(3), "{told}");
    read(&text);
    for line in [
        "target: systemd",
        "schedule: {calendar: [\"Mon 02:00\", \"Thu 02:00\"], catch_up: true, jitter: 5m}",
        "needs: [db.service]",
        "paths: [/srv/files]",
        "archive: {compression: gzip}",
        "service: {user: backup, nice: 5}",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(
        told.contains("files.service:10: `PrivateTmp=true`") && told.contains("files.timer:6: `AccuracySec=1s`"),
        "{told}"
    );
    let (_, told, _) = import(room.path(), &["files.timer"]);
    assert!(told.contains("a timer without its service"), "{told}");
}
