//! The harness itself: each server does what the tests rely on, and none outlives its test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::docker::Docker;
use crate::support::etcd::{Etcd, Options};
use crate::support::guard::Guard;
use crate::support::s3::S3Server;
use crate::support::sdbox::Sdbox;
use crate::support::{loopback, output_of, program, said, sized, skip, temp_dir, wait_until};

const SOON: Duration = Duration::from_secs(10);

/// Set where a test runs itself again in a process of its own; its value is a file for the child to report in.
const CHILD: &str = "EIGHTBELLS_HARNESS_CHILD";

fn this_test_again(report: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &skip::running_test(), "--nocapture"]).env(CHILD, report);
    command.env_remove("EIGHTBELLS_NO_SKIP").env_remove("EIGHTBELLS_SKIPPED");
    command
}

fn put_status(s3: &S3Server, secret: &str, url: &str) -> String {
    let mut curl = signed_curl(s3, secret);
    curl.args(["--output", "/dev/null", "--write-out", "%{http_code}", "--request", "PUT", "--data-binary", "ding"]);
    output_of(curl.arg(url))
}

fn signed_curl(s3: &S3Server, secret: &str) -> Command {
    let mut curl = Command::new("curl");
    let user = format!("{}:{secret}", s3.access_key);
    let scope = format!("aws:amz:{}:s3", S3Server::REGION);
    curl.args(["--silent", "--aws-sigv4", &scope, "--user", &user, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]);
    curl
}

#[test]
fn s3_takes_an_object_with_the_right_secret_and_refuses_a_wrong_one() {
    let Some(s3) = S3Server::start() else { return };
    let url = format!("{}/{}/folder/key", s3.endpoint(), s3.bucket("box"));
    assert_eq!(put_status(&s3, "wrong", &url), "403");
    assert_eq!(s3.keys("box"), Vec::<String>::new());
    assert_eq!(put_status(&s3, &s3.secret_key, &url), "200");
    assert_eq!(s3.keys("box"), ["folder/key"]);
    assert_eq!(s3.object("box", "folder/key"), b"ding");
    assert_eq!(s3.unfinished_uploads(), Vec::<String>::new());
}

#[test]
fn s3_shows_uploads_that_nobody_finished() {
    let Some(s3) = S3Server::start() else { return };
    let url = format!("{}/{}/key?uploads=", s3.endpoint(), s3.bucket("box"));
    let answer = output_of(signed_curl(&s3, &s3.secret_key).args(["--request", "POST", &url]));
    assert!(answer.contains("<UploadId>"), "{answer}");
    assert!(!s3.unfinished_uploads().is_empty());
    assert_eq!(s3.keys("box"), Vec::<String>::new());
}

#[test]
fn an_s3_server_can_be_spoiled_by_the_proxy_in_front_of_it() {
    let Some(s3) = S3Server::start() else { return };
    let proxy = ChaosProxy::spoil_first(s3.port(), 1, Faults::down(Fault::CutAfter(0)));
    let url = format!("http://127.0.0.1:{}/{}/key", proxy.port(), s3.bucket("box"));
    let mut first = signed_curl(&s3, &s3.secret_key);
    assert!(!first.arg(&url).output().unwrap().status.success());
    assert_eq!(put_status(&s3, &s3.secret_key, &url), "200");
}

#[test]
fn rclone_knows_which_buckets_there_are() {
    let Some(s3) = S3Server::start_rclone() else {
        return;
    };
    s3.bucket("box");
    assert_eq!(put_status(&s3, &s3.secret_key, &format!("{}/box/key", s3.endpoint())), "200");
    assert_eq!(put_status(&s3, "wrong", &format!("{}/box/other", s3.endpoint())), "403");
    assert_eq!(put_status(&s3, &s3.secret_key, &format!("{}/elsewhere/key", s3.endpoint())), "404");
    assert_eq!(s3.keys("box"), ["key"]);
}

