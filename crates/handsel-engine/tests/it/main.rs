//! The engine's capabilities over a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod checkouts;
mod fakes;
mod harness;
mod keys;
mod loops;
mod networks;
mod shell;
mod wallets;
mod webhooks;
