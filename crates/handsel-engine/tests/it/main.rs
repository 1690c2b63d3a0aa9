//! The engine's capabilities over a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod checkouts;
mod harness;
mod keys;
mod shell;
mod wallets;
