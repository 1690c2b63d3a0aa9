//! The numbers that must have no gap: an account's `sequence`, a webhook's `endpoint_sequence` (with the event before), and
//! an audit entry's place in the tree. On SQLite the writer gives them in the commit itself, from memory; on PostgreSQL one
//! leased task gives them to committed rows, in their order. Both ask here.

use crate::ReadError;
use crate::sql;
#[cfg(feature = "postgres")]
use crate::tx::one;
use crate::tx::{Tx, TxError, any};
use crate::value::Value;
use handsel_core::audit::merkle::{Frontier, Hash, NodeId};
use handsel_core::id::{AccountId, EventId, WebhookId};
use handsel_core::planted::{self, Bug};
use std::collections::HashMap;

/// Counters held in memory; above that many all are forgotten and read again when needed.
const REMEMBERED_MAX_ENTRIES: usize = 65_536;

/// The last numbers given. Only right within the transactions of one writer: whoever rolls back calls `forget`.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    accounts: HashMap<AccountId, u64>,
    webhooks: HashMap<WebhookId, Place>,
    tree: Option<Frontier>,
    /// True once a number was given since the last `settle`.
    given: bool,
}

/// A webhook's number, and the event that had the number before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) event: Option<EventId>,
}

impl Numbers {
    /// Drops what was remembered: the database knows.
    pub(crate) fn forget(&mut self) {
        if planted::is(Bug::SequenceWithGaps) {
            return;
        }
        self.accounts.clear();
        self.webhooks.clear();
        self.tree = None;
        self.given = false;
    }

    /// A Change is written: its numbers stand.
    pub(crate) const fn settle(&mut self) {
        self.given = false;
    }

    /// A Change was rolled back: if it had got numbers, the memory is wrong.
    pub(crate) fn revert(&mut self) {
        if self.given {
            self.forget();
        }
    }

    /// The next `sequence` of `account`.
    pub(crate) async fn event<T: Tx>(&mut self, tx: &mut T, account: AccountId) -> Result<u64, TxError> {
        if self.accounts.len() >= REMEMBERED_MAX_ENTRIES {
            self.accounts.clear();
        }
        let last = match self.accounts.get(&account) {
            Some(last) => *last,
            None => {
                let key = [Value::id(account)];
                tx.query(&sql::EVENT_LAST_SEQUENCE, &key, |r| r.of("event").count(0)).await?.pop().unwrap_or(0)
            }
        };
        self.given = true;
        self.accounts.insert(account, last + 1);
        Ok(last + 1)
    }

    /// The next `endpoint_sequence` of `webhook` for `event`, and the event before it.
    pub(crate) async fn delivery<T: Tx>(
        &mut self,
        tx: &mut T,
        webhook: WebhookId,
        event: EventId,
    ) -> Result<Place, TxError> {
        if self.webhooks.len() >= REMEMBERED_MAX_ENTRIES {
            self.webhooks.clear();
        }
        let last = match self.webhooks.get(&webhook) {
            Some(last) => *last,
            None => {
                let key = [Value::id(webhook)];
                let found = tx.query(&sql::DELIVERY_LAST, &key, |r| {
                    let r = r.of("delivery");
                    Ok(Place { number: r.count(0)?, event: Some(r.parsed(1, |t| EventId::parse(t).ok())?) })
                });
                found.await?.pop().unwrap_or_default()
            }
        };
        self.given = true;
        let number = last.number + 1;
        self.webhooks.insert(webhook, Place { number, event: Some(event) });
        Ok(Place { number, event: last.event })
    }

    /// The place of the next leaf; writes the roots of the subtrees that it completes.
    pub(crate) async fn leaf<T: Tx>(&mut self, tx: &mut T, leaf: Hash) -> Result<u64, TxError> {
        self.given = true;
        let mut tree = match self.tree.take() {
            Some(tree) => tree,
            None => load(tx).await?,
        };
        let index = tree.size();
        for (node, hash) in tree.append(leaf) {
            // Level 0 is the entry's own row.
            if node.level > 0 {
                let row = [Value::Int(i64::from(node.level)), Value::count(node.index), Value::Hash(hash)];
                any(tx, &sql::AUDIT_NODE_INSERT, &row).await?;
            }
        }
        self.tree = Some(tree);
        Ok(index)
    }
}

