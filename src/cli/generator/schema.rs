//! `eightbells schema`.

use crate::cli::output::{Failure, print};
use crate::contract::exit;
use crate::spec::keys::{self, Part};
use clap::Args;

/// What `schema` is told.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of files that others include: what a whole spec needs may be missing in them
    #[arg(long)]
    included: bool,
}

/// Prints the JSON Schema of a spec.
pub(super) fn schema(args: &SchemaArgs) -> Result<(), Failure> {
    let part = if args.included { Part::Included } else { Part::Whole };
    let text = serde_json::to_string_pretty(&keys::schema(part));
    let text = text.map_err(|error| Failure::new(exit::FAILED, format!("cannot write the schema: {error}")))?;
    print(&(text + "\n"))
}
