use super::*;
use crate::run::digest::hex;
use crate::run::index::{Frame, Line, Reader};
use sha2::{Digest as _, Sha256};
use std::io::BufReader;
use std::process::{Command, Stdio};

/// What packing brought: the result, what each destination got of the archive, and of its index.
struct Got {
    packed: Result<Packed, PackError>,
    archives: Vec<Vec<u8>>,
    indexes: Vec<Vec<u8>>,
}

fn packing(compression: Compression, frame_bytes: u64) -> Packing {
    Packing { compression, frame_bytes, tar: false, seal: Seal::default() }
}

fn packed(dump: impl Read, packing: &Packing, ways: usize) -> Got {
    let ((fan, ends), (index_fan, index_ends)) = (Fan::new(ways), Fan::new(ways));
    std::thread::scope(|scope| {
        let drain = |mut end: tokio::sync::mpsc::Receiver<bytes::Bytes>| {
            scope.spawn(move || {
                std::iter::from_fn(|| end.blocking_recv()).flat_map(|chunk| chunk.to_vec()).collect::<Vec<u8>>()
            })
        };
        let archives: Vec<_> = ends.into_iter().map(drain).collect();
        let indexes: Vec<_> = index_ends.into_iter().map(drain).collect();
        let packed = pack(dump, packing, fan, index_fan, &Stop::default());
        let all = |takers: Vec<std::thread::ScopedJoinHandle<'_, Vec<u8>>>| {
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        };
        Got { packed, archives: all(archives), indexes: all(indexes) }
    })
}

fn all_compressions() -> [Compression; 5] {
    [
        Compression::None,
        Compression::Gzip { level: 6, threads: 1 },
        Compression::Gzip { level: 1, threads: 3 },
        Compression::Zstd { level: 3, threads: 1 },
        Compression::Zstd { level: 3, threads: 3 },
    ]
}

/// By the compression's own program, as somebody without ours would.
fn decoded(compression: Compression, object: &[u8]) -> Vec<u8> {
    let program = match compression {
        Compression::None => "cat",
        Compression::Gzip { .. } => "gunzip",
        Compression::Zstd { .. } => "unzstd",
    };
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(object).unwrap());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    })
}

fn lines(index: &[u8]) -> Vec<Line> {
    let mut reader = Reader::new(BufReader::new(zstd::stream::read::Decoder::new(index).unwrap())).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(|n| (n / 7).to_le_bytes()).collect()
}

#[test]
fn every_destination_gets_the_same_and_the_usual_programs_read_it() {
    let dump = numbers(800_000);
    for compression in all_compressions() {
        let got = packed(dump.as_slice(), &packing(compression, 1 << 20), 3);
        let (packed, archive) = (got.packed.unwrap(), &got.archives[0]);
        assert_eq!((archive.len() as u64, packed.raw, packed.frames), (packed.packed, dump.len() as u64, 4));
        assert!(got.archives.iter().all(|other| other == archive));
        assert_eq!(hex(&Sha256::digest(archive)), packed.sha256);
        assert!(decoded(compression, archive) == dump, "{compression:?}");
    }
}

#[test]
fn every_frame_unpacks_alone() {
    let dump = numbers(800_000);
    for compression in all_compressions() {
        let got = packed(dump.as_slice(), &packing(compression, 1 << 20), 1);
        let PackedIndex::Inline(index) = got.packed.unwrap().index else { panic!("it is short") };
        let (mut at, mut back) = (0, vec![]);
        for line in lines(&index) {
            let Line::Frame(Frame { packed, raw, sha256 }) = line else { panic!("no tar has no members") };
            let frame = &got.archives[0][at..at + usize::try_from(packed).unwrap()];
            assert_eq!(<[u8; 32]>::from(Sha256::digest(frame)), sha256);
            let content = decoded(compression, frame);
            assert_eq!(content.len() as u64, raw);
            back.extend(content);
            at += frame.len();
        }
        assert!(back == dump);
        let table = got.archives[0].len() - at;
        assert_eq!(table, if matches!(compression, Compression::Zstd { .. }) { 8 * 4 + 17 } else { 0 });
    }
}

#[test]
fn a_zstd_archive_ends_with_a_table_that_tells_where_its_frames_are() {
    let got = packed(numbers(800_000).as_slice(), &packing(Compression::Zstd { level: 3, threads: 2 }, 1 << 20), 1);
    let archive = &got.archives[0];
    let word = |from_end: usize| {
        let at = archive.len() - from_end;
        u32::from_le_bytes(archive[at..at + 4].try_into().unwrap())
    };
    assert_eq!((word(4), word(9)), (0x8F92_EAB1, 4));
    let table = archive.len() - (8 * 4 + 17);
    assert_eq!(archive[table..table + 4], 0x184D_2A5E_u32.to_le_bytes());
    let packed: u32 = (0..4).map(|n| word(9 + 8 * (4 - n))).sum();
    assert_eq!(packed as usize, table);
}

