//! Who is told of a run: pings, webhooks, ntfy, mail, against servers that write down what comes.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::backup::{Bench, PRINTS, SOON, assert_one_set, code, fifty_megabytes_then};
use crate::support::chaos::ChaosProxy;
use crate::support::recorder::{MailRecorder, WebRecorder};
use crate::support::{find_program, free_port, said, skip, wait_until};

const FAILS: &str = "db: {command: [sh, -c, \"echo no table >&2; exit 1\"], extension: sql}";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn runs_with_secrets(bench: &Bench) -> Output {
    let mut command = bench.runner("backup");
    command.env("PING", "http://127.0.0.1:1/unused").env("TOKEN", "token-secret-9").output().unwrap()
}

/// borgmatic #1065: an error was pinged as the end of a run.
#[test]
fn an_error_is_never_pinged_as_the_end_as_borgmatic_s_was() {
    let web = WebRecorder::start(&[200]);
    let bench = Bench::local();
    let ping = format!("notify: [{{ping: \"{}\"}}]", web.url("/check"));
    bench.job(&[PRINTS], &ping);
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(web.lines(), ["POST /check/start", "POST /check"]);
    assert!(web.seen()[1].body.contains("job: done"), "{:?}", web.seen()[1]);
    let mut seen = 2;
    let hook = format!("{ping}\nhooks: {{after: [\"false\"]}}");
    for (source, settings, exit) in
        [(FAILS, ping.as_str(), 1), (PRINTS, hook.as_str(), 3), ("db: {command: [\"true\"], extension: x}", &ping, 1)]
    {
        std::thread::sleep(Duration::from_millis(1100));
        bench.job(&[source], settings);
        let output = bench.run();
        assert_eq!(code(&output), exit, "{}", said(&output));
        assert_eq!(web.lines()[seen..], ["POST /check/start", "POST /check/fail"], "{source}");
        seen += 2;
    }
    assert!(web.seen()[3].body.contains("no table"), "{:?}", web.seen()[3]);
}

#[test]
fn a_stop_and_a_secret_that_is_missing_are_told_as_failures() {
    let web = WebRecorder::start(&[200]);
    let bench = Bench::local();
    let ping = format!("notify: [{{ping: \"{}\"}}]", web.url("/check"));
    bench.job(&[&fifty_megabytes_then("sleep 60")], &ping);
    let mut run = bench.start();
    assert!(wait_until(SOON, || !bench.on_disk().is_empty()));
    run.signal("-TERM");
    assert_eq!(code(&run.output()), 1);
    bench.job(&["db: {command: [seq, \"9\"], extension: x, env: {P: {env: NOT_SET_ANYWHERE}}}"], &ping);
    assert_eq!(code(&bench.run()), 1);
    assert_eq!(web.lines(), ["POST /check/start", "POST /check/fail", "POST /check/fail"]);
    assert!(web.seen()[2].body.contains("NOT_SET_ANYWHERE"));
}

#[test]
fn a_run_that_is_not_to_be_now_is_told_to_nobody_and_one_that_is_not_needed_as_good() {
    let web = WebRecorder::start(&[200]);
    let bench = Bench::local();
    let ping = format!("notify: [{{ping: \"{}\"}}]", web.url("/check"));
    bench.job(&[PRINTS], &format!("{ping}\nhooks: {{before: [sh, -c, \"exit 75\"]}}"));
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(web.lines(), [""; 0]);
    bench.job(&[PRINTS], &ping);
    assert_eq!(code(&bench.run()), 0);
    let spec = fs::read_to_string(bench.path("spec.yaml")).unwrap();
    fs::write(bench.path("spec.yaml"), spec.replace("{every: 1h}", "{every: 1h, unless_newer_than: 1h}")).unwrap();
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(web.lines()[2..], ["POST /check/start", "POST /check"]);
}

#[test]
fn a_webhook_gets_the_report_and_its_secret_header_and_nobody_else_sees_that() {
    let web = WebRecorder::start(&[200]);
    let bench = Bench::local();
    let hook = format!(
        "notify: [{{webhook: {{url: \"{}\", method: PUT, headers: {{Authorization: {{env: TOKEN}}}}}}, on: [start, success]}}]",
        web.url("/hook?x=1")
    );
    bench.job(&["db: {command: [sh, -c, \"echo $T >&2; echo x\"], extension: x, env: {T: {env: TOKEN}}}"], &hook);
    let output = runs_with_secrets(&bench);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let seen = web.seen();
    assert_eq!(web.lines(), ["PUT /hook?x=1", "PUT /hook?x=1"]);
    assert!(seen.iter().all(|r| r.headers.iter().any(|h| h.eq_ignore_ascii_case("authorization: token-secret-9"))));
    let body: serde_json::Value = serde_json::from_str(&seen[1].body).unwrap();
    assert_eq!((body["event"].as_str(), body["report"]["outcome"].as_str()), (Some("success"), Some("done")));
    assert!(!seen[1].body.contains("token-secret-9") && !said(&output).contains("token-secret-9"));
}

