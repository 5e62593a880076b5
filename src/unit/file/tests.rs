//! Each fault, who minds it, and where it is shown.

use super::{Dialect, Effect, ItemKind, ProblemKind, UnitFile};

/// The problems of a text, each with the text it is about.
fn problems(text: &[u8], dialect: Dialect) -> Vec<(ProblemKind, Effect, Vec<u8>)> {
    let file = UnitFile::parse(text, dialect);
    file.problems().iter().map(|p| (p.kind.clone(), p.effect(), text[p.span.clone()].to_vec())).collect()
}

fn assert_problem(text: &[u8], dialect: Dialect, kind: ProblemKind, effect: Effect, about: &[u8]) {
    assert_eq!(problems(text, dialect), [(kind, effect, about.to_vec())], "{}", String::from_utf8_lossy(text));
}

#[test]
fn systemd_refuses_a_file_for_its_headers_and_its_encoding() {
    for (text, kind, about) in [
        (&b"[Unit\nA=b\n"[..], ProblemKind::UnterminatedHeader, &b"[Unit"[..]),
        (b"A=b\n [Unit] x \n", ProblemKind::UnterminatedHeader, b"[Unit] x"),
        (b"[Un\"it]\n", ProblemKind::BadHeaderCharacters, b"[Un\"it]"),
        (b"[X-Y]\n a\xff \n", ProblemKind::NotUtf8, b"a\xff"),
        ("[U]\nA=\u{fffe}\n".as_bytes(), ProblemKind::NotUtf8, "A=\u{fffe}".as_bytes()),
    ] {
        let found = problems(text, Dialect::Systemd);
        assert_eq!(found.last(), Some(&(kind, Effect::FileRefused, about.to_vec())));
    }
}

#[test]
fn systemd_ignores_lines_that_fleet_refuses_the_file_for() {
    let text = b"[Unit]\nnonsense\nA=b\n";
    let missing = |refused| ProblemKind::MissingEquals { refused };
    assert_problem(text, Dialect::Systemd, missing(false), Effect::Ignored, b"nonsense");
    assert_problem(text, Dialect::Fleet, missing(true), Effect::FileRefused, b"nonsense");
    assert_problem(b"[Unit]\n=b\n", Dialect::Systemd, ProblemKind::MissingKey, Effect::Ignored, b"=b");
    assert_problem(b"A=b\n[Unit]\n", Dialect::Systemd, ProblemKind::BeforeFirstSection, Effect::Ignored, b"A=b");
    assert_problem(b"A=b\n[Unit]\n", Dialect::Fleet, ProblemKind::BeforeFirstSection, Effect::Ignored, b"A=b");
    assert_problem(b"[Unit] x\n", Dialect::Fleet, ProblemKind::TextAfterHeader, Effect::FileRefused, b"x");
}

#[test]
fn systemd_skips_extension_sections_whole() {
    let file = UnitFile::parse("[X-Any]\ngarbage\n=\nA=b\n[Unit]\nB=c\n", Dialect::Systemd);
    assert_eq!(file.problems(), []);
    assert_eq!(file.entries_for("X-Any", "A").count(), 1);
    assert!(file.sections()[0].is_extension());
}

#[test]
fn what_is_read_in_two_ways_is_a_hazard_in_both() {
    let long = format!("[S]\nA={}\n", "x".repeat(2046));
    for (text, kind, about) in [
        (&b"[S]\n# a \\\n# b\nA=1\n"[..], ProblemKind::CommentContinues, &b"# a \\"[..]),
        (b"[S]\nA=1 \\\n # b \\\n 2\n", ProblemKind::CommentInsideValue, b" # b \\"),
        (b"[S]\nA=1 \\ \nB=2\n", ProblemKind::BlankAfterBackslash, b"A=1 \\ "),
        (b"[S]\nA=1\\\\\nB=2\n", ProblemKind::EvenBackslashes, b"A=1\\\\"),
        (b"[S]\r\nA=1\r\n", ProblemKind::CarriageReturn, b"\r"),
        (b"[S]\nA=1\0\n", ProblemKind::NulByte, b"\0"),
        ("[S]\n\u{feff}A=1\n".as_bytes(), ProblemKind::ByteOrderMark, "\u{feff}".as_bytes()),
        (long.as_bytes(), ProblemKind::LongLine { bytes: 2048 }, &long.as_bytes()[4..2052]),
    ] {
        for dialect in [Dialect::Systemd, Dialect::FleetBefore012] {
            let found = problems(text, dialect);
            assert_eq!(found, [(kind.clone(), Effect::Hazard, about.to_vec())], "{dialect:?}");
        }
    }
}

#[test]
fn systemd_takes_lines_and_values_of_up_to_a_mebibyte() {
    let limit = super::SYSTEMD_LINE_MAX_BYTES;
    let line = |bytes: usize| format!("[S]\nA={}\n", "x".repeat(bytes - 2));
    assert!(!UnitFile::parse(line(limit - 1), Dialect::Systemd).is_refused());
    assert!(UnitFile::parse(line(limit), Dialect::Systemd).is_refused());
    let joined = |bytes: usize| format!("[S]\nA={}\\\n{}\n", "x".repeat(500_000 - 3), "x".repeat(bytes - 500_000));
    assert!(!UnitFile::parse(joined(limit), Dialect::Systemd).is_refused());
    assert!(UnitFile::parse(joined(limit + 1), Dialect::Systemd).is_refused());
}

#[test]
fn a_comment_in_a_value_and_joined_lines_keep_their_places() {
    let text = "[S]\nKey = one \\\n# no\n  two  \n";
    let file = UnitFile::parse(text, Dialect::Systemd);
    let entry = &file.entries()[0];
    assert_eq!(entry.value(), "one    two");
    let two = entry.value().find("two").unwrap();
    assert_eq!(text.get(entry.source_span(two..two + 3)), Some("two"));
    assert_eq!(text.get(entry.key_span.clone()), Some("Key"));
    assert_eq!(file.position(entry.source_span(two..two + 3).start), (4, 3));
    assert_eq!(file.items().last().map(|item| item.kind), Some(ItemKind::Entry(0)));
}

#[test]
fn an_empty_value_stands_after_its_equals_sign() {
    let text = "[S]\nA=\n";
    for dialect in [Dialect::Systemd, Dialect::Fleet, Dialect::FleetBefore012] {
        assert_eq!(UnitFile::parse(text, dialect).entries()[0].value_span(), 6..6, "{dialect:?}");
    }
}
