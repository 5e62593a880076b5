//! What surrounds a run: `hooks`, `concurrency`, `retry`, `timeouts`, `notify`, `report`.

use super::source::{ARGV, ENV};
use super::{Keys, Rule, Shape, Takes, key};

const HOOK_FORMS: Takes = Takes::Any(&[ARGV, Takes::Map(&HOOK)]);
const MOMENT: Takes = Takes::Any(&[ARGV, Takes::Map(&HOOK), Takes::List(1, &HOOK_FORMS)]);

pub(super) static HOOKS: Keys = Keys {
    title: "hooks",
    keys: &[
        key(
            "before",
            MOMENT,
            "[mountpoint, /srv]",
            "before anything is connected to, a source's before its dump; exit status 75: nothing to do now",
        ),
        key("after", MOMENT, "[logger, stored]", "once the archive is there; a source's once its dump is"),
        key("failed", MOMENT, "[logger, failed]", "where the run is not wholly good"),
        key("finally", MOMENT, "[logger, over]", "at the end of every run that began"),
    ],
    rules: &[],
};

static HOOK: Keys = Keys {
    title: "hook",
    keys: &[
        key("run", ARGV, "[logger, stored]", "the program and its arguments; no shell is involved").needed(),
        key("env", ENV, "{TOKEN: {env: HOOK_TOKEN}}", "variables for it, beside those that say how the run stands"),
        key("timeout", Takes::Text(Shape::Duration), "1m", "how long it may take").without("10m"),
        key(
            "on_error",
            Takes::Words(&["fail", "warn", "skip"]),
            "warn",
            "what its failure means; `skip`, of `before` only: nothing to do now",
        )
        .default("fail"),
    ],
    rules: &[],
};

pub(super) static CONCURRENCY: Keys = Keys {
    title: "concurrency",
    keys: &[
        key("group", Takes::Text(Shape::Name), "heavy", "the name that jobs share which must not run all at once")
            .needed(),
        key("max", Takes::Whole(1, 1000), "2", "how many of them may").needed(),
        key("wait", Takes::Text(Shape::Duration), "30m", "how long a run waits for a place, then exit code 75")
            .default("1h"),
        key("lease", Takes::Text(Shape::Duration), "1m", "how long a host that is gone keeps its place; 5s at least")
            .default("30s"),
    ],
    rules: &[],
};

pub(super) static RETRY: Keys = Keys {
    title: "retry",
    keys: &[
        key("times", Takes::Whole(1, 100), "2", "how many more tries there are after the first").needed(),
        key("wait", Takes::Text(Shape::Duration), "5m", "how long to wait before the second try").default("1m"),
        key("backoff", Takes::Whole(1, 10), "1", "each later wait is so many times the one before, up to an hour")
            .default("2"),
    ],
    rules: &[],
};

pub(super) static TIMEOUTS: Keys = Keys {
    title: "timeouts",
    keys: &[
        key("connect", Takes::Text(Shape::Duration), "30s", "until a destination has told what lies there")
            .default("2m"),
        key("stall", Takes::Text(Shape::Duration), "5m", "a destination takes no byte of those that are there")
            .default("15m"),
        key(
            "idle",
            Takes::Text(Shape::Duration),
            "2h",
            "nothing moves at all: no byte from a dump, none to a destination",
        )
        .without("for ever"),
        key("run", Takes::Text(Shape::Duration), "12h", "the whole run").without("for ever"),
    ],
    rules: &[],
};

pub(super) static NOTICE: Keys = Keys {
    title: "notice",
    keys: &[
        key(
            "ping",
            Takes::Any(&[Takes::Value(Shape::Address), Takes::Map(&PING)]),
            "{env: PING_URL}",
            "an address like healthchecks.io's: URL/start, URL, URL/fail",
        ),
        key("webhook", Takes::Map(&WEBHOOK), "{url: \"https://hooks.example.org/backup\"}", "the run's report as JSON"),
        key("ntfy", Takes::Map(&NTFY), "{url: \"https://ntfy.example.org/backups\"}", "a topic of ntfy"),
        key("mail", Takes::Map(&MAIL), "{to: admin}", "mail, through the host's sendmail"),
        key(
            "on",
            Takes::Several(0, &Takes::Words(&["start", "success", "partial", "failure"])),
            "[failure]",
            "which runs it tells of",
        )
        .without("`ping` all four, `webhook` the last three, `ntfy` and `mail` the last two"),
    ],
    rules: &[Rule::OneOf(&["ping", "webhook", "ntfy", "mail"])],
};

const URL: Takes = Takes::Value(Shape::Address);

static PING: Keys = Keys {
    title: "ping",
    keys: &[key("url", URL, "\"https://hc.example.org/ping/backups\"", "the address").needed()],
    rules: &[],
};

static WEBHOOK: Keys = Keys {
    title: "webhook",
    keys: &[
        key("url", URL, "\"https://hooks.example.org/backup\"", "the address").needed(),
        key("method", Takes::Words(&["POST", "PUT"]), "PUT", "how it is sent").default("POST"),
        key(
            "headers",
            Takes::Named(Shape::Text, 0, &Takes::Value(Shape::Text)),
            "{Authorization: {env: HOOK_TOKEN}}",
            "headers of the request",
        ),
    ],
    rules: &[],
};

static NTFY: Keys = Keys {
    title: "ntfy",
    keys: &[
        key("url", URL, "\"https://ntfy.example.org/backups\"", "the topic's address").needed(),
        key("token", Takes::Secret, "{env: NTFY_TOKEN}", "an access token"),
    ],
    rules: &[],
};

static MAIL: Keys = Keys {
    title: "mail",
    keys: &[
        key(
            "to",
            Takes::Several(0, &Takes::Text(Shape::Text)),
            "[admin@example.org]",
            "whom to write to: addresses, or local users",
        )
        .needed(),
        key("from", Takes::Text(Shape::Text), "backup@example.org", "who writes").without("what sendmail makes of it"),
        key("sendmail", ARGV, "[/usr/bin/msmtp, -t]", "the program that sends it")
            .default("[/usr/sbin/sendmail, -t, -i]"),
    ],
    rules: &[],
};

pub(super) static REPORT: Keys = Keys {
    title: "report",
    keys: &[
        key("path", Takes::Text(Shape::Path), "/var/log/eightbells", "the folder of the runs' reports")
            .without("a folder in the state directory"),
        key("keep", Takes::Whole(1, 100_000), "100", "how many reports stay").default("60"),
        key(
            "metrics",
            Takes::Text(Shape::Path),
            "/var/lib/prometheus/node-exporter",
            "a folder for Prometheus' textfile collector",
        ),
    ],
    rules: &[],
};
