use super::*;
use crate::value::{Reference, Template, Value};
use jiff::tz::TimeZone;
use std::process::Command;

fn context() -> Context {
    Context {
        job: "j".into(),
        instance: None,
        host: "h".into(),
        source: None,
        scratch: None,
        time: jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
    }
}

fn seal(encrypt: &Encrypt) -> Result<Seal, SealError> {
    Seal::new(Some(encrypt), &Secrets::default(), &context())
}

fn recipients(texts: &[&str]) -> Encrypt {
    let recipients = texts.iter().map(|text| (*text).to_owned()).collect();
    Encrypt { recipients, recipients_file: None, passphrase: None }
}

fn sealed(seal: &Seal, content: &[u8]) -> Vec<u8> {
    let mut writer = seal.around(vec![]).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

fn opened(keys: &Keys, sealed: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = vec![];
    keys.open(sealed, true)?.read_to_end(&mut content)?;
    Ok(content)
}

/// A key as `ssh-keygen` makes it: its folder, its file, its public line.
fn ssh_keygen(kind: &str, passphrase: &str) -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", kind, "-N", passphrase, "-C", "me", "-f"]).arg(&file);
    assert!(keygen.status().unwrap().success());
    let public = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
    (folder, file, public)
}

#[test]
fn each_of_several_recipients_opens_it_and_nobody_else() {
    let identity = age::x25519::Identity::generate();
    let (folder, ssh, public) = ssh_keygen("ed25519", "");
    let content = vec![7; 200_000];
    let archive = sealed(&seal(&recipients(&[&identity.to_public().to_string(), &public])).unwrap(), &content);
    let file = folder.path().join("identity");
    let secret =
        |identity: &age::x25519::Identity| secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(&file, format!("# made for a test\n{}\n", secret(&identity))).unwrap();
    for keys in [vec![file.clone()], vec![ssh], vec![file.clone(), file.clone()]] {
        assert!(opened(&Keys::read(&keys, None).unwrap(), &archive).unwrap() == content);
    }
    std::fs::write(&file, secret(&age::x25519::Identity::generate())).unwrap();
    let (_other, other, _) = ssh_keygen("ed25519", "");
    for stranger in [file, other] {
        let error = opened(&Keys::read(&[stranger], None).unwrap(), &archive).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn a_changed_and_a_cut_stream_do_not_open() {
    let identity = age::x25519::Identity::generate();
    let archive = sealed(&seal(&recipients(&[&identity.to_public().to_string()])).unwrap(), &vec![1; 100_000]);
    let keys = Keys { identities: Arc::new(vec![Box::new(identity)]) };
    for at in [archive.len() / 2, archive.len() - 1] {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        assert!(opened(&keys, &changed).is_err(), "{at}");
        assert!(opened(&keys, &archive[..at]).is_err(), "{at}");
    }
    assert!(opened(&keys, b"plain").is_err());
}

#[test]
fn keys_that_cannot_be_used_are_told_apart() {
    let (folder, protected, _) = ssh_keygen("ed25519", "secret");
    let (_other, ecdsa, _) = ssh_keygen("ecdsa", "");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "# nothing\n").unwrap();
    for (file, said) in [(protected, "ssh-keygen -p"), (ecdsa, "ssh-ed25519"), (empty, "AGE-SECRET-KEY-1")] {
        let error = Keys::read(&[file], None).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(matches!(Keys::read(&["/nowhere".into()], None), Err(KeyError::File { .. })));
    assert!(Keys::read(&[], None).unwrap().is_none());
}

#[test]
fn private_keys_that_are_cut_anywhere_do_not_panic() {
    let (_folder, file, _) = ssh_keygen("ed25519", "");
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let inner = lines[1..lines.len() - 1].concat();
    for end in 0..inner.len() {
        let cut = format!("{}\n{}\n{}\n", lines[0], inner.split_at(end).0, lines[lines.len() - 1]);
        assert!(ssh::SshIdentity::parse(&cut).is_err(), "{end}");
    }
}

#[test]
fn a_file_of_recipients_is_read_line_by_line_and_its_faults_have_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipients");
    let file = Some(Template::literal(path.to_string_lossy()));
    let encrypt = Encrypt { recipients: vec![], recipients_file: file, passphrase: None };
    assert!(matches!(seal(&encrypt), Err(SealError::File { .. })));
    std::fs::write(&path, "\n# nobody\n").unwrap();
    assert!(matches!(seal(&encrypt), Err(SealError::Nobody)));
    let identity = age::x25519::Identity::generate();
    std::fs::write(&path, format!("# me\n\n{}\nage1nobody\n", identity.to_public())).unwrap();
    let error = seal(&encrypt).unwrap_err();
    assert!(error.to_string().contains("line 4"), "{error}");
    std::fs::write(&path, format!("  {}  \r\n", identity.to_public())).unwrap();
    let keys = Keys { identities: Arc::new(vec![Box::new(identity)]) };
    assert_eq!(opened(&keys, &sealed(&seal(&encrypt).unwrap(), b"x")).unwrap(), b"x");
}

#[test]
fn a_passphrase_that_was_not_resolved_is_told() {
    let passphrase = Some(Value::Reference(Reference::Env("NOBODY".into())));
    let encrypt = Encrypt { recipients: vec![], recipients_file: None, passphrase };
    assert!(matches!(seal(&encrypt), Err(SealError::Passphrase(_))));
}
