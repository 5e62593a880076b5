//! `destinations`.

use super::{Key, Keys, Rule, Shape, Takes, key};

pub(super) static DESTINATION: Keys = Keys {
    title: "destination",
    keys: &[
        key("local", Takes::Map(&LOCAL), "{path: /var/backups}", "a folder of the host"),
        key(
            "s3",
            Takes::Map(&S3),
            "{endpoint: \"https://s3.example.org\", bucket: backups}",
            "a bucket in S3-compatible object storage",
        ),
        key(
            "azure",
            Takes::Map(&AZURE),
            "{account: backups, container: web1, access_key: {env: AZURE_KEY}}",
            "a container in Azure Blob Storage",
        ),
        key(
            "gcs",
            Takes::Map(&GCS),
            "{bucket: backups, service_account: {file: /etc/eightbells/gcs.json}}",
            "a bucket in Google Cloud Storage",
        ),
        key("sftp", Takes::Map(&SFTP), "{host: backup.example.org, path: backups}", "a folder of another host, by SSH"),
        key(
            "webdav",
            Takes::Map(&WEBDAV),
            "{url: \"https://dav.example.org/backups/\"}",
            "a folder of a WebDAV server",
        ),
        key("rclone", Takes::Map(&RCLONE), "{remote: \"drive:backups\"}", "a remote of the rclone program"),
        key(
            "limit",
            Takes::Any(&[RATE, Takes::Map(&LIMIT)]),
            "10MiB/s",
            "how fast archives go to it and come from it at the most",
        )
        .without("as fast as they go"),
    ],
    rules: &[Rule::OneOf(&["local", "s3", "azure", "gcs", "sftp", "webdav", "rclone"])],
};

static LIMIT: Keys = Keys {
    title: "limit",
    keys: &[
        key("upload", RATE, "2MiB/s", "how fast archives go there at the most; not under 16KiB/s")
            .without("as fast as it takes them"),
        key("download", RATE, "20MiB/s", "how fast they come from there at the most; not under 16KiB/s")
            .without("as fast as they come"),
    ],
    rules: &[Rule::Some(&["upload", "download"])],
};

static LOCAL: Keys = Keys {
    title: "local",
    keys: &[
        key("path", Takes::Value(Shape::Path), "/var/backups", "the folder").needed(),
        key(
            "create",
            Takes::Switch,
            "false",
            "whether the folder is made where it is missing; `false` guards against a disk that is not mounted",
        )
        .default("true"),
    ],
    rules: &[],
};

const RATE: Takes = Takes::Text(Shape::Rate);
const TEXT: Takes = Takes::Value(Shape::Text);
const PATH: Takes = Takes::Text(Shape::Path);

static S3: Keys = Keys {
    title: "s3",
    keys: &[
        key("endpoint", Takes::Value(Shape::Address), "\"https://s3.example.org\"", "the service's address")
            .without("AWS, in `region`"),
        key("region", TEXT, "eu-central-1", "the region that requests are signed for").without("us-east-1"),
        key("bucket", TEXT, "backups", "the bucket, which must exist").needed(),
        key("access_key", TEXT, "{env: BACKUP_ACCESS_KEY}", "who asks").without("requests are anonymous"),
        key("secret_key", Takes::Secret, "{env: BACKUP_SECRET_KEY}", "that key's secret"),
        key("session_token", Takes::Secret, "{env: BACKUP_SESSION_TOKEN}", "the token of a temporary key"),
        key("prefix", TEXT, "web1/", "what every object's name begins with, usually ending in `/`"),
        key(
            "addressing",
            Takes::Words(&["path", "virtual"]),
            "virtual",
            "where the bucket's name goes: into the path or into the host's name",
        )
        .without("`path` with an `endpoint`, else `virtual`"),
        key("ca_file", PATH, "/etc/ssl/s3-ca.pem", "certificates in PEM form to trust besides the system's"),
        key("allow_http", Takes::Switch, "true", "whether plain http may be spoken to another machine")
            .default("false"),
        key(
            "proxy",
            Takes::Value(Shape::Address),
            "\"http://proxy.example.org:3128\"",
            "the proxy in between; one that wants a password is a reference to the whole address",
        ),
        key(
            "storage_class",
            Takes::Text(Shape::Text),
            "STANDARD_IA",
            "the class of archives, in the service's own words",
        )
        .without("the bucket's usual one"),
        key(
            "server_side_encryption",
            Takes::Any(&[Takes::Words(&["aes256", "kms"]), Takes::Map(&SERVER_SIDE_ENCRYPTION)]),
            "aes256",
            "how the service encrypts what it stores",
        )
        .without("as the bucket says"),
        key(
            "checksum",
            Takes::Words(&["sha256", "crc64nvme"]),
            "sha256",
            "the digest that goes with each upload, for the server to check",
        )
        .without("`sha256` with an `object_lock`, else none"),
        key(
            "object_lock",
            Takes::Map(&OBJECT_LOCK),
            "{mode: governance, for: 30d}",
            "how long nobody can remove an archive; the bucket is one with Object Lock",
        ),
    ],
    rules: &[
        Rule::Needs("access_key", &["secret_key"]),
        Rule::Needs("secret_key", &["access_key"]),
        Rule::Needs("session_token", &["secret_key"]),
    ],
};

