//! A container engine with one small image, made here: no registry is asked.
//!
//! As root it is a dockerd of its own, in its own network namespace, since `--bridge=none` in the host's would delete
//! the host's bridge. Elsewhere the engine that is there is used (`DOCKER_HOST`, or the default), and put back.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::guard::Guard;
use super::{find_program, is_root, output_of, said, skip, temp_dir};

/// A running container engine.
#[derive(Debug)]
pub struct Docker {
    /// The engine stops with it.
    guard: Guard,
    client: &'static str,
    environment: Vec<(&'static str, String)>,
}

impl Docker {
    /// An image of busybox with every applet, `/data` and `/tmp`; its command sleeps.
    pub const IMAGE: &'static str = "eightbells-test:busybox";

    /// The engine that all tests of a process share; containers have names of their own.
    pub fn start() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Docker, String>> = OnceLock::new();
        or_skip(SHARED.get_or_init(Self::find_or_start))
    }

    /// podman, which needs no engine running, with storage of its own; shared likewise.
    pub fn start_podman() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Docker, String>> = OnceLock::new();
        or_skip(SHARED.get_or_init(Self::podman))
    }

    /// An engine for one test, which may stop it.
    pub fn start_alone() -> Option<Self> {
        let (Some(daemon), true) = (find_program("dockerd"), is_root()) else {
            skip("no engine of its own can be started: this is not root, or there is no dockerd");
            return None;
        };
        let docker = Self::serve(&daemon);
        docker.import_image().unwrap();
        Some(docker)
    }

    /// Stops the engine, containers and all, and starts it again; for one that was started alone.
    pub fn restart(&self) {
        self.guard.restart("dockerd", || self.answers());
    }

    fn find_or_start() -> Result<Self, String> {
        let given = std::env::var("DOCKER_HOST").ok();
        let docker = match (given, find_program("dockerd")) {
            (None, Some(daemon)) if is_root() => Self::serve(&daemon),
            (given, _) => Self::borrow(given)?,
        };
        docker.import_image()?;
        Ok(docker)
    }

    fn serve(daemon: &Path) -> Self {
        let dir = temp_dir().keep();
        let at = dir.to_str().unwrap().to_owned();
        let host = format!("unix://{at}/docker.sock");
        let words = format!(
            "unshare --net --mount {} --data-root {at}/root --exec-root {at}/exec --pidfile {at}/dockerd.pid -H {host} \
             --iptables=false --ip6tables=false --bridge=none",
            daemon.display()
        );
        let last = format!("docker -H {host} ps -aq | xargs -r docker -H {host} rm -f");
        let guard = Guard::serve(dir, &last, &words.split_whitespace().collect::<Vec<_>>());
        let docker = Self { guard, client: "docker", environment: vec![("DOCKER_HOST", host)] };
        docker.guard.wait_ready("dockerd", || docker.answers());
        docker
    }

    fn borrow(host: Option<String>) -> Result<Self, String> {
        let last = format!("docker ps -aq --filter label={} | xargs -r docker rm -f", label());
        let guard = Guard::finally(temp_dir().keep(), &last);
        let environment = host.map(|host| ("DOCKER_HOST", host)).into_iter().collect();
        let docker = Self { guard, client: "docker", environment };
        if docker.answers() {
            return Ok(docker);
        }
        Err("no container engine: neither root with dockerd, nor `docker info` answers".to_owned())
    }

    fn podman() -> Result<Self, String> {
        if !is_root() {
            return Err("podman is tried as root only".to_owned());
        }
        find_program("podman").ok_or("no `podman` here: Debian has it in podman")?;
        let dir = temp_dir().keep();
        // Debian 12's podman cannot set its default limits in a container of its own, and has no journal there.
        let engine = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n\
                      [engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n";
        let at = dir.display();
        let storage = format!("[storage]\ndriver=\"vfs\"\ngraphroot=\"{at}/root\"\nrunroot=\"{at}/run\"\n");
        std::fs::write(dir.join("engine"), engine).unwrap();
        std::fs::write(dir.join("storage"), storage).unwrap();
        let environment =
            vec![("CONTAINERS_CONF", format!("{at}/engine")), ("CONTAINERS_STORAGE_CONF", format!("{at}/storage"))];
        let last = format!("CONTAINERS_CONF={at}/engine CONTAINERS_STORAGE_CONF={at}/storage podman rm --force --all");
        let podman = Self { guard: Guard::finally(dir, &last), client: "podman", environment };
        podman.import_image()?;
        Ok(podman)
    }

    fn answers(&self) -> bool {
        self.command(&["info"]).output().is_ok_and(|output| output.status.success())
    }

    fn import_image(&self) -> Result<(), String> {
        let busybox = find_program("busybox").ok_or("no `busybox` here: Debian has it in busybox-static")?;
        let dir = temp_dir();
        let script = r#"
            mkdir -p bin data tmp root etc usr/local/bin proc sys dev && chmod 1777 tmp
            cp "$1" bin/busybox
            for applet in $(bin/busybox --list); do [ -e "bin/$applet" ] || ln -s busybox "bin/$applet"; done
            echo root:x:0:0:root:/root:/bin/sh >etc/passwd && echo root:x:0: >etc/group
        "#;
        output_of(Command::new("sh").args(["-ec", script, "image"]).arg(&busybox).current_dir(dir.path()));
        let tar = Command::new("tar").args(["-cf", "-", "."]).current_dir(dir.path()).stdout(Stdio::piped()).spawn();
        let mut tar = tar.unwrap();
        let mut import = self.command(&["import", "--change", r#"CMD ["/bin/sleep", "100000"]"#, "-", Self::IMAGE]);
        output_of(import.stdin(tar.stdout.take().unwrap()));
        tar.wait().unwrap();
        Ok(())
    }

    /// What a program under test needs in its environment to reach this engine.
    pub fn environment(&self) -> &[(&'static str, String)] {
        &self.environment
    }

    /// Where docker is reached, if not where it is by default.
    pub fn host(&self) -> Option<&str> {
        self.environment.iter().find(|(name, _)| *name == "DOCKER_HOST").map(|(_, host)| host.as_str())
    }

    /// `docker` or `podman`, on this engine.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.client);
        command.envs(self.environment.iter().cloned()).args(args);
        command
    }

    /// Starts a container that sleeps, without a network. `options` are `docker run`'s, such as `["-e", "A=b"]`.
    pub fn run(&self, name: &str, options: &[&str]) -> Container<'_> {
        let label = label();
        let fixed = ["run", "--detach", "--network=none", "--label", &label, "--name", name];
        output_of(&mut self.command(&[&fixed, options, &[Self::IMAGE]].concat()));
        Container { docker: self, name: name.to_owned() }
    }
}

fn or_skip(engine: &'static Result<Docker, String>) -> Option<&'static Docker> {
    match engine {
        Ok(engine) => Some(engine),
        Err(reason) => {
            skip(reason);
            None
        }
    }
}

fn label() -> String {
    format!("eightbells-test={}", std::process::id())
}

/// A container, removed with the value.
#[derive(Debug)]
pub struct Container<'d> {
    docker: &'d Docker,
    /// Its name.
    pub name: String,
}

impl Container<'_> {
    /// Runs a command in it.
    pub fn exec(&self, command: &[&str]) -> Output {
        self.docker.command(&[&["exec", self.name.as_str()], command].concat()).output().unwrap()
    }

    /// Runs a shell line in it that must succeed; what it printed.
    pub fn sh(&self, script: &str) -> String {
        let output = self.exec(&["sh", "-c", script]);
        assert!(output.status.success(), "{script}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Puts an executable file into it, its folder too.
    pub fn put(&self, path: &str, content: &[u8]) {
        let script = r#"mkdir -p "${1%/*}/" && cat >"$1" && chmod 755 "$1""#;
        let mut docker = self.docker.command(&["exec", "-i", &self.name, "sh", "-c", script, "put", path]);
        let mut child = docker.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success(), "could not write {path} into {}", self.name);
    }

    /// Whether a process inside has `words` in its command line.
    pub fn runs(&self, words: &str) -> bool {
        let processes = self.exec(&["ps", "-o", "args"]);
        String::from_utf8_lossy(&processes.stdout).lines().skip(1).any(|line| line.contains(words))
    }

    /// The process id, on the host, of its first process.
    pub fn pid(&self) -> u32 {
        self.inspect("{{.State.Pid}}").trim().parse().unwrap()
    }

    /// `docker inspect`, with a format; all of it where the format is `{{json .}}`.
    pub fn inspect(&self, format: &str) -> String {
        output_of(&mut self.docker.command(&["inspect", "--format", format, &self.name]))
    }

    /// Stops it at once; it stays there, stopped.
    pub fn stop(&self) {
        output_of(&mut self.docker.command(&["kill", &self.name]));
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.docker.command(&["rm", "--force", &self.name]).output();
    }
}
