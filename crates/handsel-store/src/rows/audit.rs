//! audit: the exact leaf bytes are the row; what people read is parsed from them again.

use super::millis;
use crate::ReadError;
use crate::reader::PlacedEntry;
use crate::value::{Row, Value};
use handsel_core::audit::Leaf;
use handsel_core::change::AuditEntry;
use handsel_core::id::{AccountId, AuditId};

pub(crate) fn values(e: &AuditEntry, bytes: Vec<u8>, hash: [u8; 32], index: Option<u64>) -> [Value<'static>; 6] {
    [
        Value::id(e.id),
        Value::maybe_id(e.account),
        millis(e.leaf.time),
        Value::Bytes(bytes),
        Value::Hash(hash),
        index.map_or(Value::Null, Value::count),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<PlacedEntry, ReadError> {
    let row = row.of("audit");
    let bytes = row.blob(3)?.to_vec();
    let leaf = Leaf::parse(&bytes).map_err(|_| row.corrupt("bytes that are no leaf"))?;
    let index = match row.maybe_int(4)? {
        None => None,
        Some(n) => Some(u64::try_from(n).map_err(|_| row.corrupt("a negative index"))?),
    };
    Ok(PlacedEntry {
        entry: AuditEntry {
            id: row.parsed(0, |t| AuditId::parse(t).ok())?,
            account: row.maybe_parsed(1, |t| AccountId::parse(t).ok())?,
            leaf,
        },
        bytes,
        index,
    })
}
