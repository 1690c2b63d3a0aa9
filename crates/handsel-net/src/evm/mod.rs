//! What EVM-like nodes say, read tolerantly: only the fields we need, strict in their form, everything else skipped.

mod decode;
mod hex;
mod source;

pub use decode::{LoggedTransfer, ReceiptTransfers, TransferLogs, WireHeader};
pub use hex::{fixed_bytes, quantity};
pub use source::{EvmSource, numbered};
