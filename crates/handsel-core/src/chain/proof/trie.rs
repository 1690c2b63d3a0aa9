//! The root of the Merkle-Patricia trie (Yellow Paper, appendix D) that maps RLP(0), RLP(1), … to a list of values.
//!
//! The keys follow from the number of values, and no key begins with another one. So nothing is inserted or sorted: the order of the keys
//! is written down, a node is a range of places in that order, and nodes are hashed depth first out of one small buffer.

use core::ops::Range;

use sha3::{Digest as _, Keccak256};

use super::{Hash, keccak, rlp};

/// Nodes of at least this size are named by their hash; shorter ones stand whole in their parent.
const HASHED_FROM_BYTES: usize = 32;
const DIGITS: u8 = 16;
/// Indexes up to this one are encoded as themselves, except 0.
const SINGLE_BYTE_MAX: usize = 127;

/// The root over values that lie one after the other in `bytes`, the n-th one up to `ends[n]`.
pub(super) fn ordered_root(bytes: &[u8], ends: &[usize]) -> Hash {
    if ends.is_empty() {
        // The empty string.
        return keccak(&[0x80]);
    }
    let mut tree = Tree { bytes, ends, scratch: Vec::with_capacity(64) };
    let name = tree.node(0..ends.len(), 0);
    match name.bytes() {
        // 0xa0 and a hash; everything shorter is the node itself.
        [_, hash @ ..] if hash.len() == HASHED_FROM_BYTES => hash.try_into().unwrap_or_default(),
        node => keccak(node),
    }
}

/// How a parent names a node.
#[derive(Clone, Copy)]
struct Name {
    bytes: [u8; 33],
    length: u8,
}

impl Name {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn hashed(hash: Hash) -> Self {
        let mut bytes = [0xa0; 33];
        bytes.iter_mut().skip(1).zip(hash).for_each(|(to, from)| *to = from);
        Self { bytes, length: 33 }
    }

    /// The name of a node of which the encoding is here.
    fn of(encoded: &[u8]) -> Self {
        match u8::try_from(encoded.len()) {
            Ok(length) if encoded.len() < HASHED_FROM_BYTES => {
                let mut bytes = [0; 33];
                bytes.iter_mut().zip(encoded).for_each(|(to, from)| *to = *from);
                Self { bytes, length }
            }
            _ => Self::hashed(keccak(encoded)),
        }
    }
}

/// A key as its nibbles, the first one in the highest bits.
#[derive(Clone, Copy)]
struct Key {
    nibbles: u128,
    count: u32,
}

impl Key {
    fn of(index: usize) -> Self {
        let digits = (usize::BITS - index.leading_zeros()).div_ceil(8);
        let (value, bytes) = match index {
            0 => (0x80, 1),
            1..=SINGLE_BYTE_MAX => (index as u128, 1),
            _ => ((0x80 + u128::from(digits)) << (8 * digits) | index as u128, 1 + digits),
        };
        Self { nibbles: value << (128 - 8 * bytes), count: 2 * bytes }
    }

    const fn nibble(self, depth: u32) -> u8 {
        ((self.nibbles >> (124 - 4 * depth)) & 0x0f) as u8
    }
}

struct Tree<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    scratch: Vec<u8>,
}

impl Tree<'_> {
    /// The index whose key is at a place of the order: 1 to 127, then 0 (its key is 0x80), then 128 and up.
    const fn index(&self, place: usize) -> usize {
        let singles = if self.ends.len() > SINGLE_BYTE_MAX { SINGLE_BYTE_MAX } else { self.ends.len() - 1 };
        if place < singles {
            place + 1
        } else if place == singles {
            0
        } else {
            place
        }
    }

    fn key(&self, place: usize) -> Key {
        Key::of(self.index(place))
    }

    fn value(&self, index: usize) -> &[u8] {
        let end = |index: usize| self.ends.get(index).copied().unwrap_or(0);
        let begin = index.checked_sub(1).map_or(0, end);
        self.bytes.get(begin..end(index)).unwrap_or_default()
    }

    /// The node over a range of places whose keys agree in their first `depth` nibbles.
    fn node(&mut self, places: Range<usize>, depth: u32) -> Name {
        let (first, last) = (self.key(places.start), self.key(places.end - 1));
        if places.len() == 1 {
            return self.leaf(places.start, depth);
        }
        let mut shared = depth;
        while first.nibble(shared) == last.nibble(shared) {
            shared += 1;
        }
        let branch = self.branch(places, shared);
        if shared == depth {
            return branch;
        }
        let path = Path::of(first, depth..shared, false);
        self.scratch.clear();
        rlp::push_list_prefix(&mut self.scratch, rlp::string_length(path.bytes()) + branch.bytes().len());
        rlp::push_string(&mut self.scratch, path.bytes());
        self.scratch.extend_from_slice(branch.bytes());
        Name::of(&self.scratch)
    }

    fn branch(&mut self, places: Range<usize>, depth: u32) -> Name {
        let mut payload = [0x80_u8; 16 * 33 + 1];
        let mut length = 0;
        let mut start = places.start;
        for digit in 0..DIGITS {
            let mut end = start;
            while end < places.end && self.key(end).nibble(depth) == digit {
                end += 1;
            }
            if start < end {
                let child = self.node(start..end, depth + 1);
                let room = payload.iter_mut().skip(length);
                room.zip(child.bytes()).for_each(|(to, from)| *to = *from);
                length += child.bytes().len();
            } else {
                length += 1;
            }
            start = end;
        }
        // The value of the branch itself: always empty, since no key ends here.
        length += 1;
        self.scratch.clear();
        rlp::push_list_prefix(&mut self.scratch, length);
        self.scratch.extend_from_slice(payload.get(..length).unwrap_or_default());
        Name::of(&self.scratch)
    }

    fn leaf(&mut self, place: usize, depth: u32) -> Name {
        let (key, index) = (self.key(place), self.index(place));
        let path = Path::of(key, depth..key.count, true);
        let mut scratch = core::mem::take(&mut self.scratch);
        let value = self.value(index);
        scratch.clear();
        rlp::push_list_prefix(&mut scratch, rlp::string_length(path.bytes()) + rlp::string_length(value));
        rlp::push_string(&mut scratch, path.bytes());
        let name = if value.len() < HASHED_FROM_BYTES {
            rlp::push_string(&mut scratch, value);
            Name::of(&scratch)
        } else {
            // The value is long and hashed where it lies.
            rlp::push_string_prefix(&mut scratch, value.len());
            Name::hashed(Keccak256::new().chain_update(&scratch).chain_update(value).finalize().into())
        };
        self.scratch = scratch;
        name
    }
}

/// Nibbles two to a byte, with the flags "ends in a value" and "odd count" in front (hex prefix).
struct Path {
    bytes: [u8; 10],
    length: usize,
}

impl Path {
    fn of(key: Key, depths: Range<u32>, ends: bool) -> Self {
        let odd = depths.len() % 2 == 1;
        let flags = u8::from(ends) << 1 | u8::from(odd);
        let mut bytes = [0; 10];
        bytes[0] = flags << 4;
        // An odd nibble shares the byte of the flags.
        let first = if odd { 1 } else { 2 };
        for (at, depth) in (first..).zip(depths.clone()) {
            if let Some(byte) = bytes.get_mut(at / 2) {
                *byte |= key.nibble(depth) << if at % 2 == 0 { 4 } else { 0 };
            }
        }
        Self { bytes, length: 1 + depths.len() / 2 }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
