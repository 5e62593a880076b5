//! A disk that is soon full.

use std::path::PathBuf;
use std::process::Command;

use super::guard::Guard;
use super::{is_root, said, skip, temp_dir};

/// A file system of 4 MiB, for root only; unmounted with the value.
#[derive(Debug)]
pub struct SmallDisk {
    guard: Guard,
}

impl SmallDisk {
    /// Mounts it.
    pub fn mount() -> Option<Self> {
        if !is_root() {
            skip("only root mounts a small disk");
            return None;
        }
        let dir = temp_dir().keep();
        let path = dir.join("disk");
        std::fs::create_dir(&path).unwrap();
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(&path).output().unwrap();
        if !output.status.success() {
            skip(&format!("a small disk cannot be mounted here: {}", said(&output)));
            std::fs::remove_dir_all(dir).unwrap();
            return None;
        }
        Some(Self { guard: Guard::finally(dir, "umount -l disk") })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.guard.dir().join("disk")
    }
}
