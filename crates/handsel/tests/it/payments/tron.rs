//! The same stories on a chain that is like Tron, whose blocks prove nothing and whose addresses are text of their own.

use super::{CONFIRMATIONS, matters, now, payments, standing};
use crate::harness::{Server, Setup, field, run_with, until};
use handsel_core::chain::Kind;
use handsel_sandbox::{Likeness, Order, Transfer};
use serde_json::{Value, json};

const TRON: &str = "sandbox-tron";
/// The account m/44'/195'/0' of the phrase "test test … junk", and its first addresses as TRON's own library derives them.
const XPUB: &str =
    "xpub6BuRy7ZmkGfP2RWhoor1kWB1w9DvrtmJbFBvnC1bQ4SB5NbCHTyQYCJSXZtxDbFyHTmC7wkU2he3nYYdpZ3Vf6qUAkXSnL6RPif4BDtDEKr";
const ZEROTH: &str = "TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6";
const PAYER: &str = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj";
const FIRST: &str = "TPjjvMwjPoDC32V2dGDYTkLH4E5LAtBZ6C";
/// Blocks until a payment is final.
const FINALITY: u64 = 18;

fn run(story: impl AsyncFnOnce(&Server)) {
    run_with(Setup::with_tron(), story);
}

async fn add_wallet(s: &Server) -> Value {
    s.post("/v1/wallets", json!({"type": "tron", "mode": "xpub", "tron": {"xpub": XPUB}})).await.ok()
}

async fn checkout(s: &Server, amount: &str) -> Value {
    s.checkout_with(json!({"amount": amount, "currency": "USD", "accept": ["tron"]})).await
}

/// Mines and lets the watcher see it.
async fn mined(s: &Server, blocks: u64) {
    s.post(&format!("/v1/test/networks/{TRON}/mine"), json!({"blocks": blocks})).await.ok();
    watched(s).await;
}

async fn watched(s: &Server) {
    until("the watcher is at the head of sandbox-tron", async || {
        let cursor = s.store.reader.cursor(TRON).await.unwrap()?;
        let heights = s.world.chain_of(Likeness::Tron).unwrap().heights();
        ((cursor.tip.number, cursor.finalized) == (heights.head, heights.finalized)).then_some(())
    })
    .await;
}

async fn paid(s: &Server, checkout: &Value, how: Value) {
    s.pay(checkout, how).await;
    mined(s, CONFIRMATIONS).await;
}

