//! The way back: hostile archives, copies that are damaged, folders that hold something, and what `verify` finds.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::keeping::Shelf;
use crate::support::{TempDir, is_root, said, temp_dir, wait_until};

/// A member of a tar, byte by byte.
struct Member<'a> {
    name: &'a [u8],
    kind: u8,
    target: &'a [u8],
    data: &'a [u8],
    /// What the header says of the data's length, where it lies.
    size: Option<u64>,
}

fn file<'a>(name: &'a str, data: &'a str) -> Member<'a> {
    Member { name: name.as_bytes(), kind: b'0', target: b"", data: data.as_bytes(), size: None }
}

fn link<'a>(kind: u8, name: &'a str, target: &'a str) -> Member<'a> {
    Member { name: name.as_bytes(), kind, target: target.as_bytes(), data: b"", size: None }
}

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut archive = vec![];
    for member in members {
        let mut block = vec![0; 512];
        block[..member.name.len()].copy_from_slice(member.name);
        block[100..108].copy_from_slice(b"0000755\0");
        block[108..124].copy_from_slice(b"0000000\x000000000\0");
        let size = member.size.unwrap_or(member.data.len() as u64);
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = member.kind;
        block[157..157 + member.target.len()].copy_from_slice(member.target);
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[329..345].copy_from_slice(b"0000001\x000000003\0");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(block);
        archive.extend(member.data);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder for restores, beside one that nothing may be written to.
struct Room(TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(temp_dir());
        fs::create_dir(room.path("outside")).unwrap();
        fs::write(room.path("outside/precious"), "precious").unwrap();
        room
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn assert_untouched(&self, what: &str) {
        let names = |path: &Path| -> Vec<String> {
            let entries = fs::read_dir(path).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&self.path("outside")), ["precious"], "{what}");
        assert_eq!(fs::read_to_string(self.path("outside/precious")).unwrap(), "precious", "{what}");
        let beside: Vec<String> = names(self.0.path()).into_iter().filter(|name| name != "to").collect();
        assert_eq!(beside, ["outside"], "{what}");
    }
}

#[test]
fn a_hostile_archive_is_refused_with_its_fault_and_writes_nothing_outside() {
    let room = Room::new();
    let outside = room.path("outside");
    let (absolute, outside) = (outside.join("x").display().to_string(), outside.display().to_string());
    let precious = format!("{outside}/precious");
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("climbs", tar(&[file("../outside/x", "bad")]), Some("`../outside/x`, which leads out of the folder")),
        ("climbs later", tar(&[file("a/../../outside/x", "bad")]), Some("which leads out of the folder")),
        ("absolute", tar(&[file(&absolute, "bad")]), Some("which leads out of the folder")),
        ("hard link out", tar(&[link(b'1', "x", &precious), file("x", "bad")]), Some("lies outside of the folder")),
        ("hard link up", tar(&[link(b'1', "x", "../outside/precious")]), Some("lies outside of the folder")),
        ("folder link", tar(&[link(b'2', "a", &outside), file("a/x", "bad")]), Some("tar ")),
        ("folder link up", tar(&[link(b'2', "a", "../outside"), file("a/x", "bad")]), Some("tar ")),
        ("links in a row", tar(&[link(b'2', "b", ".."), link(b'2', "a", "b/outside"), file("a/x", "bad")]), None),
        ("link to a file", tar(&[link(b'2', "f", &precious), file("f", "bad")]), None),
        ("both links", tar(&[link(b'2', "f", &precious), link(b'1', "g", "f"), file("g", "bad")]), None),
        ("a name that clears the screen", tar(&[file("../\u{1b}[2J", "bad")]), Some("`../\\x1b[2J`")),
        (
            "a header that fills memory",
            tar(&[Member { size: Some(6 << 30), ..Member { kind: b'x', ..file("p", "20 path=x\n") } }]),
            Some("one of its headers has 6442450944 bytes"),
        ),
        ("garbage", vec![0x55; 4096], Some("tar ")),
        ("cut", tar(&[file("a", &"x".repeat(5000))])[..2048].to_vec(), Some("tar ")),
    ];
    for (what, archive, told) in cases {
        let shelf = Shelf::of_tar(&archive);
        let to = room.path("to");
        let output = shelf.command("restore", &["--to", to.to_str().unwrap()]).output().unwrap();
        room.assert_untouched(what);
        assert!(!output.stderr.contains(&0x1b), "{what}");
        match told {
            Some(told) => {
                assert_eq!(output.status.code(), Some(1), "{what}: {}", said(&output));
                assert!(stderr(&output).contains(told), "{what}: {}", said(&output));
                assert!(!to.exists(), "{what}: something was left");
            }
            // tar does it safely, or does not.
            None => drop(fs::remove_dir_all(&to)),
        }
    }
}

