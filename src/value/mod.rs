//! Values as the spec's author writes them: text with placeholders, references to secrets, durations, sizes.

mod reference;
mod template;
mod time_format;
mod units;

pub use reference::{Reference, Value};
pub use template::{Context, ExpandError, Piece, Placeholder, Template, TemplateError};
pub use time_format::{TimeField, TimeFormat, TimeFormatError, TimePart};
pub use units::{Bytes, Rate, UnitError, duration_serde, format_duration, optional_duration_serde, parse_duration};
