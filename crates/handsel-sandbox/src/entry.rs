//! What happens to the chain, one value for each thing, and its bytes in the journal. The state is nothing but the
//! entries applied in order, so what is in the journal is the chain.

use crate::hash::{Address, Hash};
use crate::transaction::{Order, Quirks, Transfer};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The beginning, or the sum of everything before the kept blocks.
    Base(Base),
    /// A payer handed in a transaction.
    Broadcast { serial: u64, nonce: u64, order: Order },
    /// A block was mined on top, with these transactions of the pool.
    Mine { timestamp: u64, branch: u32, serials: Vec<u64> },
    /// So many blocks were taken from the top; their transactions are back in the pool, except for the dropped.
    Unwind { depth: u64, drop: Vec<Hash> },
    /// The reorganisation that a transaction had asked for is done.
    PlanDone { serial: u64 },
}

/// What the state is before its first kept block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Base {
    pub(crate) seed: Hash,
    pub(crate) first_number: u64,
    pub(crate) parent: Hash,
    pub(crate) next_serial: u64,
    pub(crate) branches: u32,
    pub(crate) nonces: Vec<(Address, u64)>,
    pub(crate) ledger: Vec<(Address, Address, Totals)>,
}

/// What one account has received and sent of one token, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) received: u128,
    pub(crate) sent: u128,
}

const BASE: u8 = 1;
const BROADCAST: u8 = 2;
const MINE: u8 = 3;
const UNWIND: u8 = 4;
const PLAN_DONE: u8 = 5;

/// Bits of an order's second part.
const REVERTS: u8 = 1;
const APPROVALS: u8 = 2;
const LOGS_OF_FAILURE: u8 = 4;

fn failure(order: &Order) -> u8 {
    let Quirks { approvals, logs_of_failure } = order.quirks;
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    bit(order.reverts, REVERTS) | bit(approvals, APPROVALS) | bit(logs_of_failure, LOGS_OF_FAILURE)
}

/// The entries of one record: they happen together or not at all.
pub(crate) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    entries.iter().for_each(|entry| out.entry(entry));
    out.0
}

