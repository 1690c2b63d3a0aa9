pub mod listing;
pub mod outbox;
pub mod refusal;
pub mod round_trip;
pub mod tree;
