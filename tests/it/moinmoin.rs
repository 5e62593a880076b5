//! The article's scenario, whole: a wiki in a container, credentials in an etcd that asks for a password, archives in a
//! folder of the host and in an S3 server that checks signatures.

use crate::support::docker::{Container, Docker};
use crate::support::etcd::{Etcd, Options};
use crate::support::program::{eightbells, runner, runner_path};
use crate::support::s3::S3Server;
use crate::support::{TempDir, output_of, repository, said, temp_dir, wait_until};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// What the article's container holds: a `moin` that writes the wiki's pages below its target.
const MOIN: &str = r#"#!/bin/sh
set -e
for word; do case "$word" in --target-dir=*) target=${word#--target-dir=} ;; esac; done
mkdir -p "$target/pages/FrontPage/revisions" "$target/pages/Quoted(c39c)"
echo "under $PYTHONPATH" >"$target/pages/FrontPage/revisions/00000001"
ln -s revisions/00000001 "$target/pages/FrontPage/current"
head -c 300000 /dev/urandom >"$target/pages/Quoted(c39c)/attachment"
"#;

struct Scene {
    etcd: Etcd,
    s3: S3Server,
    wiki: Container<'static>,
    docker: &'static Docker,
    room: TempDir,
}

impl Scene {
    fn set(name: &str) -> Option<Self> {
        let (docker, s3) = (Docker::start()?, S3Server::start()?);
        let etcd = Etcd::start(Options { auth: true, tls: false })?;
        let wiki = docker.run(&format!("moinmoin{name}"), &[]);
        wiki.put("/usr/local/bin/moin", MOIN.as_bytes());
        s3.bucket("wiki");
        etcd.put("/idcf/storage/bucket/moinmoin", "wiki");
        etcd.put("/idcf/storage/access_key", &s3.access_key);
        etcd.put("/idcf/storage/secret_key", &s3.secret_key);
        let scene = Self { etcd, s3, wiki, docker, room: temp_dir() };
        std::fs::write(scene.room.path().join("etcd.password"), format!("{}\n", scene.etcd.password)).unwrap();
        std::fs::write(scene.spec(), scene.example(name)).unwrap();
        Some(scene)
    }

    fn spec(&self) -> PathBuf {
        self.room.path().join("moinmoin.yaml")
    }

    fn host_folder(&self) -> PathBuf {
        self.room.path().join("backups")
    }

    /// The example itself, at this test's servers.
    fn example(&self, name: &str) -> String {
        let text = std::fs::read_to_string(repository().join("examples/moinmoin.yaml")).unwrap();
        let password = self.room.path().join("etcd.password");
        let etcd = format!(
            "endpoints: [\"{}\", \"{}\"]\n  user: {}\n  password: {{file: {}}}",
            Etcd::dead_endpoint(),
            self.etcd.endpoint(),
            Etcd::USER,
            password.display()
        );
        let host = self.host_folder();
        let changes = [
            ("endpoints: [\"http://127.0.0.1:2379\"]", etcd.as_str()),
            ("https://ds.jp-east.idcfcloud.com", &self.s3.endpoint()),
            ("/opt/moin/backups", host.to_str().unwrap()),
            ("instances: [\"80\"]", &format!("instances: [\"{name}\"]")),
        ];
        changes.into_iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    }

    fn environment(&self, mut command: Command) -> Command {
        if let Some(host) = self.docker.host() {
            command.env("DOCKER_HOST", host);
        }
        command.env("EIGHTBELLS_STATE_DIR", self.room.path().join("state")).current_dir(self.room.path());
        command
    }

    fn backup(&self, name: &str) -> Command {
        let mut command = self.environment(runner());
        command.args(["backup", "--spec", "moinmoin.yaml", "--job", "moinmoin-backup", "--instance", name]);
        command
    }

    fn try_it(&self) -> Output {
        let mut command = self.environment(eightbells());
        command.args(["try", "moinmoin.yaml", "--runner"]).arg(runner_path()).output().unwrap()
    }

    /// Everything that is to be seen at the destinations, unfinished uploads and hidden files too.
    fn visible(&self) -> Vec<String> {
        let mut seen = self.s3.keys("wiki");
        seen.extend(self.s3.unfinished_uploads());
        let host = std::fs::read_dir(self.host_folder()).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        seen.extend(host.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()));
        seen
    }

    fn scratch_is_gone(&self) -> bool {
        self.wiki.sh("ls -d /tmp/eightbells-* 2>/dev/null || true").is_empty()
    }

    fn secrets(&self) -> [&str; 2] {
        [&self.s3.secret_key, &self.etcd.password]
    }
}