#[test]
fn a_device_is_made_by_root_only() {
    if !is_root() {
        return crate::support::skip("only root can be somebody else");
    }
    let shelf = Shelf::of_tar(&tar(&[link(b'3', "null", "")]));
    let to = temp_dir();
    let to = to.path().join("to");
    shelf.ends(0, "restore", &["--to", to.to_str().unwrap()]);
    assert!(!to.join("null").is_file() && to.join("null").exists());
}

#[test]
fn a_bomb_is_stopped_where_the_manifest_or_the_caller_says() {
    let shelf = Shelf::of_tar(&tar(&[file("a", &"x".repeat(100_000))]));
    let to = temp_dir();
    let to = to.path().join("to");
    let args = ["--to", to.to_str().unwrap()];
    let small = shelf.ends(1, "restore", &[&args[..], &["--max-size", "50kB"]].concat());
    assert!(stderr(&small).contains("48.8 KiB is what --max-size allows"), "{}", said(&small));
    // The manifest lies: what comes is what counts.
    let manifest = shelf.on_disk().into_iter().find(|name| name.contains("_manifest_")).unwrap();
    let path = shelf.path("disk").join(manifest);
    let mut lying: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    lying["objects"][0]["raw_size"] = 20_480.into();
    fs::write(&path, lying.to_string()).unwrap();
    let bomb = shelf.ends(1, "restore", &args);
    assert!(stderr(&bomb).contains("unpacks to more than the 20480 bytes"), "{}", said(&bomb));
    assert!(!to.exists());
    shelf.ends(1, "verify", &[]);
    // More than any disk has.
    lying["objects"][0]["raw_size"] = (1_u64 << 60).into();
    fs::write(&path, lying.to_string()).unwrap();
    assert!(stderr(&shelf.ends(1, "restore", &args)).contains("are free there"));
}

#[test]
fn a_folder_that_holds_something_is_merged_only_where_told() {
    let shelf = Shelf::of_tar(&tar(&[file("a/new", "new"), file("a/both", "new"), file("l/x", "new")]));
    let room = Room::new();
    let to = room.path("to");
    fs::create_dir_all(to.join("a")).unwrap();
    fs::write(to.join("a/both"), "old").unwrap();
    fs::write(to.join("a/mine"), "mine").unwrap();
    symlink(room.path("outside"), to.join("l")).unwrap();
    let args = ["--to", to.to_str().unwrap()];
    let refused = shelf.ends(1, "restore", &args);
    assert!(stderr(&refused).contains("say --overwrite"), "{}", said(&refused));
    assert_eq!(fs::read_to_string(to.join("a/both")).unwrap(), "old");
    shelf.ends(0, "restore", &[&args[..], &["--overwrite"]].concat());
    let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
    assert_eq!([read("a/new"), read("a/both"), read("a/mine"), read("l/x")], ["new", "new", "mine", "new"]);
    room.assert_untouched("a link in the folder");
}

