//! What EVM-like nodes say, read tolerantly: only the fields we need, strict in their form, everything else skipped. Where a block can
//! prove itself, the fields that its proof covers are all needed.

mod all_logs;
mod decode;
mod hex;
mod proven;
mod receipts;
mod sealed;
mod source;
mod whole_log;

pub use all_logs::BlockLogs;
pub(crate) use decode::{Bytes, Quantity, TRANSFER_TOPIC, TextVisitor};
pub use decode::{LoggedTransfer, ReceiptTransfers, TransferLogs, WireHeader};
pub use hex::{bytes_into, fixed_bytes, quantity, word};
pub use receipts::BlockReceipts;
pub use sealed::{ProvenHeader, SealedHeader};
pub use source::{EvmSource, numbered};
pub(crate) use source::{chain_error, stated_chain_id, stated_decimals};
