//! Blocks: the body with its two tries and its bloom, and the header whose Keccak-256 is the block's hash. The header has
//! all fields that a node of the Prague rules shows, so a watcher must encode every one of them to verify a hash.

use std::sync::{Arc, LazyLock};

use crate::hash::{Address, Hash, keccak};
use crate::rlp::List;
use crate::transaction::{BASE_FEE_WEI, Bloom, Transaction};
use crate::trie;

/// Gas that fits into one block.
pub(crate) const GAS_LIMIT: u64 = 60_000_000;
/// Who gets the fees.
const MINER: Address = [0x5b; 20];
/// SHA-256 of nothing: the commitment to an empty list of requests (EIP-7685).
const NO_REQUESTS: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
static EMPTY_ROOT: LazyLock<Hash> = LazyLock::new(|| trie::ordered_root(Vec::new()));
static NO_UNCLES: LazyLock<Hash> = LazyLock::new(|| keccak(&[&List::new().finish()]));
static EMPTY_BODY: LazyLock<Body> = LazyLock::new(|| Body {
    transactions: Vec::new(),
    transactions_root: *EMPTY_ROOT,
    receipts_root: *EMPTY_ROOT,
    bloom: Bloom::default(),
    gas_used: 0,
});

/// What is inside a block.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) transactions: Vec<Arc<Transaction>>,
    pub(crate) transactions_root: Hash,
    pub(crate) receipts_root: Hash,
    pub(crate) bloom: Bloom,
    pub(crate) gas_used: u64,
}

impl Body {
    pub(crate) fn new(seed: &Hash, transactions: Vec<Arc<Transaction>>) -> Self {
        let mut bloom = Bloom::default();
        let mut gas_used = 0_u64;
        let mut receipts = Vec::with_capacity(transactions.len());
        for transaction in &transactions {
            gas_used = gas_used.saturating_add(transaction.gas_used());
            bloom.merge(&transaction.bloom());
            receipts.push(transaction.encode_receipt(gas_used));
        }
        let encoded = transactions.iter().map(|transaction| transaction.encode(seed)).collect();
        Self {
            transactions_root: trie::ordered_root(encoded),
            receipts_root: trie::ordered_root(receipts),
            transactions,
            bloom,
            gas_used,
        }
    }
}

/// One block in memory. Most are empty, so an empty one holds nothing but what can't be derived.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) hash: Hash,
    pub(crate) timestamp: u64,
    /// How many reorganisations there were when it was mined: it makes twins at one height differ.
    pub(crate) branch: u32,
    filled: Option<Box<Body>>,
}

impl Block {
    /// Seals a block on top of its parent.
    pub(crate) fn seal(seed: &Hash, place: Place, transactions: Vec<Arc<Transaction>>) -> Self {
        let filled = (!transactions.is_empty()).then(|| Box::new(Body::new(seed, transactions)));
        let hash = Header::new(seed, place, filled.as_deref().unwrap_or(&EMPTY_BODY)).hash();
        Self { hash, timestamp: place.timestamp, branch: place.branch, filled }
    }

    pub(crate) fn body(&self) -> &Body {
        self.filled.as_deref().unwrap_or(&EMPTY_BODY)
    }
}

/// Where and when a block stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) parent: Hash,
    pub(crate) timestamp: u64,
    pub(crate) branch: u32,
}

/// All header fields.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) place: Place,
    pub(crate) uncles_hash: Hash,
    pub(crate) miner: Address,
    pub(crate) state_root: Hash,
    pub(crate) transactions_root: Hash,
    pub(crate) receipts_root: Hash,
    pub(crate) bloom: Bloom,
    pub(crate) gas_used: u64,
    pub(crate) extra: &'static [u8],
    pub(crate) mix: Hash,
    pub(crate) withdrawals_root: Hash,
    pub(crate) beacon_root: Hash,
    pub(crate) requests_hash: Hash,
}