/// The right edge of the tree, from its stored nodes.
async fn load<T: Tx>(tx: &mut T) -> Result<Frontier, TxError> {
    let size = tx.query(&sql::AUDIT_SIZE, &[], |r| r.of("audit").count(0)).await?.pop().unwrap_or(0);
    let mut peaks = Vec::new();
    for node in Frontier::node_ids(size) {
        peaks.extend(node_hash(tx, node).await?);
    }
    let lost =
        || ReadError::Corrupt { table: "audit_node", what: format!("the edge of a tree of {size} is incomplete") };
    Frontier::load(size, peaks).ok_or_else(|| TxError::Corrupt(lost()))
}

async fn node_hash<T: Tx>(tx: &mut T, node: NodeId) -> Result<Option<Hash>, TxError> {
    if node.level == 0 {
        let key = [Value::count(node.index)];
        return Ok(tx.query(&sql::AUDIT_LEAF_HASH, &key, |r| r.of("audit").bytes(0)).await?.pop());
    }
    let key = [Value::Int(i64::from(node.level)), Value::count(node.index)];
    Ok(tx.query(&sql::AUDIT_NODE, &key, |r| r.of("audit_node").bytes(0)).await?.pop())
}

/// How many rows of each kind one transaction of the sequencer numbers.
#[cfg(feature = "postgres")]
const BATCH_MAX_ROWS: i64 = 1_000;

/// Numbers committed rows that wait, in the order in which they were written; tells whether more may wait. Events first:
/// a delivery's number follows its event's.
#[cfg(feature = "postgres")]
pub(crate) async fn place_waiting<T: Tx>(tx: &mut T, numbers: &mut Numbers) -> Result<bool, TxError> {
    let events = events_waiting(tx, numbers).await?;
    let deliveries = deliveries_waiting(tx, numbers).await?;
    let entries = entries_waiting(tx, numbers).await?;
    Ok(events.max(deliveries).max(entries) >= BATCH_MAX_ROWS as usize)
}

#[cfg(feature = "postgres")]
async fn events_waiting<T: Tx>(tx: &mut T, numbers: &mut Numbers) -> Result<usize, TxError> {
    let found = tx.query(&sql::waiting::EVENTS, &[Value::Int(BATCH_MAX_ROWS)], |r| {
        let r = r.of("event");
        Ok((r.parsed(0, |t| EventId::parse(t).ok())?, r.parsed(1, |t| AccountId::parse(t).ok())?))
    });
    let found = found.await?;
    for (event, account) in &found {
        let number = numbers.event(tx, *account).await?;
        one(tx, &sql::waiting::EVENT_NUMBER, &[Value::id(event), Value::count(number)]).await?;
    }
    Ok(found.len())
}

#[cfg(feature = "postgres")]
async fn deliveries_waiting<T: Tx>(tx: &mut T, numbers: &mut Numbers) -> Result<usize, TxError> {
    let found = tx.query(&sql::waiting::DELIVERIES, &[Value::Int(BATCH_MAX_ROWS)], |r| {
        let r = r.of("delivery");
        let webhook = r.parsed(1, |t| WebhookId::parse(t).ok())?;
        Ok((r.text(0)?.to_owned(), webhook, r.parsed(2, |t| EventId::parse(t).ok())?))
    });
    let found = found.await?;
    for (delivery, webhook, event) in &found {
        let place = numbers.delivery(tx, *webhook, *event).await?;
        let row = [Value::Text(delivery), Value::count(place.number), Value::maybe_id(place.event)];
        one(tx, &sql::waiting::DELIVERY_NUMBER, &row).await?;
    }
    Ok(found.len())
}

#[cfg(feature = "postgres")]
async fn entries_waiting<T: Tx>(tx: &mut T, numbers: &mut Numbers) -> Result<usize, TxError> {
    let found = tx.query(&sql::waiting::AUDIT, &[Value::Int(BATCH_MAX_ROWS)], |r| {
        let r = r.of("audit");
        Ok((r.text(0)?.to_owned(), r.bytes(1)?))
    });
    let found = found.await?;
    for (id, hash) in &found {
        let index = numbers.leaf(tx, *hash).await?;
        one(tx, &sql::waiting::AUDIT_PLACE, &[Value::Text(id), Value::count(index)]).await?;
    }
    Ok(found.len())
}
