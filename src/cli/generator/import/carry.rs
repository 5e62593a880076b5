//! What the commands of a backup script mean to a spec.

use super::super::draft::{self, Draft, DraftJob, Keys, Named, list, quoted};
use super::Notes;
use super::marks::{etcd_key, holds, mark, placed, tells_day, without_ending};
use super::options::Options;
use super::script::Simple;
use super::tar::{self, Tar};

/// Programs that change nothing that a spec would say.
const SILENT: [&str; 17] = [
    "mkdir",
    "cd",
    "echo",
    "printf",
    "set",
    "true",
    ":",
    "exit",
    "test",
    "[",
    "sync",
    "sleep",
    "umask",
    "date",
    "chmod",
    "logger",
    "mountpoint",
];
/// Programs that pack what comes to them.
const PACKERS: [(&str, &str); 6] =
    [("gzip", "gzip"), ("pigz", "gzip"), ("zstd", "zstd"), ("xz", "zstd"), ("bzip2", "zstd"), ("lz4", "zstd")];

/// One job on its way from commands into a spec.
pub(super) struct Carry<'a> {
    pub draft: &'a mut Draft,
    pub job: &'a mut DraftJob,
    pub notes: &'a mut Notes,
    /// The file, and the line of its that the script begins on.
    pub at: (&'a str, usize),
    /// The folder in the container that a dump fills, and which container.
    scratch: Option<(String, String)>,
    /// The dump that fills it.
    dump: Option<(String, Vec<String>, Keys)>,
    /// Variables of the commands that wait for the source that they belong to.
    name: Option<String>,
    compression: Option<&'static str>,
    /// What is kept in which folder.
    kept: Vec<(String, String)>,
    folders: Vec<String>,
}

