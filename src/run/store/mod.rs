//! Connections to destinations.
