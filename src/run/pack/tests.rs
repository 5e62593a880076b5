use super::*;

fn none() -> Compression {
    Compression::None
}

/// Packs for so many destinations; what each got.
fn packed(dump: impl Read, compression: Compression, ways: usize) -> (Result<Packed, PackError>, Vec<Vec<u8>>) {
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
        let packed = pack(dump, compression, fan, &Stop::default());
        (packed, takers.into_iter().map(|taker| taker.join().unwrap()).collect())
    })
}

fn decoded(compression: Compression, object: &[u8]) -> Vec<u8> {
    let mut back = vec![];
    match compression {
        Compression::None => back.extend_from_slice(object),
        Compression::Gzip { .. } => drop(flate2::read::GzDecoder::new(object).read_to_end(&mut back).unwrap()),
        Compression::Zstd { .. } => back = zstd::decode_all(object).unwrap(),
    }
    back
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
        let (packed, got) = packed(dump.as_slice(), compression, 3);
        let packed = packed.unwrap();
        assert_eq!((got[0].len() as u64, packed.raw), (packed.packed, dump.len() as u64));
        assert!(got[0] == got[1] && got[1] == got[2]);
        assert_eq!(hex(&Sha256::digest(&got[0])), packed.sha256);
        assert!(decoded(compression, &got[0]) == dump);
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
    pack(dump.as_slice(), none(), fan, &Stop::default()).unwrap();
    assert_eq!(taker.join().unwrap(), dump.len());
}

#[test]
fn with_no_destination_left_the_dump_is_not_read_on() {
    let (fan, ends) = Fan::new(2);
    drop(ends);
    assert!(matches!(pack(io::repeat(1), none(), fan, &Stop::default()), Err(PackError::Write(_))));
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
    let (fan, _ends) = Fan::new(1);
    assert!(matches!(pack(io::repeat(1), none(), fan, &stop), Err(PackError::Stopped)));
    assert!(matches!(packed(Broken, none(), 1).0, Err(PackError::Read(_))));
}
