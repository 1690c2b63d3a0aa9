//! `handsel selftest …`, by public vectors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use handsel::cli::{Cli, Verb};
use handsel::verbs::selftest::crypto::{self, Primitive};
use handsel::verbs::selftest::{Selftest, verdict};
use serde_json::{Value, json};

fn told(what: Selftest, line: &Value) -> Value {
    verdict(what, &line.to_string()).unwrap()
}

#[test]
fn addresses_in_every_notation() {
    for (ip, verdict, class) in [
        ("93.184.215.14", "allow", "public"),
        ("127.0.0.1", "block", "loopback"),
        ("0x7f000001", "block", "loopback"),
        ("169.254.169.254", "block", "metadata"),
        ("::ffff:10.0.0.1", "block", "ipv4_mapped"),
        ("fd00::1", "block", "unique_local"),
        ("nonsense", "block", "not_an_address"),
    ] {
        let said = told(Selftest::ClassifyIp, &json!({"ip": ip}));
        assert_eq!(said, json!({"ip": ip, "verdict": verdict, "class": class}));
    }
}

#[test]
fn urls_with_the_reason() {
    for (url, kind, live, verdict, reason) in [
        ("https://shop.example.com/hook", "webhook", true, "allow", Value::Null),
        ("http://shop.example.com/hook", "webhook", true, "block", json!("https_required")),
        ("https://user:pw@shop.example.com/", "webhook", true, "block", json!("userinfo")),
        ("https://localhost/", "webhook", true, "block", json!("host_not_public")),
        ("javascript:alert(1)", "redirect", true, "block", json!("scheme")),
        ("http://shop.example.com/", "redirect", false, "allow", Value::Null),
    ] {
        let said = told(Selftest::CheckUrl, &json!({"url": url, "kind": kind, "live": live}));
        assert_eq!((&said["verdict"], &said["reason"]), (&json!(verdict), &reason), "{url}: {said}");
        assert_eq!(said["detail"].is_null(), reason.is_null());
    }
}

fn base64(hex: &str) -> String {
    STANDARD.encode(hex::decode(hex).unwrap())
}

