//! What a job reads, writes and reaches, as far as its spec tells.

use crate::conduct::{Conduct, Drill, Hooks, ReportKept, Way};
use crate::contract::{Etcd, Job};
use crate::destination::{DestinationKind, Local};
use crate::source::{At, Content, Database, Engine, EtcdSnapshot, Server, SourceKind};
use crate::value::{Piece, Reference, Template, Value};

/// What a job touches.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked for alone")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Absolute paths read; a path with a placeholder is cut before it.
    pub reads: Vec<String>,
    /// Folders written to, with whether the runner may make them.
    pub writes: Vec<(String, bool)>,
    /// Folders written to where they are there.
    pub perhaps_writes: Vec<String>,
    /// Whether some path is known only at run time.
    pub unknown_write: bool,
    /// Whether it opens network connections.
    pub network: bool,
    /// Whether it runs `ssh`, which reads the user's own keys and configuration.
    pub ssh: bool,
    /// Whether it runs programs that the spec names, whose needs nobody knows.
    pub commands: bool,
    /// Whether it runs client programs of databases, which read settings of their own.
    pub clients: bool,
    /// Whether one of these opens a socket that may be another user's.
    pub sockets: bool,
    /// Whether it reads a database of `SQLite`'s.
    pub sqlite: bool,
    /// Container engines it drives.
    pub engines: Vec<Engine>,
    /// Whether it reads a container's files from the host.
    pub container_files: bool,
    /// Whether it unpacks archives, whatever they hold.
    pub unpacks: bool,
}

impl Reach {
    /// What a compiled job touches.
    pub(super) fn of(job: &Job) -> Self {
        let mut reach = Self::default();
        for source in &job.sources {
            reach.source(&source.kind);
            reach.hooks(&source.hooks);
            reach.engines.extend(source.still.iter().map(|still| still.engine));
        }
        for store in &job.store {
            reach.destination(&store.to.kind);
        }
        reach.conduct(&job.conduct);
        for reference in job.references() {
            reach.reference(reference);
        }
        let recipients = job.archive.encrypt.iter().filter_map(|encrypt| encrypt.recipients_file.as_ref());
        reach.reads.extend(recipients.map(known_part));
        if let Some(etcd) = &job.etcd {
            reach.etcd(etcd);
        }
        reach
    }

    /// What the drill of a compiled job touches: destinations are read, and nothing is written but the scratch folder.
    pub(super) fn of_drill(job: &Job, drill: &Drill) -> Self {
        let Drill { check, back: _, source: _, identity, scratch, timeout: _ } = drill;
        let mut reach = Self::default();
        for store in &job.store {
            reach.destination(&store.to.kind);
        }
        reach.reads = reach.reads.drain(..).chain(reach.writes.drain(..).map(|(path, _)| path)).collect();
        reach.unknown_write = false;
        reach.unpacks = true;
        reach.commands |= !check.is_empty();
        reach.network |= !check.is_empty();
        for reference in job.references() {
            reach.reference(reference);
        }
        if let Some(etcd) = &job.etcd {
            reach.etcd(etcd);
        }
        reach.reads.extend(identity.iter().map(known_part));
        reach.writes.extend(scratch.iter().map(|path| (known_part(path), false)));
        reach
    }

    fn conduct(&mut self, conduct: &Conduct) {
        let Conduct { hooks, wait: _, concurrency: _, retry: _, timeouts: _, notify, report } = conduct;
        for notice in notify {
            match &notice.way {
                Way::Ping(_) | Way::Webhook(_) | Way::Ntfy(_) => self.network = true,
                // It hands the mail to a queue of its own, often as another user.
                Way::Mail(_) => {
                    self.commands = true;
                    self.network = true;
                }
            }
        }
        let ReportKept { path, keep: _, metrics } = report;
        self.writes.extend(path.iter().map(|path| (known_part(path), true)));
        self.perhaps_writes.extend(metrics.iter().map(known_part));
        self.hooks(hooks);
    }

    fn hooks(&mut self, hooks: &Hooks) {
        if !hooks.is_empty() {
            self.commands = true;
            self.network = true;
        }
    }

    /// Adds what talking to etcd takes.
    pub(super) fn etcd(&mut self, etcd: &Etcd) {
        let Etcd { endpoints: _, api: _, user: _, password, ca_file, cert_file, key_file, timeout: _ } = etcd;
        self.network = true;
        self.reads.extend([ca_file, cert_file, key_file].into_iter().flatten().cloned());
        if let Some(password) = password {
            self.reference(password);
        }
    }

