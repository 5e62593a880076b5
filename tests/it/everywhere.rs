//! What every kind of destination that names its files does in a whole run: pins hold, pruning prunes, and what a run left
//! there is found again by its owner and age, where the host's own notes are lost.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backup::{Bench, PRINTS, SOON, assert_one_set, code, fifty_megabytes_then, files, long_sleep};
use crate::support::sshd::Sshd;
use crate::support::webdav::{PASSWORD, USER, WebDavServer};
use crate::support::{find_program, need_program, said, wait_until};

/// A folder of this host, and the destination of the spec by which it is reached.
pub struct Place {
    pub name: &'static str,
    pub data: PathBuf,
}

impl Place {
    pub fn files(&self) -> Vec<String> {
        files(&self.data)
    }

    /// What is not whole yet; whatever else is hidden there is the server's own.
    fn staged(&self) -> Vec<String> {
        self.files().into_iter().filter(|name| name.starts_with(".eightbells-")).collect()
    }
}

/// Servers that live as long as the value.
pub struct Servers {
    _sshd: Sshd,
    _webdav: Vec<(&'static str, WebDavServer)>,
}

/// A job that stores in folders behind each of the servers of the contract suite.
pub fn everywhere() -> Option<(Bench, Vec<Place>, Servers)> {
    need_program("rclone", "`tests/install s3-more` installs it")?;
    let (sshd, webdav) = (Sshd::start()?, WebDavServer::all());
    let mut bench = Bench::local();
    let mut places = vec![Place { name: "disk", data: bench.path("disk") }];
    let sftp = format!(
        "sftp: {{host: 127.0.0.1, port: {}, path: \"{}\", identity_file: \"{}\", known_hosts: \"{}\"}}",
        sshd.port(),
        sshd.data().display(),
        sshd.file("user"),
        sshd.file("known")
    );
    bench.destination("sftp", &sftp, "");
    places.push(Place { name: "sftp", data: sshd.data() });
    fs::write(bench.path("password"), PASSWORD).unwrap();
    for (name, server) in &webdav {
        let url = format!("http://127.0.0.1:{}/", server.port());
        let password = bench.path("password");
        let kind = format!("webdav: {{url: \"{url}\", user: {USER}, password: {{file: \"{}\"}}}}", password.display());
        bench.destination(name, &kind, "");
        places.push(Place { name, data: server.data() });
    }
    let (data, config) = (bench.path("remote"), bench.path("rclone.conf"));
    fs::create_dir(&data).unwrap();
    fs::write(&config, format!("[box]\ntype = alias\nremote = {}\n", data.display())).unwrap();
    let program = find_program("rclone").unwrap();
    let kind =
        format!("rclone: {{remote: \"box:\", config: \"{}\", program: \"{}\"}}", config.display(), program.display());
    bench.destination("remote", &kind, "");
    places.push(Place { name: "remote", data });
    Some((bench, places, Servers { _sshd: sshd, _webdav: webdav }))
}

fn ends(bench: &Bench, expected: i32, verb: &str, args: &[&str]) -> String {
    let output = bench.runner(verb).args(args).output().unwrap();
    assert_eq!(code(&output), expected, "{verb} {args:?}: {}", said(&output));
    said(&output)
}

fn is_pin(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "pin")
}

fn sets(place: &Place) -> usize {
    place.files().iter().filter(|name| name.contains("_manifest_") && !is_pin(name)).count()
}

#[test]
fn pins_and_pruning_do_the_same_at_every_kind_of_destination() {
    let Some((mut bench, places, _servers)) = everywhere() else { return };
    bench.keep_everywhere("{last: 1}");
    bench.job(&[PRINTS], "");
    ends(&bench, 0, "backup", &[]);
    ends(&bench, 0, "pin", &["--at", "latest"]);
    for _ in 0..2 {
        ends(&bench, 0, "backup", &[]);
    }
    for place in &places {
        let files = place.files();
        assert_eq!((sets(place), files.len()), (2, 5), "{}: {files:?}", place.name);
        assert_eq!(files.iter().filter(|name| is_pin(name)).count(), 1, "{}: {files:?}", place.name);
        ends(&bench, 0, "verify", &["--destination", place.name]);
    }
    assert_eq!(ends(&bench, 0, "list", &[]).matches("good, pinned").count(), places.len());
    let told = ends(&bench, 0, "prune", &["--dry-run"]);
    assert!(!told.contains("no rule holds it"), "{told}");
    ends(&bench, 0, "unpin", &["--at", "latest~1"]);
    let told = ends(&bench, 0, "prune", &["--dry-run"]);
    assert_eq!(told.matches("no rule holds it").count(), places.len(), "{told}");
    assert!(places.iter().all(|place| sets(place) == 2));
    ends(&bench, 0, "prune", &[]);
    for place in &places {
        assert_one_set(&place.files(), 1);
    }
}

/// A staged file's name with other parts: `.eightbells-OWNER-SECONDS-RANDOM`.
fn renamed(staged: &str, owner: Option<&str>, days_ago: i64, random: u64) -> String {
    let parts: Vec<&str> = staged.split('-').collect();
    let seconds: i64 = parts[2].parse().unwrap();
    format!("{}-{}-{}-{random:016x}", parts[0], owner.unwrap_or(parts[1]), seconds - days_ago * 86_400)
}

#[test]
fn what_a_host_left_before_it_was_built_anew_is_removed_once_it_is_old_and_nobody_else_s_is() {
    let Some((mut bench, places, _servers)) = everywhere() else { return };
    // Servers that remember what they have seen must not have looked before the files are there.
    let stores = bench.stores.split_off(1);
    let sleep = long_sleep("95");
    bench.job(&[&fifty_megabytes_then(&sleep)], "archive: {compression: none}");
    let mut run = bench.start();
    assert!(wait_until(SOON, || !places[0].staged().is_empty()));
    let name = places[0].staged().remove(0);
    run.signal("-TERM");
    run.output();
    assert_eq!(places[0].staged(), [""; 0], "a stop puts everything back");
    bench.stores.extend(stores);
    let other = "0123456789abcdef";
    let (old, limit) = (renamed(&name, None, 3, 1), renamed(&name, None, 2, 2));
    let stays = [
        renamed(&name, None, 1, 3),
        renamed(&name, None, -3, 4),
        renamed(&name, Some(other), 300, 5),
        format!(".eightbells-{other}"),
        ".eightbells-restore-x".into(),
    ];
    for place in &places {
        fs::create_dir_all(&place.data).unwrap();
        for name in [&old, &limit].into_iter().chain(&stays) {
            fs::write(place.data.join(name), "half of an archive").unwrap();
        }
    }
    // Apache serves as a user of its own.
    crate::support::output_of(
        std::process::Command::new("chmod").args(["-R", "a+rwX"]).args(places.iter().map(|place| &place.data)),
    );
    fs::remove_dir_all(bench.path("state")).unwrap();
    bench.job(&[PRINTS], "");
    let told = ends(&bench, 0, "backup", &[]);
    for place in &places {
        let left = place.staged();
        // nginx's module lists no hidden file, so that nobody can find one there.
        let (found, unseen) = if place.name == "nginx" { (0, vec![old.clone(), limit.clone()]) } else { (2, vec![]) };
        let mut expected = [&stays[..], &unseen].concat();
        expected.sort();
        assert_eq!(left, expected, "{}", place.name);
        assert_eq!(
            told.matches(&format!("at `{}`, which a run of this job left", place.name)).count(),
            found,
            "{told}"
        );
    }
}
