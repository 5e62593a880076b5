//! Ways to spoil a unit file, each the same with the same numbers.

use crate::random::Random;
use crate::spoiled::{COMBINATIONS, VALUES};

/// A unit file.
#[derive(Clone, Debug)]
pub struct UnitText {
    pub name: String,
    pub text: Vec<u8>,
}

/// A kind of damage: its name, and what it makes of a unit; none where the unit has nothing that it could spoil.
pub struct Mutation {
    pub kind: &'static str,
    pub spoil: fn(&UnitText, &mut Random) -> Option<UnitText>,
}

pub const MUTATIONS: [Mutation; 24] = [
    Mutation { kind: "key misspelled", spoil: |unit, random| on_key(unit, random, misspelled) },
    Mutation { kind: "key in another case", spoil: |unit, random| on_key(unit, random, |key, _| key.to_lowercase()) },
    Mutation { kind: "value is garbage", spoil: |unit, random| on_value(unit, random, garbage) },
    Mutation { kind: "value cut short", spoil: |unit, random| on_value(unit, random, cut) },
    Mutation { kind: "value emptied", spoil: |unit, random| on_value(unit, random, |_, _| String::new()) },
    Mutation { kind: "quote opened", spoil: |unit, random| on_value(unit, random, |value, _| format!("\"{value}")) },
    Mutation {
        kind: "unknown specifier",
        spoil: |unit, random| on_value(unit, random, |value, _| format!("{value}%Z")),
    },
    Mutation {
        kind: "equals sign lost",
        spoil: |unit, random| on_assignment(unit, random, |line| line.replace('=', " ")),
    },
    Mutation {
        kind: "line doubled",
        spoil: |unit, random| on_assignment(unit, random, |line| format!("{line}\n{line}")),
    },
    Mutation { kind: "line lost", spoil: |unit, random| on_assignment(unit, random, |_| String::new()) },
    Mutation {
        kind: "line joined to the next",
        spoil: |unit, random| on_assignment(unit, random, |line| format!("{line} \\")),
    },
    Mutation {
        kind: "continuation broken",
        spoil: |unit, random| on_line(unit, random, |line| line.ends_with('\\'), |line| format!("{line} ")),
    },
    Mutation {
        kind: "header torn at its end",
        spoil: |unit, random| on_header(unit, random, |line| line.replace(']', "")),
    },
    Mutation {
        kind: "header torn at its beginning",
        spoil: |unit, random| on_header(unit, random, |line| line.replace('[', "")),
    },
    Mutation {
        kind: "header misspelled",
        spoil: |unit, random| on_header(unit, random, |line| line.replacen('e', "", 1).replacen("it", "ti", 1)),
    },
    Mutation { kind: "header lost", spoil: |unit, random| on_header(unit, random, |_| String::new()) },
    Mutation {
        kind: "header quoted",
        spoil: |unit, random| on_header(unit, random, |line| line.replace('[', "[\"").replace(']', "\"]")),
    },
    Mutation {
        kind: "section of another type",
        spoil: |unit, random| {
            on_header(unit, random, |line| if line == "[Timer]" { "[Service]".into() } else { "[Timer]".into() })
        },
    },
    Mutation {
        kind: "text before the first section",
        spoil: |unit, _| Some(with_text(unit, [b"Description=early\n", unit.text.as_slice()].concat())),
    },
    Mutation { kind: "bytes that are no UTF-8", spoil: |unit, random| on_assignment_bytes(unit, random, b"\xff\xfe") },
    Mutation { kind: "name that is none", spoil: bad_name },
    Mutation {
        kind: "reference to no unit name",
        spoil: |unit, random| {
            added(
                unit,
                "Unit",
                random.pick::<&str>(&[
                    "After=network",
                    "Wants=a/b.service",
                    "Requires=@.service",
                    "Conflicts=x.servce",
                    "Before=%Z.target",
                    "OnFailure=a@b@.timer c",
                ]),
            )
        },
    },
    Mutation { kind: "value that its key cannot take", spoil: spoiled_value },
    Mutation {
        kind: "combination that is refused",
        spoil: |unit, random| {
            let fitting: Vec<_> = COMBINATIONS.iter().filter(|it| unit.name.ends_with(&it.0.to_lowercase())).collect();
            if fitting.is_empty() {
                return None;
            }
            let (section, lines) = random.pick(&fitting);
            added(unit, section, lines)
        },
    },
];

fn with_text(unit: &UnitText, text: Vec<u8>) -> UnitText {
    UnitText { name: unit.name.clone(), text }
}

fn lines(unit: &UnitText) -> Vec<String> {
    String::from_utf8_lossy(&unit.text).lines().map(str::to_owned).collect()
}

