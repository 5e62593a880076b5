//! Values that are numbers, sizes, shares and spans of time.

use super::Empty::{Resets, Unread};
use super::paths::each;
use super::{Asked, Reader, reader, unless};
use crate::schedule::TimeSpan;
use crate::unit::value::{LimitUnit, SizeBase, integer, limit, size, unsigned};
use crate::unit::words::WordFlags;

/// Those of numbers.
pub(super) static READERS: [Reader; 24] = [
    reader("exit_status", Resets, "a number from 0 to 255", |it| unless(it.value.parse::<u8>().is_ok(), it)),
    reader("nsec", Unread, "a time span", |it| unless(is_nanos(it.value), it)),
    reader("sec_def_infinity", Resets, "a time span", |it| unless(TimeSpan::parse(it.value).is_ok(), it)),
    reader("managed_oom_mem_pressure_duration_sec", Resets, "a time span", |it| {
        unless(TimeSpan::parse(it.value).is_ok(), it)
    }),
    reader("iec_size", Unread, SIZE, |it| unless(size(it.value, SizeBase::Iec).is_ok(), it)),
    reader("iec_size_long", Unread, SIZE, |it| unless(size(it.value, SizeBase::Iec).is_ok(), it)),
    reader("tty_size", Resets, "a whole number", |it| unless(unsigned(it.value).is_ok(), it)),
    reader(
        "exec_coredump_filter",
        Resets,
        "kinds of memory such as `private-anonymous`, `default`, `all`, or a mask in hexadecimal",
        |it| each(it, WordFlags::UNQUOTE, is_coredump),
    ),
    reader("int", Unread, "a whole number", |it| unless(integer(it.value).is_ok(), it)),
    reader("long", Unread, "a whole number", |it| unless(integer(it.value).is_ok(), it)),
    reader("mode", Unread, "an octal mode such as `0750`", |_| None),
    reader("memory_limit", Resets, "a size above 0 such as `512M`, at most 100%, or `infinity`", memory),
    reader("tasks_max", Resets, "a number above 0, at most 100%, or `infinity`", tasks),
    reader("cpu_quota", Resets, "a percentage above 0, such as `50%`", |it| {
        unless(share(it.value).is_some_and(|part| part > 0.0), it)
    }),
    reader("managed_oom_mem_pressure_limit", Resets, "a percentage", |it| {
        unless(share(it.value).is_some_and(|part| part <= 100.0), it)
    }),
    reader("cg_weight", Resets, "a weight from 1 to 10000", |it| unless(is_weight(it.value), it)),
    reader("cg_cpu_weight", Resets, "a weight from 1 to 10000, or `idle`", |it| {
        unless(it.value == "idle" || is_weight(it.value), it)
    }),
    reader("rlimit", Unread, "a limit, or `SOFT:HARD` with the soft one not above the hard one", resource),
    reader("unit_cpu_set", Resets, CPUS, |it| cpus(it.value)),
    reader("exec_cpu_affinity", Resets, CPUS, |it| if it.value == "numa" { None } else { cpus(it.value) }),
    reader("numa_mask", Resets, CPUS, |it| if it.value == "all" { None } else { cpus(it.value) }),
    reader("io_device_weight", Resets, "a path and a weight from 1 to 10000", |it| {
        unless(on_device(it.value, is_weight), it)
    }),
    reader("io_limit", Resets, "a path and a size, such as `/dev/sda 10M`", |it| {
        unless(
            on_device(it.value, |most| most == "infinity" || size(most, SizeBase::Si).is_ok_and(|most| most > 0)),
            it,
        )
    }),
    reader("io_device_latency", Resets, "a path and a time span", |it| {
        unless(on_device(it.value, |span| TimeSpan::parse(span).is_ok()), it)
    }),
];

const SIZE: &str = "a size such as `512M`";
const CPUS: &str = "numbers and ranges of processors, such as `0-3,8`";

