//! Archives on their way out and back: encrypted, and in parts.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eightbells::run::cipher::Keys;

use crate::support::s3::S3Server;
use crate::support::{TempDir, loopback, need_program, output_of, program, said, sized, temp_dir};

const BUCKET: &str = "box";
/// Several frames of any compression.
const LARGE_BYTES: usize = 4_200_000;

/// One job with a tree as its source, and a bucket as its destination.
struct Bench {
    folder: TempDir,
    s3: S3Server,
    /// Bytes that came from the server.
    received: Arc<AtomicU64>,
}

impl Bench {
    /// `archive` is what the spec says under that key.
    fn new(archive: &str) -> Option<Self> {
        let s3 = S3Server::start()?;
        s3.bucket(BUCKET);
        let received = Arc::default();
        let port = counted(s3.port(), Arc::clone(&received));
        let bench = Self { folder: temp_dir(), s3, received };
        let tree = bench.path("tree");
        fs::create_dir_all(tree.join("etc/ssh")).unwrap();
        fs::set_permissions(tree.join("etc/ssh"), fs::Permissions::from_mode(0o750)).unwrap();
        fs::write(tree.join("etc/hosts"), "127.0.0.1 here\n").unwrap();
        fs::write(tree.join("etc/ssh/config"), "Host *\n").unwrap();
        for number in 0..3 {
            fs::write(tree.join(format!("large-{number}")), noise(LARGE_BYTES + number)).unwrap();
        }
        fs::hard_link(tree.join("etc/hosts"), tree.join("zz-link")).unwrap();
        let spec = format!(
            "version: 1\ntarget: systemd\ndestinations:\n  bucket:\n    s3: {{endpoint: \"http://127.0.0.1:{port}\", \
             bucket: {BUCKET}, access_key: {{env: AK}}, secret_key: {{env: SK}}}}\njobs:\n  job:\n    schedule: {{every: 4h}}\n    \
             sources: {{files: {{paths: [{}]}}}}\n    archive: {archive}\n    store: [bucket]\n",
            tree.display()
        );
        fs::write(bench.path("spec.yaml"), spec).unwrap();
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut runner = program::runner();
        runner.args(words).arg("--spec").arg(self.path("spec.yaml")).args(["--job", "job"]);
        runner.arg("--state-dir").arg(self.path("state"));
        runner.env("AK", &self.s3.access_key).env("SK", &self.s3.secret_key).env("PASSPHRASE", "correct horse");
        runner.output().unwrap()
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    }

    /// The server's file of the object whose name ends so.
    fn file(&self, ending: &str) -> PathBuf {
        let keys = self.s3.keys(BUCKET);
        let key = keys.iter().find(|key| key.ends_with(ending)).unwrap_or_else(|| panic!("{ending}: {keys:?}"));
        self.s3.data().join(BUCKET).join(key)
    }

    fn tree_in(&self, folder: &str) -> PathBuf {
        let tree = self.path("tree");
        self.path(folder).join(tree.strip_prefix("/").unwrap())
    }

    fn is_back_in(&self, folder: &str) {
        output_of(Command::new("diff").arg("-r").arg(self.path("tree")).arg(self.tree_in(folder)));
    }
}

/// A port that leads to another one, and counts what comes back.
fn counted(upstream: u16, received: Arc<AtomicU64>) -> u16 {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut server)) = (client, TcpStream::connect(loopback(upstream))) else { continue };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let received = Arc::clone(&received);
            std::thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                while let Ok(read @ 1..) = server.read(&mut buffer) {
                    received.fetch_add(read as u64, Ordering::Relaxed);
                    if client.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// Bytes that no compressor makes fewer.
fn noise(length: usize) -> Vec<u8> {
    let mut state = length as u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).unwrap()
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn age_key(folder: &Path) -> Option<(PathBuf, String)> {
    let keygen = need_program("age-keygen", "Debian's package age")?;
    let file = folder.join("age.key");
    output_of(Command::new(&keygen).arg("-o").arg(&file));
    let recipient = output_of(Command::new(keygen).arg("-y").arg(&file));
    Some((file, recipient.trim().to_owned()))
}

fn ssh_key(folder: &Path) -> (PathBuf, String) {
    let file = folder.join("ssh.key");
    output_of(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "me", "-f"]).arg(&file));
    (file, fs::read_to_string(folder.join("ssh.key.pub")).unwrap().trim().to_owned())
}

/// What `age` itself makes of an object.
fn by_age(identity: &Path, object: &[u8], folder: &Path) -> Vec<u8> {
    let file = folder.join("sealed");
    fs::write(&file, object).unwrap();
    let opened = Command::new("age").arg("--decrypt").arg("--identity").arg(identity).arg(&file).output().unwrap();
    assert!(opened.status.success(), "{}", said(&opened));
    opened.stdout
}

