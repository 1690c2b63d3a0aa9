//! What the program weighs: the binary, a server that has nothing to do, and how soon a sandbox is ready.

use crate::cpu::resident_mib;
use crate::report::{Failure, Report};
use crate::server::{Server, binary, command};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

const BINARY_MAX_MIB: f64 = 40.0;
const RESIDENT_MAX_MIB: f64 = 64.0;
const READY_MAX_SECONDS: f64 = 2.0;
const IDLE: Duration = Duration::from_secs(10);
const MIB: f64 = 1024.0 * 1024.0;

/// A sandbox with one chain, whose node does not answer: the watcher keeps asking.
const CONFIG: &str = r#"
mode = "sandbox"
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:4400"

[[chains]]
name = "ethereum"
kind = "evm"
chain_id = 1
rpc_urls = ["http://127.0.0.1:9"]
confirmations = 12
finalized_above_usd = "1000"
tokens = [{ asset = "USDC", address = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", decimals = 6 }]
"#;

/// `handsel serve`; dropping it ends it.
struct Serve(Child);

impl Serve {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let config = directory.join("handsel.toml");
        std::fs::write(&config, CONFIG)?;
        let (config, data) = (config.display().to_string(), directory.join("data").display().to_string());
        let mut command = command(&["serve", "--config", &config, "--data", &data])?;
        command.env("HANDSEL_ENCRYPTION_KEY", "5a".repeat(32)).stderr(Stdio::piped());
        let mut serve = Self(command.spawn()?);
        let output = serve.0.stderr.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut said = String::new();
        loop {
            let line = lines.next().ok_or_else(|| format!("handsel serve did not start: {said}"))?;
            if line.contains("listens on") {
                break;
            }
            said.push_str(&line);
        }
        // Whatever it still says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(serve)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures.
///
/// # Errors
/// When a server does not start.
#[expect(clippy::disallowed_methods, reason = "the servers are given real time to come to rest")]
pub(crate) fn run() -> Result<Report, Failure> {
    let mut report = Report::default();
    let bytes = std::fs::metadata(binary()?)?.len();
    report.below("release binary", bytes as f64 / MIB, BINARY_MAX_MIB, " MiB");
    let directory = tempfile::tempdir()?;
    let serve = Serve::start(directory.path())?;
    let dev = Server::dev(&directory.path().join("dev"), None)?;
    report.below("handsel dev ready after", dev.started_in.as_secs_f64(), READY_MAX_SECONDS, " s");
    std::thread::sleep(IDLE);
    report.below(
        "handsel serve resident after 10 s",
        resident_mib(&serve.0.id().to_string())?,
        RESIDENT_MAX_MIB,
        " MiB",
    );
    report.below("handsel dev resident after 10 s", resident_mib(&dev.process())?, RESIDENT_MAX_MIB, " MiB");
    Ok(report)
}
