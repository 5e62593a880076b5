//! One TLS implementation for everything that speaks to a server: rustls with ring.

/// Chooses ring for the whole process. Call it before the first connection; calling it again does no harm.
pub fn install_provider() {
    // Refused where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
