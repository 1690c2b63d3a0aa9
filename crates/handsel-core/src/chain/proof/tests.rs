#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// Receipts of `count` plain payments in one block.
fn plain(count: usize) -> ReceiptList {
    let mut list = ReceiptList::default();
    for at in 1..=count {
        let cumulative_gas = 21_000 * at as u64;
        let head = ReceiptHead { kind: 0, outcome: Outcome::Succeeded, cumulative_gas, bloom: &[0; 256] };
        assert!(list.close(&head));
    }
    list
}

/// `receiptsRoot` of blocks of so many plain payments, as a real node (anvil 1.7.1) gave them. The numbers stand around every change of
/// the trie's shape: sixteen children, one and two bytes of key.
#[test]
fn roots_are_those_of_a_real_node() {
    const ROOTS: [(usize, &str); 23] = [
        (0, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"),
        (1, "056b23fbba480696b65fe5a59b8f2148a1299103c4f57df839233af2cf4ca2d2"),
        (2, "d95b673818fa493deec414e01e610d97ee287c9421c8eff4102b1647c1a184e4"),
        (3, "251f2cb798e965c5d9b11c882f37c69fd2c42b314fabe64d2b4998c76eb93ae8"),
        (15, "cfad9c26ff4b1c03ec6fe24dc6766624fadb92641b900c07b90ba5559f59ba5c"),
        (16, "32d66b78c96b8dde58daf37f057691d942ed95f7f268b6166df32f0bc293de3c"),
        (17, "d3aea88a6bd0ea6ea4a5d024ef610cf722474e7719ce2397e5285c68e6221d0f"),
        (18, "1409127626b2c3853874848fe7235e4a644d16978ad94554dd7e7dd923932f9a"),
        (126, "da16c65e7afd11dc8f610837f364f04e24c75d132767a7eaab02f5517893d8ec"),
        (127, "8532795f015356a47c0ff7b0de2e5257a7d7245610b7bb2f7c6a8ee289c6b16a"),
        (128, "c52468f3bf0c0a5b92bfe0265e89bd4c010d330b159617a04919cdf18c017103"),
        (129, "e85fe9172e4db0df82865ac055bad84ce48bc90d0bc095632676277b1ebed0a7"),
        (130, "cd04375e5321aae8c188ebaaf8806acf92c85ef34b8e159c87da2d6cb17de9f3"),
        (143, "6cacf7d3653f304ac69544941c2dc343185f42141417ab895c929368bec61f6c"),
        (144, "8b12c475b63b5b3ab898e0809c4d0cd216487ec4438a562c21e27da68911f8bc"),
        (145, "4888c55f7b3d63a4e304e3808a4664c58b5950cefbfe918cc9bab8249f54cbda"),
        (255, "271f34a50edf5aa752deaebc826af48547bae71f2f55ca985a1c8c7b1d9db1c4"),
        (256, "579967acf20c0bf723c1db0cd986a4b2480955071c5f8428ae83e9e4a3391875"),
        (257, "45a8ea702972bf053785b3e2943feec7a4c7fb07507fb49a203aa5bd1e41a341"),
        (258, "f0ebd796b353b702be220e1c905930603c160547f68ccd3fa19deb155a3fd1ab"),
        (300, "01f3f3933c6c928e43507c4d909d069f2918c7af356373de02ff2af99789eab0"),
        (512, "3f14658d74397e4b2340856d74759d97d35fa824362b88114532aef45b48cd08"),
        (1000, "2e3169a6f7809c50286db2aed0aa13b40bc7e8f1ddddf4b0af11f819f66a8a72"),
    ];
    for (count, root) in ROOTS {
        assert_eq!(plain(count).root(), hash(root), "{count}");
    }
}

/// The first block of Ethereum, whose hash is in every client.
fn genesis() -> SealedFields {
    let empty_root = hash("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    let mut difficulty = [0; 32];
    difficulty[27] = 4;
    SealedFields {
        parent: [0; 32],
        uncles_hash: hash("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
        miner: [0; 20],
        state_root: hash("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"),
        transactions_root: empty_root,
        receipts_root: empty_root,
        bloom: Bloom::default(),
        difficulty,
        number: 0,
        gas_limit: 5_000,
        gas_used: 0,
        time_seconds: 0,
        extra: hash("11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa").to_vec(),
        mix: [0; 32],
        nonce: [0, 0, 0, 0, 0, 0, 0, 0x42],
        base_fee: None,
        withdrawals_root: None,
        blob_gas_used: None,
        excess_blob_gas: None,
        beacon_root: None,
        requests_hash: None,
        later: Vec::new(),
    }
}

#[test]
fn the_first_block_of_ethereum_has_its_hash() {
    assert_eq!(genesis().hash(), hash("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"));
}

#[test]
fn every_field_is_under_the_hash() {
    let all = SealedFields {
        base_fee: Some([1; 32]),
        withdrawals_root: Some([2; 32]),
        blob_gas_used: Some(3),
        excess_blob_gas: Some(4),
        beacon_root: Some([5; 32]),
        requests_hash: Some([6; 32]),
        later: vec![LaterField::Hash([7; 32]), LaterField::Number(8)],
        ..genesis()
    };
    let changes: [fn(&mut SealedFields); 24] = [
        |h| h.parent[0] ^= 1,
        |h| h.uncles_hash[31] ^= 1,
        |h| h.miner[19] ^= 1,
        |h| h.state_root[0] ^= 1,
        |h| h.transactions_root[0] ^= 1,
        |h| h.receipts_root[0] ^= 1,
        |h| h.bloom.0[255] ^= 1,
        |h| h.difficulty[31] ^= 1,
        |h| h.number += 1,
        |h| h.gas_limit += 1,
        |h| h.gas_used += 1,
        |h| h.time_seconds += 1,
        |h| h.extra.push(0),
        |h| h.mix[0] ^= 1,
        |h| h.nonce[0] ^= 1,
        |h| h.base_fee = Some([9; 32]),
        |h| h.withdrawals_root = None,
        |h| h.blob_gas_used = Some(9),
        |h| h.excess_blob_gas = Some(9),
        |h| h.beacon_root = Some([9; 32]),
        |h| h.requests_hash = Some([9; 32]),
        |h| h.later[0] = LaterField::Hash([9; 32]),
        |h| h.later[1] = LaterField::Number(9),
        |h| h.later.clear(),
    ];
    let mut seen = vec![all.hash()];
    for change in changes {
        let mut changed = all.clone();
        change(&mut changed);
        seen.push(changed.hash());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), changes.len() + 1, "no two of them are alike");
}

#[test]
fn lengths_and_numbers_are_encoded_as_the_yellow_paper_says() {
    let string = |bytes: &[u8]| {
        let mut out = Vec::new();
        rlp::push_string(&mut out, bytes);
        assert_eq!(out.len(), rlp::string_length(bytes));
        out
    };
    assert_eq!(string(b"dog"), [0x83, b'd', b'o', b'g']);
    assert_eq!(string(b""), [0x80]);
    assert_eq!((string(&[0x7f]), string(&[0x80])), (vec![0x7f], vec![0x81, 0x80]));
    assert_eq!(string(&[7; 55])[..1], [0xb7]);
    assert_eq!(string(&[7; 56])[..3], [0xb8, 56, 7]);
    assert_eq!(string(&[7; 256])[..4], [0xb9, 1, 0, 7]);
    assert_eq!(string(&[7; 65_536])[..5], [0xba, 1, 0, 0, 7]);
    for number in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x0400, u64::from(u32::MAX), u64::MAX] {
        let mut out = Vec::new();
        rlp::push_number(&mut out, number);
        assert_eq!(out.len(), rlp::number_length(number), "{number}");
        let digits: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
        assert_eq!(out, string(&digits));
        let mut word = [0; 32];
        word[24..].copy_from_slice(&number.to_be_bytes());
        let mut of_word = Vec::new();
        rlp::push_word(&mut of_word, &word);
        assert_eq!(out, of_word);
    }
}

#[test]
fn types_of_a_receipt_are_part_of_it_and_bounded() {
    let close = |kind, outcome| {
        let mut list = ReceiptList::default();
        list.close(&ReceiptHead { kind, outcome, cumulative_gas: 1, bloom: &[0; 256] }).then(|| list.root())
    };
    let mut roots: Vec<_> = (0..=4).map(|kind| close(kind, Outcome::Succeeded).unwrap()).collect();
    roots.push(close(0, Outcome::Failed).unwrap());
    roots.push(close(0, Outcome::StateRoot([1; 32])).unwrap());
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), 7);
    assert_eq!(close(0x80, Outcome::Succeeded), None);
}

