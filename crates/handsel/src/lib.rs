//! The binary's parts: the configuration, the wiring of the rooms, and the verbs. No logic of its own.

pub mod cli;
pub mod client;
pub mod config;
pub mod credentials;
pub mod exit;
pub mod operator;
pub mod server;
pub mod system;
pub mod verbs;
pub mod wire;
