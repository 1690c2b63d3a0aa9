//! What the server logs, kept in memory: the errors are shown where a test fails, and a test looks for secrets in all of it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tracing_subscriber::EnvFilter;

/// How much of the log of all tests is kept.
const KEPT_MAX_LINES: usize = 100_000;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

struct Kept;

fn lines() -> MutexGuard<'static, VecDeque<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = lines();
        if lines.len() >= KEPT_MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that the server says is kept from here on, at the most talkative level.
pub(super) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::new("warn,handsel=trace");
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Kept).init();
    });
}

/// True where any line holds this text.
pub(crate) fn holds(text: &str) -> bool {
    lines().iter().any(|line| line.contains(text))
}

/// The last lines that are worth a look.
pub(super) fn worries() -> String {
    let lines = lines();
    let worries = lines.iter().filter(|line| line.contains(" ERROR ") || line.contains(" WARN "));
    let last: Vec<&str> = worries.rev().take(20).map(String::as_str).collect();
    last.into_iter().rev().collect()
}