fn is_coredump(word: &str) -> bool {
    const KINDS: [&str; 11] = [
        "private-anonymous",
        "shared-anonymous",
        "private-file-backed",
        "shared-file-backed",
        "elf-headers",
        "private-huge",
        "shared-huge",
        "private-dax",
        "shared-dax",
        "all",
        "default",
    ];
    let digits = word.strip_prefix("0x").unwrap_or(word);
    KINDS.contains(&word) || u64::from_str_radix(digits, 16).is_ok()
}

/// The highest number of a processor that systemd has room for.
const CPU_MAX: u32 = 8191;

/// A time span whose units may be nanoseconds, which are none to any other key.
fn is_nanos(value: &str) -> bool {
    TimeSpan::parse(value).is_ok() || TimeSpan::parse(&value.replace("nsec", "us").replace("ns", "us")).is_ok()
}

/// A percentage, or tenths or hundredths of one, in percent.
fn share(value: &str) -> Option<f64> {
    let signs = [("%", 1.0), ("‰", 0.1), ("‱", 0.01)];
    let (number, unit) = signs.into_iter().find_map(|(sign, unit)| Some((value.strip_suffix(sign)?, unit)))?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit)
}

fn is_weight(value: &str) -> bool {
    unsigned(value).is_ok_and(|weight| (1..=10_000).contains(&weight))
}

fn memory(asked: Asked<'_>) -> Option<String> {
    // None of this may be used is a meaningful thing to say of these only.
    const ZERO: [&str; 6] =
        ["MemorySwapMax", "MemoryLow", "MemoryMin", "MemoryZSwapMax", "StartupMemoryLow", "StartupMemorySwapMax"];
    let zero = ZERO.contains(&asked.key) || asked.version > 252;
    let share = share(asked.value).is_some_and(|part| part <= 100.0 && (zero || part > 0.0));
    let bytes = size(asked.value, SizeBase::Iec).is_ok_and(|bytes| zero || bytes > 0);
    unless(share || bytes || asked.value == "infinity", asked)
}

fn tasks(asked: Asked<'_>) -> Option<String> {
    let share = share(asked.value).is_some_and(|part| part <= 100.0);
    unless(share || asked.value == "infinity" || unsigned(asked.value).is_ok_and(|number| number > 0), asked)
}

fn resource(asked: Asked<'_>) -> Option<String> {
    let unit = match asked.key {
        "LimitCPU" => LimitUnit::Seconds,
        "LimitRTTIME" => LimitUnit::Micros,
        "LimitNICE" => return unless(is_nice(asked.value), asked),
        "LimitNOFILE" | "LimitNPROC" | "LimitLOCKS" | "LimitSIGPENDING" | "LimitRTPRIO" => LimitUnit::Count,
        _ => LimitUnit::Bytes,
    };
    unless(limit(asked.value, unit).is_ok(), asked)
}

/// `+N` and `-N` are levels of niceness, a bare number is what the kernel counts in.
fn is_nice(value: &str) -> bool {
    let one = |text: &str| match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(level), _) => unsigned(level).is_ok_and(|level| level < 20),
        (_, Some(level)) => unsigned(level).is_ok_and(|level| level <= 20),
        (None, None) => text == "infinity" || unsigned(text).is_ok_and(|number| number <= 40),
    };
    value.split(':').count() <= 2 && value.split(':').all(one)
}

/// The first part of a list of processors that is none.
fn cpus(value: &str) -> Option<String> {
    let is_cpus = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse::<u32>().is_ok_and(|first| last.parse::<u32>().is_ok_and(|last| first <= last && last <= CPU_MAX))
    };
    let mut parts = value.split([' ', '\t', ',']).filter(|part| !part.is_empty());
    parts.find(|part| !is_cpus(part)).map(str::to_owned)
}

/// A path, and after a blank something else.
fn on_device(value: &str, reads: impl Fn(&str) -> bool) -> bool {
    let (path, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    path.trim_matches(['"', '\'']).starts_with(['/', '%']) && (rest.contains('%') || reads(rest.trim()))
}
