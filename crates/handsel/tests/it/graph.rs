//! No spending key, proven (06 1.7): what the binary is built from can not sign for money.

use crate::tidy::metadata;
use cargo_metadata::DependencyKind;
use std::collections::{BTreeMap, BTreeSet};

/// Crates that sign with secp256k1, derive private keys, or read wallet files.
const FUNDS_SIGNING: &[&str] = &[
    "ecdsa", "secp256k1", "secp256k1-sys", "libsecp256k1", "bip32", "bip39", "coins-bip32", "coins-bip39", "hdwallet",
    "tiny-bip39", "tiny-hderive", "eth-keystore", "alloy-signer", "alloy-signer-local", "alloy-wallet", "ethers-signers",
    "ethers", "web3", "starknet-crypto", "solana-sdk", "tron-rs", "k256-signer", "bitcoin", "rust-bip39",
];

/// Every crate that the binary links, dev- and build-dependencies apart, with its enabled features.
fn linked() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|n| (&n.id, n)).collect();
    let name = |id| metadata.packages.iter().find(|p| &p.id == id).unwrap().name.to_string();
    let start = metadata.packages.iter().find(|p| p.name.as_str() == "handsel").unwrap();
    let mut seen = BTreeMap::new();
    let mut todo = vec![&start.id];
    while let Some(id) = todo.pop() {
        let node = nodes[id];
        let features = node.features.iter().map(ToString::to_string).collect();
        if seen.insert(name(id), features).is_some() {
            continue;
        }
        let normal = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal));
        todo.extend(normal.map(|d| &d.pkg));
    }
    seen
}

#[test]
fn no_funds_signing_crate_is_in_the_binary() {
    let linked = linked();
    assert!(linked.contains_key("handsel-core") && linked.contains_key("k256"), "the walk reaches core and its curve");
    for banned in FUNDS_SIGNING {
        assert!(!linked.contains_key(*banned), "{banned} could sign for money");
    }
}

#[test]
fn the_curve_is_there_for_arithmetic_alone() {
    let linked = linked();
    for feature in ["ecdsa", "ecdsa-core", "schnorr", "ecdh", "pkcs8", "pem", "jwk"] {
        assert!(!linked["k256"].contains(feature), "k256's feature {feature} brings private keys");
    }
}

#[test]
fn the_binary_stays_small_in_parts() {
    let count = linked().len();
    assert!(count < 450, "{count} crates are linked; ARCHITECTURE.md allows 450");
}
