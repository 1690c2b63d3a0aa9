//! How a verb ends: clig.dev's manners and the exit codes of the contract (02 "CLI").

use std::fmt;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Failed = 1,
    Usage = 2,
    Auth = 3,
    NotFound = 4,
    Conflict = 5,
    Network = 6,
    CheckFailed = 7,
}

/// Why a verb did not do it, in one sentence for people.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Code::Failed, message.to_string())
    }
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message.to_string())
    }
}

/// What every verb gives.
pub type Outcome = Result<(), Failure>;

/// Data goes to stdout.
///
/// A reader that has seen enough (`| head`) ends the program quietly, as every good filter does.
pub fn print(line: impl fmt::Display) {
    use std::io::Write;
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Talk goes to stderr.
#[expect(clippy::print_stderr, reason = "the one place where a verb talks")]
pub fn say(line: impl fmt::Display) {
    eprintln!("{line}");
}