impl<'a> Carry<'a> {
    pub(super) fn new(draft: &'a mut Draft, job: &'a mut DraftJob, notes: &'a mut Notes, at: (&'a str, usize)) -> Self {
        let (kept, folders) = (vec![], vec![]);
        Self { draft, job, notes, at, scratch: None, dump: None, name: None, compression: None, kept, folders }
    }

    /// Takes all commands, and ends the job: where it goes, what is kept. True where there is something to back up.
    pub(super) fn all(mut self, commands: &[Simple]) -> bool {
        let mut rest = commands;
        while !rest.is_empty() {
            let length = rest.iter().take_while(|simple| simple.piped).count() + 1;
            let (pipe, after) = rest.split_at(length.min(rest.len()));
            self.pipe(pipe);
            rest = after;
        }
        self.end()
    }

    fn note(&mut self, simple: &Simple, why: &str) {
        let at = format!("{}:{}", self.at.0, self.at.1 + simple.line);
        self.notes.add(&at, &simple.words.join(" "), why);
    }

    fn pipe(&mut self, pipe: &[Simple]) {
        let Some((first, filters)) = pipe.split_first() else { return };
        let output = pipe.iter().rev().find_map(|simple| simple.output.clone());
        let output = output.filter(|file| file != "/dev/null" && !is_log(file));
        for filter in filters {
            let program = base(filter.words.first().map_or("", String::as_str));
            match PACKERS.into_iter().find(|(name, _)| *name == program) {
                Some((_, packing)) => self.compression = Some(packing),
                None if matches!(program, "cat" | "tee" | "pv") => {}
                None if matches!(program, "gpg" | "openssl" | "age") => {
                    self.note(filter, "`archive: {encrypt: {recipients: […]}}` encrypts with age");
                }
                None => self.note(filter, "a program that changes the stream; a `command` source may run it"),
            }
        }
        self.command(first, output);
    }

    fn command(&mut self, simple: &Simple, output: Option<String>) {
        let (container, words, user) = unwrapped(&simple.words);
        let Some((program, rest)) = words.split_first() else { return };
        let env: Vec<(String, String)> = simple.assignments.clone();
        match (base(program), container) {
            ("mkdir", Some(container)) => {
                if let Some(folder) = rest.iter().find(|word| word.starts_with('/')) {
                    self.scratch = Some((container, folder.clone()));
                }
            }
            ("rm", Some(container)) if self.scratch.as_ref().is_some_and(|(known, _)| *known == container) => {}
            ("tar", container) => match tar::parse(rest) {
                Some(tar) => self.tar(simple, &tar, container, output),
                None => self.note(simple, "tar that makes no archive"),
            },
            ("pg_dump" | "pg_dumpall" | "mysqldump" | "mariadb-dump", container) => {
                self.database(simple, base(program), rest, container, output);
            }
            (_, Some(container)) => match output {
                Some(file) => self.printed(&container, &words, user, &env, &file),
                None => self.dump = Some((container, words, with_user(user, &env))),
            },
            ("find", None) => self.find(simple, rest),
            ("aws" | "s3cmd" | "rclone" | "rsync" | "scp", None) => self.upload(simple, base(program), rest),
            ("docker" | "podman", None) if rest.first().is_some_and(|word| word == "run") => self.container_run(simple),
            (program, None) if SILENT.contains(&program) => {}
            (program, None) if PACKERS.iter().any(|(name, _)| *name == program) => self.packed_later(program),
            ("restic" | "borg" | "duplicity" | "kopia", None) => {
                self.note(simple, "a backup program with a format of its own; name what it reads under `sources`");
            }
            ("systemctl" | "docker" | "podman", None) => {
                self.note(
                    simple,
                    "`hooks: {before: […], finally: […]}` run programs, `while: {stopped: […]}` stops containers",
                );
            }
            (_, None) => self.note(
                simple,
                "what this does is not known; `hooks` run programs, a `command` source keeps what one prints",
            ),
        }
    }

    /// `gzip FILE` after a dump went to that file.
    fn packed_later(&mut self, program: &str) {
        self.compression = PACKERS.into_iter().find(|(name, _)| *name == program).map(|(_, packing)| packing);
    }

    fn tar(&mut self, simple: &Simple, tar: &Tar, container: Option<String>, output: Option<String>) {
        let Some(file) = tar.file.clone().or(output) else {
            self.note(simple, "its archive goes to no file that is known");
            return;
        };
        self.compression = tar.compression.or(self.compression);
        let mut paths = tar.paths();
        let mut keys: Keys = vec![];
        let first = paths.first().cloned().unwrap_or_default();
        let wanted = base(first.trim_end_matches('/')).to_owned();
        if let Some(container) = container {
            let path = self.in_scratch(&container, &first);
            keys.push(("container", quoted(&placed(&container))));
            if let Some((_, words, more)) = self.dump.take_if(|(of, _, _)| *of == container) {
                let words: Vec<String> = words.iter().map(|word| placed(&self.in_scratch(&container, word))).collect();
                keys.push(("dump", list(&words)));
                keys.extend(more);
            }
            keys.push(("tree", quoted(&placed(&path))));
            if paths.len() > 1 {
                self.note(simple, "a container's source reads one folder; only the first is there");
            }
        } else {
            paths.retain(|path| path.starts_with('/'));
            if paths.is_empty() {
                self.note(simple, "which folder it packs is not known: a source has full paths");
                return;
            }
            keys.push(("paths", list(&paths.iter().map(|path| placed(path)).collect::<Vec<_>>())));
        }
        if !tar.exclude.is_empty() {
            keys.push(("exclude", list(&tar.exclude.iter().map(|word| placed(word)).collect::<Vec<_>>())));
        }
        if tar.one_file_system {
            keys.push(("one_file_system", "true".to_owned()));
        }
        self.source(&wanted, keys, &file);
    }

    /// A path or an argument of a container, with `{scratch}` for the folder that was made for the dump.
    fn in_scratch(&self, container: &str, text: &str) -> String {
        match &self.scratch {
            Some((of, folder)) if of == container => text.replace(folder.as_str(), &mark("scratch")),
            Some(_) | None => text.to_owned(),
        }
    }

    /// What a program in a container prints.
    fn printed(
        &mut self,
        container: &str,
        words: &[String],
        user: Option<String>,
        env: &[(String, String)],
        file: &str,
    ) {
        let words: Vec<String> = words.iter().map(|word| placed(word)).collect();
        let mut keys = vec![("container", quoted(&placed(container))), ("dump", list(&words))];
        keys.extend(with_user(user, env));
        keys.push(("extension", "dump".to_owned()));
        self.source(base(container), keys, file);
    }

    fn database(
        &mut self,
        simple: &Simple,
        program: &str,
        words: &[String],
        container: Option<String>,
        output: Option<String>,
    ) {
        let options = Options::parse(words);
        let Some(file) = output.or_else(|| options.value(&["-f", "--file", "-r", "--result-file"])) else {
            self.note(simple, "its output goes to no file that is known");
            return;
        };
        let kind = if program.starts_with("pg_") {
            "postgres"
        } else if program == "mysqldump" {
            "mysql"
        } else {
            "mariadb"
        };
        let several = program == "pg_dumpall" || options.has(&["--all-databases", "-A"]);
        let named = options.value(&["-d", "--dbname"]).or_else(|| options.plain.first().cloned());
        let (database, wanted) = match named.filter(|_| !several) {
            Some(name) => (format!("database: {}", quoted(&placed(&name))), name),
            None => ("databases: all".to_owned(), kind.to_owned()),
        };
        let mut parts = vec![database];
        if let Some(container) = container {
            parts.push(format!("container: {}", quoted(&placed(&container))));
        } else {
            parts.extend(options.value(&["-h", "--host"]).map(|host| format!("host: {}", quoted(&placed(&host)))));
            let port = options.value(if kind == "postgres" { &["-p", "--port"] } else { &["-P", "--port"] });
            parts.extend(port.filter(|_| parts.len() > 1).map(|port| format!("port: {port}")));
        }
        let user = options.value(if kind == "postgres" { &["-U", "--username"] } else { &["-u", "--user"] });
        parts.extend(user.map(|user| format!("user: {}", quoted(&placed(&user)))));
        let told = simple.assignments.iter().any(|(name, _)| matches!(name.as_str(), "PGPASSWORD" | "MYSQL_PWD"));
        if told
            || words.iter().any(|word| word.starts_with("-p") && kind != "postgres" || word.starts_with("--password="))
        {
            parts.push(format!("password: {{file: /etc/eightbells/{}.password}}", draft::plain_name(&wanted)));
            let hidden = Simple { words: vec![program.to_owned(), "(a password)".to_owned()], ..simple.clone() };
            self.note(&hidden, "a password stands in no spec: put it into the file that `password` names");
        }
        self.source(&wanted, vec![(kind, format!("{{{}}}", parts.join(", ")))], &file);
    }

    /// Adds a source whose archive went to a file: its folder is a destination, its name the archive's.
    fn source(&mut self, wanted: &str, keys: Keys, file: &str) {
        let name = draft::plain_name(&super::marks::shown(wanted));
        let (folder, archive) = file.rsplit_once('/').unwrap_or(("", file));
        let (archive, packing) = without_ending(archive);
        self.compression = packing.or(self.compression);
        if self.name.is_none() && tells_day(archive) {
            let with_source =
                if archive.contains(&name) { archive.replace(&name, &mark("source")) } else { archive.to_owned() };
            self.name = Some(with_source);
        }
        if folder.starts_with('/') && !self.folders.contains(&folder.to_owned()) {
            self.folders.push(folder.to_owned());
        }
        self.job.add(Named { name, comments: vec![], keys });
    }

    /// `find FOLDER -mtime +N -delete`: what is kept.
    fn find(&mut self, simple: &Simple, words: &[String]) {
        let after = |names: &[&str]| {
            let at = words.iter().position(|word| names.contains(&word.as_str()))?;
            words.get(at + 1)?.trim_start_matches('+').parse::<u32>().ok().filter(|number| *number > 0)
        };
        let removes = words.iter().any(|word| word == "-delete" || base(word) == "rm");
        let days = after(&["-mtime", "-ctime", "-atime"]).map(|days| format!("{days}d"));
        let age = days.or_else(|| after(&["-mmin", "-cmin"]).map(|minutes| format!("{minutes}m")));
        match (words.first(), age) {
            (Some(folder), Some(age)) if removes => self.kept.push((folder.trim_end_matches('/').to_owned(), age)),
            _ => self.note(simple, "what it looks for is not known; `keep` says how long archives stay"),
        }
    }

    /// Programs that copy archives elsewhere: another destination.
    fn upload(&mut self, simple: &Simple, program: &str, words: &[String]) {
        let options = Options::parse(words);
        let place = options.plain.last().cloned().unwrap_or_default();
        if let Some(rest) = place.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let mut parts = vec![format!("bucket: {}", quoted(&placed(bucket)))];
            let endpoint = options.value(&["--endpoint-url", "--host"]);
            parts.extend(endpoint.map(|endpoint| format!("endpoint: {}", quoted(&placed(&endpoint)))));
            let prefix = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !prefix.is_empty() {
                parts.push(format!("prefix: {}", quoted(&format!("{}/", placed(prefix)))));
            }
            parts.push(
                "access_key: {file: /etc/eightbells/s3.access}, secret_key: {file: /etc/eightbells/s3.secret}"
                    .to_owned(),
            );
            self.another(vec![("s3", format!("{{{}}}", parts.join(", ")))]);
            self.note(simple, "put its keys into the two files that the destination names");
        } else if program == "rclone" && place.contains(':') {
            self.another(vec![("rclone", format!("{{remote: {}}}", quoted(&placed(&place))))]);
        } else if let Some((host, folder)) = place.split_once(':').filter(|(host, _)| !host.contains('/')) {
            let (user, host) = host.split_once('@').map_or((None, host), |(user, host)| (Some(user), host));
            let user = user.map_or(String::new(), |user| format!(", user: {}", quoted(&placed(user))));
            let folder = if folder.is_empty() { "." } else { folder };
            self.another(vec![(
                "sftp",
                format!("{{host: {}{user}, path: {}}}", quoted(&placed(host)), quoted(&placed(folder))),
            )]);
        } else {
            self.note(simple, "where it copies to is not known; a second destination takes its place");
        }
    }

    fn another(&mut self, keys: Keys) {
        let name = self.draft.destination("offsite", &[], keys);
        self.job.store.push((name, None));
    }

    /// A container that does something with the archives, with keys from etcd perhaps.
    fn container_run(&mut self, simple: &Simple) {
        let from_etcd = simple.words.iter().filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            Some(format!("{}: {{etcd: {}}}", name.to_ascii_lowercase(), etcd_key(value)?))
        });
        let keys: Vec<String> = from_etcd.collect();
        let keys = if keys.is_empty() { String::new() } else { format!("; its keys are `{}`", keys.join(", ")) };
        let why = format!(
            "what the container does with the archives is not known; if it uploads them, add a destination `s3: {{endpoint, bucket}}` and store there, too{keys}"
        );
        self.note(simple, &why);
    }

    /// Destinations, what they keep, and the archive's name.
    fn end(mut self) -> bool {
        if self.job.sources.is_empty() {
            return false;
        }
        let mut store = vec![];
        for folder in &self.folders {
            let keys = vec![("local", format!("{{path: {}}}", quoted(&placed(folder))))];
            store.push((self.draft.destination("host", &[], keys), self.kept_in(folder)));
        }
        if store.is_empty() && self.job.store.is_empty() {
            let keys = vec![("local", "{path: /var/backups/eightbells}".to_owned())];
            store.push((self.draft.destination("host", &["Where the archives went is not known."], keys), None));
        }
        let kept = store.iter().find_map(|(_, keep)| keep.clone());
        store.append(&mut self.job.store);
        // What is copied elsewhere is kept as long, as a mirror is.
        self.job.store = store.into_iter().map(|(to, keep)| (to, keep.or_else(|| kept.clone()))).collect();
        self.archive();
        true
    }

    fn kept_in(&self, folder: &str) -> Option<String> {
        let inside =
            |known: &str| folder == known || folder.strip_prefix(known).is_some_and(|rest| rest.starts_with('/'));
        self.kept.iter().find(|(known, _)| inside(known)).map(|(_, age)| format!("{{within: {age}}}"))
    }

    fn archive(&mut self) {
        let mut parts = vec![];
        if let Some(mut name) = self.name.take() {
            if self.job.sources.len() > 1 && !holds(&name, "source") {
                name = format!("{name}_{}", mark("source"));
            }
            parts.push(format!("name: {}", quoted(&placed(&name))));
        }
        parts.extend(self.compression.map(|packing| format!("compression: {packing}")));
        if !parts.is_empty() {
            self.job.after.insert(0, ("archive", format!("{{{}}}", parts.join(", "))));
        }
    }
}

