//! Servers that answer with errors, and connections that break, stall or garble: the other destination has it all, and the
//! faulty one no half of anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::backup::{BUCKET, Bench, PRINTS, fifty_megabytes_then};
use crate::faults::{Table, Trial, ends, exit, visible, whole_sets};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::s3::S3Server;
use crate::support::trap::Trap;

/// A bench with a disk and a bucket behind what `between` puts in front of its server.
fn with_bucket_behind<P>(between: impl FnOnce(u16) -> (u16, P)) -> Option<(Bench, P)> {
    let s3 = S3Server::start()?;
    s3.bucket(BUCKET);
    let (port, proxy) = between(s3.port());
    let mut bench = Bench { s3: Some(s3), ..Bench::local() };
    bench.bucket_at("bucket", "p/", port);
    Some((bench, proxy))
}

/// How many sets are where, after a run that began with one.
fn sets(bench: &Bench) -> (usize, usize) {
    let count = |names| whole_sets(&visible(names), 1).len();
    (count(bench.on_disk()), count(bench.in_bucket()))
}

#[test]
fn whatever_a_server_answers_the_other_destination_has_it_all() {
    // A server that is busy is asked again for half a minute.
    let always = usize::MAX;
    let rows = [
        ("every write is refused: 403 AccessDenied", (403, "AccessDenied", always), 3, true),
        ("every write is answered 503 SlowDown", (503, "SlowDown", always), 3, false),
        ("every write is answered 500 InternalError", (500, "InternalError", always), 3, false),
        ("two writes are answered 503 SlowDown, then all is well", (503, "SlowDown", 2), 0, true),
        ("two writes are answered 500 InternalError, then all is well", (500, "InternalError", 2), 0, false),
    ];
    let table = Table::of("answers", rows.iter().map(|(fault, ..)| *fault));
    table.try_all(
        &rows,
        |(.., short)| *short,
        |(fault, (status, error, times), expected, _)| {
            let behind = with_bucket_behind(|server| {
                let trap = Trap::start(server);
                (trap.port(), trap)
            });
            let Some((bench, trap)) = behind else { return };
            bench.job(&[PRINTS], "");
            let trial = Trial::begin(bench, 1);
            // Uploads in parts begin with POST, small objects are a PUT.
            trap.refuse(&["P", "/p/job_"], *status, error, *times);
            ends(&trial.bench, fault, *expected);
            assert!(trap.caught(), "{fault}");
            assert_eq!(sets(&trial.bench), if *expected == 0 { (2, 2) } else { (2, 1) }, "{fault}");
            trial.look(fault);
            trap.let_go();
            trial.recovers(&table, fault, &exit(*expected));
        },
    );
    table.finish();
}

#[test]
fn whatever_a_connection_does_the_other_destination_has_it_all() {
    let settings = "archive: {compression: none}\ntimeouts: {stall: 3s, connect: 5s}";
    let rows = [
        ("the connection is reset midway", Faults::up(Fault::ResetAfter(3_000_000)), 3, true),
        ("the connection is cut midway", Faults::up(Fault::CutAfter(3_000_000)), 3, false),
        ("the connection stalls midway", Faults::up(Fault::StallAfter(3_000_000)), 3, true),
        (
            "the server is silent from the start",
            Faults { up: Fault::StallAfter(0), down: Fault::StallAfter(0) },
            3,
            true,
        ),
        ("half an answer, then nothing", Faults::down(Fault::StallAfter(60)), 3, false),
        ("half an answer, then the end", Faults::down(Fault::CutAfter(60)), 3, false),
        ("a byte is changed on its way, once", Faults::up(Fault::GarbleAt(2_000_000)), 0, true),
        ("bytes are changed on their way, always", Faults::up(Fault::GarbleEach(1_500_000)), 3, false),
    ];
    let table = Table::of("connections", rows.iter().map(|(fault, ..)| *fault));
    table.try_all(
        &rows,
        |(.., short)| *short,
        |(fault, faults, expected, _)| {
            let (on, faults) = (Arc::new(AtomicBool::new(false)), *faults);
            let behind = with_bucket_behind(|server| {
                let on = Arc::clone(&on);
                let now = move |_| if on.load(Ordering::SeqCst) { faults } else { Faults::NONE };
                let proxy = ChaosProxy::start(server, now);
                (proxy.port(), proxy)
            });
            let Some((bench, _proxy)) = behind else { return };
            let source = fifty_megabytes_then("true").replace("50000000", "16000000");
            bench.job(&[&source], settings);
            let trial = Trial::begin(bench, 1);
            on.store(true, Ordering::SeqCst);
            ends(&trial.bench, fault, *expected);
            assert_eq!(sets(&trial.bench), if *expected == 0 { (2, 2) } else { (2, 1) }, "{fault}");
            trial.look(fault);
            on.store(false, Ordering::SeqCst);
            trial.recovers(&table, fault, &exit(*expected));
        },
    );
    table.finish();
}
