//! `jobs`, `schedule`, `store`.

use super::source::ARGV;
use super::{Key, Keys, Rule, Shape, Takes, archive, conduct, key, service, source};

pub(super) static JOB: Keys = Keys { title: "job", keys: KEYS, rules: &[] };

const UNITS: Takes = Takes::Several(0, &Takes::Text(Shape::Unit));

static KEYS: &[Key] = &[
    key("description", Takes::Text(Shape::Text), "Wiki backup", "what its units say that they are")
        .without("the job's name and `backup`"),
    key(
        "instances",
        Takes::List(1, &Takes::Text(Shape::Text)),
        "[\"80\", \"81\"]",
        "makes the units templates, `NAME@.service` and `NAME@.timer`, for these instances; `{instance}` stands for one",
    )
    .without("plain units"),
    key("schedule", Takes::Map(&SCHEDULE), "{every: 4h}", "when it runs").needed(),
    key("needs", UNITS, "[wiki.service]", "units that are started before it, without which it does not run: `Requires=` and `After=`"),
    key("wants", UNITS, "[wiki.service]", "units that are started before it, if they can be: `Wants=` and `After=`"),
    key("requisite", UNITS, "[wiki.service]", "units that must be running already: `Requisite=` and `After=`"),
    key(
        "sources",
        Takes::Named(Shape::SourceName, 1, &Takes::Map(&source::SOURCE)),
        "{files: {paths: [/etc]}}",
        "what is backed up, by names that become part of the archives'",
    )
    .needed(),
    key("archive", Takes::Map(&archive::ARCHIVE), "{compression: gzip}", "how archives are named, packed and encrypted"),
    key(
        "store",
        Takes::Several(1, &Takes::Any(&[Takes::Text(Shape::Name), Takes::Map(&STORE)])),
        "[{to: host, keep: {within: 7d}}]",
        "where archives go, and for how long",
    )
    .needed(),
    key(
        "guard",
        Takes::Any(&[Takes::Words(&["none"]), Takes::Map(&GUARD)]),
        "{shrink: 50%, over: 5}",
        "when a dump is too small for anything to be removed on its account (exit code 3)",
    )
    .default("{shrink: 50%, over: 5}"),
    key("hooks", Takes::Map(&conduct::HOOKS), "{before: [sync]}", "programs that run around a run"),
    key("wait", Takes::Text(Shape::Duration), "10m", "how long it waits for another run of the same job to end")
        .without("it ends at once, with exit code 75"),
    key("concurrency", Takes::Map(&conduct::CONCURRENCY), "{group: heavy, max: 2}", "how many runs of a group go on at once over a cluster"),
    key("retry", Takes::Map(&conduct::RETRY), "{times: 2}", "whether a failed run is tried again where that can help"),
    key("timeouts", Takes::Map(&conduct::TIMEOUTS), "{run: 12h}", "when a run that does not get on is ended"),
    key("notify", Takes::List(0, &Takes::Map(&conduct::NOTICE)), "[{mail: {to: admin}}]", "who is told of runs"),
    key("report", Takes::Map(&conduct::REPORT), "{keep: 100}", "what is kept of runs"),
    key("drill", DRILLED, "{schedule: {calendar: \"Sun 05:00\"}, check: [test, -d, etc]}", "restores an archive on a schedule, and runs a check on it")
        .default("none"),
    key("job_in", Takes::Words(&["unit", "file", "etcd"]), "file", "how the job reaches the runner: in the unit, in the spec's file on the host, or in etcd")
        .without("`file`; on fleet `unit`"),
    key("fleet", Takes::Map(&service::FLEET), "{machine_metadata: {role: wiki}}", "the unit's `[X-Fleet]` section; says nothing for systemd"),
    key("service", Takes::Map(&service::SERVICE), "{nice: 10, io_class: idle}", "how the service runs"),
];

const DRILLED: Takes = Takes::Any(&[Takes::Words(&["none"]), Takes::Map(&DRILL)]);

