//! `/v1/audit`: entries, the signed checkpoint, and proofs that a stranger can check.

use super::missing;
use crate::extract::ids;
use crate::route::{Call, Outcome};
use handsel_core::id::AuditId;

/// Tree sizes are stored as signed 64-bit numbers.
const SIZE_MAX: u64 = i64::MAX.unsigned_abs();

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().audit_entry(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<AuditId>()?;
    Ok(call.app.engine().audit_entries(&ask).await?.into())
}

pub(crate) async fn checkpoint(mut call: Call) -> Outcome {
    core::mem::take(&mut call.query).finish()?;
    Ok(call.app.engine().audit_checkpoint(&call.grant).await?.into())
}

pub(crate) async fn inclusion(mut call: Call) -> Outcome {
    let entry = call.query.take("entry")?;
    let size = call.query.take_number("size", 1, SIZE_MAX)?;
    core::mem::take(&mut call.query).finish()?;
    let entry = entry.ok_or_else(|| missing("entry", "name the audit entry: ?entry=aud_…"))?;
    let entry = ids::read(&entry, "entry")?;
    Ok(call.app.engine().audit_inclusion(&call.grant, entry, size).await?.into())
}

pub(crate) async fn consistency(mut call: Call) -> Outcome {
    let from = call.query.take_number("from", 0, SIZE_MAX)?;
    let to = call.query.take_number("to", 0, SIZE_MAX)?;
    core::mem::take(&mut call.query).finish()?;
    let from = from.ok_or_else(|| missing("from", "name the older size: ?from=…"))?;
    Ok(call.app.engine().audit_consistency(&call.grant, from, to).await?.into())
}