/// The tree of eight leaves that the tests of Certificate Transparency have used from the beginning.
#[test]
fn proofs_of_the_well_known_tree() {
    let root = base64("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    let path = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    let path: Vec<String> = path.iter().map(|hash| base64(hash)).collect();
    let proof = json!({"leaf": "", "index": 0, "size": 8, "hashes": path, "root": root});
    assert_eq!(told(Selftest::Merkle, &proof), json!({"result": "valid"}));
    let hash = base64("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    let by_hash = json!({"leaf_hash": hash, "index": 0, "size": 8, "hashes": path, "root": root});
    assert_eq!(told(Selftest::Merkle, &by_hash), json!({"result": "valid"}));
    let elsewhere = json!({"leaf_hash": hash, "index": 1, "size": 8, "hashes": path, "root": root});
    assert_eq!(told(Selftest::Merkle, &elsewhere), json!({"result": "invalid"}));
    let grown = json!({"from": 1, "from_root": hash, "to": 8, "to_root": root, "hashes": path});
    assert_eq!(told(Selftest::Merkle, &grown), json!({"result": "valid"}));
    let other = json!({"from": 2, "from_root": hash, "to": 8, "to_root": root, "hashes": path});
    assert_eq!(told(Selftest::Merkle, &other), json!({"result": "invalid"}));
    for wrong in [json!({"index": 0}), json!({"leaf": "", "index": 0, "size": 1, "hashes": ["AA=="], "root": root})] {
        verdict(Selftest::Merkle, &wrong.to_string()).unwrap_err();
    }
}

/// The vector of the contract (02 "Webhook wire format").
#[test]
fn the_contracts_signature() {
    let header = "t=1718400000,v1=a606cd4b370741ba107b2b9dc84d998d177096cd58f79b123b90cf0a1616e0b9";
    let mut line = json!({"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=", "at": 1_718_400_000,
        "body": "{\"id\":\"evt_1\",\"type\":\"payment.succeeded\"}"});
    assert_eq!(told(Selftest::WebhookSignature, &line), json!({"header": header}));
    line["header"] = json!(header);
    assert_eq!(told(Selftest::WebhookSignature, &line), json!({"result": "valid", "reason": null}));
    line["at"] = json!(1_718_400_301);
    let late = told(Selftest::WebhookSignature, &line);
    assert!(late["result"] == "invalid" && late["reason"].is_string(), "{late}");
}

fn judged(primitive: Primitive, group: Value) -> Vec<String> {
    let file = json!({"testGroups": [group]}).to_string();
    let all = crypto::verdicts(primitive, file.as_bytes()).unwrap();
    all.iter().map(|one| one["result"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn files_of_crypto_vectors() {
    let zeros = |bytes: usize| "00".repeat(bytes);
    let gcm = |key: String, tag: &str| {
        json!({"tcId": 1, "key": key, "iv": zeros(12), "aad": "", "msg": zeros(16),
            "ct": "cea7403d4d606b6e074ec5d3baf39d18", "tag": tag})
    };
    let good = "d0d1c8a799996bf0265b98b5d48ab919";
    let group = json!({"tests": [gcm(zeros(32), good), gcm(zeros(32), &good.replace('d', "c")), gcm(zeros(16), good)]});
    assert_eq!(judged(Primitive::AesGcm, group), ["valid", "invalid", "unsupported"]);
    let mac = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    let hmac = |tag: &str| json!({"tcId": 1, "key": "0b".repeat(20), "msg": hex::encode("Hi There"), "tag": tag});
    let group = json!({"tagSize": 256, "tests": [hmac(mac), hmac(&mac[..32]), hmac(&mac.replace('b', "a"))]});
    assert_eq!(judged(Primitive::HmacSha256, group), ["valid", "invalid", "invalid"]);
    let short = json!({"tagSize": 128, "tests": [hmac(&mac[..32])]});
    assert_eq!(judged(Primitive::HmacSha256, short), ["valid"]);
    let sig = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    let signed = |msg: &str, sig: &str| json!({"tcId": 1, "msg": msg, "sig": sig});
    let group = json!({"publicKey": {"pk": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
        "tests": [signed("", sig), signed("00", sig), signed("", &sig[2..])]});
    assert_eq!(judged(Primitive::Ed25519, group), ["valid", "invalid", "invalid"]);
    let okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    let hkdf = |size: usize, okm: &str| {
        json!({"tcId": 1, "ikm": "0b".repeat(22), "salt": "000102030405060708090a0b0c", "info": "f0f1f2f3f4f5f6f7f8f9",
            "size": size, "okm": okm})
    };
    let group = json!({"tests": [hkdf(42, okm), hkdf(42, &okm.replace('3', "4")), hkdf(100_000, "")]});
    assert_eq!(judged(Primitive::Hkdf, group), ["valid", "invalid", "invalid"]);
    assert!(crypto::verdicts(Primitive::Hkdf, &b"{}"[..]).unwrap_err().starts_with("no Wycheproof file"));
}

#[test]
fn the_verbs_are_there() {
    for line in [
        "handsel selftest classify-ip",
        "handsel selftest check-url",
        "handsel selftest merkle",
        "handsel selftest webhook-signature",
        "handsel selftest crypto aes-gcm",
        "handsel selftest crypto hmac-sha256",
        "handsel selftest crypto ed25519",
        "handsel selftest crypto hkdf",
        "handsel completions bash",
        "handsel completions zsh",
        "handsel version --json",
        "handsel trigger --list",
    ] {
        Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    assert!(Cli::try_parse_from(["handsel", "trigger"]).is_err(), "an event is wanted");
    let parsed = Cli::try_parse_from("handsel trigger checkout.completed --override amount=5.00".split(' ')).unwrap();
    assert!(matches!(parsed.verb, Verb::Trigger(_)));
}