#[test]
fn etcd_keeps_the_key_spaces_of_v2_and_v3_apart() {
    let Some(etcd) = Etcd::start(Options::default()) else {
        return;
    };
    etcd.put("/a", "-three");
    etcd.put_v2("/a", "two");
    etcd.put_v2("/only/v2", "two");
    assert_eq!(etcd.get("/a").as_deref(), Some("-three"));
    assert_eq!(etcd.get("/only/v2"), None);
    assert!(etcd.endpoint().ends_with(&format!(":{}", etcd.port())));
    let seen = output_of(Command::new("curl").args(["-s", &format!("{}/v2/keys/a", etcd.endpoint())]));
    assert!(seen.contains(r#""value":"two""#), "{seen}");
}

#[test]
fn etcd_with_auth_and_tls_asks_for_a_name_and_shows_a_certificate() {
    let Some(etcd) = Etcd::start(Options { auth: true, tls: true }) else {
        return;
    };
    etcd.put("/a", "x");
    let as_user = |user: &str| etcd.ctl(&["get", "/a"]).env("ETCDCTL_USER", user).output().unwrap();
    let right = as_user(&format!("{}:{}", Etcd::USER, etcd.password));
    assert!(said(&right).contains("/a\nx"), "{}", said(&right));
    assert!(!as_user(&format!("{}:wrong", Etcd::USER)).status.success());
    let nobody = etcd.ctl(&["get", "/a"]).env_remove("ETCDCTL_USER").output().unwrap();
    assert!(said(&nobody).contains("user name is empty"), "{}", said(&nobody));
    let stranger = etcd.ctl(&["get", "/a"]).env_remove("ETCDCTL_CACERT").output().unwrap();
    assert!(!stranger.status.success(), "a certificate of an unknown authority was trusted");
}

#[test]
fn a_dead_etcd_endpoint_refuses_connections() {
    let port: u16 = Etcd::dead_endpoint().rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(TcpStream::connect(loopback(port)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_docker_container_runs_commands_takes_files_and_is_gone_afterwards() {
    let Some(docker) = Docker::start() else { return };
    container_does_its_duty(docker);
    assert!(docker.host().is_none_or(|host| host.contains("://")));
    assert_eq!(docker.host().is_some(), !docker.environment().is_empty());
}

#[test]
fn a_podman_container_runs_commands_takes_files_and_is_gone_afterwards() {
    let Some(podman) = Docker::start_podman() else { return };
    container_does_its_duty(podman);
}

fn container_does_its_duty(engine: &Docker) {
    let container = engine.run("harness", &["-e", "COLOUR=blue", "--tmpfs", "/scratch"]);
    container.put("/usr/local/bin/hello", b"#!/bin/sh\necho hello $COLOUR \"$@\"\n");
    assert_eq!(container.sh("hello there"), "hello blue there\n");
    assert_eq!(container.exec(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(container.sh("mkdir /data/x && echo 1 >/data/x/y && tar -cf - -C /data x | tar -tf -"), "x/\nx/y\n");
    assert!(container.runs("sleep 100000"));
    assert!(!container.runs("sleep 31"));
    assert!(container.pid() > 1);
    assert!(container.inspect("{{json .}}").contains("COLOUR=blue"));
    container.stop();
    assert_ne!(container.exec(&["true"]).status.code(), Some(0));
    drop(container);
    assert_eq!(output_of(&mut engine.command(&["ps", "-aq", "--filter", "name=harness"])), "");
}

#[test]
fn a_boxed_systemd_runs_a_service_under_its_hardening_and_tells_its_journal() {
    let Some(systemd) = Sdbox::start(&[]) else {
        return;
    };
    systemd.copy(&program::runner_path(), "/opt/bin/eightbells-run");
    let unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nDynamicUser=yes\nStateDirectory=kept\n\
         ExecStart=/bin/sh -c 'test -x /opt/bin/eightbells-run && echo \"this is %p\" && touch /var/lib/kept/file'\n\
         ExecStart=/bin/sh -c '! touch /etc/not-allowed'\n";
    systemd.install("bell.service", unit);
    systemd.sh("systemctl start --no-block bell.service");
    assert!(systemd.wait_property("bell.service", "ActiveState", "active", SOON), "{}", systemd.journal("bell"));
    assert!(systemd.journal("bell.service").contains("this is bell"));
    assert!(systemd.journal_fields("bell.service").contains(r#""_SYSTEMD_UNIT":"bell.service""#));
    assert_eq!(systemd.sh("ls /var/lib/kept/"), "file\n");
    assert!(!Path::new("/var/lib/kept").exists(), "the box wrote to the host");
}

#[test]
fn a_box_sees_the_paths_it_is_given_and_cannot_write_there() {
    let dir = temp_dir();
    let shown = dir.path().join("shown");
    std::fs::write(&shown, "from the host").unwrap();
    let Some(systemd) = Sdbox::start(&[dir.path()]) else {
        return;
    };
    assert_eq!(systemd.sh(&format!("cat {}", shown.display())), "from the host");
    assert!(!systemd.exec(&["touch", shown.to_str().unwrap()]).status.success());
}

#[test]
fn a_server_and_its_folder_are_gone_with_the_guard() {
    let dir = temp_dir().keep();
    let guard = Guard::serve(dir.clone(), "touch ../$(basename $PWD).last", &["sleep", "1000"]);
    guard.wait_ready("sleep", || dir.join("pid").exists());
    let pid = wait_for_text(&dir.join("pid"));
    assert_eq!(guard.dir(), dir);
    drop(guard);
    assert!(!Path::new("/proc").join(pid.trim()).exists());
    assert!(!dir.exists());
    std::fs::remove_file(dir.with_added_extension("last")).expect("what was to be done last was not done");
}

#[test]
#[should_panic(expected = "cannot open")]
fn a_server_that_ends_at_once_is_told_with_its_words() {
    let guard = Guard::serve(temp_dir().keep(), ":", &["sh", "/nonexistent/script"]);
    guard.wait_ready("the script", || false);
}

#[test]
fn a_server_does_not_outlive_tests_that_are_killed() {
    if let Some(report) = std::env::var_os(CHILD) {
        let dir = temp_dir().keep();
        let guard = Guard::serve(dir.clone(), ":", &["sleep", "1000"]);
        let pid = wait_for_text(&dir.join("pid"));
        std::fs::write(report, format!("{}\n{}", dir.display(), pid.trim())).unwrap();
        thread::sleep(SOON);
        drop(guard);
        return;
    }
    let report = temp_dir();
    let report = report.path().join("report");
    let mut child = this_test_again(&report).stdout(Stdio::null()).spawn().unwrap();
    assert!(wait_until(SOON, || report.exists()));
    let text = wait_for_text(&report);
    let (dir, pid) = text.split_once('\n').unwrap();
    assert!(Path::new("/proc").join(pid).exists());
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(wait_until(SOON, || !Path::new("/proc").join(pid).exists() && !Path::new(dir).exists()));
}

fn wait_for_text(file: &Path) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    assert!(wait_until(SOON, || !read().is_empty()));
    read()
}

#[test]
fn a_skip_is_told_aloud_and_listed_and_can_be_forbidden() {
    if std::env::var_os(CHILD).is_some() {
        skip("the moon is wrong");
        return;
    }
    let dir = temp_dir();
    let list = dir.path().join("skipped");
    let told = this_test_again(&list).env("EIGHTBELLS_SKIPPED", &list).output().unwrap();
    let line = "SKIPPED: harness::a_skip_is_told_aloud_and_listed_and_can_be_forbidden: the moon is wrong\n";
    assert!(told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains(line), "{}", said(&told));
    assert_eq!(std::fs::read_to_string(&list).unwrap(), line);
    let forbidden = this_test_again(&list).env("EIGHTBELLS_NO_SKIP", "1").output().unwrap();
    assert!(!forbidden.status.success());
}

#[test]
fn our_programs_start_in_an_environment_that_holds_nothing_by_chance() {
    program::asserted(program::eightbells()).arg("--version").assert().success();
    program::asserted(program::runner()).arg("--version").assert().success();
    assert_eq!(program::eightbells_path().parent(), program::runner_path().parent());
    let env = output_of(&mut program::clean(Path::new("/usr/bin/env")));
    let mut names: Vec<_> = env.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TZ"]);
}

/// A server that sends back what it gets.
fn echo_server() -> u16 {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut &stream));
        }
    });
    port
}

/// Sends ten bytes through a proxy and reads until the end: what came back, and how it ended.
fn ten_bytes_through(proxy: &ChaosProxy) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(loopback(proxy.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(b"0123456789").unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    let mut came = Vec::new();
    let end = stream.read_to_end(&mut came).err().map(|error| error.kind());
    (came, end)
}

#[test]
fn the_proxy_spoils_connections_as_planned() {
    let echo = echo_server();
    let through = |faults| ten_bytes_through(&ChaosProxy::start(echo, move |_| faults));
    assert_eq!(through(Faults::NONE), (b"0123456789".to_vec(), None));
    assert_eq!(through(Faults::down(Fault::CutAfter(4))), (b"0123".to_vec(), None));
    assert!(through(Faults::up(Fault::CutAfter(4))).0.len() <= 4);
    assert_eq!(through(Faults::down(Fault::GarbleAt(2))), (b"01\xcd3456789".to_vec(), None));
    assert_eq!(through(Faults::down(Fault::StallAfter(3))), (b"012".to_vec(), Some(ErrorKind::WouldBlock)));
    assert_eq!(through(Faults::up(Fault::ResetAfter(5))).1, Some(ErrorKind::ConnectionReset));
    let start = Instant::now();
    assert_eq!(through(Faults::down(Fault::Delay(Duration::from_millis(200)))).0, b"0123456789");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn the_proxy_passes_much_unchanged() {
    let proxy = ChaosProxy::start(echo_server(), |_| Faults::NONE);
    let sent: Vec<u8> = (0..sized(1_u32, 100) << 20).map(|it| it.wrapping_mul(0x9e37_79b9).to_be_bytes()[0]).collect();
    let mut stream = TcpStream::connect(loopback(proxy.port())).unwrap();
    let mut back = stream.try_clone().unwrap();
    let reader = thread::spawn(move || {
        let mut came = Vec::new();
        back.read_to_end(&mut came).unwrap();
        came
    });
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(reader.join().unwrap() == sent, "bytes were changed or lost");
}

#[test]
fn the_proxy_can_spoil_the_first_connections_only_or_say_nothing_ever() {
    let proxy = ChaosProxy::spoil_first(echo_server(), 1, Faults::down(Fault::CutAfter(1)));
    assert_eq!(ten_bytes_through(&proxy).0, b"0");
    assert_eq!(ten_bytes_through(&proxy).0, b"0123456789");
    assert_eq!(proxy.connections(), 2);
    assert_eq!(ten_bytes_through(&ChaosProxy::silent()), (Vec::new(), Some(ErrorKind::WouldBlock)));
}