/// Reads a record; `None` when its bytes mean nothing.
pub(crate) fn decode(record: &[u8]) -> Option<Vec<Entry>> {
    let mut input = Reader(record);
    let mut entries = Vec::new();
    while !input.0.is_empty() {
        entries.push(input.entry()?);
    }
    Some(entries)
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, count: usize) {
        self.bytes(&(count as u64).to_be_bytes());
    }

    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Base(base) => self.base(base),
            Entry::Broadcast { serial, nonce, order } => {
                self.bytes(&[BROADCAST]);
                self.bytes(&serial.to_be_bytes());
                self.bytes(&nonce.to_be_bytes());
                self.order(order);
            }
            Entry::Mine { timestamp, branch, serials } => {
                self.bytes(&[MINE]);
                self.bytes(&timestamp.to_be_bytes());
                self.bytes(&branch.to_be_bytes());
                self.count(serials.len());
                serials.iter().for_each(|serial| self.bytes(&serial.to_be_bytes()));
            }
            Entry::Unwind { depth, drop } => {
                self.bytes(&[UNWIND]);
                self.bytes(&depth.to_be_bytes());
                self.count(drop.len());
                drop.iter().for_each(|hash| self.bytes(hash));
            }
            Entry::PlanDone { serial } => {
                self.bytes(&[PLAN_DONE]);
                self.bytes(&serial.to_be_bytes());
            }
        }
    }

    fn base(&mut self, base: &Base) {
        self.bytes(&[BASE]);
        self.bytes(&base.seed);
        self.bytes(&base.first_number.to_be_bytes());
        self.bytes(&base.parent);
        self.bytes(&base.next_serial.to_be_bytes());
        self.bytes(&base.branches.to_be_bytes());
        self.count(base.nonces.len());
        for (account, nonce) in &base.nonces {
            self.bytes(account);
            self.bytes(&nonce.to_be_bytes());
        }
        self.count(base.ledger.len());
        for (token, account, totals) in &base.ledger {
            self.bytes(token);
            self.bytes(account);
            self.bytes(&totals.received.to_be_bytes());
            self.bytes(&totals.sent.to_be_bytes());
        }
    }

    fn order(&mut self, order: &Order) {
        self.bytes(&order.sender);
        self.bytes(&[failure(order), u8::from(order.held), order.reorged_at_confirmations.unwrap_or(0)]);
        self.count(order.transfers.len());
        for transfer in &order.transfers {
            self.bytes(&transfer.token);
            self.bytes(&transfer.from);
            self.bytes(&transfer.to);
            self.bytes(&transfer.amount.to_be_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array::<1>()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// A counted sequence. Each item takes at least one byte, so a false count ends at the end of the record.
    fn many<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u64()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn entry(&mut self) -> Option<Entry> {
        let [kind] = self.array()?;
        match kind {
            BASE => self.base().map(Entry::Base),
            BROADCAST => Some(Entry::Broadcast { serial: self.u64()?, nonce: self.u64()?, order: self.order()? }),
            MINE => Some(Entry::Mine { timestamp: self.u64()?, branch: self.u32()?, serials: self.many(Self::u64)? }),
            UNWIND => Some(Entry::Unwind { depth: self.u64()?, drop: self.many(Self::array)? }),
            PLAN_DONE => Some(Entry::PlanDone { serial: self.u64()? }),
            _ => None,
        }
    }

    fn base(&mut self) -> Option<Base> {
        Some(Base {
            seed: self.array()?,
            first_number: self.u64()?,
            parent: self.array()?,
            next_serial: self.u64()?,
            branches: self.u32()?,
            nonces: self.many(|input| Some((input.array()?, input.u64()?)))?,
            ledger: self.many(|input| {
                Some((input.array()?, input.array()?, Totals { received: input.u128()?, sent: input.u128()? }))
            })?,
        })
    }

    fn order(&mut self) -> Option<Order> {
        let sender = self.array()?;
        let [flags] = self.array()?;
        if flags & !(REVERTS | APPROVALS | LOGS_OF_FAILURE) != 0 {
            return None;
        }
        Some(Order {
            sender,
            reverts: flags & REVERTS != 0,
            quirks: Quirks { approvals: flags & APPROVALS != 0, logs_of_failure: flags & LOGS_OF_FAILURE != 0 },
            held: self.flag()?,
            reorged_at_confirmations: self.array::<1>().map(|[count]| (count > 0).then_some(count))?,
            transfers: self.many(|input| {
                Some(Transfer {
                    token: input.array()?,
                    from: input.array()?,
                    to: input.array()?,
                    amount: input.u128()?,
                })
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn samples() -> Vec<Entry> {
        let transfer = Transfer { token: [1; 20], from: [2; 20], to: [3; 20], amount: u128::MAX };
        let order = Order { reorged_at_confirmations: Some(2), held: true, ..Order::transfer(transfer) };
        vec![
            Entry::Base(Base {
                seed: [4; 32],
                first_number: 5,
                parent: [6; 32],
                next_serial: 7,
                branches: 8,
                nonces: vec![([9; 20], 10)],
                ledger: vec![([1; 20], [2; 20], Totals { received: 3, sent: 4 })],
            }),
            Entry::Broadcast { serial: 1, nonce: 2, order },
            Entry::Mine { timestamp: 3, branch: 4, serials: vec![5, 6] },
            Entry::Unwind { depth: 2, drop: vec![[7; 32]] },
            Entry::PlanDone { serial: 8 },
        ]
    }

    #[test]
    fn entries_come_back_as_they_were() {
        assert_eq!(decode(&encode(&samples())).unwrap(), samples());
    }

    #[test]
    fn bytes_that_mean_nothing_are_refused() {
        assert_eq!(decode(&[99]), None);
        for entry in samples() {
            let record = encode(&[entry]);
            for cut in 1..record.len() {
                assert_eq!(decode(&record[..cut]), None, "cut at {cut} of {}", record.len());
            }
        }
        let mut false_count = encode(&[Entry::Unwind { depth: 1, drop: Vec::new() }]);
        let last = false_count.len() - 1;
        false_count[last - 7] = 0xff;
        assert_eq!(decode(&false_count), None);
    }
}
