//! The slow disk: a preloaded library that makes each fsync and fdatasync of a process cost 2 ms (`bench/fsync_delay.c`).

use crate::report::Failure;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("../fsync_delay.c");
const COUNT_VARIABLE: &str = "FSYNC_DELAY_COUNT";

/// The compiled library in a directory that outlives it.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    count: PathBuf,
}

impl Shim {
    /// Compiles it with the system's C compiler.
    ///
    /// # Errors
    /// Without a working `cc`.
    pub(crate) fn compile(directory: &Path) -> Result<Self, Failure> {
        let source = directory.join("fsync_delay.c");
        let library = directory.join("fsync_delay.so");
        std::fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        let status = compiler.status().map_err(|e| format!("cc, a C compiler, is needed for the slow disk: {e}"))?;
        if !status.success() {
            return Err(Failure::from("cc did not compile bench/fsync_delay.c"));
        }
        Ok(Self { library, count: directory.join("syncs") })
    }

    /// Makes `command` run on the slow disk.
    pub(crate) fn slow(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env(COUNT_VARIABLE, &self.count);
    }

    /// How often the last slow process synced, told at its end.
    pub(crate) fn count(&self) -> Result<u64, Failure> {
        Ok(std::fs::read_to_string(&self.count)?.trim().parse()?)
    }
}
