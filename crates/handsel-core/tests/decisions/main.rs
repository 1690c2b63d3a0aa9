//! The decisions about money, driven as the engine drives them: blocks in, events and new objects out.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod book;
mod chain_rows;
mod locks;
mod properties;
mod rows;
mod scene;
mod sums;
mod table;
mod watcher;
mod whole;
