//! Transfers meet checkouts. [`book`] finds whose address a transfer went to, [`settle`] decides what blocks make of payments
//! and checkouts. Both are pure: who loads and who commits is `handsel-engine::watch`.

pub mod book;
pub mod settle;

pub use book::{AddressBook, Match, Watch};
pub use settle::{
    AddedBlock, BlockFacts, Happening, Incident, Matched, Needed, Object, SettleError, Settlement, World, needed,
    settle,
};
