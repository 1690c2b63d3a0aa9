//! The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1 says the same) over the leaves of the audit log.
//!
//! Whoever stores the tree keeps one hash per *perfect subtree* ([`NodeId`]): a leaf that is appended completes one or more
//! of them, and they never change again. Proofs are planned here ([`Plan`]: which stored nodes, folded how), read elsewhere,
//! and folded here again. Nothing here reads or trusts anything.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The perfect subtree over leaves `index << level .. (index + 1) << level`; level 0 is a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    pub level: u8,
    pub index: u64,
}

/// Hash of one leaf's bytes.
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0u8]).chain_update(bytes).finalize().into()
}

/// Hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1u8]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Folds the hashes of adjacent perfect subtrees, largest (leftmost) first, into the hash of their whole range.
fn fold(parts: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    parts.rev().reduce(|right, left| node_hash(&left, &right))
}

/// The right edge of a tree: enough to append to it and to know its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Perfect subtrees from the left, largest first: one per set bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The nodes that make up the right edge of a tree of `size` leaves, in the order that [`Frontier::load`] wants.
    pub fn node_ids(size: u64) -> Vec<NodeId> {
        range_nodes(0, size)
    }

    /// A frontier from its stored nodes; `None` where their number doesn't fit the size.
    pub fn load(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf and gives every perfect subtree that it completed, the leaf itself first.
    pub fn append(&mut self, leaf: Hash) -> Vec<(NodeId, Hash)> {
        let mut node = NodeId { level: 0, index: self.size };
        let mut hash = leaf;
        let mut completed = vec![(node, hash)];
        while node.index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            node = NodeId { level: node.level + 1, index: node.index >> 1 };
            completed.push((node, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        completed
    }

    pub fn root(&self) -> Hash {
        fold(self.peaks.iter().copied()).unwrap_or_else(empty_root)
    }
}

/// The perfect subtrees that make up leaves `start..end`, left to right. `start` must be a multiple of the largest power of
/// two that is not above the range's length, as it is for every range that the RFC's recursion reaches.
fn range_nodes(start: u64, end: u64) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        // A level is below 64.
        nodes.push(NodeId { level: u8::try_from(level).unwrap_or(u8::MAX), index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// What a proof consists of: for each of its hashes the stored nodes that fold into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    parts: Vec<Vec<NodeId>>,
}

impl Plan {
    /// Every stored node that is needed.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.parts.iter().flatten().copied()
    }

    /// The proof's hashes in RFC 6962 order; `None` where `node` lacks one that is needed.
    pub fn hashes(&self, mut node: impl FnMut(NodeId) -> Option<Hash>) -> Option<Vec<Hash>> {
        let fold_part = |part: &Vec<NodeId>| {
            let hashes: Option<Vec<Hash>> = part.iter().map(|id| node(*id)).collect();
            fold(hashes?.into_iter())
        };
        self.parts.iter().map(fold_part).collect()
    }
}

/// The largest power of two below `n`, for `n` above 1.
const fn split_point(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Plans the inclusion proof of leaf `index` in the tree of `size` leaves; `None` where it has no such leaf.
pub fn inclusion_nodes(index: u64, size: u64) -> Option<Plan> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut parts = Vec::new();
    while end - start > 1 {
        let middle = start + split_point(end - start);
        if index < middle {
            parts.push(range_nodes(middle, end));
            end = middle;
        } else {
            parts.push(range_nodes(start, middle));
            start = middle;
        }
    }
    parts.reverse();
    Some(Plan { parts })
}

/// Plans the proof that the tree of `from` leaves is a prefix of the tree of `to` leaves; `None` where `from > to`. Nothing
/// has to be shown for equal sizes and for an empty first tree.
pub fn consistency_nodes(from: u64, to: u64) -> Option<Plan> {
    if from > to {
        return None;
    }
    if from == 0 || from == to {
        return Some(Plan::default());
    }
    let (mut start, mut end) = (0, to);
    let mut parts = Vec::new();
    let mut whole = true;
    while from != end {
        let middle = start + split_point(end - start);
        if from <= middle {
            parts.push(range_nodes(middle, end));
            end = middle;
        } else {
            parts.push(range_nodes(start, middle));
            start = middle;
            whole = false;
        }
    }
    if !whole {
        parts.push(range_nodes(start, end));
    }
    parts.reverse();
    Some(Plan { parts })
}

/// True where `hashes` prove that `leaf` is number `index` of the tree of `size` leaves with this root (RFC 9162 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, hashes: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for proof in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(proof, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, proof);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// True where `hashes` prove that the tree (`from`, `from_root`) is a prefix of (`to`, `to_root`) (RFC 9162 2.1.4.2).
pub fn verify_consistency(from: u64, from_root: &Hash, to: u64, to_root: &Hash, hashes: &[Hash]) -> bool {
    if from == to {
        return hashes.is_empty() && from_root == to_root;
    }
    if from > to {
        return false;
    }
    if from == 0 {
        return hashes.is_empty() && *from_root == empty_root();
    }
    let mut proof = hashes.iter();
    // Where the first tree is itself a perfect subtree, its root opens the path and is not sent.
    let Some(first) = (if from.is_power_of_two() { Some(from_root) } else { proof.next() }) else { return false };
    let (mut old, mut new) = (*first, *first);
    let (mut node, mut last) = (from - 1, to - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    for hash in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *from_root && new == *to_root
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// The leaves of Certificate Transparency's reference tests, as hex.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    /// Roots of the trees with 1 to 8 of them.
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// A tree with every node that was ever completed, as a store would keep it.
    struct Tree {
        frontier: Frontier,
        nodes: HashMap<NodeId, Hash>,
        roots: Vec<Hash>,
    }

    impl Tree {
        fn grow(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
            let mut tree =
                Self { frontier: Frontier::default(), nodes: HashMap::new(), roots: vec![Frontier::default().root()] };
            for leaf in leaves {
                for (id, hash) in tree.frontier.append(leaf_hash(&leaf)) {
                    assert_eq!(tree.nodes.insert(id, hash), None, "a node is completed once");
                }
                tree.roots.push(tree.frontier.root());
            }
            tree
        }
        fn prove(&self, plan: &Plan) -> Vec<Hash> {
            plan.hashes(|id| self.nodes.get(&id).copied()).unwrap()
        }
    }

    /// MTH as the RFC writes it.
    fn naive_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => leaf_hash(leaf),
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node_hash(&naive_root(left), &naive_root(right))
            }
        }
    }

    #[test]
    fn the_reference_roots() {
        let tree = Tree::grow(LEAVES.map(|l| hex::decode(l).unwrap()));
        assert_eq!(hex::encode(tree.roots[0]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (size, expected) in (1..).zip(ROOTS) {
            assert_eq!(hex::encode(tree.roots[size]), expected, "size {size}");
        }
    }

    #[test]
    fn the_reference_proofs() {
        let tree = Tree::grow(LEAVES.map(|l| hex::decode(l).unwrap()));
        let text = |plan: Option<Plan>| -> Vec<String> { tree.prove(&plan.unwrap()).iter().map(hex::encode).collect() };
        assert_eq!(
            text(inclusion_nodes(5, 8)),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(text(inclusion_nodes(2, 3)), ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
        assert_eq!(
            text(consistency_nodes(6, 8)),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(
            text(consistency_nodes(2, 5)),
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        );
    }

    #[test]
    fn every_index_of_every_size_is_proven_and_nothing_else() {
        const SIZE: u64 = 70;
        let leaves: Vec<Vec<u8>> = (0..SIZE).map(|n| n.to_be_bytes().to_vec()).collect();
        let tree = Tree::grow(leaves.clone());
        for size in 1..=SIZE {
            let root = tree.roots[size as usize];
            assert_eq!(root, naive_root(&leaves[..size as usize]), "size {size}");
            for index in 0..size {
                let proof = tree.prove(&inclusion_nodes(index, size).unwrap());
                let leaf = leaf_hash(&leaves[index as usize]);
                assert!(verify_inclusion(&leaf, index, size, &proof, &root), "{index} of {size}");
                assert!(!verify_inclusion(&leaf, index + 1, size, &proof, &root), "{index} moved in {size}");
                assert!(!verify_inclusion(&[7; 32], index, size, &proof, &root));
                let longer = [proof.clone(), vec![[0; 32]]].concat();
                assert!(!verify_inclusion(&leaf, index, size, &longer, &root));
                if !proof.is_empty() {
                    assert!(!verify_inclusion(&leaf, index, size, &proof[1..], &root));
                }
            }
        }
        assert_eq!(inclusion_nodes(3, 3), None);
    }

    #[test]
    fn every_pair_of_sizes_is_consistent_and_nothing_else() {
        const SIZE: u64 = 40;
        let tree = Tree::grow((0..SIZE).map(|n| n.to_be_bytes().to_vec()));
        for to in 0..=SIZE {
            let to_root = tree.roots[to as usize];
            for from in 0..=to {
                let from_root = tree.roots[from as usize];
                let proof = tree.prove(&consistency_nodes(from, to).unwrap());
                assert!(verify_consistency(from, &from_root, to, &to_root, &proof), "{from} -> {to}");
                assert!(!verify_consistency(from, &[9; 32], to, &to_root, &proof), "{from} -> {to}, other past");
                if from != 0 {
                    assert!(!verify_consistency(from, &from_root, to, &[9; 32], &proof), "{from} -> {to}, other now");
                }
                for broken in 0..proof.len() {
                    let mut edited = proof.clone();
                    edited[broken][31] ^= 1;
                    assert!(!verify_consistency(from, &from_root, to, &to_root, &edited));
                }
                if from < to {
                    assert!(!verify_consistency(to, &to_root, from, &from_root, &proof));
                }
            }
        }
        assert_eq!(consistency_nodes(4, 3), None);
    }

    #[test]
    fn a_frontier_survives_a_restart() {
        let tree = Tree::grow((0..29u64).map(|n| n.to_be_bytes().to_vec()));
        let peaks = Frontier::node_ids(29).iter().map(|id| tree.nodes[id]).collect();
        let mut loaded = Frontier::load(29, peaks).unwrap();
        assert_eq!(loaded, tree.frontier);
        let mut going_on = tree.frontier.clone();
        assert_eq!(loaded.append([3; 32]), going_on.append([3; 32]));
        assert_eq!(loaded.root(), going_on.root());
        assert_eq!(Frontier::load(29, vec![[0; 32]; 3]), None);
    }

    proptest! {
        #[test]
        fn large_trees_prove_too(size in 1u64..3000, a: u64, b: u64) {
            let tree = Tree::grow((0..size).map(|n| n.to_le_bytes().to_vec()));
            let (index, from) = (a % size, b % (size + 1));
            let root = tree.frontier.root();
            let proof = tree.prove(&inclusion_nodes(index, size).unwrap());
            prop_assert!(verify_inclusion(&leaf_hash(&index.to_le_bytes()), index, size, &proof, &root));
            let proof = tree.prove(&consistency_nodes(from, size).unwrap());
            prop_assert!(verify_consistency(from, &tree.roots[from as usize], size, &root, &proof));
        }

        #[test]
        fn verifying_nonsense_never_panics(
            leaf: [u8; 32], a: u64, b: u64, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70)
        ) {
            prop_assert!(!verify_inclusion(&leaf, a, b, &hashes, &[0; 32]));
            prop_assert!(!verify_consistency(a, &[1; 32], b, &[2; 32], &hashes));
            let _ = inclusion_nodes(a, b);
            let _ = consistency_nodes(a, b);
        }
    }
}