#[test]
fn a_notice_that_fails_is_a_warning_without_its_address() {
    let bench = Bench::local();
    let down = format!("http://127.0.0.1:{}/very-secret-path", free_port());
    bench.job(&[PRINTS], "notify: [{ping: {env: PING}}, {webhook: {url: {env: NOT_SET_ANYWHERE}}}]");
    let begun = Instant::now();
    let output = bench.runner("backup").env("PING", &down).output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
    let text = stderr(&output);
    assert!(text.contains("warning: `notify` by ping") && text.contains("warning: `notify` by webhook"), "{text}");
    assert!(!text.contains("very-secret-path"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_hangs_holds_the_run_for_a_bounded_time() {
    let silent = ChaosProxy::silent();
    let bench = Bench::local();
    bench.job(&[PRINTS], &format!("notify: [{{ping: \"http://127.0.0.1:{}/x\"}}]", silent.port()));
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(75), "{:?}", begun.elapsed());
}

#[test]
fn what_a_server_refuses_for_the_moment_is_told_again() {
    let web = WebRecorder::start(&[503, 429, 200]);
    let bench = Bench::local();
    bench.job(&[PRINTS], &format!("notify: [{{ping: \"{}\", on: success}}]", web.url("/check")));
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(web.lines(), ["POST /check"; 3]);
    assert!(!stderr(&output).contains("warning"), "{}", said(&output));
    let refusing = WebRecorder::start(&[404]);
    std::thread::sleep(Duration::from_millis(1100));
    bench.job(&[PRINTS], &format!("notify: [{{ping: \"{}\", on: success}}]", refusing.url("/gone")));
    let output = bench.run();
    assert_eq!((code(&output), refusing.lines().len()), (0, 1));
    assert!(stderr(&output).contains("the server answers 404"), "{}", said(&output));
}

#[test]
fn ntfy_gets_a_title_a_priority_and_its_token() {
    let web = WebRecorder::start(&[200]);
    let bench = Bench::local();
    bench.job(&[FAILS], &format!("notify: [{{ntfy: {{url: \"{}\", token: {{env: TOKEN}}}}}}]", web.url("/topic")));
    let output = runs_with_secrets(&bench);
    assert_eq!(code(&output), 1, "{}", said(&output));
    let request = web.seen().remove(0);
    assert_eq!(request.line, "POST /topic");
    let header = |name: &str| {
        let of = |line: &String| line.to_ascii_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned);
        request.headers.iter().find_map(of)
    };
    assert!(header("title").unwrap().ends_with(": failed"), "{request:?}");
    assert_eq!(
        (header("priority"), header("authorization")),
        (Some("high".into()), Some("bearer token-secret-9".into()))
    );
    assert!(request.body.contains("no table"), "{request:?}");
}

#[test]
fn a_mail_goes_through_sendmail() {
    let Some(msmtp) = find_program("msmtp") else { return skip("no `msmtp` here: Debian has it in msmtp") };
    let server = MailRecorder::start();
    let bench = Bench::local();
    let settings = bench.path("msmtprc");
    fs::write(&settings, format!("account default\nhost 127.0.0.1\nport {}\nfrom backup@example.org\n", server.port))
        .unwrap();
    let sendmail = format!("[{}, -C, {}, -t]", msmtp.display(), settings.display());
    bench.job(&[FAILS], &format!("notify: [{{mail: {{to: [one@example.org, two@example.org], from: backup@example.org, sendmail: {sendmail}}}}}]"));
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    let mail = server.seen().join("\n");
    for part in
        ["RCPT TO:<one@example.org>", "RCPT TO:<two@example.org>", "Subject: backup job on ", ": failed", "no table"]
    {
        assert!(mail.contains(part), "{part}: {mail}\n{}", said(&output));
    }
    bench.job(&[FAILS], "notify: [{mail: {to: root, sendmail: [/no/such/sendmail]}}]");
    let output = bench.run();
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("the mail program cannot be started"), "{}", said(&output));
}
