//! What can be wrong with a database, each with what to do about it.

use crate::run::dump::DumpError;

/// Why a database was not dumped.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is no client program on the host.
    #[error("there is no {programs} {}: install it ({package}), name its folder with `bin:`, or use the one in the server's container with `container:`", place(bin.as_deref()))]
    NoClient {
        /// Which are looked for.
        programs: String,
        /// Where, if not in `PATH`.
        bin: Option<String>,
        /// What to install.
        package: &'static str,
    },
    /// There is no client program in the container.
    #[error(
        "there is no {programs} in the container `{container}`: name the server's own container, or reach it over the network with `host:`"
    )]
    NoClientInside {
        /// Which are looked for.
        programs: String,
        /// The container.
        container: String,
    },
    /// The server has no database of its users'.
    #[error("the server has no database to dump: if that may be, set `allow_empty: true` in the source")]
    NoDatabase,
    /// The list of databases is none.
    #[error("the server's list of databases cannot be read: `{line}` is no name in hexadecimal")]
    List {
        /// A line of it.
        line: String,
    },
    /// The client failed, and its words tell why.
    #[error("{advice}")]
    Explained {
        /// What is wrong, and what to do.
        advice: &'static str,
        /// How it failed.
        source: Box<DumpError>,
    },
}

fn place(bin: Option<&str>) -> String {
    bin.map_or("in the runner's PATH".into(), |bin| format!("in `{bin}`"))
}