fn is_assignment(line: &str) -> bool {
    !line.starts_with(['#', ';', '[', ' ', '\t']) && line.contains('=')
}

/// Spoils one of the lines that fit, not those that go on from the line before.
fn on_line(
    unit: &UnitText,
    random: &mut Random,
    fits: impl Fn(&str) -> bool,
    spoil: impl FnOnce(&str) -> String,
) -> Option<UnitText> {
    let mut lines = lines(unit);
    let places: Vec<usize> =
        (0..lines.len()).filter(|at| fits(&lines[*at]) && (*at == 0 || !lines[at - 1].ends_with('\\'))).collect();
    if places.is_empty() {
        return None;
    }
    let at = *random.pick(&places);
    lines[at] = spoil(&lines[at]);
    Some(with_text(unit, format!("{}\n", lines.join("\n")).into_bytes()))
}

fn on_assignment(unit: &UnitText, random: &mut Random, spoil: impl FnOnce(&str) -> String) -> Option<UnitText> {
    on_line(unit, random, is_assignment, spoil)
}

fn on_header(unit: &UnitText, random: &mut Random, spoil: impl FnOnce(&str) -> String) -> Option<UnitText> {
    on_line(unit, random, |line| line.starts_with('['), spoil)
}

fn on_key(unit: &UnitText, random: &mut Random, spoil: fn(&str, &mut Random) -> String) -> Option<UnitText> {
    let mut inner = Random::new(random.below(1 << 20) as u64);
    on_assignment(unit, random, |line| {
        let (key, value) = line.split_once('=').unwrap();
        format!("{}={value}", spoil(key.trim(), &mut inner))
    })
}

fn on_value(unit: &UnitText, random: &mut Random, spoil: fn(&str, &mut Random) -> String) -> Option<UnitText> {
    let mut inner = Random::new(random.below(1 << 20) as u64);
    on_assignment(unit, random, |line| {
        let (key, value) = line.split_once('=').unwrap();
        format!("{key}={}", spoil(value, &mut inner))
    })
}

fn on_assignment_bytes(unit: &UnitText, random: &mut Random, bytes: &[u8]) -> Option<UnitText> {
    const MARK: &str = "\u{1}\u{2}";
    let spoiled = on_assignment(unit, random, |line| format!("{line}{MARK}"))?;
    let at = spoiled.text.windows(MARK.len()).position(|window| window == MARK.as_bytes())?;
    Some(with_text(unit, [&spoiled.text[..at], bytes, &spoiled.text[at + MARK.len()..]].concat()))
}

fn misspelled(key: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = key.chars().collect();
    let at = random.below(letters.len());
    match random.below(3) {
        0 if letters.len() > 1 => {
            letters.remove(at);
        }
        1 => letters.insert(at, letters[at]),
        _ => letters.insert(at, 'x'),
    }
    letters.into_iter().collect()
}

fn garbage(_: &str, random: &mut Random) -> String {
    let among = [
        "maybe",
        "-1x",
        "relative/path",
        "99999999999999999999999",
        "\\q",
        "%",
        "=",
        "~",
        "!",
        "a:b:c",
        "0x",
        "@",
        "é",
    ];
    (*random.pick(&among)).to_owned()
}

fn cut(value: &str, random: &mut Random) -> String {
    let letters: Vec<char> = value.chars().collect();
    letters[..letters.len().saturating_sub(1 + random.below(3))].iter().collect()
}

fn bad_name(unit: &UnitText, random: &mut Random) -> Option<UnitText> {
    let (stem, suffix) = unit.name.rsplit_once('.')?;
    let names = [
        format!("{stem} copy.{suffix}"),
        format!("{stem}(1).{suffix}"),
        format!("@{stem}.{suffix}"),
        format!("{stem}.{suffix}.bak"),
        format!("{stem}.SERVICE"),
    ];
    Some(UnitText { name: random.pick(&names).clone(), text: unit.text.clone() })
}

/// Adds lines to a section that the unit has.
fn added(unit: &UnitText, section: &str, added: &str) -> Option<UnitText> {
    let mut lines = lines(unit);
    let at = lines.iter().position(|line| *line == format!("[{section}]"))?;
    lines.insert(at + 1, added.to_owned());
    Some(with_text(unit, format!("{}\n", lines.join("\n")).into_bytes()))
}

fn spoiled_value(unit: &UnitText, random: &mut Random) -> Option<UnitText> {
    let sections = lines(unit);
    let fitting: Vec<_> =
        VALUES.iter().filter(|row| sections.iter().any(|line| *line == format!("[{}]", row.0))).collect();
    if fitting.is_empty() {
        return None;
    }
    let (section, assignment) = random.pick(&fitting);
    added(unit, section, assignment)
}