#[test]
fn an_encrypted_archive_comes_back_with_any_of_its_keys_and_with_age_zstd_and_tar_alone() {
    let keys = temp_dir();
    let Some((age, age_recipient)) = age_key(keys.path()) else { return };
    let (ssh, ssh_recipient) = ssh_key(keys.path());
    let archive = format!("{{encrypt: {{recipients: [{age_recipient}, \"{ssh_recipient}\"]}}}}");
    let Some(bench) = Bench::new(&archive) else { return };
    bench.done(&["backup"]);
    let sealed = fs::read(bench.file(".tar.zst.age")).unwrap();
    assert!(!sealed.windows(9).any(|window| window == b"etc/hosts"));
    for (number, identity) in [&age, &ssh].into_iter().enumerate() {
        let by_hand = bench.path(&format!("by-hand-{number}"));
        fs::create_dir(&by_hand).unwrap();
        let packed = by_hand.join("packed.tar.zst");
        fs::write(&packed, by_age(identity, &sealed, keys.path())).unwrap();
        output_of(Command::new("tar").arg("--zstd").arg("-xf").arg(&packed).arg("-C").arg(&by_hand));
        bench.is_back_in(&format!("by-hand-{number}"));
        let to = bench.path(&format!("back-{number}"));
        bench.done(&["restore", "--identity", identity.to_str().unwrap(), "--to", to.to_str().unwrap()]);
        bench.is_back_in(&format!("back-{number}"));
        assert!(bench.done(&["verify", "--identity", identity.to_str().unwrap()]).contains("members"));
    }
}