static SERVER_SIDE_ENCRYPTION: Keys = Keys {
    title: "server_side_encryption",
    keys: &[
        key("kms_key_id", TEXT, "alias/backups", "the key of the key management service: id, ARN or alias").needed()
    ],
    rules: &[],
};

static OBJECT_LOCK: Keys = Keys {
    title: "object_lock",
    keys: &[
        key(
            "mode",
            Takes::Words(&["governance", "compliance"]),
            "governance",
            "who may lift it before its time: whoever has a right of its own, or nobody at all",
        ),
        key("for", Takes::Text(Shape::Duration), "30d", "how long it holds, from when the upload begins"),
        key("legal_hold", Takes::Switch, "true", "whether it holds until somebody takes the hold away")
            .without("it does not"),
    ],
    rules: &[Rule::Some(&["mode", "legal_hold"]), Rule::Needs("mode", &["for"]), Rule::Needs("for", &["mode"])],
};

const ENDPOINT: Key =
    key("endpoint", Takes::Value(Shape::Address), "\"https://storage.example.org\"", "the service's address")
        .without("the service's own");
const PREFIX: Key = key("prefix", TEXT, "web1/", "what every object's name begins with, usually ending in `/`");
const CA_FILE: Key =
    key("ca_file", PATH, "/etc/ssl/storage-ca.pem", "certificates in PEM form to trust besides the system's");
const ALLOW_HTTP: Key =
    key("allow_http", Takes::Switch, "true", "whether plain http may be spoken to another machine").default("false");

static AZURE: Keys = Keys {
    title: "azure",
    keys: &[
        key("account", TEXT, "backups", "the storage account's name").needed(),
        key("container", TEXT, "web1", "the container, which must exist").needed(),
        key("access_key", Takes::Secret, "{env: AZURE_KEY}", "a key of the account"),
        key("sas_token", Takes::Secret, "{env: AZURE_SAS}", "a shared access signature, instead of a key"),
        ENDPOINT,
        PREFIX,
        CA_FILE,
        ALLOW_HTTP,
    ],
    rules: &[Rule::OneOf(&["access_key", "sas_token"])],
};

static GCS: Keys = Keys {
    title: "gcs",
    keys: &[
        key("bucket", TEXT, "backups", "the bucket, which must exist").needed(),
        key("service_account", Takes::Secret, "{file: /etc/eightbells/gcs.json}", "the JSON key of a service account")
            .needed(),
        ENDPOINT,
        PREFIX,
        CA_FILE,
        ALLOW_HTTP,
    ],
    rules: &[],
};

static SFTP: Keys = Keys {
    title: "sftp",
    keys: &[
        key("host", TEXT, "backup.example.org", "the host's name or address, or a `Host` of the SSH configuration")
            .needed(),
        key("port", Takes::Whole(1, 65_535), "2222", "the server's port")
            .without("as the SSH configuration says, else 22"),
        key("user", TEXT, "backup", "who logs in").without("as the SSH configuration says, else who runs the job"),
        key("path", TEXT, "backups", "the folder; a relative one begins at that user's home").needed(),
        key("create", Takes::Switch, "false", "whether the folder is made where it is missing").default("true"),
        key("identity_file", PATH, "/etc/eightbells/id_ed25519", "the private key to log in with"),
        key("known_hosts", PATH, "/etc/eightbells/known_hosts", "the file of hosts' keys to believe"),
    ],
    rules: &[],
};

static WEBDAV: Keys = Keys {
    title: "webdav",
    keys: &[
        key("url", Takes::Value(Shape::Address), "\"https://dav.example.org/backups/\"", "the folder's address")
            .needed(),
        key("user", TEXT, "backup", "who asks"),
        key("password", Takes::Secret, "{file: /etc/eightbells/dav.password}", "that user's password"),
        key("create", Takes::Switch, "false", "whether the folder is made where it is missing").default("true"),
        key("ca_file", PATH, "/etc/ssl/dav-ca.pem", "certificates in PEM form to trust besides the system's"),
        key("allow_http", Takes::Switch, "true", "whether plain http may be spoken to another machine")
            .default("false"),
    ],
    rules: &[Rule::Needs("user", &["password"]), Rule::Needs("password", &["user"])],
};

static RCLONE: Keys = Keys {
    title: "rclone",
    keys: &[
        key("remote", TEXT, "\"drive:backups\"", "`NAME:PATH`, the name as `rclone listremotes` prints it").needed(),
        key("config", PATH, "/etc/eightbells/rclone.conf", "rclone's configuration")
            .without("where rclone looks for it"),
        key(
            "env",
            Takes::Named(Shape::Variable, 0, &TEXT),
            "{RCLONE_CONFIG_PASS: {file: /etc/eightbells/rclone.pass}}",
            "variables for rclone",
        ),
        key("program", PATH, "/opt/bin/rclone", "the program").without("`rclone` in PATH"),
    ],
    rules: &[],
};
