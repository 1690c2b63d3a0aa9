//! Every error of the contract, through the front door.

mod bodies;
mod breakdowns;
mod codes;
mod conditions;
mod keys;
mod urls;
mod values;

pub(crate) use keys::another_account;
