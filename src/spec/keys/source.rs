//! `sources`.

use super::{Key, Keys, Rule, Shape, Takes, conduct, database, key, top};

pub(super) static SOURCE: Keys = Keys {
    title: "source",
    keys: KEYS,
    rules: &[
        Rule::OneOf(&[
            "paths",
            "command",
            "container",
            "volume",
            "postgres",
            "mysql",
            "mariadb",
            "mongodb",
            "redis",
            "sqlite",
            "etcd",
        ]),
        Rule::Needs("command", &["extension"]),
        Rule::Needs("container", &["tree", "extension"]),
        Rule::NoTwo(&["tree", "extension"]),
    ],
};

const TEXTS: Takes = Takes::Several(0, &Takes::Text(Shape::Text));
const FILE_NAMES: Takes = Takes::Several(0, &Takes::Text(Shape::FileName));
pub(super) const ARGV: Takes = Takes::List(1, &Takes::Text(Shape::Text));
pub(super) const ENV: Takes = Takes::Named(Shape::Variable, 0, &Takes::Value(Shape::Text));
pub(super) const ENGINE: Takes = Takes::Words(&["auto", "docker", "podman"]);
const RUN: &[&str] = &["command", "container"];
const FILES: &[&str] = &["paths"];

static KEYS: &[Key] = &[
    key("paths", Takes::Several(1, &Takes::Text(Shape::Path)), "[/srv/www]", "files and folders of the host, as tar"),
    key("command", ARGV, "[dpkg-query, --show]", "what a program prints; exit status 0, or it is no backup. No shell is involved"),
    key("container", Takes::Any(&[Takes::Text(Shape::Text), Takes::Map(&PICK)]), "shop-postgres", "a container, in which a dump is made, or a folder read"),
    key("volume", Takes::Text(Shape::Name), "shop-files", "a volume of docker or podman, as tar"),
    key("postgres", Takes::Map(&database::POSTGRES), "{database: shop}", "PostgreSQL, by `pg_dump`"),
    key("mysql", Takes::Map(&database::MYSQL), "{database: shop}", "MySQL, by `mysqldump`"),
    key("mariadb", Takes::Map(&database::MARIADB), "{database: shop}", "MariaDB, by `mariadb-dump`"),
    key("mongodb", Takes::Map(&database::MONGODB), "{oplog: true}", "MongoDB, by `mongodump`"),
    key("redis", Takes::Map(&database::REDIS), "{}", "Redis, by `redis-cli --rdb`"),
    key("sqlite", Takes::Any(&[Takes::Text(Shape::Path), Takes::Map(&database::SQLITE)]), "/var/lib/books/books.db", "a database file of SQLite, whole while others write"),
    key("etcd", Takes::Map(&top::ETCD), "{endpoints: [\"http://127.0.0.1:2379\"]}", "a snapshot of etcd's v3 key space"),
    key("exclude", TEXTS, "[\"*/cache\", \"*.tmp\"]", "patterns of what is left out, as GNU tar's `--exclude` reads them").with(&["paths", "volume", "tree"]),
    key("one_file_system", Takes::Switch, "true", "whether only the paths' own file systems are read").with(FILES).default("false"),
    key("exclude_from", FILE_NAMES, "[.backupignore]", "names of files that say, in gitignore's syntax, what of their folder is left out").with(FILES),
    key("gitignore", Takes::Switch, "true", "whether what `.gitignore` files name is left out").with(FILES).default("false"),
    key("exclude_caches", Takes::Switch, "true", "whether folders with a `CACHEDIR.TAG` are archived empty").with(FILES).default("false"),
    key("exclude_if_present", FILE_NAMES, "[.nobackup]", "names of files whose folders are archived empty").with(FILES),
    key("max_file_size", Takes::Text(Shape::Size), "1GiB", "larger files are left out").with(FILES),
    key("dump", ARGV, "[pg_dump, shop]", "the program that runs in the container").with(&["container"]),
    key("tree", Takes::Text(Shape::ScratchPath), "/var/lib/shop", "the folder in the container that is archived, once the dump has ended well").with(&["container"]),
    key("extension", Takes::Text(Shape::Extension), "sql", "what the program's output is, for the archive's name").with(RUN),
    key("env", ENV, "{PGUSER: shop}", "variables for the program").with(RUN),
    key("directory", Takes::Text(Shape::ScratchPath), "/srv", "the folder that the program starts in").with(RUN),
    key("user", Takes::Text(Shape::Text), "postgres", "who runs the dump in the container").with(&["container"]).without("the container's own"),
    key("engine", ENGINE, "podman", "whose container or volume it is; `auto` takes docker where there is one")
        .with(&["container", "volume"])
        .default("auto"),
    key("access", Takes::Words(&["auto", "direct", "exec"]), "exec", "how a folder is read: from the host, or through the engine and the container's tar; `auto` takes the first that works")
        .with(&["container", "volume"])
        .default("auto"),
    key("allow_empty", Takes::Switch, "true", "whether an empty dump is a good one").default("false"),
    key("timeout", Takes::Text(Shape::Duration), "2h", "how long the dump may take").without("as long as the run may"),
    key("while", Takes::Map(&STILL), "{stopped: [shop-web]}", "which containers stand still until the source was read"),
    key("hooks", Takes::Map(&conduct::HOOKS), "{before: [sync]}", "programs that run around this source's dump"),
];

const LABEL: Key =
    key("label", Takes::Text(Shape::Text), "\"org.example.backup=yes\"", "a label that it has, `KEY=VALUE` or `KEY`")
        .needed();
const PROJECT: Key = key("project", Takes::Text(Shape::Text), "shop", "the compose project that it belongs to");

static PICK: Keys = Keys {
    title: "container by label",
    keys: &[
        LABEL,
        PROJECT,
        key(
            "all",
            Takes::Switch,
            "true",
            "whether several may have it, each of which becomes an object; else exactly one must",
        )
        .default("false"),
    ],
    rules: &[],
};

pub(super) static WHICH: Keys = Keys { title: "one container by label", keys: &[LABEL, PROJECT], rules: &[] };

const CONTAINERS: Takes = Takes::Several(0, &Takes::Any(&[Takes::Text(Shape::Text), Takes::Map(&WHICH)]));

static STILL: Keys = Keys {
    title: "while",
    keys: &[
        key("stopped", CONTAINERS, "[shop-web]", "containers that are stopped, and started again"),
        key("paused", CONTAINERS, "[shop-web]", "containers that are paused, and go on again"),
        key("engine", ENGINE, "podman", "whose containers they are").default("auto"),
        key(
            "spool",
            Takes::Text(Shape::Size),
            "20GiB",
            "how much waits on disk for a destination that is slower than the source",
        )
        .without("16 GiB, and half of what is free in the state folder, at most"),
    ],
    rules: &[Rule::Some(&["stopped", "paused"])],
};