#[test]
fn wallets_options_and_payments_show_trons_addresses() {
    run(async |s| {
        let nothing = s.post("/v1/checkouts", json!({"amount": "5.00", "currency": "USD", "accept": ["tron"]})).await;
        nothing.refused(422, "no_payment_option");
        let plain = s.checkout("5.00").await;
        let networks = |checkout: &Value| {
            let options = checkout["payment_options"].as_array().unwrap().clone();
            options.iter().map(|o| o[o["type"].as_str().unwrap()]["network"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(networks(&plain), ["sandbox-evm", "sandbox-evm"], "no wallet, no way to pay");
        let wallet = add_wallet(s).await;
        assert_eq!((&wallet["type"], &wallet["evm"]), (&json!("tron"), &json!(null)));
        assert_eq!(wallet["tron"]["proof_address"], ZEROTH);
        assert_eq!(networks(&s.checkout("5.00").await), ["sandbox-evm", "sandbox-evm", TRON, TRON]);
        let checkout = checkout(s, "7.25").await;
        let option = &checkout["payment_options"][0];
        let (kind, tron) = (&option["type"], &option["tron"]);
        assert_eq!((kind, &option["evm"], &option["bank"]), (&json!("tron"), &json!(null), &json!(null)));
        assert_eq!((&tron["network"], &tron["caip2"]), (&json!(TRON), &json!("tron:0x5a4d7206")));
        assert_eq!(
            (&tron["amount"], &tron["atomic"], &tron["decimals"]),
            (&json!("7.250000"), &json!("7250000"), &json!(6))
        );
        let address = field(tron, "address");
        Kind::Tron.read_address(&address).unwrap();
        assert_eq!(field(tron, "uri"), format!("tron:{address}?amount=7.250000&token={}", field(tron, "token")));
        paid(s, &checkout, json!({"from": PAYER})).await;
        let payment = payments(s, &checkout).await.remove(0);
        assert_eq!((&payment["type"], &payment["caip2"]), (&json!("tron"), &json!("tron:0x5a4d7206")));
        let transaction = &payment["transaction"];
        assert_eq!((field(transaction, "from").as_str(), field(transaction, "to")), (PAYER, address));
        assert!(field(transaction, "block_hash").starts_with("0x00000000000000"), "the id begins with the height");
    });
}

#[test]
fn the_first_addresses_are_those_of_every_wallet() {
    run(async |s| {
        add_wallet(s).await;
        let addresses = [checkout(s, "1.00").await, checkout(s, "1.00").await];
        let address = |checkout: &Value| field(&checkout["payment_options"][0]["tron"], "address");
        assert_eq!(address(&addresses[0]), FIRST, "index 0 signs the proof");
        assert_ne!(address(&addresses[0]), address(&addresses[1]));
        let url = field(&addresses[0], "url");
        let page = s.get(&url[url.find("/c/").unwrap()..]).await.text();
        assert!(page.contains("Sandbox Tron") && page.contains(&format!("QR code of the address {FIRST}")), "{page}");
    });
}

#[test]
fn a_static_address_is_told_apart_by_amounts() {
    run(async |s| {
        let made = json!({"type": "tron", "mode": "static", "tron": {"address": FIRST}});
        s.post("/v1/wallets", made.clone()).await.ok();
        s.post("/v1/wallets", made).await.refused(409, "state_conflict");
        let (one, two) = (checkout(s, "3.00").await, checkout(s, "3.00").await);
        let tron = |checkout: &Value| checkout["payment_options"][0]["tron"].clone();
        assert_eq!((field(&tron(&one), "address"), field(&tron(&two), "address")), (FIRST.into(), FIRST.into()));
        assert_ne!(tron(&one)["atomic"], tron(&two)["atomic"]);
        paid(s, &two, json!({})).await;
        assert_eq!((now(s, &one).await.1.as_str(), now(s, &two).await.1.as_str()), ("open/unpaid", "complete/paid"));
    });
}

#[test]
fn what_is_no_wallet_on_tron_is_refused() {
    run(async |s| {
        let ask = async |tron: Value, more: Value| {
            let mut body = json!({"type": "tron", "mode": "static", "tron": tron});
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            s.post("/v1/wallets", body).await
        };
        for address in [
            "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c",
            "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
            "T",
        ] {
            ask(json!({"address": address}), json!({})).await.refused(422, "address_invalid");
        }
        ask(json!({"address": FIRST}), json!({"networks": ["sandbox-evm"]})).await.refused(400, "parameter_invalid");
        ask(json!({"address": FIRST}), json!({"evm": {"address": FIRST}})).await.refused(400, "parameter_invalid");
        ask(json!({"address": FIRST}), json!({"type": "solana"})).await.refused(400, "parameter_invalid");
        ask(json!({"address": "11".repeat(32)}), json!({})).await.refused(422, "private_key_refused");
        ask(json!({}), json!({"mode": "xpub"})).await.refused(400, "parameter_missing");
        let evm = json!({"type": "evm", "mode": "static", "networks": [TRON], "evm": {"address": format!("0x{}", "11".repeat(20))}});
        s.post("/v1/wallets", evm).await.refused(400, "parameter_invalid");
    });
}

#[test]
fn exact_short_over_and_late_payments_end_as_everywhere() {
    run(async |s| {
        add_wallet(s).await;
        let (exact, short, over) = (checkout(s, "19.99").await, checkout(s, "20.00").await, checkout(s, "10.00").await);
        s.pay(&exact, json!({})).await;
        s.pay(&short, json!({"amount": "12.00"})).await;
        s.pay(&over, json!({"amount": "12.50"})).await;
        mined(s, 1).await;
        assert_eq!(now(s, &exact).await.1, "processing/detected");
        mined(s, CONFIRMATIONS - 1).await;
        let (_, stands, verdicts) = now(s, &exact).await;
        assert_eq!((stands.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
        assert_eq!(now(s, &short).await.1, "open/partially_paid");
        paid(s, &short, json!({"amount": "8.00", "asset": "USDC"})).await;
        assert_eq!(now(s, &short).await.2, ["under succeeded", "exact succeeded"]);
        let (checkout_over, stands, _) = now(s, &over).await;
        assert_eq!(stands, "complete/overpaid");
        assert!(matters(&checkout_over)[0].starts_with("overpaid 2.5"), "{checkout_over}");
        let late = checkout(s, "10.00").await;
        s.post(&format!("/v1/test/checkouts/{}/expire", field(&late, "id")), json!({})).await.ok();
        paid(s, &late, json!({})).await;
        let (held, stands, verdicts) = now(s, &late).await;
        assert_eq!((stands.as_str(), verdicts), ("expired/unpaid", vec!["late rejected".to_owned()]));
        let accepted = s.act(&held, "resolve", json!({"action": "accept_as_paid"})).await.ok();
        assert_eq!(standing(&accepted), "complete/paid");
    });
}

#[test]
fn large_amounts_wait_until_the_block_is_solid_and_was_read_again() {
    run(async |s| {
        add_wallet(s).await;
        let large = checkout(s, "100.00").await;
        paid(s, &large, json!({})).await;
        let (_, stands, verdicts) = now(s, &large).await;
        assert_eq!((stands.as_str(), verdicts), ("processing/detected", vec!["- confirming".to_owned()]));
        mined(s, FINALITY - CONFIRMATIONS).await;
        assert_eq!(now(s, &large).await.1, "processing/detected");
        mined(s, 1).await;
        assert_eq!(now(s, &large).await.1, "complete/paid");
        assert_eq!(payments(s, &large).await[0]["finalized"], true);
    });
}

#[test]
fn a_reorganisation_takes_back_and_gives_again_once() {
    run(async |s| {
        add_wallet(s).await;
        let (gone, kept) = (checkout(s, "5.00").await, checkout(s, "6.00").await);
        let hash = s.pay(&gone, json!({})).await;
        s.pay(&kept, json!({})).await;
        mined(s, 12).await;
        assert_eq!(
            (now(s, &gone).await.1.as_str(), now(s, &kept).await.1.as_str()),
            ("complete/paid", "complete/paid")
        );
        let before = payments(s, &kept).await.remove(0);
        let body = json!({"depth": 12, "drop": [hash]});
        s.post(&format!("/v1/test/networks/{TRON}/reorg"), body).await.ok();
        watched(s).await;
        mined(s, CONFIRMATIONS).await;
        let (undone, stands, verdicts) = now(s, &gone).await;
        assert_eq!((stands.as_str(), verdicts), ("complete/unpaid", vec!["reversed reversed".to_owned()]));
        assert!(matters(&undone)[0].starts_with("reorged "), "{undone}");
        let (_, stands, verdicts) = now(s, &kept).await;
        assert_eq!((stands.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
        let after = payments(s, &kept).await.remove(0);
        assert_eq!(after["id"], before["id"]);
        assert_ne!(after["transaction"]["block_hash"], before["transaction"]["block_hash"]);
        let story = s.story(&kept).await;
        assert_eq!(story.iter().filter(|kind| kind.as_str() == "checkout.completed").count(), 1, "{story:?}");
    });
}

#[test]
fn one_transaction_pays_many_and_a_failed_one_nobody() {
    run(async |s| {
        add_wallet(s).await;
        let (first, second) = (checkout(s, "5.00").await, checkout(s, "7.00").await);
        let to = |checkout: &Value| {
            let text = field(&checkout["payment_options"][0]["tron"], "address");
            Kind::Tron.read_address(&text).unwrap().0
        };
        let usdt = Likeness::Tron.token("USDT").unwrap().address;
        let transfer = |to, amount| Transfer { token: usdt, from: [0x77; 20], to, amount };
        let order = Order::transfer(transfer(to(&first), 5_000_000));
        let transfers = vec![
            transfer(to(&first), 5_000_000),
            Transfer { token: [0x99; 20], ..transfer(to(&first), 5_000_000) },
            transfer(to(&second), 3_000_000),
            transfer(to(&second), 4_000_000),
        ];
        let chain = s.world.chain_of(Likeness::Tron).unwrap();
        let failed = Order {
            quirks: handsel_sandbox::Quirks { logs_of_failure: true, ..Default::default() },
            reverts: true,
            ..order.clone()
        };
        chain.broadcast(failed).unwrap();
        chain.broadcast(Order { transfers, ..order }).unwrap();
        mined(s, CONFIRMATIONS).await;
        assert_eq!(now(s, &first).await.2, ["exact succeeded"]);
        let (_, stands, verdicts) = now(s, &second).await;
        assert_eq!(
            (stands.as_str(), verdicts),
            ("complete/paid", vec!["under succeeded".to_owned(), "exact succeeded".to_owned()])
        );
    });
}

#[test]
fn a_node_that_lost_what_happened_or_fails_is_waited_for() {
    run(async |s| {
        add_wallet(s).await;
        for fault in ["empty_logs", "outage", "garbage", "wrong_chain"] {
            let checkout = checkout(s, "5.00").await;
            let fault_for = async |seconds: u64| {
                let body = json!({"kind": fault, "seconds": seconds});
                s.post(&format!("/v1/test/networks/{TRON}/faults"), body).await.ok();
            };
            s.pay(&checkout, json!({})).await;
            fault_for(60).await;
            let chain = s.world.chain_of(Likeness::Tron).unwrap();
            chain.mine(CONFIRMATIONS, 0).unwrap();
            fault_for(0).await;
            s.becomes(&checkout, "status", "complete").await;
            assert_eq!(now(s, &checkout).await.2, ["exact succeeded"], "{fault}");
        }
    });
}
