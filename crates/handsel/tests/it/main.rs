//! The one integration test binary: the house's own rules, and the product through its front door.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cli;
mod docs;
mod edge;
mod errors;
mod graph;
mod harness;
mod idempotency;
mod lists;
mod names;
mod payments;
mod proof;
mod quotes;
mod restart;
mod routes;
mod sandbox;
mod selftest;
mod sim;
mod snapshots;
mod tidy;
mod webhooks;