#[test]
fn an_empty_dump_is_an_archive_of_nothing() {
    for compression in all_compressions() {
        let got = packed(io::empty(), &packing(compression, 1 << 20), 1);
        assert_eq!(got.packed.unwrap().raw, 0);
        assert!(decoded(compression, &got.archives[0]).is_empty());
    }
}

#[test]
fn a_dump_of_whole_frames_has_no_empty_one() {
    let got = packed(vec![1; 2 << 20].as_slice(), &packing(Compression::Zstd { level: 3, threads: 2 }, 1 << 20), 1);
    assert_eq!(got.packed.unwrap().frames, 2);
}

/// A tar archive of many files, which GNU tar made.
fn tree(files: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..files {
        std::fs::write(folder.path().join(format!("{}-{number}", hex(&Sha256::digest(number.to_string())))), "x")
            .unwrap();
    }
    let tar = Command::new("tar").args(["--create", "--format=posix", "-C"]).arg(folder.path()).arg(".").output();
    tar.unwrap().stdout
}

#[test]
fn the_index_tells_where_each_member_begins_however_frames_are_cut() {
    let archive = tree(20);
    for frame_bytes in [700, 5_000, 1 << 20] {
        let how = Packing { tar: true, ..packing(Compression::None, frame_bytes) };
        let index = match packed(archive.as_slice(), &how, 1) {
            Got { packed: Ok(Packed { index: PackedIndex::Inline(index), .. }), .. } => index,
            Got { indexes, .. } => indexes.concat(),
        };
        let members: Vec<_> = lines(&index)
            .into_iter()
            .filter_map(|line| match line {
                Line::Member(member) => Some(member),
                Line::Frame(_) => None,
            })
            .collect();
        assert_eq!(members.len(), 21);
        for member in members {
            let bytes = &archive[usize::try_from(member.offset).unwrap()..][..usize::try_from(member.length).unwrap()];
            assert!(bytes.windows(member.path.len()).any(|window| window == member.path), "{member:?}");
        }
    }
}

#[test]
fn a_long_index_goes_to_every_destination() {
    let how = Packing { tar: true, ..packing(Compression::Zstd { level: 3, threads: 2 }, 1 << 20) };
    let got = packed(tree(500).as_slice(), &how, 2);
    let PackedIndex::Object { size, sha256 } = got.packed.unwrap().index else { panic!("it is long") };
    assert_eq!(got.indexes[0].len() as u64, size);
    assert_eq!(hex(&Sha256::digest(&got.indexes[0])), sha256);
    assert!(got.indexes[0] == got.indexes[1]);
    assert_eq!(lines(&got.indexes[0]).len(), 502);
}

#[test]
fn a_destination_that_gives_up_does_not_stop_the_others() {
    let dump = vec![7u8; 20 << 20];
    let ((fan, mut ends), (index_fan, _index_ends)) = (Fan::new(2), Fan::new(2));
    let (quitter, mut patient) = (ends.remove(0), ends.remove(0));
    drop(quitter);
    let taker = std::thread::spawn(move || {
        std::iter::from_fn(|| patient.blocking_recv()).map(|chunk| chunk.len()).sum::<usize>()
    });
    pack(dump.as_slice(), &packing(Compression::None, 1 << 20), fan, index_fan, &Stop::default()).unwrap();
    assert_eq!(taker.join().unwrap(), dump.len());
}

#[test]
fn with_no_destination_left_the_dump_is_not_read_on() {
    for compression in all_compressions() {
        let ((fan, ends), (index_fan, index_ends)) = (Fan::new(2), Fan::new(2));
        drop((ends, index_ends));
        // Bytes that do not compress to nothing.
        let dump = (0u64..).flat_map(|n| Sha256::digest(n.to_le_bytes()).to_vec());
        let packed = pack(Endless(dump), &packing(compression, 1 << 20), fan, index_fan, &Stop::default());
        assert!(matches!(packed, Err(PackError::Write(_))));
    }
}

struct Endless<I>(I);
impl<I: Iterator<Item = u8>> Read for Endless<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.iter_mut().zip(&mut self.0).for_each(|(to, byte)| *to = byte);
        Ok(buffer.len())
    }
}

struct Broken;
impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("cut"))
    }
}

#[test]
fn a_stop_and_a_broken_stream_are_told_apart() {
    let stop = Stop::default();
    stop.stop();
    let ((fan, _ends), (index_fan, _index_ends)) = (Fan::new(1), Fan::new(1));
    let none = packing(Compression::None, 1 << 20);
    assert!(matches!(pack(io::repeat(1), &none, fan, index_fan, &stop), Err(PackError::Stopped)));
    assert!(matches!(packed(Broken, &none, 1).packed, Err(PackError::Read(_))));
}
