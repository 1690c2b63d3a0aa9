//! Transactions, their logs and their receipts. Payers need no keys here: the signature fields are filled with digits
//! derived from the seed and sign nothing, so nobody may take these transactions to another chain.

use crate::CHAIN_ID;
use crate::hash::{Address, Hash, address_word, derived_address, keccak, number_word};
use crate::rlp::List;

/// keccak256("Transfer(address,address,uint256)").
pub(crate) const TRANSFER_TOPIC: Hash = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7,
    0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];
/// The selector of `transfer(address,uint256)`.
pub(crate) const TRANSFER_SELECTOR: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
const TRANSFER_FROM_SELECTOR: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];

/// Base fee of every block, in wei.
pub(crate) const BASE_FEE_WEI: u64 = 1_000_000_000;
/// What a payer who wants to be mined offers, in wei.
pub(crate) const GAS_PRICE_WEI: u64 = 2_000_000_000;
/// What a payer offers whose transaction stays in the mempool, in wei: below the base fee.
pub(crate) const HELD_GAS_PRICE_WEI: u64 = 100_000_000;

/// One movement of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The token's contract; any address, also one that is on nobody's list.
    pub token: Address,
    /// Whose tokens move.
    pub from: Address,
    /// Who receives them.
    pub to: Address,
    /// In the token's minor units; zero is allowed, as on a real chain.
    pub amount: u128,
}

/// What a payer hands to the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The account that pays the gas.
    pub sender: Address,
    /// Transfers in the order of their logs; at least one.
    pub transfers: Vec<Transfer>,
    /// The transaction is mined but fails: status 0 and no logs.
    pub reverts: bool,
    /// What real contracts and chains do beside what is asked of them.
    pub quirks: Quirks,
    /// The transaction offers too little and never leaves the mempool.
    pub held: bool,
    /// Once it has this many confirmations, just so many blocks are replaced and it is mined again in the first new one.
    pub reorged_at_confirmations: Option<u8>,
}

/// What a watcher meets on real chains although no payer asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// The token logs an `Approval` before each `Transfer`, as many do in `transferFrom`.
    pub approvals: bool,
    /// The chain shows the logs of a transaction although it failed: only the status says that nothing happened.
    pub logs_of_failure: bool,
}

impl Order {
    /// The plain case: the holder sends one transfer, and it is mined.
    pub fn transfer(transfer: Transfer) -> Self {
        Self {
            sender: transfer.from,
            transfers: vec![transfer],
            reverts: false,
            quirks: Quirks::default(),
            held: false,
            reorged_at_confirmations: None,
        }
    }
}

/// An order with its place in the world: serial number, nonce and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) serial: u64,
    pub(crate) nonce: u64,
    pub(crate) order: Order,
    pub(crate) hash: Hash,
}

/// One ERC-20 `Transfer` event.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: [Hash; 3],
    pub(crate) data: Hash,
}

/// The fields of a legacy transaction (EIP-155) as they go over the wire.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) gas_price: u64,
    pub(crate) gas: u64,
    pub(crate) to: Address,
    pub(crate) data: Vec<u8>,
    pub(crate) v: u64,
    pub(crate) r: Hash,
    pub(crate) s: Hash,
}

impl Transaction {
    pub(crate) fn new(seed: &Hash, serial: u64, nonce: u64, order: Order) -> Self {
        let mut transaction = Self { serial, nonce, order, hash: [0; 32] };
        transaction.hash = keccak(&[&transaction.encode(seed)]);
        transaction
    }

    /// The fields on the wire. The signature's digits depend on everything that a signature would cover.
    pub(crate) fn wire(&self, seed: &Hash) -> Wire {
        let order = &self.order;
        let (to, data) = self.call(seed);
        let gas_price = if order.held { HELD_GAS_PRICE_WEI } else { GAS_PRICE_WEI };
        let digest = keccak(&[&self.nonce.to_be_bytes(), &gas_price.to_be_bytes(), &order.sender, &to, &data]);
        let mut r = keccak(&[seed, b"r", &digest]);
        let mut s = keccak(&[seed, b"s", &digest]);
        let parity = u64::from(r[31] & 1);
        // Below half the order of the curve, as every real signature is.
        r[0] &= 0x3f;
        s[0] &= 0x3f;
        Wire { gas_price, gas: self.gas_used().saturating_add(15_000), to, data, v: CHAIN_ID * 2 + 35 + parity, r, s }
    }

