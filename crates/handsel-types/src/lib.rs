//! The public JSON shapes, as the API contract fixes them. No effects, no policy, nothing of ours imported: the server, the
//! CLI and the Rust SDK share this room.

pub mod answers;
pub mod asks;

/// The one version of the API that this release speaks.
pub const API_VERSION: &str = "2026-12-01";
