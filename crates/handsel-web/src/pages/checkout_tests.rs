#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use handsel_types::answers as t;

const ADDRESS: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

fn option(network: &str, asset: &str) -> t::PaymentOption {
    let evm = ChainOption {
        network: network.to_owned(),
        caip2: "eip155:1".to_owned(),
        chain_id: 1,
        asset: asset.to_owned(),
        token: ADDRESS.to_owned(),
        address: ADDRESS.to_owned(),
        amount: "19.990000".to_owned(),
        atomic: "19990000".to_owned(),
        decimals: 6,
        uri: format!("ethereum:{ADDRESS}@1/transfer?address={ADDRESS}&uint256=19990000"),
        proof: t::AddressProof { wallet: "wal_1".to_owned(), mode: "xpub".to_owned(), derivation_index: Some(1) },
        router: None,
    };
    t::PaymentOption { kind: "evm".to_owned(), evm: Some(evm), tron: None, open_payments: None, bank: None }
}

fn money(amount: &str) -> t::Money {
    t::Money { amount: amount.to_owned(), currency: "USD".to_owned() }
}

fn sample() -> PublicCheckout {
    let checkout = t::Checkout {
        id: "chk_1".to_owned(),
        object: "checkout".to_owned(),
        livemode: true,
        created: 1_700_000_000,
        version: 3,
        amount: "19.99".to_owned(),
        currency: "USD".to_owned(),
        status: "open".to_owned(),
        payment_status: "unpaid".to_owned(),
        exceptions: Vec::new(),
        url: "https://pay.example/c/x".to_owned(),
        client_secret: String::new(),
        expires_at: 1_700_003_600,
        amount_received: money("0.00"),
        amount_refunded: money("0.00"),
        tolerance_bps: 0,
        late_policy: "hold".to_owned(),
        matching: "auto".to_owned(),
        customer: None,
        reference: None,
        success_url: Some("https://shop.example/thanks".to_owned()),
        cancel_url: Some("https://shop.example/cart".to_owned()),
        line_items: Vec::new(),
        payment_options: vec![option("ethereum", "USDC"), option("bsc", "USDT")],
        payments: Vec::new(),
        timeline: Vec::new(),
        metadata: t::Metadata::new(),
    };
    PublicCheckout {
        merchant: "Acorn Books".to_owned(),
        support_url: Some("https://shop.example/help".to_owned()),
        checkout,
        payments: Vec::new(),
        still_due: vec!["19.990000".to_owned(), "19.990000".to_owned()],
        typical_seconds: vec![180, 45],
        delayed: vec![false, true],
        now: 1_700_000_000,
    }
}

fn payment(status: &str, confirmations: u64) -> t::Payment {
    t::Payment {
        id: "pay_1".to_owned(),
        object: "payment".to_owned(),
        livemode: true,
        created: 1_700_000_100,
        version: 1,
        checkout: Some("chk_1".to_owned()),
        kind: "evm".to_owned(),
        network: "ethereum".to_owned(),
        caip2: "eip155:1".to_owned(),
        asset: "USDC".to_owned(),
        amount: t::AssetAmount {
            amount: "19.990000".to_owned(),
            asset: "USDC".to_owned(),
            network: "ethereum".to_owned(),
            atomic: "19990000".to_owned(),
            decimals: 6,
        },
        status: status.to_owned(),
        outcome: None,
        confirmations,
        required_confirmations: 12,
        requires_finalized: false,
        finalized: false,
        transaction: t::Transaction {
            hash: "0x1".to_owned(),
            log_index: 0,
            block_hash: "0x2".to_owned(),
            block_number: 5,
            from: ADDRESS.to_owned(),
            to: ADDRESS.to_owned(),
            explorer_url: None,
        },
        rate: None,
        detected_at: 1_700_000_100,
        succeeded_at: None,
        metadata: t::Metadata::new(),
    }
}

fn html_of(page: &PublicCheckout) -> String {
    body("NONCE", "/c/chk_1.mac", page, 0).unwrap()
}

fn told_of(page: &PublicCheckout) -> Told {
    tell(page, page.checkout.payment_options.first().and_then(|o| o.evm.as_ref()))
}

fn with_exception(kind: &str) -> PublicCheckout {
    let mut page = sample();
    let exception = t::CheckoutException { kind: kind.to_owned(), amount: "1".to_owned(), payment: None, created: 1 };
    page.checkout.exceptions.push(exception);
    page
}

#[test]
fn a_page_says_where_detection_is_delayed_and_stays_payable() {
    let says = |page: &PublicCheckout| html_of(page).contains("Detection is delayed on this network at present");
    let mut page = sample();
    assert!(!says(&page), "the other network's delay is not this one's");
    page.delayed = vec![true, true];
    assert!(says(&page));
    assert!(html_of(&page).contains("19.990000"), "it can be paid all the same");
    page.checkout.status = "complete".to_owned();
    assert!(!says(&page), "nothing is waited for any more");
}