    fn source(&mut self, kind: &SourceKind) {
        match kind {
            SourceKind::Paths(paths) => self.reads.extend(paths.paths.iter().map(known_part)),
            SourceKind::Command(_) => {
                self.commands = true;
                self.network = true;
            }
            SourceKind::Container(container) => {
                self.engines.push(container.engine);
                self.container_files |= matches!(container.content, Content::Tree { .. });
            }
            SourceKind::Volume(volume) => {
                self.engines.push(volume.engine);
                // Where the engine keeps its volumes is asked when the job runs.
                self.container_files = true;
            }
            SourceKind::Database(database) => self.database(database),
            SourceKind::EtcdSnapshot(etcd) => {
                let EtcdSnapshot { endpoints: _, user: _, password: _, ca_file, cert_file, key_file } = etcd;
                self.network = true;
                self.reads.extend([ca_file, cert_file, key_file].into_iter().flatten().cloned());
            }
        }
    }

    /// A client program of the host reads its own settings, in the home folder too, and what `options` name; sockets
    /// below `/run` are reached by whoever may write to them.
    fn database(&mut self, database: &Database) {
        let Database { server, at, user: _, password: _, bin, env: _, options } = database;
        match at {
            At::Container { container: _, engine } => {
                self.engines.push(*engine);
                return;
            }
            At::Network { host: _, port: _ } => self.network = true,
            At::Host { socket } => {
                self.reads.extend(socket.iter().map(known_part));
                self.sockets = true;
                // Where no socket is named, these two ask at the loopback interface.
                self.network |= socket.is_none() && matches!(server, Server::Redis | Server::Mongodb(_));
            }
        }
        self.clients = true;
        self.reads.extend(bin.iter().map(known_part));
        self.reads.extend(options.iter().filter(|option| option.to_string().starts_with('/')).map(known_part));
        if let Server::Sqlite(sqlite) = server {
            let path = known_part(&sqlite.path);
            // In WAL mode even a reader makes the files beside it, and SQLite gives them to the database's owner.
            self.perhaps_writes.extend(
                path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()).map(|(folder, _)| folder.to_owned()),
            );
            self.reads.push(path);
            self.sqlite = true;
        }
    }

    fn destination(&mut self, kind: &DestinationKind) {
        match kind {
            DestinationKind::Local(Local { path: Value::Text(path), create }) => {
                self.writes.push((known_part(path), *create));
            }
            DestinationKind::Local(Local { path: Value::Reference(_), create: _ }) => self.unknown_write = true,
            DestinationKind::S3(_)
            | DestinationKind::Azure(_)
            | DestinationKind::Gcs(_)
            | DestinationKind::Webdav(_) => self.network = true,
            DestinationKind::Rclone(rclone) => {
                self.network = true;
                self.commands = true;
                // rclone writes tokens that were renewed into its configuration, by way of a file beside it.
                let folder = rclone.config.iter().map(known_part).filter_map(|path| folder_of(&path));
                self.perhaps_writes.extend(folder);
            }
            DestinationKind::Sftp(_) => {
                self.network = true;
                self.ssh = true;
            }
        }
        self.reads.extend(kind.parts().files.into_iter().map(known_part));
    }

    fn reference(&mut self, reference: &Reference) {
        match reference {
            Reference::Etcd(_) => self.network = true,
            Reference::File(path) => self.reads.push(known_part(path)),
            Reference::Command(_) => {
                self.commands = true;
                self.network = true;
            }
            Reference::Env(_) | Reference::Credential { .. } => {}
        }
    }

    /// Whether anything read or written lies in or below one of these folders.
    pub(super) fn touches(&self, folders: &[&str]) -> bool {
        let paths = self.reads.iter().chain(self.writes.iter().map(|(path, _)| path));
        paths.into_iter().any(|path| folders.iter().any(|folder| lies_in(path, folder) || lies_in(folder, path)))
    }
}

/// Whether `path` is `folder` or lies below it.
pub(super) fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn folder_of(path: &str) -> Option<String> {
    let (folder, _) = path.rsplit_once('/')?;
    (!folder.is_empty()).then(|| folder.to_owned())
}

/// A path up to the folder above its first placeholder.
fn known_part(path: &Template) -> String {
    match path.pieces() {
        [Piece::Text(text)] => text.clone(),
        [Piece::Text(text), ..] => match text.rfind('/') {
            Some(0) | None => "/".into(),
            Some(end) => text.get(..end).unwrap_or("/").into(),
        },
        _ => "/".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_up_to_its_first_placeholder() {
        let known = |text| known_part(&Template::parse(text).unwrap());
        assert_eq!(known("/srv/wiki"), "/srv/wiki");
        assert_eq!(known("/srv/wiki-{instance}/data"), "/srv");
        assert_eq!(known("/{instance}"), "/");
        assert_eq!(known("{instance}"), "/");
    }

    #[test]
    fn a_folder_holds_itself_and_what_is_below() {
        assert!(lies_in("/home/a", "/home") && lies_in("/home", "/home") && lies_in("/x", "/"));
        assert!(!lies_in("/homes", "/home"));
    }
}
