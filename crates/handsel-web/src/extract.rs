//! Parse, don't validate: bytes and texts of a request become values that the engine takes, or refusals that name the member.

pub mod de;
pub mod ids;
pub mod json;
pub mod query;
