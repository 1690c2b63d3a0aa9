//! A store without threads, for simulations: whoever asks also writes, on his own thread, and a [`Gate`] stands at each COMMIT. It
//! says how long a Change waits for its turn, what the disk makes of it, and whether the process is still there to hear of it.
//!
//! Nothing of the program makes a gate; everything but the threads is as it always is.

use crate::sqlite_writer::WriterThread;
use handsel_core::change::Change;
use handsel_core::port::BoxFuture;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

/// What becomes of one COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Written,
    /// The disk is full: nothing is written, and it may be better next time.
    Full,
    /// The disk fails: nothing is written, and the store is broken from now on.
    Failed,
    /// It is written, but the disk says that it failed: the store is broken, and nobody knows.
    Unknown,
}

/// Stands at a writer's COMMITs.
pub trait Gate: Send + Sync + Debug {
    /// Ends when the next job may be done.
    fn turn(&self) -> BoxFuture<'_, ()>;
    /// Asked once for each COMMIT, right before it.
    fn fate(&self) -> Fate;
    /// A Change, and whether its asker is told that it is written.
    fn answered(&self, change: &Change, written: bool);
    /// False once the process is gone: then nobody hears anything any more.
    fn is_alive(&self) -> bool;
}

/// The writer in the hands of whoever asks.
#[derive(Debug)]
pub(crate) struct Inline {
    pub(crate) gate: Arc<dyn Gate>,
    writer: Mutex<WriterThread>,
}

impl Inline {
    pub(crate) const fn new(gate: Arc<dyn Gate>, writer: WriterThread) -> Self {
        Self { gate, writer: Mutex::new(writer) }
    }

    /// Does all that waits.
    pub(crate) fn work(&self) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).work();
    }

    /// Never ends once the process is gone.
    pub(crate) async fn survive(&self) {
        if !self.gate.is_alive() {
            core::future::pending::<()>().await;
        }
    }
}