fn is_log(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|ending| ending == "log")
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn with_user(user: Option<String>, env: &[(String, String)]) -> Keys {
    let mut keys: Keys = vec![];
    if !env.is_empty() {
        let pairs: Vec<String> =
            env.iter().map(|(name, value)| format!("{name}: {}", quoted(&placed(value)))).collect();
        keys.push(("env", format!("{{{}}}", pairs.join(", "))));
    }
    keys.extend(user.map(|user| ("user", quoted(&placed(&user)))));
    keys
}

/// The container that a command runs in, the command itself, and who runs it there.
fn unwrapped(words: &[String]) -> (Option<String>, Vec<String>, Option<String>) {
    let mut rest = words;
    loop {
        match rest.first().map(|word| base(word)) {
            Some("sudo" | "nohup" | "time" | "exec" | "if" | "then" | "!") => rest = rest.get(1..).unwrap_or_default(),
            Some(wrapper @ ("nice" | "ionice" | "timeout" | "flock")) => {
                let is_option =
                    |word: &&String| word.starts_with('-') || (wrapper.ends_with("nice") && word.parse::<i8>().is_ok());
                let options = rest.iter().skip(1).take_while(is_option).count();
                // The time, or the file that is locked.
                let operand = usize::from(!wrapper.ends_with("nice"));
                rest = rest.get(1 + options + operand..).unwrap_or_default();
            }
            _ => break,
        }
    }
    let (first, second) = (rest.first().map_or("", |word| base(word)), rest.get(1).map_or("", String::as_str));
    if first == "docker-enter" {
        return (rest.get(1).cloned(), rest.get(2..).unwrap_or_default().to_vec(), None);
    }
    if !(matches!(first, "docker" | "podman") && second == "exec") {
        return (None, rest.to_vec(), None);
    }
    let mut user = None;
    let mut words = rest.iter().skip(2);
    let mut container = words.next();
    while let Some(option) = container.filter(|word| word.starts_with('-')) {
        if matches!(option.as_str(), "-u" | "--user") {
            user = words.next().cloned();
        } else if matches!(option.as_str(), "-e" | "--env" | "-w" | "--workdir") {
            words.next();
        }
        container = words.next();
    }
    (container.cloned(), words.cloned().collect(), user)
}