#[test]
fn a_bloom_holds_three_bits_of_each_item() {
    let mut bloom = Bloom::default();
    bloom.add(&hash("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"));
    let bits: Vec<usize> = (0..2048).filter(|bit| bloom.0[255 - bit / 8] & (1 << (bit % 8)) != 0).collect();
    let digest = keccak(&hash("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"));
    let mut expected: Vec<usize> =
        [0, 2, 4].map(|at| (usize::from(digest[at]) * 256 + usize::from(digest[at + 1])) % 2048).to_vec();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(bits, expected);
}

/// The trie once more, as plainly as the Yellow Paper writes it down: a sorted map, and everything copied.
mod plainly {
    use super::{Hash, keccak};
    use std::collections::BTreeMap;

    fn string(bytes: &[u8]) -> Vec<u8> {
        match bytes {
            [one] if *one < 0x80 => vec![*one],
            _ => [prefix(0x80, bytes.len()), bytes.to_vec()].concat(),
        }
    }

    fn prefix(base: u8, length: usize) -> Vec<u8> {
        let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
        if length < 56 { vec![base + length as u8] } else { [vec![base + 55 + digits.len() as u8], digits].concat() }
    }

    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        let payload = items.concat();
        [prefix(0xc0, payload.len()), payload].concat()
    }

    fn path(nibbles: &[u8], ends: u8) -> Vec<u8> {
        let mut all = vec![2 * ends + (nibbles.len() % 2) as u8];
        if nibbles.len().is_multiple_of(2) {
            all.push(0);
        }
        all.extend(nibbles);
        string(&all.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>())
    }

    fn name(node: Vec<u8>) -> Vec<u8> {
        if node.len() < 32 { node } else { string(&keccak(&node)) }
    }

    fn node(values: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        if values.len() == 1 {
            let (key, value) = values.iter().next().unwrap();
            return list(&[path(key, 1), string(value)]);
        }
        let keys: Vec<&Vec<u8>> = values.keys().collect();
        let same = (0..).take_while(|at| keys.iter().all(|key| key[*at] == keys[0][*at])).count();
        let below = |skip: usize, digit: Option<u8>| -> BTreeMap<Vec<u8>, Vec<u8>> {
            let fits = values.iter().filter(|(key, _)| digit.is_none_or(|digit| key[0] == digit));
            fits.map(|(key, value)| (key[skip..].to_vec(), value.clone())).collect()
        };
        if same > 0 {
            return list(&[path(&keys[0][..same], 0), name(node(&below(same, None)))]);
        }
        let mut items: Vec<Vec<u8>> = (0..16)
            .map(|digit| Some(below(1, Some(digit))).filter(|b| !b.is_empty()).map_or(string(&[]), |b| name(node(&b))))
            .collect();
        items.push(string(&[]));
        list(&items)
    }

    pub(super) fn root(values: &[Vec<u8>]) -> Hash {
        let key = |at: usize| {
            let digits: Vec<u8> = at.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
            string(&digits).iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
        };
        if values.is_empty() {
            return keccak(&string(&[]));
        }
        keccak(&node(&values.iter().cloned().enumerate().map(|(at, value)| (key(at), value)).collect()))
    }
}