impl Header {
    /// State, randomness and beacon root stand for nothing here; digits that follow from the place fill them.
    pub(crate) fn new(seed: &Hash, place: Place, body: &Body) -> Self {
        let mix = keccak(&[seed, &place.number.to_be_bytes(), &place.branch.to_be_bytes(), &place.parent]);
        let mut beacon_root = mix;
        beacon_root.reverse();
        Self {
            place,
            uncles_hash: *NO_UNCLES,
            miner: MINER,
            state_root: keccak(&[&mix, &body.transactions_root]),
            transactions_root: body.transactions_root,
            receipts_root: body.receipts_root,
            bloom: body.bloom.clone(),
            gas_used: body.gas_used,
            extra: b"handsel sandbox",
            mix,
            withdrawals_root: *EMPTY_ROOT,
            beacon_root,
            requests_hash: NO_REQUESTS,
        }
    }

    /// RLP of the header, in the order of the Prague rules.
    pub(crate) fn encode(&self) -> Vec<u8> {
        List::new()
            .bytes(&self.place.parent)
            .bytes(&self.uncles_hash)
            .bytes(&self.miner)
            .bytes(&self.state_root)
            .bytes(&self.transactions_root)
            .bytes(&self.receipts_root)
            .bytes(&self.bloom.0)
            .number(0)
            .number(self.place.number.into())
            .number(GAS_LIMIT.into())
            .number(self.gas_used.into())
            .number(self.place.timestamp.into())
            .bytes(self.extra)
            .bytes(&self.mix)
            .bytes(&[0; 8])
            .number(BASE_FEE_WEI.into())
            .bytes(&self.withdrawals_root)
            .number(0)
            .number(0)
            .bytes(&self.beacon_root)
            .bytes(&self.requests_hash)
            .finish()
    }

    pub(crate) fn hash(&self) -> Hash {
        keccak(&[&self.encode()])
    }

    /// Bytes of the whole block in RLP, as nodes report its `size`.
    pub(crate) fn block_size(&self, seed: &Hash, body: &Body) -> usize {
        let transactions = body.transactions.iter().fold(List::new(), |list, one| list.encoded(&one.encode(seed)));
        let nothing = List::new().finish();
        let block = List::new().encoded(&self.encode()).encoded(&transactions.finish());
        block.encoded(&nothing).encoded(&nothing).finish().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::{Order, Transfer};

    const SEED: Hash = [7; 32];

    fn payment(nonce: u64) -> Arc<Transaction> {
        let transfer = Transfer { token: [1; 20], from: [2; 20], to: [3; 20], amount: 5 };
        Arc::new(Transaction::new(&SEED, nonce, nonce, Order::transfer(transfer)))
    }

    fn place(branch: u32) -> Place {
        Place { number: 5, parent: [9; 32], timestamp: 1_700_000_000, branch }
    }

    #[test]
    fn well_known_constants() {
        assert_eq!(hex::encode(*NO_UNCLES), "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
        assert_eq!(hex::encode(*EMPTY_ROOT), "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    }

    #[test]
    fn the_hash_covers_place_branch_and_body() {
        let hash = |place, body| Block::seal(&SEED, place, body).hash;
        let plain = hash(place(0), Vec::new());
        assert_eq!(plain, hash(place(0), Vec::new()));
        assert_ne!(plain, hash(place(1), Vec::new()), "twins of two branches differ");
        assert_ne!(plain, hash(place(0), vec![payment(0)]));
        assert_ne!(plain, hash(Place { timestamp: 1_700_000_001, ..place(0) }, Vec::new()));
    }

    #[test]
    fn gas_accumulates_over_the_receipts() {
        let body = Body::new(&SEED, vec![payment(0), payment(1)]);
        let receipts = vec![payment(0).encode_receipt(51_000), payment(1).encode_receipt(102_000)];
        assert_eq!(body.gas_used, 102_000);
        assert_eq!(body.receipts_root, trie::ordered_root(receipts));
    }
}
