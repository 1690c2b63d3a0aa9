//! The decisions about money, driven as the engine drives them: blocks in, events and new objects out.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod book;
mod locks;
mod properties;
mod rows;
mod scene;
mod table;
mod watcher;
mod whole;