static DRILL: Keys = Keys {
    title: "drill",
    keys: &[
        key(
            "schedule",
            Takes::Map(&SCHEDULE),
            "{calendar: \"Sun 05:00\"}",
            "when it runs, as a job's; without `blackout` and `unless_newer_than`",
        )
        .needed(),
        key(
            "check",
            ARGV,
            "[test, -s, etc/hostname]",
            "the program that runs in the restored folder, which is `{scratch}`; no shell is involved",
        )
        .without("that the archive comes back is all that is proved"),
        key("at", Takes::Text(Shape::Text), "latest~1", "which archive: `latest`, or `latest~2`, the second before it")
            .default("latest"),
        key("source", Takes::Text(Shape::SourceName), "files", "the one source that is restored").without("every one"),
        key(
            "identity",
            Takes::Several(0, &Takes::Text(Shape::Path)),
            "/etc/eightbells/drill.key",
            "files that open encrypted archives",
        ),
        key("scratch", Takes::Text(Shape::Path), "/var/tmp", "the folder in which the scratch folder is made")
            .without("the state directory"),
        key("timeout", Takes::Text(Shape::Duration), "10m", "how long the check may take").default("1h"),
    ],
    rules: &[],
};

const TIMED: &[&str] = &["calendar", "cron"];

static SCHEDULE: Keys = Keys {
    title: "schedule",
    keys: &[
        key(
            "every",
            Takes::Text(Shape::Duration),
            "4h",
            "at once when the timer starts, then this long after each start; a minute at least",
        ),
        key(
            "calendar",
            Takes::Several(0, &Takes::Text(Shape::Text)),
            "\"Mon..Fri 02:30\"",
            "systemd's calendar events; `eightbells calendar` tries one out",
        ),
        key(
            "cron",
            Takes::Several(0, &Takes::Text(Shape::Cron)),
            "\"30 2 * * *\"",
            "cron's five fields, or `@daily` and the like",
        ),
        key("timezone", Takes::Text(Shape::Text), "Europe/Berlin", "whose clocks `calendar` and `cron` mean")
            .with(TIMED)
            .without("the host's"),
        key(
            "catch_up",
            Takes::Switch,
            "false",
            "whether a run that was missed while the machine was off is made up for",
        )
        .with(TIMED)
        .default("true"),
        key("jitter", Takes::Text(Shape::Duration), "10m", "a random delay before each run, this long at most"),
        key(
            "unless_newer_than",
            Takes::Text(Shape::Duration),
            "1h",
            "a run ends early where a good archive is that young",
        ),
        key(
            "blackout",
            Takes::List(0, &Takes::Map(&BLACKOUT)),
            "[{from: \"08:00\", until: \"18:00\"}]",
            "times of day at which no run begins",
        ),
    ],
    rules: &[Rule::OneOf(&["every", "calendar", "cron"])],
};

static BLACKOUT: Keys = Keys {
    title: "blackout",
    keys: &[
        key("from", Takes::Text(Shape::Clock), "\"08:00\"", "when it begins").needed(),
        key("until", Takes::Text(Shape::Clock), "\"18:00\"", "when it ends; over midnight where that is earlier")
            .needed(),
    ],
    rules: &[],
};

static STORE: Keys = Keys {
    title: "store entry",
    keys: &[
        key("to", Takes::Text(Shape::Name), "host", "a name of `destinations`").needed(),
        key(
            "keep",
            Takes::Any(&[Takes::Words(&["all"]), Takes::Map(&KEEP)]),
            "{within: 7d}",
            "what stays there; the rest is removed after a good run",
        )
        .default("all"),
    ],
    rules: &[],
};

const COUNT: Takes = Takes::Whole(1, 4_294_967_295);

static KEEP: Keys = Keys {
    title: "keep",
    keys: &[
        key("within", Takes::Text(Shape::Duration), "7d", "what is younger than this"),
        key("last", COUNT, "10", "the newest ones"),
        key("hourly", COUNT, "24", "the newest of each of so many hours in which there is one"),
        key("daily", COUNT, "7", "the newest of each of so many days in which there is one"),
        key("weekly", COUNT, "5", "the newest of each of so many weeks (Monday to Sunday) in which there is one"),
        key("monthly", COUNT, "12", "the newest of each of so many months in which there is one"),
        key("quarterly", COUNT, "4", "the newest of each of so many quarters in which there is one"),
        key("yearly", COUNT, "3", "the newest of each of so many years in which there is one"),
        key("at_least", COUNT, "3", "the newest ones, whatever their age").without("3 with `within`, else 1"),
    ],
    rules: &[Rule::Some(&["within", "last", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"])],
};

static GUARD: Keys = Keys {
    title: "guard",
    keys: &[
        key(
            "shrink",
            Takes::Text(Shape::Share),
            "30%",
            "less of what is usual is too little, uncompressed, of each source",
        )
        .default("50%"),
        key("over", Takes::Whole(1, 1000), "9", "how many archives before it tell what is usual: their median")
            .default("5"),
    ],
    rules: &[],
};
