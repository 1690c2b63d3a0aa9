//! The Merkle-Patricia trie, just its root (Ethereum Yellow Paper, appendix D), built afresh from a full list of pairs.
//! Written for this room alone: the watcher proves receipts with code of its own.

use crate::hash::{Hash, keccak};
use crate::rlp::{self, List};

struct Leaf {
    nibbles: Vec<u8>,
    value: Vec<u8>,
}

/// Root of the trie that maps RLP(0), RLP(1), … to the values in order: `transactionsRoot` and `receiptsRoot`.
pub(crate) fn ordered_root(values: Vec<Vec<u8>>) -> Hash {
    let pairs = (0_u128..).zip(values).map(|(index, value)| (rlp::encode_number(index), value));
    root(pairs)
}

/// Root of the trie over distinct keys.
fn root(pairs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Hash {
    let mut leaves: Vec<Leaf> = pairs.map(|(key, value)| Leaf { nibbles: nibbles(&key), value }).collect();
    leaves.sort_by(|left, right| left.nibbles.cmp(&right.nibbles));
    keccak(&[&node(&leaves, 0)])
}

fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// The encoded node above these leaves, which are sorted and agree in their first `depth` nibbles.
fn node(leaves: &[Leaf], depth: usize) -> Vec<u8> {
    match leaves {
        [] => rlp::encode_bytes(&[]),
        [leaf] => List::new().bytes(&hex_prefix(&leaf.nibbles[depth..], true)).bytes(&leaf.value).finish(),
        [first, .., last] => {
            let shared = shared_nibbles(&first.nibbles[depth..], &last.nibbles[depth..]);
            if shared == 0 {
                return branch(leaves, depth);
            }
            let path = hex_prefix(&first.nibbles[depth..depth + shared], false);
            List::new().bytes(&path).encoded(&reference(&branch(leaves, depth + shared))).finish()
        }
    }
}

fn branch(leaves: &[Leaf], depth: usize) -> Vec<u8> {
    let (own, mut rest) = match leaves {
        [first, rest @ ..] if first.nibbles.len() == depth => (first.value.as_slice(), rest),
        _ => (&[][..], leaves),
    };
    let mut list = List::new();
    for digit in 0..16_u8 {
        let (child, others) = rest.split_at(rest.partition_point(|leaf| leaf.nibbles[depth] <= digit));
        list = if child.is_empty() { list.bytes(&[]) } else { list.encoded(&reference(&node(child, depth + 1))) };
        rest = others;
    }
    list.bytes(own).finish()
}

/// How a parent names a node: short nodes stand in it whole, others by their hash.
fn reference(encoded: &[u8]) -> Vec<u8> {
    if encoded.len() < 32 { encoded.to_vec() } else { rlp::encode_bytes(&keccak(&[encoded])) }
}

fn shared_nibbles(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(one, other)| one == other).count()
}

/// Packs nibbles two to a byte, with the flags "ends in a value" and "odd count" in front.
fn hex_prefix(path: &[u8], ends: bool) -> Vec<u8> {
    let flag = if ends { 0x20 } else { 0x00 };
    let (first, pairs) = match path {
        [odd, pairs @ ..] if path.len() % 2 == 1 => (flag | 0x10 | odd, pairs),
        _ => (flag, path),
    };
    std::iter::once(first).chain(pairs.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_root(pairs: &[(&str, &str)]) -> String {
        hex::encode(root(pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()))))
    }

    #[test]
    fn the_empty_trie() {
        assert_eq!(
            hex::encode(ordered_root(Vec::new())),
            "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
        );
    }

    #[test]
    fn published_vectors() {
        let dogs = [("doe", "reindeer"), ("dog", "puppy"), ("dogglesworth", "cat")];
        assert_eq!(text_root(&dogs), "8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3");
        let horse = [("do", "verb"), ("horse", "stallion"), ("doge", "coin"), ("dog", "puppy")];
        assert_eq!(text_root(&horse), "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84");
        let foo = [("foo", "bar"), ("food", "bass")];
        assert_eq!(text_root(&foo), "17beaa1648bafa633cda809c90c04af50fc8aed3cb40d16efbddee6fdf63c4c3");
        let single = [("A", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")];
        assert_eq!(text_root(&single), "d23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab");
    }

    #[test]
    fn order_of_insertion_does_not_matter() {
        let there = [("do", "verb"), ("dog", "puppy"), ("doge", "coin")];
        let back = [("doge", "coin"), ("dog", "puppy"), ("do", "verb")];
        assert_eq!(text_root(&there), text_root(&back));
    }

    /// The trie over RLP(0..200) has a known outline: 0 is written 0x80, 1..=127 are single bytes and 128..=199 begin
    /// with 0x81. The root is put together here by that outline, with none of the general code's recursion above it.
    #[test]
    fn more_than_128_entries_have_the_outline_of_their_keys() {
        let values: Vec<Vec<u8>> = (0..200_u32).map(|index| index.to_be_bytes().repeat(10)).collect();
        let hashed = |encoded: Vec<u8>| rlp::encode_bytes(&keccak(&[&encoded]));
        let leaf = |path: &[u8], index: usize| hashed(List::new().bytes(path).bytes(&values[index]).finish());
        let sixteen = |children: Vec<Vec<u8>>| {
            let filled = children.into_iter().fold(List::new(), |list, child| list.encoded(&child));
            filled.bytes(&[]).finish()
        };
        let absent = || rlp::encode_bytes(&[]);
        let ends_here: &[u8] = &[0x20];
        let low = |high: usize| {
            hashed(sixteen(
                (0..16)
                    .map(|digit| if high + digit == 0 { absent() } else { leaf(ends_here, high * 16 + digit) })
                    .collect(),
            ))
        };
        let second_byte = |high: usize| match high {
            8..12 => hashed(sixteen((0..16).map(|digit| leaf(ends_here, high * 16 + digit)).collect())),
            12 => hashed(sixteen(
                (0..16).map(|digit| if digit < 8 { leaf(ends_here, 192 + digit) } else { absent() }).collect(),
            )),
            _ => absent(),
        };
        let wide = hashed(sixteen((0..16).map(second_byte).collect()));
        let eighty = hashed(sixteen(
            (0..16)
                .map(|digit| match digit {
                    0 => leaf(ends_here, 0),
                    1 => wide.clone(),
                    _ => absent(),
                })
                .collect(),
        ));
        let top = sixteen(
            (0..16)
                .map(|high| match high {
                    0..8 => low(high),
                    8 => eighty.clone(),
                    _ => absent(),
                })
                .collect(),
        );
        assert_eq!(ordered_root(values.clone()), keccak(&[&top]));
    }
}