fn ordered_root(values: &[Vec<u8>]) -> Hash {
    let mut end = 0;
    let ends: Vec<usize> = values.iter().map(|value| (end += value.len(), end).1).collect();
    trie::ordered_root(&values.concat(), &ends)
}

/// One log as the property draws it: address, topics, data.
type DrawnLog = ([u8; 20], Vec<Hash>, Vec<u8>);
type Drawn = (u8, bool, u64, Vec<DrawnLog>);

fn root_of(receipts: &[Drawn]) -> Hash {
    let mut list = ReceiptList::default();
    for (kind, succeeded, cumulative_gas, logs) in receipts {
        let mut bloom = Bloom::default();
        for (address, topics, data) in logs {
            bloom.add(address);
            topics.iter().for_each(|topic| bloom.add(topic));
            list.log(address, topics, data);
        }
        let outcome = if *succeeded { Outcome::Succeeded } else { Outcome::Failed };
        let head = ReceiptHead { kind: *kind, outcome, cumulative_gas: *cumulative_gas, bloom: &bloom.0 };
        assert!(list.close(&head));
    }
    list.root()
}

fn receipts() -> impl Strategy<Value = Vec<Drawn>> {
    let log = (any::<[u8; 20]>(), vec(any::<Hash>(), 0..=4), vec(any::<u8>(), 0..80));
    vec((0..=4_u8, any::<bool>(), any::<u64>(), vec(log, 0..4)), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_list_has_the_root_of_the_plain_trie(
        values in vec(prop_oneof![vec(any::<u8>(), 1..8), vec(any::<u8>(), 20..70)], 0..300)
    ) {
        prop_assert_eq!(ordered_root(&values), plainly::root(&values));
    }

    /// Dropping, inventing, altering or moving anything gives another root.
    #[test]
    fn no_tampering_keeps_the_root(honest in receipts(), at in any::<prop::sample::Index>(), how in 0..9_u8, bit in 0..160_usize) {
        let mut lie = honest.clone();
        let at = at.index(lie.len());
        let next = (at + 1) % lie.len();
        let (kind, succeeded, gas, logs) = &mut lie[at];
        match how {
            0 => *kind = (*kind + 1) % 5,
            1 => *succeeded = !*succeeded,
            2 => *gas ^= 1 << (bit % 64),
            3 => logs.push(([bit as u8; 20], vec![[bit as u8; 32]], Vec::new())),
            4 => { logs.pop(); }
            5 => logs.iter_mut().for_each(|log| log.0[bit / 8] ^= 1 << (bit % 8)),
            6 => logs.iter_mut().for_each(|log| log.2.push(0)),
            7 => logs.reverse(),
            _ => lie.swap(at, next),
        }
        prop_assert_eq!(root_of(&honest) == root_of(&lie), honest == lie);
    }
}

/// Beyond 65,535 a key has four bytes.
#[test]
fn long_lists_need_no_deep_stack_and_follow_the_plain_trie() {
    let values: Vec<Vec<u8>> = (0..65_600_u32).map(|at| at.to_be_bytes().to_vec()).collect();
    assert_eq!(ordered_root(&values), plainly::root(&values));
}
