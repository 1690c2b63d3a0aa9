use crate::harness::{Bench, START_SECONDS, json, new_checkout, new_wallet, text};
use crate::shell::futures_join;
use handsel_core::account::Accept;
use handsel_core::checkout::Matching;
use handsel_core::id::CheckoutId;
use handsel_engine::checkouts::{NewCheckout, Resolution};
use handsel_engine::{Answer, Ask, Code};
use serde_json::Value;
use std::collections::HashSet;

const ROUTE: &str = "POST /v1/checkouts";
const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn id_of(shown: &Value) -> CheckoutId {
    CheckoutId::parse(text(shown, "/id")).unwrap()
}

async fn made(bench: &Bench, new: NewCheckout) -> Value {
    json(&bench.engine.create_checkout(&bench.ask(ROUTE), new).await.unwrap())
}

fn accept(asset: &str) -> Vec<Accept> {
    vec![Accept { network: "sandbox-evm".to_owned(), asset: asset.to_owned() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_offers_every_pegged_token_at_one_fresh_address() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let one = made(&bench, new_checkout("19.99")).await;
    assert_eq!((text(&one, "/status"), text(&one, "/payment_status")), ("open", "unpaid"));
    assert_eq!(one["expires_at"], START_SECONDS + 3600);
    let options = one["payment_options"].as_array().unwrap();
    let assets: Vec<&str> = options.iter().map(|o| text(o, "/evm/asset")).collect();
    assert_eq!(assets, ["USDC", "USDT"], "EURC is worth another currency");
    assert_eq!(text(&options[0], "/evm/address"), text(&options[1], "/evm/address"));
    assert_eq!((text(&options[0], "/evm/amount"), text(&options[0], "/evm/atomic")), ("19.990000", "19990000"));
    assert_eq!(options[0].pointer("/evm/proof/derivation_index").unwrap(), 1, "payments begin at index 1");
    let two = made(&bench, new_checkout("19.99")).await;
    assert_ne!(text(&one, "/payment_options/0/evm/address"), text(&two, "/payment_options/0/evm/address"));
    assert_eq!(text(&one, "/timeline/0/type"), "checkout.created");
    let read = json(&bench.engine.checkout(&bench.ask("GET /v1/checkouts/{id}"), id_of(&one)).await.unwrap());
    assert_eq!(read, one, "what was answered is what is read");
    let euros = NewCheckout { currency: "EUR".to_owned(), ..new_checkout("5") };
    assert_eq!(text(&made(&bench, euros).await, "/payment_options/0/evm/asset"), "EURC");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_checkouts_never_share_an_address() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let ask = bench.ask(ROUTE);
    let creates = (0..300).map(|_| bench.engine.create_checkout(&ask, new_checkout("5")));
    let answers: Vec<Answer> = futures_join(creates).await.into_iter().map(Result::unwrap).collect();
    let addresses: HashSet<String> =
        answers.iter().map(|a| text(&json(a), "/payment_options/0/evm/address").to_owned()).collect();
    assert_eq!(addresses.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_wallet_tells_checkouts_by_their_amounts() {
    let bench = Bench::open().await;
    let ask = bench.ask(ROUTE);
    bench.engine.create_wallet(&ask, new_wallet("static", ADDRESS)).await.unwrap();
    let creates = (0..40).map(|_| bench.engine.create_checkout(&ask, new_checkout("19.99")));
    let mut amounts = HashSet::new();
    for answer in futures_join(creates).await {
        let shown = json(&answer.unwrap());
        assert_eq!(text(&shown, "/payment_options/0/evm/address"), ADDRESS);
        let atomic: u128 = text(&shown, "/payment_options/0/evm/atomic").parse().unwrap();
        assert!((19_980_001..19_990_000).contains(&atomic), "{atomic}");
        amounts.insert(atomic);
    }
    assert_eq!(amounts.len(), 40);
    let xpub = NewCheckout { matching: Matching::Xpub, ..new_checkout("5") };
    assert_eq!(bench.engine.create_checkout(&ask, xpub).await.unwrap_err().code, Code::NoPaymentOption);
    let tiny = bench.engine.create_checkout(&ask, new_checkout("0.00")).await.unwrap_err();
    assert_eq!(tiny.code, Code::AmountBelowMinimum);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_paid_says_why() {
    let bench = Bench::open().await;
    let ask = bench.ask(ROUTE);
    let none = bench.engine.create_checkout(&ask, new_checkout("5")).await.unwrap_err();
    assert_eq!(none.code, Code::NoPaymentOption);
    assert!(none.detail.contains("USDC on sandbox-evm: no active wallet"), "{}", none.detail);
    bench.xpub_wallet().await;
    let unpegged = NewCheckout { accept: accept("EURC"), ..new_checkout("5") };
    assert_eq!(bench.engine.create_checkout(&ask, unpegged).await.unwrap_err().code, Code::NoPaymentOption);
    let yen = NewCheckout { currency: "JPY".to_owned(), ..new_checkout("5") };
    assert_eq!(bench.engine.create_checkout(&ask, yen).await.unwrap_err().code, Code::NoPaymentOption);
    let cases = [
        (NewCheckout { accept: accept("USDD"), ..new_checkout("5") }, Code::NoPaymentOption, "/accept/0/asset"),
        (NewCheckout { expires_in_seconds: Some(59), ..new_checkout("5") }, Code::ParameterInvalid, "/expires_in"),
        (NewCheckout { tolerance_bps: Some(1001), ..new_checkout("5") }, Code::ParameterInvalid, "/tolerance_bps"),
        (
            NewCheckout { reference: Some("4111 1111 1111 1111".to_owned()), ..new_checkout("5") },
            Code::ParameterInvalid,
            "/reference",
        ),
        (
            NewCheckout { success_url: Some("javascript:alert(1)".to_owned()), ..new_checkout("5") },
            Code::UrlNotAllowed,
            "/success_url",
        ),
        (
            NewCheckout { cancel_url: Some("https://user@shop.example".to_owned()), ..new_checkout("5") },
            Code::UrlNotAllowed,
            "/cancel_url",
        ),
    ];
    for (new, code, param) in cases {
        let refusal = bench.engine.create_checkout(&ask, new).await.unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (code, Some(param)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_members_are_found_by_equality_and_follow_a_patch() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let new = NewCheckout {
        reference: Some("order 7".to_owned()),
        customer: Some("anna".to_owned()),
        metadata: vec![("cart".to_owned(), "blue".to_owned())],
        ..new_checkout("5")
    };
    let shown = made(&bench, new).await;
    made(&bench, new_checkout("6")).await;
    let found = async |name: &str, value: &str| {
        let mut ask = bench.list("/v1/checkouts");
        match name {
            "reference" => ask.reference = Some(value.to_owned()),
            "customer" => ask.customer = Some(value.to_owned()),
            key => ask.metadata = vec![(key.to_owned(), value.to_owned())],
        }
        json(&bench.engine.checkouts(&ask).await.unwrap())["data"].as_array().unwrap().len()
    };
    for (name, value) in [("reference", "order 7"), ("customer", "anna"), ("cart", "blue")] {
        assert_eq!((found(name, value).await, found(name, "other").await), (1, 0), "{name}");
    }
    let ask = bench.ask("PATCH /v1/checkouts/{id}");
    let patch = vec![("cart".to_owned(), Some("red".to_owned()))];
    let patched = json(&bench.engine.patch_checkout(&ask, id_of(&shown), patch).await.unwrap());
    assert_eq!((text(&patched, "/metadata/cart"), &patched["version"]), ("red", &Value::from(2)));
    assert_eq!(text(&patched, "/reference"), "order 7");
    assert_eq!((found("cart", "blue").await, found("cart", "red").await), (0, 1));
    let stored = bench.reader.checkout(bench.account, id_of(&shown)).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&stored.private.0).contains("anna"), "private members are sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_ends_and_begins_again_by_hand() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let id = id_of(&made(&bench, new_checkout("5")).await);
    let ask = bench.ask("POST /v1/checkouts/{id}/…");
    let expired = json(&bench.engine.expire_checkout(&ask, id).await.unwrap());
    assert_eq!((text(&expired, "/status"), &expired["version"]), ("expired", &Value::from(2)));
    assert_eq!(text(&expired, "/timeline/1/type"), "checkout.expired");
    let again = bench.engine.cancel_checkout(&ask, id).await.unwrap_err();
    assert_eq!(again.code, Code::StateConflict);
    assert!(again.detail.contains("expired") && again.detail.contains("extend"), "{}", again.detail);
    let extended = json(&bench.engine.extend_checkout(&ask, id, 600).await.unwrap());
    assert_eq!((text(&extended, "/status"), &extended["expires_at"]), ("open", &Value::from(START_SECONDS + 600)));
    assert_eq!(bench.engine.extend_checkout(&ask, id, 2_592_000).await.unwrap_err().code, Code::ParameterInvalid);
    let paid = json(&bench.engine.resolve_checkout(&ask, id, Resolution::AcceptAsPaid).await.unwrap());
    assert_eq!((text(&paid, "/status"), text(&paid, "/payment_status")), ("complete", "paid"));
    assert_eq!(bench.engine.cancel_checkout(&ask, id).await.unwrap_err().code, Code::StateConflict);
    let kinds = bench.event_kinds().await;
    assert_eq!(kinds[kinds.len() - 2..], ["checkout.resolved", "checkout.completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_anothers_checkout_and_pages_need_their_mac() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let new = NewCheckout { customer: Some("anna".to_owned()), ..new_checkout("5") };
    let shown = made(&bench, new).await;
    let id = id_of(&shown);
    let other = Bench::open().await;
    let foreign = bench.engine.authenticate(&bench.secret, crate::harness::IP, None).await.unwrap();
    assert_eq!(foreign.account.id, bench.account);
    let refusal = other.engine.checkout(&other.ask("GET /v1/checkouts/{id}"), id).await.unwrap_err();
    assert_eq!(refusal.code, Code::ResourceMissing);
    let mac = text(&shown, "/url").rsplit_once('.').unwrap().1;
    let page = bench.engine.checkout_page(id, mac).await.unwrap();
    assert_eq!((page.merchant.as_str(), page.checkout.amount.as_str()), ("Shop", "5.00"));
    assert!(page.checkout.customer.is_none() && page.checkout.client_secret.is_empty());
    for wrong in ["", "00", &mac.replace(&mac[..1], if mac.starts_with('0') { "1" } else { "0" })] {
        assert_eq!(bench.engine.checkout_page(id, wrong).await.unwrap_err().code, Code::ResourceMissing);
    }
}

/// Writes to the database behind the engine's back.
fn tamper(bench: &Bench, statement: &str) {
    let database = rusqlite::Connection::open(bench.directory().join("handsel.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    assert!(database.execute(statement, []).unwrap() > 0, "the row is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_changed_in_the_database_is_never_shown() {
    let bench = Bench::open().await;
    let ask = bench.ask(ROUTE);
    bench.engine.create_wallet(&ask, new_wallet("static", ADDRESS)).await.unwrap();
    let shown = made(&bench, new_checkout("5")).await;
    let attacker = "1".repeat(40);
    let (from, to) = (ADDRESS[2..].to_lowercase(), attacker.as_str());
    tamper(&bench, &format!("UPDATE checkout SET rest = replace(rest, '{from}', '{to}')"));
    let read = bench.engine.checkout(&bench.ask("GET /v1/checkouts/{id}"), id_of(&shown)).await.unwrap_err();
    assert_eq!(read.code, Code::Internal);
    let mac = text(&shown, "/url").rsplit_once('.').unwrap().1;
    assert_eq!(bench.engine.checkout_page(id_of(&shown), mac).await.unwrap_err().code, Code::Internal);
    tamper(&bench, &format!("UPDATE wallet SET rest = replace(rest, '{from}', '{to}')"));
    let refusal = bench.engine.create_checkout(&Ask { dry_run: true, ..ask.clone() }, new_checkout("5")).await;
    assert_eq!(refusal.unwrap_err().code, Code::Internal);
    let noted = async || bench.audit_actions().await.contains(&"address.forged".to_owned());
    while !noted().await {
        tokio::task::yield_now().await;
    }
}
