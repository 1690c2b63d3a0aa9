//! Rows: the only room that knows SQL. One writer door (`commit(Change)`), typed questions for reading, two engines under one
//! SQL text. No policy, no clock of its own, no network but the database's.

mod apply;
mod claim;
pub mod gate;
mod migrate;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "postgres")]
mod postgres_tls;
mod read_pool;
pub mod reader;
mod rows;
mod sequence;
mod sql;
mod sqlite;
mod sqlite_writer;
mod tx;
mod value;
pub mod writer;

pub use open::{Database, OpenError, Store, StoreConfig};

use std::fmt;

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The database can't be reached or is too busy.
    Unavailable(&'static str),
    /// A row that no Change could have written: somebody else did. Names table and key, never contents.
    Corrupt { table: &'static str, what: String },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database is not available: {why}"),
            Self::Corrupt { table, what } => write!(f, "a row of {table} is corrupt: {what}"),
        }
    }
}
impl std::error::Error for ReadError {}