#[test]
fn standard_output_gets_the_dump_byte_for_byte_and_nothing_else() {
    let shelf = Shelf::new("all", "");
    shelf.dump(123_457);
    shelf.ends(0, "backup", &[]);
    let output = shelf.ends(0, "restore", &["--stdout"]);
    assert!(output.stdout == fs::read(shelf.path("dump")).unwrap());
    assert_eq!(shelf.command("restore", &[]).output().unwrap().status.code(), Some(2), "where to?");
    assert_eq!(shelf.command("restore", &["--stdout", "--to", "x"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn where_a_copy_is_damaged_or_gone_another_destination_s_is_taken_and_told() {
    let Some(shelf) = Shelf::with_bucket("all") else { return };
    shelf.ends(0, "backup", &[]);
    let object = shelf.on_disk().into_iter().find(|name| name.contains("_db_")).unwrap();
    let path = shelf.path("disk").join(&object);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let restore = |to: &str| {
        let output = shelf.ends(0, "restore", &["--to", shelf.path(to).to_str().unwrap()]);
        let restored = fs::read_dir(shelf.path(to)).unwrap().next().unwrap().unwrap().path();
        assert!(fs::read(restored).unwrap() == fs::read(shelf.path("dump")).unwrap());
        stderr(&output)
    };
    let told = restore("one");
    assert!(told.contains("is damaged") && told.contains("trying the copy at `bucket`"), "{told}");
    // `verify` looks at every destination, and tells which is bad.
    let verified = shelf.ends(1, "verify", &["--json"]);
    let told: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let good: Vec<(&str, bool)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|copy| (copy["destination"].as_str().unwrap(), copy["good"].as_bool().unwrap()))
        .collect();
    assert_eq!(good, [("disk", false), ("bucket", true)]);
    assert!(told[0]["fault"].as_str().unwrap().contains("is damaged"), "{told}");
    shelf.ends(0, "verify", &["--destination", "bucket", "--deep"]);
    fs::remove_file(&path).unwrap();
    assert!(restore("two").contains("from s3://"));
    // Before its first byte, another copy can still take its place on standard output.
    assert!(shelf.ends(0, "restore", &["--stdout"]).stdout == fs::read(shelf.path("dump")).unwrap());
}

#[test]
fn a_sample_is_a_share_and_the_shares_of_all_days_are_all() {
    let shelf = Shelf::new("all", "");
    for hour in 1..=6 {
        shelf.make(hour * 3600);
    }
    let output = shelf.ends(0, "verify", &["--sample", "99%", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Two turns: today's and tomorrow's.
    assert!(told.as_array().unwrap().len() <= 6);
    assert!(stderr(&output).contains("of 6 archives have their turn today"), "{}", said(&output));
    assert_eq!(shelf.command("verify", &["--sample", "5"]).output().unwrap().status.code(), Some(2));
    let all = shelf.ends(0, "verify", &["--digests"]);
    assert_eq!(stderr(&all).matches("size and SHA-256 only").count(), 6);
}

#[test]
fn memory_stays_bounded_whatever_is_unpacked() {
    let shelf = Shelf::new("all", "");
    fs::write(shelf.path("dump"), vec![0; 300 << 20]).unwrap();
    shelf.ends(0, "backup", &[]);
    // 200 MiB of address space beyond what threads and libraries take would not hold it.
    let restore = shelf.command("restore", &["--to", shelf.path("to").to_str().unwrap()]);
    let mut limited = Command::new("sh");
    limited.env_clear().envs(restore.get_envs().filter_map(|(key, value)| Some((key, value?))));
    limited.args(["-c", "ulimit -d 204800; exec \"$0\" \"$@\""]).arg(restore.get_program()).args(restore.get_args());
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let restored = fs::read_dir(shelf.path("to")).unwrap().next().unwrap().unwrap();
    assert_eq!(restored.metadata().unwrap().len(), 300 << 20);
}

#[test]
fn a_drill_restores_into_a_scratch_folder_checks_it_and_leaves_nothing() {
    let shelf = Shelf::of_tar(&tar(&[file("site/index.html", "welcome")]));
    let scratch = temp_dir();
    let drill = |code: i32, check: &[&str]| {
        let args = ["--scratch", scratch.path().to_str().unwrap(), "--json", "--"];
        let output = shelf.ends(code, "drill", &[&args[..], check].concat());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "{}", said(&output));
        output
    };
    let output =
        drill(0, &["sh", "-c", "grep -q welcome site/index.html && test \"$PWD\" = \"$EIGHTBELLS_DRILL_FOLDER\""]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["good"], &told["destination"]), (&true.into(), &"disk".into()));
    let output = drill(1, &["sh", "-c", "echo the page is empty >&2; exit 7"]);
    assert!(stderr(&output).contains("check: the page is empty") && stderr(&output).contains('7'), "{}", said(&output));
    drill(1, &["no-such-program"]);
    assert_eq!(shelf.command("drill", &[]).output().unwrap().status.code(), Some(2), "a drill without a check is none");
    // What cannot be restored is no drill that went well.
    let object = shelf.on_disk().into_iter().find(|name| name.contains("_db_")).unwrap();
    fs::write(shelf.path("disk").join(object), "damaged").unwrap();
    drill(1, &["true"]);
}

#[test]
fn the_drill_of_a_job_is_run_as_the_spec_says_and_remembered() {
    let drill = r#"    drill: {schedule: {every: 7d}, check: [sh, -c, "cd \"$1\" && grep -q x *.sql", sh, "{scratch}"], source: db}"#;
    let shelf = Shelf::new("all", &format!("{drill}\n"));
    let status = |code: i32| {
        let mut command = crate::support::program::runner();
        command.args(["status", "--json", "--spec"]).arg(shelf.path("spec.yaml"));
        let output = command.env("EIGHTBELLS_STATE_DIR", shelf.path("state")).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()[0]["drill"].clone()
    };
    shelf.ends(0, "backup", &[]);
    let never = status(0);
    assert_eq!((&never["last"], &never["overdue"]), (&Value::Null, &false.into()));
    shelf.ends(0, "drill", &[]);
    let well = status(0);
    assert_eq!((&well["good"], &well["last"]), (&true.into(), &well["last_good"]));
    // What the dump holds now is no good, and only a check can tell.
    fs::write(shelf.path("dump"), "y".repeat(100_000)).unwrap();
    shelf.ends(0, "backup", &[]);
    shelf.ends(1, "drill", &[]);
    let failed = status(1);
    assert_eq!((&failed["good"], &failed["last_good"]), (&false.into(), &well["last_good"]));
    shelf.ends(0, "drill", &["--at", "latest~1"]);
    shelf.ends(78, "drill", &["--digest", "of-another-job"]);
}

#[test]
fn a_drill_that_was_killed_is_cleared_up_by_the_next_run_or_drill_and_a_live_one_is_left_alone() {
    let shelf = Shelf::new("all", "");
    shelf.ends(0, "backup", &[]);
    let pid = shelf.path("pid");
    let check = format!("echo $$ >'{0}.new'; mv '{0}.new' '{0}'; exec sleep 300", pid.display());
    let rooms = || {
        let names = fs::read_dir(shelf.path("state")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("eightbells-")).count()
    };
    for next in ["backup", "drill"] {
        let _ = fs::remove_file(&pid);
        let mut live = shelf.command("drill", &["--", "sh", "-c", &check]).spawn().unwrap();
        assert!(wait_until(Duration::from_secs(30), || pid.exists()), "the check did not begin");
        let process = Path::new("/proc").join(fs::read_to_string(&pid).unwrap().trim()).join("cmdline");
        // One that has ended and that nobody has asked about has no words any more.
        let sleeps = || fs::read(&process).is_ok_and(|words| !words.is_empty());
        shelf.ends(0, "backup", &[]);
        assert!(rooms() == 1 && sleeps(), "a live drill was swept");
        shelf.ends(75, "drill", &["--", "true"]);
        live.kill().unwrap();
        live.wait().unwrap();
        assert!(rooms() == 1 && sleeps(), "there is nothing to clear up");
        let output = shelf.ends(0, next, if next == "drill" { &["--", "true"] } else { &[] });
        assert!(rooms() == 0 && !sleeps(), "{next}: {}", said(&output));
    }
}
