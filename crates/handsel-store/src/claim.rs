//! Work that is taken under a lease: deliveries that are due. Whoever dies with one loses it when the lease ends.

use crate::rows::{delivery, millis};
use crate::sql;
use crate::tx::{Tx, TxError, any};
use crate::value::Value;
use handsel_core::delivery::Delivery;
use handsel_core::time::Timestamp;

/// Takes up to `limit` deliveries that are due at `now` and lead their lanes, until `lease_until`.
pub(crate) async fn deliveries<T: Tx>(
    tx: &mut T,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, TxError> {
    let bound = [millis(now), Value::Int(i64::from(limit))];
    let found = tx.query(&sql::DELIVERIES_CLAIMABLE, &bound, delivery::decode).await?;
    for one in &found {
        any(tx, &sql::DELIVERY_LEASE, &[Value::id(one.id), millis(lease_until)]).await?;
    }
    Ok(found)
}

/// Deletes what is past its time; tells how many rows.
pub(crate) async fn prune<T: Tx>(
    tx: &mut T,
    answers_before: Timestamp,
    requests_before: Timestamp,
) -> Result<u64, TxError> {
    let answers = tx.execute(&sql::IDEMPOTENT_PRUNE, &[millis(answers_before)]).await?;
    let requests = tx.execute(&sql::REQUESTS_PRUNE, &[millis(requests_before)]).await?;
    Ok(answers + requests)
}