    fn call(&self, seed: &Hash) -> (Address, Vec<u8>) {
        match self.order.transfers.as_slice() {
            [one] if one.from == self.order.sender => {
                (one.token, [&TRANSFER_SELECTOR[..], &address_word(&one.to), &number_word(one.amount)].concat())
            }
            [one] => {
                let words = [address_word(&one.from), address_word(&one.to), number_word(one.amount)].concat();
                (one.token, [&TRANSFER_FROM_SELECTOR[..], &words].concat())
            }
            many => {
                let selector = keccak(&[b"spray((address,address,address,uint256)[])"]);
                let mut data = [&selector[..4], &number_word(32), &number_word(many.len() as u128)].concat();
                for transfer in many {
                    for party in [&transfer.token, &transfer.from, &transfer.to] {
                        data.extend_from_slice(&address_word(party));
                    }
                    data.extend_from_slice(&number_word(transfer.amount));
                }
                (derived_address(seed, "spray"), data)
            }
        }
    }

    /// RLP of the signed legacy transaction; its Keccak-256 is the transaction's hash.
    pub(crate) fn encode(&self, seed: &Hash) -> Vec<u8> {
        let wire = self.wire(seed);
        List::new()
            .number(self.nonce.into())
            .number(wire.gas_price.into())
            .number(wire.gas.into())
            .bytes(&wire.to)
            .number(0)
            .bytes(&wire.data)
            .number(wire.v.into())
            .word(&wire.r)
            .word(&wire.s)
            .finish()
    }

    /// Gas that it burns, in the neighbourhood of what real tokens take.
    pub(crate) fn gas_used(&self) -> u64 {
        let transfers = self.order.transfers.len() as u64;
        if self.order.reverts { 30_000 } else { 21_000 + 30_000 * transfers }
    }

    /// The events that it leaves, in order.
    pub(crate) fn logs(&self) -> Vec<Log> {
        let Quirks { approvals, logs_of_failure } = self.order.quirks;
        if self.order.reverts && !logs_of_failure {
            return Vec::new();
        }
        let log = |topic: Hash, transfer: &Transfer| Log {
            address: transfer.token,
            topics: [topic, address_word(&transfer.from), address_word(&transfer.to)],
            data: number_word(transfer.amount),
        };
        let logs = self.order.transfers.iter().flat_map(|transfer| {
            let approval = approvals.then(|| log(keccak(&[b"Approval(address,address,uint256)"]), transfer));
            approval.into_iter().chain([log(TRANSFER_TOPIC, transfer)])
        });
        logs.collect()
    }

    /// RLP of the receipt: status, gas used in the block so far, bloom, logs.
    pub(crate) fn encode_receipt(&self, cumulative_gas: u64) -> Vec<u8> {
        let mut logs = List::new();
        for log in self.logs() {
            let topics = log.topics.iter().fold(List::new(), |list, topic| list.bytes(topic)).finish();
            logs = logs.encoded(&List::new().bytes(&log.address).encoded(&topics).bytes(&log.data).finish());
        }
        List::new()
            .number(u128::from(!self.order.reverts))
            .number(cumulative_gas.into())
            .bytes(&self.bloom().0)
            .encoded(&logs.finish())
            .finish()
    }

    /// The bloom of its own logs.
    pub(crate) fn bloom(&self) -> Bloom {
        let mut bloom = Bloom::default();
        for log in self.logs() {
            bloom.add(&log.address);
            log.topics.iter().for_each(|topic| bloom.add(topic));
        }
        bloom
    }
}

/// The 2048-bit filter of addresses and topics (Yellow Paper, section 4.3.1).
#[derive(Clone)]
pub(crate) struct Bloom(pub(crate) [u8; 256]);

impl Default for Bloom {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl std::fmt::Debug for Bloom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits: u32 = self.0.iter().map(|byte| byte.count_ones()).sum();
        write!(f, "Bloom({bits} bits)")
    }
}

impl Bloom {
    /// Sets the three bits of one address or topic.
    fn add(&mut self, item: &[u8]) {
        let digest = keccak(&[item]);
        for pair in digest[..6].chunks_exact(2) {
            let bit = usize::from(u16::from_be_bytes([pair[0], pair[1]]) & 0x07ff);
            self.0[255 - bit / 8] |= 1 << (bit % 8);
        }
    }

