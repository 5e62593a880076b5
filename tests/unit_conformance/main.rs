//! Unit text and names, against cases that the real programs were run on.

mod fleet;
mod names;
mod support;
mod systemd;
mod values;
