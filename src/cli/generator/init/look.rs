//! What runs on this machine and could be backed up. Looking changes nothing, and what does not answer is not there.

use super::super::draft::{self, Named, quoted};
use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a port may: it is this machine's.
const PORT_PATIENCE: Duration = Duration::from_millis(200);
/// How many bytes of a file or an answer are read.
const READ_MAX_BYTES: u64 = 1 << 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sources that can be had.
    pub offers: Vec<Named>,
    /// What else there is, a line each.
    pub also: Vec<String>,
    /// The version of the systemd that runs here.
    pub systemd: Option<u16>,
}

impl Found {
    /// The same for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let offers = self.offers.iter().map(|offer| {
            let why = offer.comments.first().map_or(String::new(), |comment| format!(": {comment}"));
            format!("found {}{why}", offer.name)
        });
        offers.chain(self.also.iter().cloned()).collect()
    }
}

/// Looks around.
pub(super) fn look() -> Found {
    let mut found = Found { systemd: systemd(), ..Found::default() };
    for engine in ["docker", "podman"] {
        containers(engine, &mut found);
    }
    servers(&mut found);
    compose(&mut found);
    crontabs(&mut found);
    timers(&mut found);
    found
}

/// What a program prints, if it ends well and in time.
fn answer(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.ok()?;
    let stdout = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = vec![];
        let _ = stdout.take(READ_MAX_BYTES).read_to_end(&mut text);
        text
    });
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            Ok(_) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    reader.join().ok().map(|text| String::from_utf8_lossy(&text).into_owned())
}

fn systemd() -> Option<u16> {
    let text = answer("systemctl", &["--version"])?;
    let version = text.split_whitespace().nth(1)?.parse().ok()?;
    (crate::target::SYSTEMD_OLDEST..1000).contains(&version).then_some(version)
}

/// Databases by what their images are called.
fn database_of(image: &str) -> Option<&'static str> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let kinds = [
        ("postgres", "postgres"),
        ("postgis", "postgres"),
        ("mariadb", "mariadb"),
        ("mysql", "mysql"),
        ("mongo", "mongodb"),
        ("redis", "redis"),
        ("valkey", "redis"),
    ];
    kinds.into_iter().find(|(word, _)| name.starts_with(word)).map(|(_, kind)| kind)
}

/// What is dumped of a server, of all its databases where it has several.
fn of_server(kind: &str, place: &str) -> String {
    let all = if matches!(kind, "postgres" | "mysql" | "mariadb") { "databases: all" } else { "" };
    let parts: Vec<&str> = [all, place].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{{{}}}", parts.join(", "))
}

/// Where a server's password goes, for those that ask for one.
fn password_line(kind: &str) -> Option<String> {
    let asks = matches!(kind, "mysql" | "mariadb" | "mongodb");
    asks.then(|| "where it asks for a password: `user: root, password: {file: /etc/eightbells/db.password}`".to_owned())
}

fn containers(engine: &str, found: &mut Found) {
    let format = "{{.Names}}\t{{.Image}}\t{{.Mounts}}";
    let Some(text) = answer(engine, &["ps", "--no-trunc", "--format", format]) else { return };
    for line in text.lines() {
        let mut parts = line.split('\t');
        let (Some(name), Some(image)) = (parts.next(), parts.next()) else { continue };
        let mounts = parts.next().unwrap_or_default();
        let engine_of = if engine == "docker" { String::new() } else { format!(", engine: {engine}") };
        let about = format!("the container {name} of {engine}, from {image}");
        if let Some(kind) = database_of(image) {
            let keys = vec![(kind, of_server(kind, &format!("container: {}{engine_of}", quoted(name))))];
            let comments = std::iter::once(about).chain(password_line(kind)).collect();
            found.offers.push(Named { name: draft::plain_name(name), comments, keys });
            continue;
        }
        let volumes: Vec<&str> = mounts.split(',').filter(|mount| is_volume(mount)).collect();
        for volume in &volumes {
            let mut keys = vec![("volume", quoted(volume))];
            keys.extend((engine != "docker").then(|| ("engine", engine.to_owned())));
            let comments = vec![
                format!("a volume of {about}"),
                format!("where it must stand still meanwhile: `while: {{stopped: [{}]}}`", quoted(name)),
            ];
            found.offers.push(Named { name: draft::plain_name(volume), comments, keys });
        }
        if volumes.is_empty() {
            found.also.push(format!("There is {about}, without a volume of its own."));
        }
    }
}

