//! What only a sandbox can do (02 "Sandbox only"), through the front door.

mod commands;
mod receivers;
mod trigger;
