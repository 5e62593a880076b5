//! Databases as sources.

use super::source::{ENGINE, ENV, WHICH};
use super::{Key, Keys, Rule, Shape, Takes, key};

const TEXTS: Takes = Takes::List(0, &Takes::Text(Shape::Text));

const DATABASE: Key = key("database", Takes::Text(Shape::Text), "shop", "the one database that is dumped");
const DATABASES: Key = key(
    "databases",
    Takes::Any(&[Takes::Words(&["all"]), Takes::List(1, &Takes::Text(Shape::Text))]),
    "all",
    "several, an object each; `all` are those that are there when the job runs",
);
const EXCEPT: Key =
    key("except", Takes::Several(0, &Takes::Text(Shape::Text)), "[scratch]", "databases that `all` leaves out")
        .with(&["databases"]);
const CONSISTENCY: Key = key(
    "consistency",
    Takes::Words(&["snapshot", "lock", "none"]),
    "lock",
    "how what is written meanwhile is kept out: by a transaction, by locking all tables, or not at all",
)
.default("snapshot");
const HOST: Key = key("host", Takes::Value(Shape::Text), "db1.example.org", "the server's host, over the network")
    .without("over the server's socket on this host");
const PORT: Key =
    key("port", Takes::Whole(1, 65_535), "5433", "the server's port").with(&["host"]).without("the server's usual one");
const SOCKET: Key = key(
    "socket",
    Takes::Text(Shape::Path),
    "/run/mysqld/mysqld.sock",
    "the server's socket on this host, for `postgres` its folder",
)
.without("where the client looks by itself");
const PICKED: Takes = Takes::Any(&[Takes::Text(Shape::Text), Takes::Map(&WHICH)]);
const CONTAINER: Key = key("container", PICKED, "shop-db", "the server's container, with the client that is in it");
const ENGINE_KEY: Key =
    key("engine", ENGINE, "podman", "whose container it is; `auto` takes docker where there is one")
        .with(&["container"])
        .default("auto");
const USER: Key = key("user", Takes::Value(Shape::Text), "backup", "who asks")
    .without("whom the client takes by itself; in a container the server's administrator");
const PASSWORD: Key = key(
    "password",
    Takes::Secret,
    "{file: /etc/eightbells/db.password}",
    "that user's password, which is on no command line",
);
const BIN: Key =
    key("bin", Takes::Text(Shape::Path), "/usr/lib/postgresql/15/bin", "the folder of the client programs")
        .without("PATH");
const ENV_KEY: Key = key("env", ENV, "{PGSSLMODE: require}", "variables for the client");
const OPTIONS: Key = key("options", TEXTS, "[--verbose]", "arguments added to the dump program's");

const PLACES: Rule = Rule::NoTwo(&["host", "socket", "container"]);
const WHICH_DATABASES: Rule = Rule::OneOf(&["database", "databases"]);

pub(super) static POSTGRES: Keys = Keys {
    title: "postgres",
    keys: &[
        DATABASE,
        DATABASES,
        EXCEPT,
        key(
            "format",
            Takes::Words(&["plain", "custom"]),
            "custom",
            "SQL for `psql`, or a file for `pg_restore`, which can take parts of it",
        )
        .default("plain"),
        key(
            "globals",
            Takes::Switch,
            "false",
            "whether roles and tablespaces become an object, with `databases: all`; needs a superuser",
        )
        .with(&["databases"])
        .default("true"),
        HOST,
        PORT,
        SOCKET,
        CONTAINER,
        ENGINE_KEY,
        USER,
        PASSWORD,
        BIN,
        ENV_KEY,
        OPTIONS,
    ],
    rules: &[WHICH_DATABASES, PLACES],
};

pub(super) static MYSQL: Keys = Keys {
    title: "mysql",
    keys: &[
        DATABASE,
        DATABASES,
        EXCEPT,
        CONSISTENCY,
        HOST,
        PORT,
        SOCKET,
        CONTAINER,
        ENGINE_KEY,
        USER,
        PASSWORD,
        BIN,
        ENV_KEY,
        OPTIONS,
    ],
    rules: &[WHICH_DATABASES, PLACES],
};

pub(super) static MARIADB: Keys = Keys {
    title: "mariadb",
    keys: &[
        DATABASE,
        DATABASES,
        EXCEPT,
        CONSISTENCY,
        HOST,
        PORT,
        SOCKET,
        CONTAINER,
        ENGINE_KEY,
        USER,
        PASSWORD,
        BIN,
        ENV_KEY,
        OPTIONS,
    ],
    rules: &[WHICH_DATABASES, PLACES],
};

pub(super) static MONGODB: Keys = Keys {
    title: "mongodb",
    keys: &[
        key("database", Takes::Text(Shape::Text), "shop", "the one database that is dumped").without("all of them"),
        key("oplog", Takes::Switch, "true", "whether the dump is of one moment, on a replica set; not with `database`")
            .default("false"),
        HOST,
        PORT,
        SOCKET,
        CONTAINER,
        ENGINE_KEY,
        USER,
        PASSWORD,
        BIN,
        ENV_KEY,
        OPTIONS,
    ],
    rules: &[PLACES],
};

pub(super) static REDIS: Keys = Keys {
    title: "redis",
    keys: &[HOST, PORT, SOCKET, CONTAINER, ENGINE_KEY, USER, PASSWORD, BIN, ENV_KEY, OPTIONS],
    rules: &[PLACES],
};

pub(super) static SQLITE: Keys = Keys {
    title: "sqlite",
    keys: &[
        key("path", Takes::Text(Shape::Path), "/var/lib/books/books.db", "the database's file").needed(),
        CONTAINER,
        ENGINE_KEY,
        USER,
        PASSWORD,
        BIN,
        ENV_KEY,
        OPTIONS,
    ],
    rules: &[],
};
