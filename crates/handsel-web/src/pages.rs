//! What needs no key: health, the hosted checkout page and its parts.

pub(crate) mod assets;
pub(crate) mod checkout;
pub(crate) mod health;
mod qr;
mod stage;
