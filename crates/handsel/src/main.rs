//! The one binary: reads the configuration, wires the rooms together, and gives them verbs.
mod config;
mod system;
fn main() {}
