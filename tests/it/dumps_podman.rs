//! Dumps out of podman's containers: another engine, with other words and other exit codes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use eightbells::run::dump::{ContainerError, DumpError};
use eightbells::run::os::Cut;
use eightbells::source::Source;
use serde_json::{Value, json};

use crate::dumps::{Bench, listing};
use crate::support::{TempDir, is_root, need_program, output_of, skip, temp_dir};

/// podman with a store of its own, and one container that sleeps.
struct Podman {
    folder: TempDir,
    name: String,
}

impl Podman {
    fn start(name: &str) -> Option<Self> {
        if !is_root() {
            skip("podman's containers need root here");
            return None;
        }
        need_program("podman", "Debian has it in podman")?;
        need_program("runc", "Debian has it in runc")?;
        let busybox = need_program("busybox", "Debian has it in busybox-static")?;
        let podman = Self { folder: temp_dir(), name: name.to_owned() };
        podman.configure();
        podman.import(&busybox);
        output_of(podman.command().args(["run", "--detach", "--network=none", "--name", name, "bb:1"]));
        Some(podman)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self) {
        let engine = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n\
                      [engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n";
        std::fs::write(self.path("engine.conf"), engine).unwrap();
        let (graph, run) = (self.path("graph"), self.path("run"));
        let storage =
            format!("[storage]\ndriver=\"vfs\"\ngraphroot=\"{}\"\nrunroot=\"{}\"\n", graph.display(), run.display());
        std::fs::write(self.path("storage.conf"), storage).unwrap();
    }

    fn variables(&self) -> [(OsString, OsString); 2] {
        let pair = |name: &str, file: &str| (name.into(), self.path(file).into());
        [pair("CONTAINERS_CONF", "engine.conf"), pair("CONTAINERS_STORAGE_CONF", "storage.conf")]
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command.envs(self.variables());
        command
    }

    fn import(&self, busybox: &Path) {
        let script = r#"mkdir -p i/bin i/tmp i/data i/proc i/sys i/dev i/etc && cp "$1" i/bin/busybox
            for applet in $(i/bin/busybox --list); do [ -e "i/bin/$applet" ] || ln -s busybox "i/bin/$applet"; done
            tar -C i -cf image.tar ."#;
        output_of(Command::new("sh").args(["-ec", script, "sh"]).arg(busybox).current_dir(self.folder.path()));
        let change = r#"CMD ["/bin/sleep", "100000"]"#;
        output_of(self.command().args(["import", "--change", change]).arg(self.path("image.tar")).arg("bb:1"));
    }

    fn sh(&self, script: &str) -> String {
        output_of(self.command().args(["exec", &self.name, "sh", "-c", script]))
    }

    fn source(&self, more: &Value) -> Source {
        let content = json!({"stdout": {"extension": "x"}});
        let mut kind = json!({"container": self.name, "engine": "podman", "access": "auto", "content": content});
        kind.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({"name": "pages", "kind": {"container": kind}})).unwrap()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.command().args(["rm", "--force", "--time", "0", &self.name]).output();
    }
}

#[test]
fn podman_s_containers_are_dumped_in_every_way() {
    let Some(podman) = Podman::start("podman-ways") else { return };
    let bench = Bench::with(podman.variables());
    let dump = ["sh", "-c", "mkdir {scratch}/pages && echo \"$A\" >{scratch}/pages/f"];
    for (access, how) in [("auto", "directly"), ("exec", "podman exec")] {
        let tree = json!({"tree": {"path": "{scratch}/pages"}});
        let source = podman.source(&json!({"dump": dump, "env": {"A": "b c"}, "access": access, "content": tree}));
        let (bytes, outcome) = bench.dump(&source).unwrap();
        assert_eq!(listing(&bytes), ["pages/", "pages/f"], "{access}");
        assert!(outcome.how.as_ref().unwrap().contains(how), "{outcome:?}");
    }
    let (bytes, _) = bench.dump(&podman.source(&json!({"dump": ["sh", "-c", "head -c 5000000 /dev/zero"]}))).unwrap();
    assert_eq!(bytes.len(), 5_000_000);
    let error = bench.dump(&podman.source(&json!({"dump": ["sh", "-c", "echo x; echo why >&2; exit 1"]}))).unwrap_err();
    assert!(error.to_string().contains("status 1; it said: why"), "{error}");
    assert!(matches!(bench.dump(&podman.source(&json!({"dump": ["/no/such"]}))), Err(DumpError::Failed { .. })));
    assert_eq!((podman.sh("ls /tmp"), bench.left()), (String::new(), vec![]));
}

#[test]
fn a_dump_in_podman_that_hangs_is_ended_inside_too() {
    let Some(podman) = Podman::start("podman-hangs") else { return };
    let bench = Bench::with(podman.variables());
    let mut hanging = podman.source(&json!({"dump": ["sh", "-c", "echo {scratch}; sleep 1234"]}));
    hanging.timeout = Some(Duration::from_secs(2));
    let error = bench.dump(&hanging).unwrap_err();
    assert!(matches!(error, DumpError::Cut { cut: Cut::TimedOut, .. }), "{error}");
    assert!(!podman.sh("ps -o args").lines().any(|line| line.starts_with("sleep 1234")));
    assert_eq!((podman.sh("ls /tmp"), bench.left()), (String::new(), vec![]));
}

#[test]
fn podman_s_words_are_understood_too() {
    let Some(podman) = Podman::start("podman-words") else { return };
    let bench = Bench::with(podman.variables());
    let source = podman.source(&json!({"dump": ["true"]}));
    let nobody = podman.source(&json!({"dump": ["true"], "container": "nobody"}));
    let error = bench.dump(&nobody).unwrap_err();
    assert!(matches!(error, DumpError::Container(ContainerError::Missing { .. })), "{error}");
    output_of(podman.command().args(["stop", "--time", "0", &podman.name]));
    let error = bench.dump(&source).unwrap_err();
    assert!(matches!(error, DumpError::Container(ContainerError::NotRunning { .. })), "{error}");
}