#[test]
fn the_article_s_wiki_is_backed_up_whole_and_no_secret_is_to_be_seen() {
    let Some(scene) = Scene::set("80") else { return };
    let output = scene.try_it();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("mount namespace") || said(&output).contains("directly"), "{}", said(&output));

    let keys = scene.s3.keys("wiki");
    let archive = keys.iter().find(|key| key.ends_with("_pages.tar.gz")).unwrap_or_else(|| panic!("{keys:?}"));
    assert!(archive.starts_with("backups/"), "{archive}");
    let plain = scene.room.path().join("plain.tar.gz");
    std::fs::write(&plain, scene.s3.object("wiki", archive)).unwrap();
    let unpacked = scene.room.path().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    output_of(Command::new("tar").arg("xzf").arg(&plain).arg("-C").arg(&unpacked));
    let page = unpacked.join("pages/FrontPage/current");
    assert_eq!(std::fs::read_to_string(page).unwrap(), "under /usr/local/share/moin\n");
    assert!(scene.host_folder().join(archive.trim_start_matches("backups/")).is_file());
    assert!(scene.scratch_is_gone());

    let mut seen = said(&output) + &scene.wiki.inspect("{{json .}}");
    for unit in ["units/moinmoin-backup@.service", "units/moinmoin-backup@.timer"] {
        seen += &std::fs::read_to_string(scene.room.path().join(unit)).unwrap();
    }
    for secret in scene.secrets() {
        assert!(!seen.contains(secret), "a secret is in {seen}");
    }
}

#[test]
fn no_secret_is_in_any_process_s_arguments_while_it_runs() {
    let Some(scene) = Scene::set("81") else { return };
    let slow = MOIN.replace("set -e\n", "set -e\nsleep 2\n");
    scene.wiki.put("/usr/local/bin/moin", slow.as_bytes());
    let mut child = scene.backup("81").stderr(Stdio::null()).spawn().unwrap();
    let mut arguments = String::new();
    while child.try_wait().unwrap().is_none() {
        let all = output_of(Command::new("ps").args(["axww", "-o", "args="]));
        // The test's own S3 server is told its keys by arguments, as are the clients that set the scene.
        let ours = all.lines().filter(|line| !line.contains("s3s-fs") && !line.contains("etcdctl"));
        arguments.extend(ours.map(|line| format!("{line}\n")));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(child.wait().unwrap().success());
    assert!(arguments.contains("/usr/local/bin/moin"), "the dump was never seen");
    for secret in scene.secrets() {
        assert!(!arguments.contains(secret));
    }
}

/// Runs a backup whose dump goes wrong, and asserts that nobody could take anything for a backup.
fn fails(scene: &Scene, name: &str, moin: &str) -> String {
    let before = scene.visible();
    scene.wiki.put("/usr/local/bin/moin", format!("#!/bin/sh\n{moin}\n").as_bytes());
    let output = scene.backup(name).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{moin}: {}", said(&output));
    assert_eq!(scene.visible(), before, "{moin}");
    assert!(scene.scratch_is_gone(), "{moin}");
    said(&output)
}

#[test]
fn a_dump_that_fails_leaves_nothing_behind() {
    let Some(scene) = Scene::set("82") else { return };
    let target = "for w; do case $w in --target-dir=*) t=${w#--target-dir=} ;; esac; done; mkdir -p $t/pages";
    let told =
        fails(&scene, "82", &format!("{target}; head -c 50000000 /dev/zero >$t/pages/x; echo no luck >&2; exit 1"));
    assert!(told.contains("no luck"), "{told}");
    fails(&scene, "82", "kill -9 $$");
    fails(&scene, "82", target);
    fails(&scene, "82", "exit 0");
}

#[test]
fn a_container_that_stops_midway_leaves_nothing_behind() {
    let Some(scene) = Scene::set("83") else { return };
    scene.wiki.put("/usr/local/bin/moin", b"#!/bin/sh\nsleep 60\n");
    let child = scene.backup("83").stderr(Stdio::piped()).spawn().unwrap();
    assert!(wait_until(Duration::from_secs(20), || scene.wiki.runs("sleep 60")));
    scene.wiki.stop();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(scene.visible(), Vec::<String>::new());
}

#[test]
fn sigterm_ends_the_dump_inside_and_leaves_nothing_behind() {
    let Some(scene) = Scene::set("84") else { return };
    scene.wiki.put("/usr/local/bin/moin", b"#!/bin/sh\nsleep 61\n");
    let child = scene.backup("84").stderr(Stdio::piped()).spawn().unwrap();
    assert!(wait_until(Duration::from_secs(20), || scene.wiki.runs("sleep 61")));
    output_of(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(!scene.wiki.runs("sleep 61"), "the dump still runs in the container");
    assert!(scene.scratch_is_gone());
    assert_eq!(scene.visible(), Vec::<String>::new());
}