    /// Takes over all bits of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Hash = [7; 32];

    fn transfer(amount: u128) -> Transfer {
        Transfer { token: [1; 20], from: [2; 20], to: [3; 20], amount }
    }

    #[test]
    fn the_topic_and_the_selectors_are_the_standards() {
        assert_eq!(keccak(&[b"Transfer(address,address,uint256)"]), TRANSFER_TOPIC);
        assert_eq!(keccak(&[b"transfer(address,uint256)"])[..4], TRANSFER_SELECTOR);
        assert_eq!(keccak(&[b"transferFrom(address,address,uint256)"])[..4], TRANSFER_FROM_SELECTOR);
    }

    #[test]
    fn hashes_differ_by_nonce_and_by_everything_that_is_signed() {
        let hash = |nonce, order| Transaction::new(&SEED, 0, nonce, order).hash;
        let plain = hash(0, Order::transfer(transfer(5)));
        assert_eq!(plain, hash(0, Order::transfer(transfer(5))));
        assert_ne!(plain, hash(1, Order::transfer(transfer(5))));
        assert_ne!(plain, hash(0, Order::transfer(transfer(6))));
        let other_sender = Order { sender: [9; 20], ..Order::transfer(transfer(5)) };
        assert_ne!(plain, hash(0, other_sender));
    }

    #[test]
    fn a_failed_transaction_leaves_no_logs_and_an_empty_bloom() {
        let order = Order { reverts: true, ..Order::transfer(transfer(5)) };
        let failed = Transaction::new(&SEED, 0, 0, order);
        assert!(failed.logs().is_empty());
        assert_eq!(failed.bloom().0, [0; 256]);
        let receipt = failed.encode_receipt(30_000);
        assert_eq!(receipt[3], 0x80, "status 0 is the empty string");
        assert_eq!(receipt.last(), Some(&0xc0), "an empty list of logs");
    }

    #[test]
    fn each_transfer_is_one_log_in_order() {
        let order = Order { transfers: vec![transfer(1), transfer(0), transfer(3)], ..Order::transfer(transfer(1)) };
        let logs = Transaction::new(&SEED, 0, 0, order).logs();
        let amounts: Vec<u8> = logs.iter().map(|log| log.data[31]).collect();
        assert_eq!(amounts, [1, 0, 3]);
        assert_eq!(logs[2].topics[2], address_word(&[3; 20]));
    }

    /// The receipt of one transfer, put together by hand from the lengths that its fields must have.
    #[test]
    fn a_receipt_has_the_canonical_bytes() {
        let transaction = Transaction::new(&SEED, 0, 0, Order::transfer(transfer(0x0102)));
        let mut log = vec![0xf8, 0x9b, 0x94];
        log.extend_from_slice(&[1; 20]);
        log.extend_from_slice(&[0xf8, 0x63, 0xa0]);
        log.extend_from_slice(&TRANSFER_TOPIC);
        log.push(0xa0);
        log.extend_from_slice(&address_word(&[2; 20]));
        log.push(0xa0);
        log.extend_from_slice(&address_word(&[3; 20]));
        log.push(0xa0);
        log.extend_from_slice(&number_word(0x0102));
        let mut receipt = vec![0xf9, 0x01, 0xa6, 0x01, 0x82, 0xc7, 0x38, 0xb9, 0x01, 0x00];
        receipt.extend_from_slice(&transaction.bloom().0);
        receipt.extend_from_slice(&[0xf8, 0x9d]);
        receipt.extend_from_slice(&log);
        assert_eq!(hex::encode(transaction.encode_receipt(51_000)), hex::encode(receipt));
    }

    /// The Transfer topic's bits are widely known from explorers: 0x…0008… at byte 95 and so on; here they are derived
    /// from the digest's own first six bytes.
    #[test]
    fn the_bloom_sets_three_bits_for_each_item() {
        let mut bloom = Bloom::default();
        bloom.add(&TRANSFER_TOPIC);
        let digest = keccak(&[&TRANSFER_TOPIC]);
        for at in [0, 2, 4] {
            let bit = (usize::from(digest[at]) << 8 | usize::from(digest[at + 1])) % 2048;
            assert_ne!(bloom.0[255 - bit / 8] & (1 << (bit % 8)), 0);
        }
        assert!((1..=3).contains(&bloom.0.iter().map(|byte| byte.count_ones()).sum::<u32>()));
    }
}
