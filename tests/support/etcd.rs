//! A real etcd, with both of its key spaces: v3 over gRPC, and v2 over plain HTTP, which does not see v3's keys.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::guard::Guard;
use super::s3::random_word;
use super::{find_program, free_port, need_program, output_of, temp_dir};

/// What a server is started with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Names and passwords are asked for: `root`, and `backup`, which may read everything and write nothing.
    pub auth: bool,
    /// TLS with a certificate of an authority that only [`Etcd::ca`] knows.
    pub tls: bool,
}

/// A running etcd.
#[derive(Debug)]
pub struct Etcd {
    guard: Guard,
    options: Options,
    ctl: PathBuf,
    port: u16,
    root_password: String,
    /// The password of the user `backup`, random.
    pub password: String,
}

impl Etcd {
    /// The user with the right to read.
    pub const USER: &'static str = "backup";

    /// Starts one, on the loopback interface, with a random port.
    pub fn start(options: Options) -> Option<Self> {
        let server = need_program("etcd", "Debian has it in etcd-server")?;
        let ctl = need_program("etcdctl", "Debian has it in etcd-client")?;
        let dir = temp_dir().keep();
        if options.tls {
            make_certificates(&dir);
        }
        let port = free_port();
        let guard = Guard::serve(dir.clone(), ":", &command_line(&server, &dir, options, port));
        let (root_password, password) = (random_word("root"), random_word("pw"));
        let mut etcd = Self { guard, options: Options { auth: false, ..options }, ctl, port, root_password, password };
        etcd.guard.wait_ready("etcd", || etcd.ctl(&["endpoint", "health"]).output().unwrap().status.success());
        if options.auth {
            etcd.turn_auth_on();
        }
        Some(etcd)
    }

    /// An endpoint as a spec names it.
    pub fn endpoint(&self) -> String {
        let scheme = if self.options.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The password of `root`.
    pub fn root_password(&self) -> &str {
        &self.root_password
    }

    /// A server on what a snapshot holds, restored by etcd's own tool.
    pub fn restored(snapshot: &Path) -> Self {
        let (server, ctl) = (find_program("etcd").unwrap(), find_program("etcdctl").unwrap());
        let dir = temp_dir().keep();
        let port = free_port();
        let words = command_line(&server, &dir, Options::default(), port);
        let peer = words.iter().skip_while(|word| *word != "--initial-cluster").nth(1).unwrap().clone();
        let mut restore = Command::new(&ctl);
        restore.env_clear().env("ETCDCTL_API", "3").args(["snapshot", "restore"]).arg(snapshot);
        restore.args(["--name", "t", "--initial-cluster", &peer, "--initial-advertise-peer-urls"]);
        output_of(restore.arg(peer.trim_start_matches("t=")).arg("--data-dir").arg(dir.join("data")));
        let guard = Guard::serve(dir, ":", &words);
        let etcd = Self {
            guard,
            options: Options::default(),
            ctl,
            port,
            root_password: String::new(),
            password: String::new(),
        };
        etcd.guard.wait_ready("etcd", || super::listens(port));
        etcd
    }

    /// Reads a key of v3's as `root` with this password, once the server is ready for it.
    pub fn get_as_root(&self, key: &str, password: &str) -> Option<String> {
        let mut ctl = self.ctl(&["get", "--print-value-only", "--", key]);
        ctl.env("ETCDCTL_USER", format!("root:{password}"));
        let mut value = None;
        super::wait_until(std::time::Duration::from_secs(20), || {
            let output = ctl.output().unwrap();
            value = output.status.success().then(|| String::from_utf8(output.stdout).unwrap());
            value.is_some()
        });
        value?.strip_suffix('\n').map(ToOwned::to_owned)
    }

    /// The port where it listens, for a proxy in between.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// An endpoint that nobody listens at.
    pub fn dead_endpoint() -> String {
        format!("http://127.0.0.1:{}", free_port())
    }

    /// The certificate of the authority that signed the server's, where it speaks TLS.
    pub fn ca(&self) -> PathBuf {
        self.guard.dir().join("ca.pem")
    }

    /// Sets a key of v3's.
    pub fn put(&self, key: &str, value: &str) {
        // Behind `--`, a value may begin with a dash.
        output_of(&mut self.ctl(&["put", "--", key, value]));
    }

    /// Reads a key of v3's.
    pub fn get(&self, key: &str) -> Option<String> {
        let value = output_of(&mut self.ctl(&["get", "--print-value-only", "--", key]));
        value.strip_suffix('\n').map(ToOwned::to_owned)
    }

    /// Sets a key of v2's, a world of its own.
    pub fn put_v2(&self, key: &str, value: &str) {
        let url = format!("{}/v2/keys/{}", self.endpoint(), key.trim_start_matches('/'));
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "-X", "PUT", &url, "--data-urlencode"]);
        curl.arg(format!("value={value}"));
        if self.options.tls {
            curl.arg("--cacert").arg(self.ca());
        }
        output_of(&mut curl);
    }

    /// `etcdctl` for this server, as root where it asks for a name.
    pub fn ctl(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.ctl);
        command.env_clear().env("ETCDCTL_API", "3").env("ETCDCTL_ENDPOINTS", self.endpoint());
        if self.options.tls {
            command.env("ETCDCTL_CACERT", self.ca());
        }
        if self.options.auth {
            command.env("ETCDCTL_USER", format!("root:{}", self.root_password));
        }
        command.args(args);
        command
    }

    fn turn_auth_on(&mut self) {
        let root = format!("root:{}", self.root_password);
        let reader = format!("{}:{}", Self::USER, self.password);
        let steps: [&[&str]; 7] = [
            &["user", "add", &root],
            &["user", "grant-role", "root", "root"],
            &["user", "add", &reader],
            &["role", "add", "reader"],
            &["role", "grant-permission", "--prefix=true", "reader", "read", ""],
            &["user", "grant-role", Self::USER, "reader"],
            &["auth", "enable"],
        ];
        for step in steps {
            output_of(&mut self.ctl(step));
        }
        self.options.auth = true;
    }
}

fn command_line(server: &Path, dir: &Path, options: Options, port: u16) -> Vec<String> {
    let scheme = if options.tls { "https" } else { "http" };
    let clients = format!("{scheme}://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{}", free_port());
    let dir = dir.to_str().unwrap();
    let words = format!(
        "{} --name t --data-dir {dir}/data --listen-client-urls {clients} --advertise-client-urls {clients} \
         --listen-peer-urls {peers} --initial-advertise-peer-urls {peers} --initial-cluster t={peers} \
         --enable-v2=true --unsafe-no-fsync --bcrypt-cost 4",
        server.display()
    );
    let mut words: Vec<String> = words.split_whitespace().map(ToOwned::to_owned).collect();
    if options.tls {
        words.extend(
            ["--cert-file", &format!("{dir}/server.pem"), "--key-file", &format!("{dir}/server.key")].map(String::from),
        );
    }
    words
}

/// An authority (`ca.pem`) and a certificate of its for 127.0.0.1 and localhost (`server.pem`, `server.key`).
pub fn make_certificates(dir: &Path) {
    let steps = [
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \
         -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem",
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server \
         -keyout server.key -out server.csr",
        "printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\\nextendedKeyUsage=serverAuth\\n' >server.ext",
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \
         -out server.pem",
    ];
    for step in steps {
        output_of(Command::new("sh").args(["-c", step]).current_dir(dir));
    }
}
