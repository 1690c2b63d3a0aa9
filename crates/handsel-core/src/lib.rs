//! The pure heart of Handsel: what things are and how they may change.
//!
//! Nothing here touches a disk, a socket, a clock or a random source; time and chance are arguments. Domain types carry no
//! serde derives: `handsel-store` turns them into rows and `handsel-view` into public JSON.

pub mod account;
pub mod actor;
pub mod api_key;
pub mod audit;
pub mod chain;
pub mod change;
pub mod checkout;
pub mod delivery;
pub mod egress_rules;
pub mod eth_signature;
pub mod event;
pub mod id;
pub mod limits;
pub mod matching;
pub mod money;
pub mod payment;
pub mod planted;
pub mod port;
pub mod primitives;
pub mod private_key;
pub mod rate;
pub mod secret;
pub mod signature;
pub mod time;
pub mod vault;
pub mod wallet;
pub mod webhook;
pub mod xpub;
