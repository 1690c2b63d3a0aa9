//! The figures that Handsel promises, each measured beside its floor in the same run (see `bench/README.md`).
//!
//! `handsel-bench <verb>` prints what it measured and ends with 1 where a goal is missed. Never a part of the product; what it
//! measures is the product's own code, never a copy of it.
#![expect(clippy::float_arithmetic, reason = "ratios of times, no money")]

mod blocks;
mod chance;
mod changes;
mod commit;
mod cpu;
mod http_create;
mod key_check;
mod parse_match;
mod prove;
mod receiver;
mod report;
mod scene;
mod server;
mod shim;
mod size;

use report::Failure;
use std::io::Write as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: handsel-bench parse-match | prove | commit | http-create | key-check | size";

fn run(verb: &str, arguments: &[String]) -> Result<ExitCode, Failure> {
    match verb {
        "parse-match" => Ok(parse_match::run()?.print()),
        "prove" => Ok(prove::run()?.print()),
        "commit" => Ok(commit::run()?.print()),
        "key-check" => Ok(key_check::run()?.print()),
        "size" => Ok(size::run()?.print()),
        "http-create" => Ok(http_create::run()?.print()),
        "commit-loop" => {
            writeln!(std::io::stdout(), "{}", commit::run_loop(arguments)?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Failure::from(USAGE)),
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    run(&verb, &arguments).unwrap_or_else(|failure| {
        report::complain(&failure);
        ExitCode::from(2)
    })
}