/// A volume with a name somebody gave it; not a folder, nor one that the engine named.
fn is_volume(mount: &str) -> bool {
    let by_engine = mount.len() == 64 && mount.bytes().all(|b| b.is_ascii_hexdigit());
    !mount.is_empty() && !mount.contains(['/', '[', ' ']) && !by_engine
}

/// Servers of this host, by their sockets and ports.
const SERVERS: [(&str, &str, u16); 4] = [
    ("postgres", "/run/postgresql/.s.PGSQL.5432", 5432),
    ("mariadb", "/run/mysqld/mysqld.sock", 3306),
    ("mongodb", "/tmp/mongodb-27017.sock", 27017),
    ("redis", "/run/redis/redis-server.sock", 6379),
];

fn servers(found: &mut Found) {
    for (kind, socket, port) in SERVERS {
        let (place, about) = if Path::new(socket).exists() {
            let place = if kind == "postgres" { String::new() } else { format!("socket: {socket}") };
            (place, format!("a server of this host, at {socket}"))
        } else if answers(port) {
            ("host: 127.0.0.1".to_owned(), format!("a server of this host, at port {port}"))
        } else {
            continue;
        };
        let published = found.offers.iter().any(|offer| offer.keys.iter().any(|(key, _)| *key == kind));
        if published && !Path::new(socket).exists() {
            continue; // The port is the container's, most likely.
        }
        let mut comments = vec![about];
        comments.extend(password_line(kind));
        if kind == "postgres" {
            comments.push(
                "PostgreSQL lets its own user in: `service: {user: postgres}`, or `user` and `password` here"
                    .to_owned(),
            );
        }
        let keys = vec![(kind, of_server(kind, &place))];
        found.offers.push(Named { name: kind.to_owned(), comments, keys });
    }
}

fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PORT_PATIENCE).is_ok()
}

/// Compose files of this folder; what of them runs was found already.
fn compose(found: &mut Found) {
    let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
    for name in names.into_iter().filter(|name| Path::new(name).is_file()) {
        let Some(text) = read(Path::new(name)) else { continue };
        let Ok(file) = serde_yaml::from_str::<serde_json::Value>(&text) else { continue };
        let of = |key: &str| {
            let map = file.get(key).and_then(serde_json::Value::as_object);
            map.map(|map| map.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
        };
        let (services, volumes) = (of("services"), of("volumes"));
        let volumes = if volumes.is_empty() { String::new() } else { format!(", and the volumes {volumes}") };
        found.also.push(format!("{name} has the services {services}{volumes}: what of it runs is found when it runs."));
    }
}

fn read(path: &Path) -> Option<String> {
    let mut bytes = vec![];
    fs::File::open(path).ok()?.take(READ_MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Words by which a line of a crontab or a unit's name is taken for a backup.
const TELLING: [&str; 13] = [
    "backup",
    "pg_dump",
    "mysqldump",
    "mariadb-dump",
    "mongodump",
    "tar ",
    "rsync",
    "restic",
    "borg",
    "duplicity",
    "rclone",
    "s3cmd",
    "aws s3",
];

fn crontabs(found: &mut Found) {
    let mut texts: Vec<(String, String)> = vec![];
    texts.extend(answer("crontab", &["-l"]).map(|text| ("crontab -l".to_owned(), text)));
    let system: Vec<PathBuf> =
        fs::read_dir("/etc/cron.d").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    let files = std::iter::once(PathBuf::from("/etc/crontab")).chain(system);
    texts.extend(files.filter_map(|path| Some((path.display().to_string(), read(&path)?))));
    for (name, text) in texts {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let count = lines.filter(|line| TELLING.iter().any(|word| line.contains(word))).count();
        if count > 0 {
            let how = if name == "crontab -l" {
                "crontab -l | eightbells import -".to_owned()
            } else {
                format!("eightbells import {name}")
            };
            found.also.push(format!("{name} has {count} that look like backups: `{how}` makes jobs of them."));
        }
    }
}

fn timers(found: &mut Found) {
    let args = ["list-unit-files", "--type=timer", "--no-legend", "--no-pager"];
    let Some(text) = answer("systemctl", &args) else { return };
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| name.contains("backup")) {
        found.also.push(format!(
            "There is the unit {name}: `systemctl cat` shows it, `eightbells import` makes a job of it."
        ));
    }
}
