//! The room as its clients see it, in one process: the real router over a real engine and a real SQLite store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod crowd;
mod gate;
mod harness;
mod lists;
mod pages;
mod server;
mod strict;