#[test]
fn without_a_key_an_encrypted_archive_is_compared_but_not_restored() {
    let keys = temp_dir();
    let (_ssh, recipient) = ssh_key(keys.path());
    let Some(bench) = Bench::new(&format!("{{encrypt: {{recipients: [\"{recipient}\"]}}}}")) else { return };
    bench.done(&["backup"]);
    let verified = bench.done(&["verify"]);
    assert!(verified.contains("size and SHA-256 only"), "{verified}");
    let to = bench.path("back");
    let refused = bench.run(&["restore", "--to", to.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("--identity"), "{}", said(&refused));
    let stranger = temp_dir();
    let (other, _) = ssh_key(stranger.path());
    let refused = bench.run(&["restore", "--identity", other.to_str().unwrap(), "--to", to.to_str().unwrap()]);
    assert!(said(&refused).contains("none of the identities"), "{}", said(&refused));
    assert!(!to.exists());
    let file = bench.file(".tar.zst.age");
    let mut damaged = fs::read(&file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&file, damaged).unwrap();
    let verified = bench.run(&["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(said(&verified).contains("another SHA-256"), "{}", said(&verified));
}

#[test]
fn a_passphrase_alone_encrypts_and_the_job_itself_opens_it() {
    let Some(bench) = Bench::new("{encrypt: {passphrase: {env: PASSPHRASE}}}") else { return };
    let told = bench.done(&["backup"]);
    assert!(!told.contains("correct horse"), "{told}");
    let to = bench.path("back");
    bench.done(&["restore", "--to", to.to_str().unwrap()]);
    bench.is_back_in("back");
    let file = bench.path("passphrase");
    fs::write(&file, "battery staple\n").unwrap();
    let again = bench.path("again");
    let words = ["restore", "--passphrase-file", file.to_str().unwrap(), "--to", again.to_str().unwrap()];
    assert_eq!(bench.run(&words).status.code(), Some(1));
    fs::write(&file, "correct horse\n").unwrap();
    bench.done(&words);
    bench.is_back_in("again");
}

#[test]
fn what_age_encrypts_is_opened_for_either_kind_of_key() {
    let keys = temp_dir();
    let Some((age, age_recipient)) = age_key(keys.path()) else { return };
    let (ssh, ssh_recipient) = ssh_key(keys.path());
    let content = noise(300_000);
    let plain = keys.path().join("plain");
    fs::write(&plain, &content).unwrap();
    for (identity, recipient) in [(age, age_recipient), (ssh, ssh_recipient)] {
        let sealed = Command::new("age").args(["--recipient", &recipient]).arg(&plain).output().unwrap();
        assert!(sealed.status.success());
        let mut back = vec![];
        let opened = Keys::read(&[identity], None).unwrap().open(sealed.stdout.as_slice(), true);
        opened.unwrap().read_to_end(&mut back).unwrap();
        assert!(back == content);
    }
}

#[test]
fn a_part_of_an_archive_is_fetched_without_the_rest_however_it_is_packed() {
    let keys = temp_dir();
    let (ssh, recipient) = ssh_key(keys.path());
    let identity = ["--identity", ssh.to_str().unwrap()];
    let sealed = format!("{{compression: gzip, encrypt: {{recipients: [\"{recipient}\"]}}}}");
    let small = "{compression: zstd, frame_size: 64KiB}";
    for (archive, keys) in [
        ("{}", &[][..]),
        ("{compression: gzip}", &[]),
        ("{compression: none}", &[]),
        (small, &[]),
        (&sealed, &identity),
    ] {
        let Some(bench) = Bench::new(archive) else { return };
        bench.done(&["backup"]);
        let to = bench.path("back");
        let tree = bench.path("tree");
        let pattern = format!("{}/etc/ssh/*", tree.display());
        let link = format!("{}/zz-link", tree.display());
        bench.received.store(0, Ordering::Relaxed);
        let words = ["restore", "--path", &pattern, "--path", &link, "--to", to.to_str().unwrap()];
        let told = bench.done(&[&words[..], keys].concat());
        assert!(told.contains("fetching"), "{told}");
        let (received, whole) = (bench.received.load(Ordering::Relaxed), 3 * LARGE_BYTES as u64);
        assert!(received < whole * 3 / 4, "{archive}: {received} bytes came of {whole}");
        let back = bench.tree_in("back");
        assert_eq!(fs::read_to_string(back.join("etc/ssh/config")).unwrap(), "Host *\n");
        assert_eq!(back.join("etc/ssh").metadata().unwrap().mode() & 0o777, 0o750, "{archive}");
        // The other name of what was asked for comes along.
        assert_eq!(fs::read_to_string(back.join("zz-link")).unwrap(), "127.0.0.1 here\n");
        assert_eq!(back.join("etc/hosts").metadata().unwrap().nlink(), 2);
        assert!(!back.join("large-0").exists());
    }
}

#[test]
fn everything_in_parts_is_the_whole_and_nothing_is_told() {
    let Some(bench) = Bench::new("{compression: {zstd: {level: 1, threads: 2}}, frame_size: 100KiB}") else { return };
    bench.done(&["backup"]);
    let to = bench.path("back");
    bench.done(&["restore", "--path", "**", "--to", to.to_str().unwrap()]);
    bench.is_back_in("back");
    let nothing = bench.path("nothing");
    let refused = bench.run(&["restore", "--path", "no/such/*", "--to", nothing.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("nothing in the archive fits `no/such/*`"), "{}", said(&refused));
    assert!(!nothing.exists());
}

#[test]
fn a_damaged_frame_is_not_unpacked() {
    let Some(bench) = Bench::new("{compression: none, frame_size: 64KiB}") else { return };
    bench.done(&["backup"]);
    let file = bench.file("Z.tar");
    let mut damaged = fs::read(&file).unwrap();
    let at = damaged.windows(6).position(|window| window == b"Host *").unwrap();
    damaged[at] = b'h';
    fs::write(&file, damaged).unwrap();
    let to = bench.path("back");
    let refused = bench.run(&["restore", "--path", "**/ssh", "--to", to.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("a frame of it is damaged"), "{}", said(&refused));
    assert!(!to.exists());
}

/// The most memory that a run held, in MiB: what it made for itself, the program's own file apart.
fn peak_mib(bench: &Bench) -> u64 {
    let mut runner = program::runner();
    runner.args(["backup", "--spec"]).arg(bench.path("spec.yaml")).args(["--job", "job"]);
    runner.arg("--state-dir").arg(bench.path("state"));
    runner.env("AK", &bench.s3.access_key).env("SK", &bench.s3.secret_key);
    let mut run = runner.stderr(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    while run.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
        };
        peak = peak.max(of("VmHWM:").saturating_sub(of("RssFile:")) / 1024);
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    peak
}

/// The program itself is some 10 MiB of what is resident.
#[test]
fn memory_stays_flat_with_two_destinations_whatever_comes() {
    let megabytes = sized(160, 4_000);
    for (compression, limit) in [("gzip", 64 - 10), ("zstd", 96 - 10)] {
        let Some(bench) = Bench::new(&format!("{{compression: {compression}}}")) else { return };
        let spec = fs::read_to_string(bench.path("spec.yaml")).unwrap();
        let dump = format!("{{command: [sh, -c, \"head -c {megabytes}000000 /dev/urandom\"], extension: raw}}");
        let spec = spec.replace(&format!("{{paths: [{}]}}", bench.path("tree").display()), &dump);
        let disk = format!("destinations:\n  disk: {{local: {{path: {}}}}}\n", bench.path("disk").display());
        let spec = spec.replace("destinations:\n", &disk).replace("store: [bucket]", "store: [bucket, disk]");
        fs::write(bench.path("spec.yaml"), spec).unwrap();
        let peak = peak_mib(&bench);
        assert!(peak <= limit, "{compression}: {peak} MiB, {limit} are allowed");
        assert!(peak > 4, "nothing was measured");
    }
}

#[test]
fn a_tree_of_many_files_has_its_index_in_an_object_of_its_own_which_verify_reads() {
    let Some(bench) = Bench::new("{}") else { return };
    for number in 0..3_000 {
        fs::write(bench.path("tree").join(format!("f{:x}", number * 7_919_u64 * 104_729)), "x").unwrap();
    }
    bench.done(&["backup"]);
    assert!(bench.s3.keys(BUCKET).iter().any(|key| key.ends_with(".tar.index.zst")), "{:?}", bench.s3.keys(BUCKET));
    bench.done(&["verify"]);
    let listed = bench.done(&["list"]);
    assert!(listed.contains("good"), "{listed}");
    fs::remove_file(bench.file(".index.zst")).unwrap();
    let listed = bench.done(&["list"]);
    assert!(listed.contains("is missing"), "{listed}");
}
