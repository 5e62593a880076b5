//! Tests of the whole: our programs against real servers, real containers and a real systemd.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::indexing_slicing, reason = "as above")]

#[path = "../support/mod.rs"]
mod support;

mod around;
mod backup;
mod beginning;
mod contract;
mod databases;
mod deploy;
mod docs;
mod dumps;
mod dumps_podman;
mod everywhere;
mod faults;
mod faults_around;
mod faults_dumps;
mod faults_killed;
mod faults_servers;
mod generate;
mod harness;
mod hostile;
mod keeping;
mod limits;
mod linter;
mod linter_ci;
mod moinmoin;
mod notify;
mod patience;
mod quickstart;
mod references;
mod restoring;
mod retention;
mod scripts;
mod shells;
mod spec_keys;
mod still;
mod stores;
mod stores_cloud;
mod stores_rclone;
mod stores_s3;
#[cfg(feature = "sftp")]
mod stores_sftp;
mod stores_webdav;
mod stream;
mod sync;
mod timeline;
mod tree;
mod turns;
mod unit_text;
mod watched;
mod way_back;
