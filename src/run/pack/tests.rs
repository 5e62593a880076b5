use super::tar_scan::record;
use super::*;
use proptest::prelude::*;
use std::process::Command;

fn none() -> Compression {
    Compression::None
}

/// Packs for so many destinations; what each got.
fn packed(
    dump: impl Read,
    is_tar: bool,
    compression: Compression,
    ways: usize,
) -> (Result<Packed, PackError>, Vec<Vec<u8>>) {
    let (fan, ends) = Fan::new(ways);
    std::thread::scope(|scope| {
        let takers: Vec<_> = ends
            .into_iter()
            .map(|mut end| {
                scope.spawn(move || {
                    let mut got = vec![];
                    while let Some(chunk) = end.blocking_recv() {
                        got.extend_from_slice(&chunk);
                    }
                    got
                })
            })
            .collect();
        let packed = pack(dump, is_tar, compression, fan, &Stop::default());
        (packed, takers.into_iter().map(|taker| taker.join().unwrap()).collect())
    })
}

fn tar(folder: &std::path::Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new("tar")
        .arg("--create")
        .args(["--format=posix", "--sparse"])
        .args(["-C", folder.to_str().unwrap()])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn members(archive: &[u8]) -> Option<Members> {
    let mut scan = TarScan::default();
    // In pieces of odd sizes, so that headers are cut.
    for piece in archive.chunks(777) {
        scan.take(piece);
    }
    scan.finish()
}

#[test]
fn every_destination_gets_the_same_and_it_decodes_back() {
    let dump: Vec<u8> = (0..3_000_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    for compression in [
        none(),
        Compression::Gzip { level: 6 },
        Compression::Zstd { level: 3, threads: 1 },
        Compression::Zstd { level: 3, threads: 2 },
    ] {
        let (packed, got) = packed(dump.as_slice(), false, compression, 3);
        let packed = packed.unwrap();
        assert_eq!((got[0].len() as u64, packed.raw), (packed.packed, dump.len() as u64));
        assert!(got[0] == got[1] && got[1] == got[2]);
        assert_eq!(hex(&Sha256::digest(&got[0])), packed.sha256);
        let mut back = vec![];
        Decoder::new(compression, got[0].as_slice()).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == dump);
    }
}

#[test]
fn a_destination_that_gives_up_does_not_stop_the_others() {
    let dump = vec![7u8; 20 << 20];
    let (fan, mut ends) = Fan::new(2);
    let (quitter, mut patient) = (ends.remove(0), ends.remove(0));
    drop(quitter);
    let taker = std::thread::spawn(move || {
        std::iter::from_fn(|| patient.blocking_recv()).map(|chunk| chunk.len()).sum::<usize>()
    });
    pack(dump.as_slice(), false, none(), fan, &Stop::default()).unwrap();
    assert_eq!(taker.join().unwrap(), dump.len());
}

#[test]
fn with_no_destination_left_the_dump_is_not_read_on() {
    let (fan, ends) = Fan::new(2);
    drop(ends);
    assert!(matches!(pack(io::repeat(1), false, none(), fan, &Stop::default()), Err(PackError::Write(_))));
}

#[test]
fn a_stop_and_a_broken_stream_are_told_apart() {
    let stop = Stop::default();
    stop.stop();
    let (fan, _ends) = Fan::new(1);
    assert!(matches!(pack(io::repeat(1), false, none(), fan, &stop), Err(PackError::Stopped)));
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut"))
        }
    }
    assert!(matches!(packed(Broken, false, none(), 1).0, Err(PackError::Read(_))));
}

#[test]
fn what_holds_nothing_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("pages/sub")).unwrap();
    let no_member = tar(folder.path(), &["--files-from=/dev/null"]);
    let folders = tar(folder.path(), &["pages"]);
    for (dump, is_tar, empty) in [
        (&vec![], false, true),
        (&vec![], true, true),
        (&vec![0], false, false),
        (&no_member, true, true),
        (&no_member, false, false),
        (&folders, true, true),
    ] {
        assert_eq!(packed(dump.as_slice(), is_tar, none(), 1).0.unwrap().is_empty(), empty);
    }
    std::fs::write(folder.path().join("pages/sub/empty"), "").unwrap();
    assert!(!packed(tar(folder.path(), &["pages"]).as_slice(), true, none(), 1).0.unwrap().is_empty());
}

#[test]
fn members_are_counted_whatever_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("d").join(name);
    std::fs::create_dir_all(path("sub")).unwrap();
    std::fs::write(path("a"), vec![1; 1000]).unwrap();
    std::fs::write(path(&"long".repeat(50)), "x").unwrap();
    std::fs::write(path("ü\n"), "x").unwrap();
    std::fs::hard_link(path("a"), path("b")).unwrap();
    std::os::unix::fs::symlink("/etc", path("link")).unwrap();
    let sparse = std::fs::File::create(path("sparse")).unwrap();
    sparse.set_len(20 << 30).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"end", 19 << 30).unwrap();
    let archive = tar(folder.path(), &["--xattrs", "d"]);
    assert_eq!(members(&archive), Some(Members { files: 6, folders: 2 }));
    assert_eq!(members(&tar(folder.path(), &["--format=gnu", "d"])), Some(Members { files: 6, folders: 2 }));
}

#[test]
fn a_size_over_8_gib_comes_from_the_extended_header() {
    assert_eq!(record(b"20 path=a size=1234\n25 size=10737418240000000\n", b"size"), Some(10_737_418_240_000_000));
    assert_eq!(record(b"garbage", b"size"), None);
    assert_eq!(record(b"99999999999999999999 size=1\n", b"size"), None);
    assert_eq!(record(b"0 size=1\n", b"size"), None);
}

#[test]
fn what_is_no_tar_is_not_counted() {
    assert_eq!(members(&vec![b'x'; 2048]), None);
    assert_eq!(members(b""), Some(Members::default()));
}

proptest! {
    #[test]
    fn no_bytes_make_the_scan_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        members(&bytes);
    }

    #[test]
    fn no_damaged_archive_makes_the_scan_panic(at in 0usize..3000, byte: u8) {
        let mut archive = vec![0u8; 3072];
        archive[..5].copy_from_slice(b"hello");
        archive[124..136].copy_from_slice(b"00000001000\0");
        archive[at] = byte;
        members(&archive);
    }
}
