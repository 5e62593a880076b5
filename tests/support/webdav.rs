//! WebDAV servers, each with one user.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::guard::Guard;
use super::{free_port, is_root, listens, need_program, output_of, skip, temp_dir};

/// The one user's name.
pub const USER: &str = "joe";
/// The one user's password.
pub const PASSWORD: &str = "open sesame";

/// A WebDAV server over a folder.
#[derive(Debug)]
pub struct WebDavServer {
    guard: Guard,
    port: u16,
}

impl WebDavServer {
    /// Every server that can be had here, with its name.
    pub fn all() -> Vec<(&'static str, Self)> {
        let starts =
            [("apache", Self::start_apache()), ("nginx", Self::start_nginx()), ("rclone", Self::start_rclone())];
        starts.into_iter().filter_map(|(name, server)| Some((name, server?))).collect()
    }

    /// Apache's: the strictest.
    pub fn start_apache() -> Option<Self> {
        let program = need_program("apache2", "Debian: apache2")?;
        let modules = "/usr/lib/apache2/modules";
        Some(Self::serve("apache2", |dir, port| {
            let own = dir.display();
            let names =
                ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs"];
            let loads = names.map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n")).concat();
            // Not even for a test does Apache serve as root.
            let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
            let config = format!(
                "ServerRoot {own}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {own}/apache.pid\n\
                 ErrorLog {own}/error.log\n{loads}{user}DavLockDB {own}/locks/db\nDocumentRoot {own}/data\n\
                 <Directory {own}/data>\nDav On\nAuthType Basic\nAuthName test\nAuthUserFile {own}/users\n\
                 Require valid-user\n</Directory>\n"
            );
            std::fs::write(dir.join("config"), config).unwrap();
            std::fs::create_dir(dir.join("locks")).unwrap();
            if is_root() {
                output_of(Command::new("chmod").arg("755").arg(dir));
                output_of(
                    Command::new("chown").arg("-R").arg("www-data:").arg(dir.join("locks")).arg(dir.join("data")),
                );
            }
            let config = dir.join("config");
            [program.to_str().unwrap(), "-D", "FOREGROUND", "-f", config.to_str().unwrap()]
                .map(ToOwned::to_owned)
                .into()
        }))
    }

    /// nginx's, with the module that lists.
    pub fn start_nginx() -> Option<Self> {
        let program = need_program("nginx", "Debian: nginx")?;
        let module = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";
        if !Path::new(module).exists() {
            skip("nginx cannot list folders here (Debian: libnginx-mod-http-dav-ext)");
            return None;
        }
        Some(Self::serve("nginx", |dir, port| {
            let own = dir.display();
            let user = if is_root() { "user root;\n" } else { "" };
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|kind| format!("{kind}_temp_path {own}/tmp-{kind};\n"))
                .concat();
            let config = format!(
                "load_module {module};\n{user}daemon off;\npid {own}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
                 http {{\n{temporary}access_log off;\nclient_max_body_size 0;\nserver {{\nlisten 127.0.0.1:{port};\n\
                 root {own}/data;\nlocation / {{\ndav_methods PUT DELETE MKCOL COPY MOVE;\n\
                 dav_ext_methods PROPFIND OPTIONS;\nauth_basic test;\nauth_basic_user_file {own}/users;\n}}\n}}\n}}\n"
            );
            std::fs::write(dir.join("config"), config).unwrap();
            let (config, prefix) = (dir.join("config"), dir.to_str().unwrap());
            let words = [program.to_str().unwrap(), "-e", "stderr", "-p", prefix, "-c", config.to_str().unwrap()];
            words.map(ToOwned::to_owned).into()
        }))
    }

    /// rclone's.
    pub fn start_rclone() -> Option<Self> {
        let program = need_program("rclone", "`tests/install s3-more` installs it")?;
        Some(Self::serve("rclone serve webdav", |dir, port| {
            let address = format!("127.0.0.1:{port}");
            let words = ["env", "HOME=/nonexistent", program.to_str().unwrap(), "serve", "webdav", "--addr", &address];
            let options = ["--user", USER, "--pass", PASSWORD, "--vfs-cache-mode", "off"];
            let data = dir.join("data");
            words.into_iter().chain(options).chain([data.to_str().unwrap()]).map(ToOwned::to_owned).collect()
        }))
    }

    fn serve(name: &str, command: impl FnOnce(&Path, u16) -> Vec<String>) -> Self {
        let dir = temp_dir().keep();
        std::fs::create_dir(dir.join("data")).unwrap();
        write_users(&dir);
        let port = free_port();
        let command = command(&dir, port);
        let guard = Guard::serve(dir, ":", &command);
        guard.wait_ready(name, || listens(port));
        Self { guard, port }
    }

    /// The port where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that it serves.
    pub fn data(&self) -> PathBuf {
        self.guard.dir().join("data")
    }
}

fn write_users(dir: &Path) {
    let hash = output_of(Command::new("openssl").args(["passwd", "-apr1", PASSWORD]));
    std::fs::write(dir.join("users"), format!("{USER}:{hash}")).unwrap();
}

/// Apache's proxy, for plain requests and for tunnels, which lets in the one user only.
#[derive(Debug)]
pub struct Proxy {
    guard: Guard,
    port: u16,
}

impl Proxy {
    pub fn start() -> Option<Self> {
        let program = need_program("apache2", "Debian: apache2")?;
        let (dir, port) = (temp_dir().keep(), free_port());
        let (own, modules) = (dir.display(), "/usr/lib/apache2/modules");
        let names = [
            "mpm_event",
            "authn_core",
            "authn_file",
            "authz_core",
            "authz_user",
            "auth_basic",
            "proxy",
            "proxy_http",
            "proxy_connect",
        ];
        let loads = names.map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n")).concat();
        let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
        let config = format!(
            "ServerRoot {own}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {own}/apache.pid\n\
             ErrorLog {own}/error.log\nCustomLog {own}/requests %r\n{loads}{user}ProxyRequests On\nAllowCONNECT 1-65535\n\
             <Proxy *>\nAuthType Basic\nAuthName test\nAuthUserFile {own}/users\nRequire valid-user\n</Proxy>\n"
        );
        std::fs::write(dir.join("config"), config).unwrap();
        write_users(&dir);
        if is_root() {
            output_of(Command::new("chmod").arg("755").arg(&dir));
        }
        let config = dir.join("config");
        let words = [program.to_str().unwrap(), "-D", "FOREGROUND", "-f", config.to_str().unwrap()];
        let guard = Guard::serve(dir.clone(), ":", &words);
        guard.wait_ready("apache2 as a proxy", || listens(port));
        Some(Self { guard, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first lines of the requests that were done with.
    pub fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.guard.dir().join("requests")).unwrap();
        log.lines().map(ToOwned::to_owned).collect()
    }
}
