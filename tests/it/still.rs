//! Containers that stand still while a source is read, containers by their labels, and volumes: what was stopped moves
//! again as soon as the source was read, whatever becomes of the run.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::databases::Job;
use crate::dumps::listing;
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::docker::{Container, Docker};
use crate::support::s3::S3Server;
use crate::support::{is_root, output_of, skip, wait_until};

const SOON: Duration = Duration::from_secs(60);

fn state(container: &Container<'_>) -> String {
    container.inspect("{{.State.Status}}").trim().to_owned()
}

/// A run in the background, killed with the value.
struct Running(Child);

impl Running {
    fn start(job: &Job, docker: &Docker) -> Self {
        let mut runner = job.runner("backup");
        runner.envs(docker.environment().iter().cloned()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(runner.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A source that is read until a file appears, with this container stopped or paused meanwhile.
fn waiting(job: &Job, still: &str) -> String {
    let file = job.path("go");
    let _ = fs::remove_file(&file);
    let script = format!(
        "echo begun; echo x >>{}; until [ -e {} ]; do sleep 0.05; done",
        job.path("ran").display(),
        file.display()
    );
    format!("{{command: [sh, -c, \"{script}\"], extension: txt, while: {{{still}, engine: docker}}}}")
}

fn go(job: &Job) {
    fs::write(job.path("go"), "").unwrap();
}

/// The spec without a run.
fn write(job: &Job, source: &str) {
    let spec = format!(
        "version: 1\ntarget: systemd\ndestinations: {{disk: {{local: {{path: {}}}}}}}\njobs: {{job: {{schedule: {{every: 1h}}, \
         archive: {{name: \"{{source}}_{{time:%s}}\"}}, store: [disk], sources: {{db: {source}}}}}}}\n",
        job.path("disk").display()
    );
    fs::write(job.path("spec.yaml"), spec).unwrap();
    // Names are of one second, and a second run would find the first one's.
    let _ = fs::remove_dir_all(job.path("disk"));
}

#[test]
fn what_stands_still_moves_again_after_success_failure_and_sigterm_and_only_if_it_moved_before() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("still-ends", &["--restart=always"]);
    let idle = docker.run("still-idle", &[]);
    idle.stop();
    for (still, expected) in
        [("stopped: [still-ends, still-idle]", "exited"), ("paused: [still-ends, still-idle]", "paused")]
    {
        let job = Job::new();
        let source = waiting(&job, still);
        write(&job, &source);
        let begun = container.inspect("{{.State.StartedAt}}");
        let mut run = Running::start(&job, docker);
        assert!(wait_until(SOON, || state(&container) == expected), "{}", state(&container));
        assert!(wait_until(SOON, || job.path("ran").exists()));
        go(&job);
        assert!(run.0.wait().unwrap().success());
        assert_eq!((state(&container).as_str(), state(&idle).as_str()), ("running", "exited"));
        assert_eq!(begun == container.inspect("{{.State.StartedAt}}"), expected == "paused");
        assert_eq!(container.inspect("{{.HostConfig.RestartPolicy.Name}}").trim(), "always");
        // Dokploy PR #4896: the dump was run twice.
        assert_eq!(fs::read_to_string(job.path("ran")).unwrap(), "x\n");
        job.assert_clean();

        write(&job, &source);
        fs::remove_file(job.path("go")).unwrap();
        let mut run = Running::start(&job, docker);
        assert!(wait_until(SOON, || state(&container) == expected));
        run.signal(Signal::TERM);
        assert_eq!(run.0.wait().unwrap().code(), Some(1));
        assert_eq!(state(&container), "running");
        job.assert_clean();

        let failing =
            format!("{{command: [sh, -c, \"echo x; exit 3\"], extension: txt, while: {{{still}, engine: docker}}}}");
        let ran = job.backup_with(&failing, docker.environment());
        assert_eq!((ran.code, state(&container).as_str()), (Some(1), "running"), "{}", ran.said);
        job.assert_clean();
    }
}

/// Dokploy#4263: the container is left stopped.
#[test]
fn a_container_that_a_killed_run_left_stopped_is_started_by_the_next() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("still-killed", &[]);
    for (still, expected) in [("stopped: still-killed", "exited"), ("paused: [still-killed]", "paused")] {
        let job = Job::new();
        write(&job, &waiting(&job, still));
        let mut run = Running::start(&job, docker);
        assert!(wait_until(SOON, || state(&container) == expected && job.path("ran").exists()));
        run.signal(Signal::KILL);
        assert_eq!(run.0.wait().unwrap().signal(), Some(9));
        assert_eq!(state(&container), expected);
        let said = job.backup_with("{command: [echo, x], extension: txt}", docker.environment()).well();
        assert!(said.contains("the container still-killed"), "{said}");
        assert_eq!(state(&container), "running");
        job.assert_clean();
    }
}

/// Dokploy#2616: the id of a container that was made anew meanwhile.
#[test]
fn a_container_that_was_made_anew_meanwhile_is_left_to_who_did_it() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("still-anew", &[]);
    let job = Job::new();
    write(&job, &waiting(&job, "stopped: [still-anew]"));
    let mut run = Running::start(&job, docker);
    assert!(wait_until(SOON, || state(&container) == "exited" && job.path("ran").exists()));
    drop(container);
    let anew = docker.run("still-anew", &[]);
    go(&job);
    assert!(run.0.wait().unwrap().success());
    assert_eq!(state(&anew), "running");
    job.assert_clean();
}

#[test]
fn a_container_moves_again_before_a_slow_upload_ends() {
    let Some(docker) = Docker::start() else { return };
    let Some(s3) = S3Server::start() else { return };
    s3.bucket("box");
    // The first connections list; what uploads the archive gets stuck after a while.
    let proxy = ChaosProxy::start(s3.port(), |_| Faults::up(Fault::StallAfter(2_000_000)));
    let container = docker.run("still-slow", &[]);
    let job = Job::new();
    let spec = format!(
        "version: 1\ntarget: systemd\ndestinations: {{far: {{s3: {{endpoint: \"http://127.0.0.1:{}\", bucket: box, \
         access_key: {{env: AK}}, secret_key: {{env: SK}}}}}}}}\njobs: {{job: {{schedule: {{every: 1h}}, store: [far], \
         archive: {{compression: none}}, sources: {{db: {{command: [head, -c, \"80000000\", /dev/urandom], extension: bin, \
         while: {{stopped: [still-slow], engine: docker}}}}}}}}}}\n",
        proxy.port()
    );
    fs::write(job.path("spec.yaml"), spec).unwrap();
    let mut runner = job.runner("backup");
    runner.env("AK", &s3.access_key).env("SK", &s3.secret_key).envs(docker.environment().iter().cloned());
    let mut run = Running(runner.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    assert!(wait_until(SOON, || state(&container) == "exited"));
    assert!(
        wait_until(SOON, || state(&container) == "running"),
        "80 MB are in the spool, and nothing more is to be read"
    );
    assert!(run.0.try_wait().unwrap().is_none(), "the upload is stuck still");
    run.signal(Signal::TERM);
    assert!(!run.0.wait().unwrap().success());
    assert_eq!(state(&container), "running");
}

#[test]
fn what_stopping_would_remove_is_not_stopped_and_a_missing_container_is_named() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("still-rm", &["--rm"]);
    let other = docker.run("still-rm-other", &[]);
    let job = Job::new();
    let source =
        |names: &str| format!("{{command: [echo, x], extension: txt, while: {{stopped: [{names}], engine: docker}}}}");
    for (names, words) in
        [("still-rm-other, still-rm", "started with `--rm`"), ("still-rm-other, nobody", "knows no container `nobody`")]
    {
        let ran = job.backup_with(&source(names), docker.environment());
        assert!(ran.code == Some(1) && ran.said.contains(words), "{}", ran.said);
        assert_eq!((state(&container).as_str(), state(&other).as_str()), ("running", "running"));
        job.assert_clean();
    }
}

/// offen/docker-volume-backup#210: the label hits other projects' containers.
#[test]
fn a_label_means_containers_of_one_project_only() {
    let Some(docker) = Docker::start() else { return };
    let of = |name: &str, project: &str| {
        docker.run(
            name,
            &["--label", "org.example.label=here", "--label", &format!("com.docker.compose.project={project}")],
        )
    };
    let (one, two) = (of("label-one", "shop"), of("label-two", "shop"));
    one.sh("echo one >/data/f");
    two.sh("echo two >/data/f");
    let job = Job::new();
    let tree =
        |which: &str| format!("{{container: {{label: org.example.label=here{which}}}, engine: docker, tree: /data}}");
    let fails = |source: &str, words: &str| {
        let ran = job.backup_with(source, docker.environment());
        assert!(ran.code == Some(1) && ran.said.contains(words), "{}", ran.said);
    };
    fails(&tree(""), "several running containers have the label `org.example.label=here`: `label-one`, `label-two`");
    fails(&tree("").replace("here", "nowhere"), "no running container has the label");
    job.backup_with(&tree(", all: true"), docker.environment()).well();
    for name in ["one", "two"] {
        assert_eq!(listing(&job.object(&format!("db@label-{name}"))), ["data/", "data/f"]);
    }
    let listed = output_of(job.runner("list").arg("--json"));
    assert!(listed.contains("db@label-one_") && !listed.contains("incomplete"), "{listed}");
    let other = of("label-other", "elsewhere");
    other.sh("echo other >/data/f");
    fails(&tree(", all: true"), "containers of several compose projects have the label");
    job.backup_with(&tree(", project: elsewhere"), docker.environment()).well();
    let still = "{command: [echo, x], extension: txt, while: {stopped: {label: org.example.label=here, project: shop}, engine: docker}}";
    let begun = other.inspect("{{.State.StartedAt}}");
    let said = job.backup_with(still, docker.environment()).well();
    assert!(said.contains("`label-one`, `label-two` stood still"), "{said}");
    assert_eq!(other.inspect("{{.State.StartedAt}}"), begun);
}

#[test]
fn a_volume_comes_back_directly_and_through_a_container_that_has_it() {
    let Some(docker) = Docker::start() else { return };
    output_of(&mut docker.command(&["volume", "create", "shop-files"]));
    let container = docker.run("volume-user", &["-v", "shop-files:/srv/files"]);
    container.sh("mkdir -p /srv/files/a && echo x >/srv/files/a/f && echo y >/srv/files/t.tmp && chown -R 1000:1000 /srv/files/a");
    let job = Job::new();
    let of = |more: &str| format!("{{volume: shop-files, engine: docker{more}}}");
    for (access, how) in [("direct", "directly from"), ("auto", ""), ("exec", "docker exec")] {
        if access == "direct" && !is_root() {
            skip("reading a volume directly needs root");
            continue;
        }
        let said = job.backup_with(&of(&format!(", access: {access}")), docker.environment()).well();
        assert!(said.contains(how), "{said}");
        let names: Vec<_> = listing(&job.object("db")).into_iter().collect();
        assert_eq!(names, ["./", "./a/", "./a/f", "./t.tmp"], "{access}");
        let folder = crate::support::temp_dir();
        fs::write(folder.path().join("archive"), job.object("db")).unwrap();
        output_of(Command::new("tar").args(["-xf", "archive"]).current_dir(folder.path()));
        assert_eq!(fs::read_to_string(folder.path().join("a/f")).unwrap(), "x\n");
    }
    if is_root() {
        job.backup_with(&of(", exclude: [\"*.tmp\"]"), docker.environment()).well();
        assert_eq!(listing(&job.object("db")), ["./", "./a/", "./a/f"]);
        // Stopped, and read from the host.
        let still = of(", while: {stopped: [volume-user], engine: docker}");
        let said = job.backup_with(&still, docker.environment()).well();
        assert!(said.contains("`volume-user` stood still for"), "{said}");
        assert_eq!(state(&container), "running");
    }
    drop(container);
    let ran = job.backup_with(&of(", access: exec"), docker.environment());
    assert!(ran.code == Some(1) && ran.said.contains("no running container has it"), "{}", ran.said);
    let ran = job.backup_with("{volume: no-such, engine: docker}", docker.environment());
    assert!(ran.code == Some(1) && ran.said.contains("knows no volume `no-such`"), "{}", ran.said);
    output_of(&mut docker.command(&["volume", "rm", "shop-files"]));
    job.assert_clean();
}

#[test]
fn podman_s_containers_stand_still_and_its_volumes_come_back_too() {
    let Some(podman) = Docker::start_podman() else { return };
    output_of(&mut podman.command(&["volume", "create", "pod-files"]));
    let container = podman.run("pod-still", &["-v", "pod-files:/srv/files", "--label", "org.example.pod=1"]);
    container.sh("echo x >/srv/files/f");
    let job = Job::new();
    let still = "while: {paused: {label: org.example.pod=1}, engine: podman}";
    for access in ["auto", "exec"] {
        // Nothing can be run in what is paused.
        let still = if access == "auto" { format!(", {still}") } else { String::new() };
        let source = format!("{{volume: pod-files, engine: podman, access: {access}{still}}}");
        let said = job.backup_with(&source, podman.environment()).well();
        assert!(access == "exec" || said.contains("`pod-still` stood still for"), "{said}");
        assert_eq!(listing(&job.object("db")), ["./", "./f"], "{access}");
        assert_eq!(state(&container), "running");
    }
    drop(container);
    output_of(&mut podman.command(&["volume", "rm", "pod-files"]));

    job.assert_clean();
}
