//! S3 servers. None is right in all: the first of choice checks signatures, conditions and checksums, but accepts
//! uploads to a bucket that does not exist; CONTRIBUTING.md has the table.

use std::path::{Path, PathBuf};

use super::etcd::make_certificates;
use super::guard::Guard;
use super::{free_port, listens, need_program, output_of, temp_dir};

/// An S3 server on plain http: path-style addresses, signatures checked, one access key.
#[derive(Debug)]
pub struct S3Server {
    guard: Guard,
    port: u16,
    /// The only access key that it knows.
    pub access_key: String,
    /// Its secret, random.
    pub secret_key: String,
}

impl S3Server {
    /// Any region does.
    pub const REGION: &'static str = "us-east-1";

    /// s3s-fs: refuses wrong signatures (403), spoiled checksums (400) and, with `If-None-Match`, an overwrite (412).
    pub fn start() -> Option<Self> {
        let program = need_program("s3s-fs", "`tests/install s3` builds it")?;
        Some(Self::serve("s3s-fs", |dir, port, access, secret| {
            let port = port.to_string();
            let options = ["--host", "127.0.0.1", "--port", &port, "--access-key", access, "--secret-key", secret];
            let words = std::iter::once(program.to_str().unwrap()).chain(options).chain([dir.to_str().unwrap()]);
            words.map(ToOwned::to_owned).collect()
        }))
    }

    /// s3s-fs that takes `BUCKET.DOMAIN` for a bucket.
    pub fn start_with_domain(domain: &str) -> Option<Self> {
        let program = need_program("s3s-fs", "`tests/install s3` builds it")?;
        Some(Self::serve("s3s-fs", |dir, port, access, secret| {
            let port = port.to_string();
            let options = ["--host", "127.0.0.1", "--port", &port, "--access-key", access, "--secret-key", secret];
            let words = std::iter::once(program.to_str().unwrap()).chain(options).chain(["--domain", domain]);
            words.chain([dir.to_str().unwrap()]).map(ToOwned::to_owned).collect()
        }))
    }

    /// rclone's server: knows missing buckets and wrong part numbers, and overwrites whatever `If-None-Match` says.
    pub fn start_rclone() -> Option<Self> {
        let program = need_program("rclone", "`tests/install s3-more` installs it")?;
        Some(Self::serve("rclone serve s3", |dir, port, access, secret| {
            let address = format!("127.0.0.1:{port}");
            let keys = format!("{access},{secret}");
            let program = program.to_str().unwrap();
            let dir = dir.to_str().unwrap();
            ["env", "HOME=/nonexistent", program, "serve", "s3", "--addr", &address, "--auth-key", &keys]
                .into_iter()
                .chain(["--vfs-cache-mode", "off", dir])
                .map(ToOwned::to_owned)
                .collect()
        }))
    }

    /// rclone's server behind TLS, with a certificate that only [`S3Server::ca`] vouches for.
    pub fn start_rclone_tls() -> Option<Self> {
        let program = need_program("rclone", "`tests/install s3-more` installs it")?;
        Some(Self::serve("rclone serve s3 with TLS", |dir, port, access, secret| {
            let own = dir.parent().unwrap();
            make_certificates(own);
            let text = |path: &Path| path.to_str().unwrap().to_owned();
            let (address, keys) = (format!("127.0.0.1:{port}"), format!("{access},{secret}"));
            let (certificate, key) = (text(&own.join("server.pem")), text(&own.join("server.key")));
            let words = ["env", "HOME=/nonexistent", program.to_str().unwrap(), "serve", "s3", "--addr", &address];
            let options = ["--auth-key", &keys, "--cert", &certificate, "--key", &key, "--vfs-cache-mode", "off"];
            words.into_iter().chain(options).map(ToOwned::to_owned).chain([text(dir)]).collect()
        }))
    }

    /// The authority of a server behind TLS, in PEM form.
    pub fn ca(&self) -> PathBuf {
        self.guard.dir().join("ca.pem")
    }

    fn serve(name: &str, command: impl FnOnce(&Path, u16, &str, &str) -> Vec<String>) -> Self {
        let dir = temp_dir().keep();
        let data = dir.join("data");
        std::fs::create_dir(&data).unwrap();
        let port = free_port();
        let (access_key, secret_key) = (random_word("AK"), random_word("SK"));
        let guard = Guard::serve(dir, ":", &command(&data, port, &access_key, &secret_key));
        guard.wait_ready(name, || listens(port));
        Self { guard, port, access_key, secret_key }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port where it listens, for a proxy in between.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a bucket; its name.
    pub fn bucket<'a>(&self, name: &'a str) -> &'a str {
        std::fs::create_dir_all(self.data().join(name)).unwrap();
        name
    }

    /// The folder whose folders are the buckets and whose files are the objects.
    pub fn data(&self) -> PathBuf {
        self.guard.dir().join("data")
    }

    /// The keys of a bucket's objects, sorted; uploads that were not completed are not among them.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let root = self.data().join(bucket);
        let mut keys = Vec::new();
        collect_files(&root, &root, &mut keys);
        keys.sort();
        keys
    }

    /// What is left of uploads that were neither completed nor aborted: s3s-fs keeps their parts and its notes on
    /// them in hidden files beside the buckets.
    pub fn unfinished_uploads(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload_id") || name.starts_with(".upload-")).collect()
    }

    /// The bytes of an object.
    pub fn object(&self, bucket: &str, key: &str) -> Vec<u8> {
        std::fs::read(self.data().join(bucket).join(key)).unwrap()
    }
}

/// A random word of letters and digits, as keys and passwords are.
pub fn random_word(start: &str) -> String {
    let hex = output_of(std::process::Command::new("od").args(["-An", "-N12", "-tx1", "/dev/urandom"]));
    start.chars().chain(hex.chars().filter(char::is_ascii_hexdigit)).collect()
}

fn collect_files(root: &Path, dir: &Path, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(root, &path, keys);
        } else {
            keys.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}
