//! Unit text and names, against cases that the real programs were run on.
#![expect(clippy::cast_possible_truncation, reason = "no harm in a test")]
#![expect(clippy::expect_used, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::format_push_string, reason = "no harm in a test")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::many_single_char_names, reason = "no harm in a test")]
#![expect(clippy::semicolon_if_nothing_returned, reason = "no harm in a test")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod fleet;
mod names;
mod support;
mod systemd;
mod values;
