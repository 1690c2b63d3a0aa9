//! The real server in a process of its own.

use crate::report::Failure;
use crate::shim::Shim;
use serde::Deserialize;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// So long a server may take to be ready before it counts as broken.
const READY_MAX: Duration = Duration::from_secs(30);
/// Clock ticks of /proc per second, as Linux has them everywhere.
const TICKS_PER_SECOND: f64 = 100.0;

/// The line that `handsel dev --json` prints when it is ready.
#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) base_url: String,
    pub(crate) secret_key: String,
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Ready,
    /// From the start of the process to its line.
    pub(crate) started_in: Duration,
}

/// The release binary beside this one: the bash commands build both.
pub(crate) fn binary() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name("handsel");
    if path.exists() {
        Ok(path)
    } else {
        Err(Failure::from("no handsel beside handsel-bench: build it with --release"))
    }
}

/// The program with `arguments`, without the caller's HANDSEL_ variables, which it would read as its configuration.
pub(crate) fn command(arguments: &[&str]) -> Result<Command, Failure> {
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HANDSEL_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}

impl Server {
    /// Starts `handsel dev` on a free port with its data in `data`, and waits for its line.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn dev(data: &Path, shim: Option<&Shim>) -> Result<Self, Failure> {
        let mut command = command(&["dev", "--json", "--port", "0", "--data", &data.display().to_string()])?;
        // No limit but the machine's; webhooks may go to a receiver on this machine.
        command.env("HANDSEL_LIMITS__WRITES_PER_SECOND", "1000000").env("HANDSEL_EGRESS__ALLOWED_CIDRS", "127.0.0.0/8");
        if let Some(shim) = shim {
            shim.slow(&mut command);
        }
        let started = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let started_in = started.elapsed();
        match serde_json::from_str(&line) {
            Ok(ready) if started_in < READY_MAX => Ok(Self { child, ready, started_in }),
            _ => {
                let _ = child.kill();
                Err(Failure::from("handsel dev did not become ready"))
            }
        }
    }

    pub(crate) fn process(&self) -> String {
        self.child.id().to_string()
    }

    /// Processor time of all its threads so far.
    ///
    /// # Errors
    /// When /proc does not tell.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').ok_or("an unreadable /proc/…/stat")?.1;
        // Of what follows the name, the 12th and 13th fields are user and system time.
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.collect::<Result<Vec<_>, _>>()?.iter().sum::<f64>() / TICKS_PER_SECOND)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