#[test]
fn an_open_page_tells_all_that_a_payer_needs() {
    let html = html_of(&sample());
    for needed in [
        "19.99 USD",
        "19.990000 USDC",
        "Ethereum",
        "Acorn Books",
        "http-equiv=\"refresh\" content=\"10\"",
        "<svg class=\"qr\" role=\"img\"",
        "?option=1",
        "seed words",
        "aria-current=\"true\">USDC on Ethereum",
        "about 3 minutes",
    ] {
        assert!(html.contains(needed), "{needed} in\n{html}");
    }
    let mut address = String::new();
    let code = html.split("<code class=\"address\">").nth(1).unwrap().split("</code>").next().unwrap();
    for piece in code.split('<').filter_map(|piece| piece.split_once('>')) {
        address.push_str(piece.1);
    }
    assert_eq!(address, ADDRESS, "the address can be selected whole");
    assert!(!html.contains("Test mode"));
}

#[test]
fn nothing_in_the_page_runs_or_paints_without_leave() {
    let html = html_of(&sample());
    for banned in [" style=", " onclick", " onload", "javascript:", "<style"] {
        assert!(!html.contains(banned), "{banned}");
    }
    assert_eq!(html.matches("<script").count(), html.matches("nonce=\"NONCE\"").count());
}

#[test]
fn every_state_fits_fifteen_kilobytes() {
    let parts = include_bytes!("../../assets/page.css").len() + include_bytes!("../../assets/checkout.js").len();
    assert!(html_of(&sample()).len() + parts < 15 * 1024, "{} + {parts}", html_of(&sample()).len());
}

#[test]
fn hostile_names_stay_text() {
    let mut page = sample();
    page.merchant = "<script>alert(1)</script>\" onmouseover=\"x".to_owned();
    page.support_url = Some("javascript:alert(1)".to_owned());
    page.checkout.cancel_url = Some("javascript:alert(1)".to_owned());
    let html = html_of(&page);
    assert!(!html.contains("<script>alert") && !html.contains("\" onmouseover"), "{html}");
    assert!(!html.contains("javascript:"), "{html}");
}

#[test]
fn links_are_judged_once_more() {
    for bad in
        ["javascript:alert(1)", "http://shop.example", "https://a\\b", "https://a b", "data:text/html,x", "//x", ""]
    {
        assert_eq!(safe_link(Some(bad), true), None, "{bad}");
    }
    assert!(safe_link(Some("http://localhost:3000/x"), false).is_some());
    assert!(safe_link(Some("HTTPS://shop.example"), true).is_some());
}

#[test]
fn what_is_seen_goes_from_detected_to_confirming() {
    let mut page = sample();
    page.checkout.status = "processing".to_owned();
    page.payments = vec![payment("detected", 1)];
    assert_eq!(told_of(&page).stage, "detected");
    page.payments = vec![payment("confirming", 5)];
    let told = told_of(&page);
    assert_eq!((told.stage, told.payable), ("confirming", false));
    assert!(told.text.contains("5 of 12"), "{}", told.text);
    assert!(!html_of(&page).contains("class=\"address\""), "nobody pays twice");
}

#[test]
fn paid_is_said_and_leads_back() {
    let mut page = sample();
    page.checkout.status = "complete".to_owned();
    page.checkout.payment_status = "paid".to_owned();
    let told = told_of(&page);
    assert_eq!((told.stage, told.headline.as_str(), told.done), ("paid", "Paid", true));
    let html = html_of(&page);
    assert!(html.contains("href=\"https://shop.example/thanks\""));
    assert!(!html.contains("http-equiv=\"refresh\""), "a page that is done doesn't reload");
    page.checkout.payment_status = "overpaid".to_owned();
    assert_eq!(told_of(&page).stage, "overpaid");
}

#[test]
fn a_missing_part_is_asked_for_by_its_amount() {
    let mut page = with_exception("underpaid");
    page.checkout.payment_status = "partially_paid".to_owned();
    page.checkout.amount_received = money("9.99");
    page.still_due[0] = "10.000000".to_owned();
    let told = told_of(&page);
    assert_eq!((told.stage, told.due.as_str()), ("underpaid", "10.000000 USDC"));
    page.checkout.payment_options[0].evm.as_mut().unwrap().proof.mode = "static".to_owned();
    assert!(!told_of(&page).payable, "a shared address can't take the rest");
    page.checkout.status = "expired".to_owned();
    assert_eq!(told_of(&page).stage, "expired_partly_paid");
}

#[test]
fn unhappy_states_have_words_of_their_own() {
    for kind in ["late", "wrong_asset", "wrong_network", "reorged"] {
        let told = told_of(&with_exception(kind));
        assert_eq!(told.stage, kind);
        assert!(!told.payable, "{kind}");
    }
    for (status, stage) in [("expired", "expired"), ("canceled", "canceled")] {
        let mut page = sample();
        page.checkout.status = status.to_owned();
        let told = told_of(&page);
        assert_eq!((told.stage, told.payable), (stage, false));
        assert!(!html_of(&page).contains(ADDRESS), "{status}");
    }
}

#[test]
fn only_the_paid_page_says_paid() {
    for page in [sample(), with_exception("late"), with_exception("reorged")] {
        let told = told_of(&page);
        let words = format!("{} {}", told.headline, told.text).to_lowercase();
        assert!(!words.split(|c: char| !c.is_alphabetic()).any(|word| word == "paid"), "{words}");
    }
}

#[test]
fn test_mode_is_said_aloud_and_a_page_of_nothing_is_whole() {
    let mut page = sample();
    page.checkout.livemode = false;
    assert!(html_of(&page).contains("Test mode"));
    let response = nothing(&Refusal::missing("checkout"));
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
}
