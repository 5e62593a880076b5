//! Where archives go, in a word.

use super::super::draft::{Keys, quoted};

/// A destination to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub name: &'static str,
    pub comments: &'static [&'static str],
    pub keys: Keys,
}

const LOCAL: &[&str] = &[
    "A folder of this machine is lost with it: add a second place and store there, too, such as",
    "  offsite: {sftp: {host: backup.example.org, path: backups}}",
];
const S3: &[&str] = &["The two files hold the keys: `install -m 600 /dev/stdin /etc/eightbells/s3.secret`."];
const SFTP: &[&str] =
    &["The user who runs the job logs in by a key, and knows the host: `ssh-copy-id`, `ssh-keyscan`."];

/// Reads a folder, `s3:BUCKET/PREFIX`, `s3://BUCKET/PREFIX` or `sftp:HOST:FOLDER`.
pub(super) fn parse(text: &str, endpoint: Option<&str>) -> Result<Place, String> {
    if let Some(rest) = text.strip_prefix("s3:") {
        return s3(rest.trim_start_matches('/'), endpoint);
    }
    if let Some(rest) = text.strip_prefix("sftp:") {
        let (host, path) = rest.trim_start_matches("//").split_once(':').unwrap_or((rest, "backups"));
        if host.is_empty() || path.is_empty() {
            return Err("sftp is written `sftp:HOST:FOLDER`".to_owned());
        }
        let value = format!("{{host: {}, path: {}}}", quoted(host), quoted(path));
        return Ok(Place { name: "offsite", comments: SFTP, keys: vec![("sftp", value)] });
    }
    if !text.starts_with('/') {
        return Err("neither a folder that begins with `/`, nor `s3:BUCKET`, nor `sftp:HOST:FOLDER`".to_owned());
    }
    Ok(Place { name: "here", comments: LOCAL, keys: vec![("local", format!("{{path: {}}}", quoted(text)))] })
}

fn s3(rest: &str, endpoint: Option<&str>) -> Result<Place, String> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err("S3 is written `s3:BUCKET` or `s3:BUCKET/PREFIX`".to_owned());
    }
    let mut keys = vec![];
    keys.extend(endpoint.map(|endpoint| format!("endpoint: {}", quoted(endpoint))));
    keys.push(format!("bucket: {}", quoted(bucket)));
    let prefix = prefix.trim_end_matches('/');
    if !prefix.is_empty() {
        keys.push(format!("prefix: {}", quoted(&format!("{prefix}/"))));
    }
    keys.push("access_key: {file: /etc/eightbells/s3.access}".to_owned());
    keys.push("secret_key: {file: /etc/eightbells/s3.secret}".to_owned());
    Ok(Place { name: "offsite", comments: S3, keys: vec![("s3", format!("{{{}}}", keys.join(", ")))] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_a_bucket_or_a_folder_of_another_host() {
        let value = |text: &str| parse(text, None).map(|place| place.keys[0].1.clone());
        assert_eq!(value("/srv/b").unwrap(), "{path: /srv/b}");
        assert!(value("s3://b/web/1/").unwrap().starts_with("{bucket: b, prefix: web/1/, access_key: "));
        assert_eq!(value("sftp:h:a/b").unwrap(), "{host: h, path: a/b}");
        for wrong in ["srv", "s3:", "sftp::x", "sftp:h:", ""] {
            assert!(value(wrong).is_err(), "{wrong}");
        }
    }
}
