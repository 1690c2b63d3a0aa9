//! The figures that Handsel promises, each measured beside its floor in the same run (see `bench/README.md`).
//!
//! `handsel-bench <verb>` prints what it measured and ends with 1 where a goal is missed. Never a part of the product; what it
//! measures is the product's own code, never a copy of it.
#![expect(clippy::float_arithmetic, reason = "ratios of times, no money")]

mod blocks;
mod chance;
mod cpu;
mod parse_match;
mod report;

use report::{Failure, Report};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: handsel-bench parse-match";

fn run(verb: Option<&str>) -> Result<Report, Failure> {
    match verb {
        Some("parse-match") => parse_match::run(),
        _ => Err(Failure::from(USAGE)),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(arguments.first().map(String::as_str)) {
        Ok(report) => report.print(),
        Err(failure) => {
            report::complain(&failure);
            ExitCode::from(2)
        }
    }
}
