//! The simulated world from outside: JSON-RPC and webhook requests over TCP, through hyper's client.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod kill;
mod node;
mod proof;
mod support;
mod world;
