//! No spending key, proven (06 1.7): what the binary is built from can not sign for money.

use crate::tidy::root;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates that sign with secp256k1, derive private keys, or read wallet files.
const FUNDS_SIGNING: &[&str] = &[
    "ecdsa",
    "secp256k1",
    "secp256k1-sys",
    "libsecp256k1",
    "bip32",
    "bip39",
    "coins-bip32",
    "coins-bip39",
    "hdwallet",
    "tiny-bip39",
    "tiny-hderive",
    "eth-keystore",
    "alloy-signer",
    "alloy-signer-local",
    "alloy-wallet",
    "ethers-signers",
    "ethers",
    "web3",
    "starknet-crypto",
    "solana-sdk",
    "tron-rs",
    "k256-signer",
    "bitcoin",
    "rust-bip39",
];

/// Every crate that the binary links for this target, dev- and build-dependencies apart, with its enabled features.
fn linked() -> BTreeMap<String, BTreeSet<String>> {
    let arguments = ["tree", "-p", "handsel", "-e", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"];
    let tree = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let mut linked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(tree.stdout).unwrap().lines().filter(|l| !l.is_empty()) {
        let (package, features) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap().to_owned();
        linked.entry(name).or_default().extend(features.split(',').map(str::to_owned));
    }
    linked
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
