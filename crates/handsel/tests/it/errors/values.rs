//! Well-formed values that can't be accepted: 422, and nothing is written.

use crate::harness::{Server, run};
use serde_json::{Value, json};

const SEED: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const XPRV: &str =
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";

async fn wallet(s: &Server, mode: &str, evm: Value) -> crate::harness::Reply {
    s.post("/v1/wallets", json!({"type": "evm", "mode": mode, "evm": evm})).await
}

#[test]
fn amounts_and_currencies() {
    run(async |s| {
        for (amount, currency, code) in [
            ("0", "USD", "amount_below_minimum"),
            ("0.00", "USD", "amount_below_minimum"),
            ("1.001", "USD", "amount_below_minimum"),
            ("1000000000000.01", "USD", "amount_above_maximum"),
            ("99999999999999999999999999999999999999999999999", "USD", "amount_above_maximum"),
            ("1.00", "usd", "currency_unsupported"),
            ("1.00", "DOGE", "currency_unsupported"),
            ("100", "ISK", "no_payment_option"),
        ] {
            let problem = s.post("/v1/checkouts", json!({"amount": amount, "currency": currency})).await;
            let problem = problem.refused(422, code);
            assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
        }
        let of = async |amount: &str, currency: &str| {
            s.post("/v1/checkouts", json!({"amount": amount, "currency": currency})).await
        };
        of("0", "USD").await.reviewed(422, "amount_below_minimum");
        of("1000000000000.01", "USD").await.reviewed(422, "amount_above_maximum");
        of("1.00", "DOGE").await.reviewed(422, "currency_unsupported");
        assert_eq!(s.get("/v1/checkouts").await.ok()["data"], json!([]));
    });
}

#[test]
fn networks_and_ways_to_pay() {
    run(async |s| {
        let accept = async |network: &str, asset: &str| {
            let accept = json!([{"network": network, "asset": asset}]);
            s.post("/v1/checkouts", json!({"amount": "1.00", "currency": "USD", "accept": accept})).await
        };
        let problem = accept("sandbox-emv", "USDC").await.reviewed(422, "network_unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("sandbox-evm"), "the nearest is named: {problem}");
        assert_eq!(problem["param"], "accept[0][network]");
        // A currency that no source of the sandbox knows, and a coin of another one.
        let accept_eurc = json!([{"network": "sandbox-evm", "asset": "EURC"}]);
        let unrated = s.post("/v1/checkouts", json!({"amount": "100", "currency": "ISK", "accept": accept_eurc})).await;
        unrated.reviewed(422, "no_payment_option");
        accept("sandbox-evm", "USDX").await.refused(422, "no_payment_option");
        let rails = async |rails: serde_json::Value| {
            s.post("/v1/checkouts", json!({"amount": "1.00", "currency": "USD", "accept": rails})).await
        };
        let offered = |checkout: serde_json::Value| {
            let options = checkout["payment_options"].as_array().unwrap().clone();
            options.iter().map(|o| o["evm"]["asset"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(offered(rails(json!(["evm"])).await.ok()), ["USDC", "USDT"]);
        let mixed = json!([{"network": "sandbox-evm", "asset": "USDT"}, "evm", "tron"]);
        assert_eq!(offered(rails(mixed).await.ok()), ["USDT", "USDC"]);
        rails(json!(["tron", "bank"])).await.refused(422, "no_payment_option");
        assert_eq!(rails(json!(["emv"])).await.refused(400, "parameter_invalid")["param"], "accept[0]");
        assert_eq!(rails(json!([5])).await.refused(400, "parameter_invalid")["param"], "accept[0]");
        let pool = s.post("/v1/checkouts", json!({"amount": "1.00", "currency": "USD", "matching": "pool"})).await;
        pool.refused(422, "no_payment_option");
        let none = s.post("/v1/checkouts", json!({"amount": "1.00", "currency": "USD", "matching": "static"})).await;
        none.refused(422, "no_payment_option");
        accept("sandbox-evm", "USDC").await.ok();
    });
}

#[test]
fn redirects_go_to_the_web_only() {
    run(async |s| {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://shop.example/",
            "//shop.example",
            "https://a@shop.example/",
        ] {
            for member in ["success_url", "cancel_url"] {
                let mut body = json!({"amount": "1.00", "currency": "USD"});
                body[member] = json!(url);
                let problem = s.post("/v1/checkouts", body).await.refused(422, "url_not_allowed");
                assert_eq!(problem["param"], member);
            }
        }
        s.checkout_with(json!({"amount": "1.00", "currency": "USD", "success_url": "https://shop.example/thanks?o=1"}))
            .await;
    });
}

#[test]
fn addresses_have_their_checksum_and_are_no_contracts() {
    run(async |s| {
        let token = s.checkout("1.00").await["payment_options"][0]["evm"]["token"].as_str().unwrap().to_owned();
        for address in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".replace("AeD", "Aed").replace("5aA", "5aa").as_str(),
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x0000000000000000000000000000000000000000",
            "vitalik.eth",
            &token,
        ] {
            wallet(s, "static", json!({"address": address})).await.refused(422, "address_invalid");
        }
        for xpub in [
            "xpub",
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
        ] {
            wallet(s, "xpub", json!({"xpub": xpub})).await.refused(422, "address_invalid");
        }
        wallet(s, "static", json!({"address": "vitalik.eth"})).await.reviewed(422, "address_invalid");
        assert_eq!(s.get("/v1/wallets").await.ok()["data"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn what_could_spend_is_refused_and_never_repeated() {
    run(async |s| {
        let private = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
        let prefixed = format!("0x{private}");
        let spaced = format!("  {}  ", SEED.to_uppercase());
        for secret in [private, &prefixed, SEED, &spaced, XPRV] {
            for (mode, member) in [("static", "address"), ("xpub", "xpub")] {
                let refused = wallet(s, mode, json!({member: secret})).await;
                refused.refused(422, "private_key_refused");
                assert!(!refused.text().contains(secret.trim()), "never echoed");
            }
        }
        wallet(s, "static", json!({"address": private})).await.reviewed(422, "private_key_refused");
        let log = s.get("/v1/requests?limit=100").await.text();
        assert!(!log.contains(private) && !log.contains("sausage") && !log.contains("xprv"));
        assert_eq!(s.get("/v1/wallets").await.ok()["data"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_wallet_is_proved_by_its_own_signature() {
    run(async |s| {
        let address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        let made = wallet(s, "static", json!({"address": address})).await.ok();
        assert!(made["challenge"].as_str().unwrap().contains(address));
        let some_signature = format!("0x{}{}1b", "11".repeat(32), "22".repeat(32));
        for signature in ["", "0x", "0x1234", some_signature.as_str(), "not hex at all"] {
            let problem = s.act(&made, "prove", json!({"signature": signature})).await;
            problem.refused(422, "signature_invalid");
        }
        s.act(&made, "prove", json!({"signature": "0x"})).await.reviewed(422, "signature_invalid");
        assert_eq!(s.again(&made).await["proved_at"], Value::Null);
    });
}
