//! Where a payment stands, in a payer's words. One text for the page, for the live stream and for polling, so that they can't
//! contradict each other.

use handsel_types::answers::{ChainOption, Payment};
use handsel_view::PublicCheckout;
use serde::Serialize;

/// What the payer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    /// The name of the state: `open`, `confirming`, `paid`, …
    pub(crate) stage: &'static str,
    pub(crate) headline: String,
    pub(crate) text: String,
    /// The address is shown: a transfer is still wanted.
    pub(crate) payable: bool,
    /// Nothing more will happen by itself.
    pub(crate) done: bool,
    /// What is still to be sent, with its asset; empty where nothing is.
    pub(crate) due: String,
    /// Where the merchant wants the payer to go on.
    pub(crate) return_url: Option<String>,
    pub(crate) expires_at: i64,
    pub(crate) version: u64,
}

/// A URL that may become a link, judged once more: `http` or `https` (live: `https` only) and nothing that hides another.
pub(crate) fn safe_link(url: Option<&str>, live: bool) -> Option<String> {
    let url = url?;
    let lower = url.to_ascii_lowercase();
    let scheme = lower.starts_with("https://") || (!live && lower.starts_with("http://"));
    let plain = url.bytes().all(|b| b > 0x20 && b != 0x7f && b != b'\\');
    (scheme && plain).then(|| url.to_owned())
}

const DELAYED: &str =
    "Detection is delayed on this network at present: a payment is seen later than usual, and none is lost.";

struct Words {
    stage: &'static str,
    headline: String,
    text: String,
    payable: bool,
    done: bool,
}

fn words(stage: &'static str, headline: impl Into<String>, text: impl Into<String>) -> Words {
    Words { stage, headline: headline.into(), text: text.into(), payable: false, done: false }
}

impl Words {
    fn payable(self) -> Self {
        Self { payable: true, ..self }
    }
    fn done(self) -> Self {
        Self { done: true, ..self }
    }
}

/// Tells where `page` stands, for a payer who looks at `option`.
pub(crate) fn tell(page: &PublicCheckout, option: Option<&ChainOption>) -> Told {
    let checkout = &page.checkout;
    let Words { stage, headline, text, payable, done } = said(page, option);
    let delayed = !done && option.and_then(|option| page.delayed.get(place(page, option)?)) == Some(&true);
    let text = if delayed { format!("{text} {DELAYED}") } else { text };
    let due = match (payable, option) {
        (true, Some(option)) => format!("{} {}", missing(page, option), option.asset),
        _ => String::new(),
    };
    let back = if checkout.status == "complete" { &checkout.success_url } else { &checkout.cancel_url };
    Told {
        stage,
        headline,
        text,
        payable,
        done,
        due,
        return_url: safe_link(back.as_deref(), checkout.livemode),
        expires_at: checkout.expires_at,
        version: checkout.version,
    }
}

fn said(page: &PublicCheckout, option: Option<&ChainOption>) -> Words {
    let checkout = &page.checkout;
    let merchant = page.merchant.as_str();
    let open = |kind: &str| checkout.exceptions.iter().find(|e| e.kind == kind);
    match checkout.status.as_str() {
        "complete" => return complete(page),
        "canceled" => {
            return words(
                "canceled",
                "This checkout was canceled",
                format!("Please do not pay. {merchant} can open a new one."),
            )
            .done();
        }
        _ => {}
    }
    if open("reorged").is_some() {
        let text = "The network took the payment back. It usually returns by itself; please do not send it again.";
        return words("reorged", "Waiting for the network", text);
    }
    if open("late").is_some() {
        let text = format!(
            "Your payment came after the time was over. {merchant} has been told and decides what happens with it."
        );
        return words("late", "Your payment came late", text);
    }
    for kind in ["wrong_asset", "wrong_network"] {
        if open(kind).is_some() {
            return wrong(page, kind, option);
        }
    }
    if let Some(payment) = page.payments.iter().find(|p| matches!(p.status.as_str(), "detected" | "confirming")) {
        return seen(payment);
    }
    if checkout.status == "expired" {
        return expired(page);
    }
    if checkout.payment_status == "partially_paid" || open("underpaid").is_some() {
        return underpaid(page, option);
    }
    open_words(page, option)
}

fn open_words(page: &PublicCheckout, option: Option<&ChainOption>) -> Words {
    let Some(option) = option else {
        let text = format!("There is no way to pay right now. Please tell {}.", page.merchant);
        return words("open", "This can't be paid yet", text);
    };
    let text = format!("Send exactly {} {} on {}.", option.amount, option.asset, network_name(&option.network));
    words("open", "Waiting for your payment", text).payable()
}

fn complete(page: &PublicCheckout) -> Words {
    let surplus = page.checkout.payment_status == "overpaid"
        || page.checkout.exceptions.iter().any(|e| matches!(e.kind.as_str(), "overpaid" | "duplicate"));
    if surplus {
        let text = format!("You sent more than was asked. {} has been told and can send the rest back.", page.merchant);
        return words("overpaid", "Paid, and a little more", text).done();
    }
    words("paid", "Paid", format!("Thank you. {} has your payment.", page.merchant)).done()
}

/// Seen on the chain, not final yet.
fn seen(payment: &Payment) -> Words {
    let amount = format!("{} {}", payment.amount.amount, payment.amount.asset);
    let needed = payment.required_confirmations;
    if payment.confirmations < 2 {
        let text = format!("We see your payment of {amount}. The network will confirm it; you can close this page.");
        return words("detected", "We see your payment", text);
    }
    let count = payment.confirmations.min(u64::from(needed));
    let text = if count == u64::from(needed) && payment.requires_finalized {
        format!("{amount}: {count} of {needed} confirmations, waiting for finality. You can close this page.")
    } else {
        format!("{amount}: {count} of {needed} confirmations. You can close this page.")
    };
    words("confirming", "Your payment is being confirmed", text)
}

fn expired(page: &PublicCheckout) -> Words {
    let merchant = &page.merchant;
    if page.checkout.payment_status == "partially_paid" {
        let text = format!(
            "A part came, {}, but the time is over. Please do not send more; ask {merchant} what to do.",
            received(page)
        );
        return words("expired_partly_paid", "The time is over", text);
    }
    let text = format!("Please do not pay to this address any more. Ask {merchant} for a new checkout.");
    words("expired", "The time to pay is over", text)
}

fn underpaid(page: &PublicCheckout, option: Option<&ChainOption>) -> Words {
    let came = format!("{} of {} {} came.", received(page), page.checkout.amount, page.checkout.currency);
    match option.filter(|o| o.proof.mode != "static") {
        Some(option) => {
            let rest = missing(page, option);
            let text = format!("{came} Please send the missing {rest} {} to the same address.", option.asset);
            words("underpaid", "A part is missing", text).payable()
        }
        // A shared address tells payments apart by their exact amount: a second transfer would be nobody's.
        None => words(
            "underpaid",
            "A part is missing",
            format!("{came} Please ask {} how to send the rest.", page.merchant),
        ),
    }
}

fn wrong(page: &PublicCheckout, kind: &'static str, option: Option<&ChainOption>) -> Words {
    let sent = page.payments.iter().find(|p| p.outcome.as_deref() == Some(kind));
    let sent =
        sent.map_or_else(|| "something else".to_owned(), |p| format!("{} on {}", p.asset, network_name(&p.network)));
    let wanted =
        option.map_or_else(String::new, |o| format!("; this wanted {} on {}", o.asset, network_name(&o.network)));
    let merchant = &page.merchant;
    let text = format!("You sent {sent}{wanted}. The money is in {merchant}'s wallet, and {merchant} has been told.");
    let headline = if kind == "wrong_asset" { "Another asset came" } else { "It came on another network" };
    words(kind, headline, text)
}

fn received(page: &PublicCheckout) -> String {
    let money = &page.checkout.amount_received;
    format!("{} {}", money.amount, money.currency)
}

/// Where `option` stands among the ways to pay.
fn place(page: &PublicCheckout, option: &ChainOption) -> Option<usize> {
    page.checkout.payment_options.iter().position(|o| o.on_chain() == Some(option))
}

/// What is still to be sent on `option`.
fn missing<'a>(page: &'a PublicCheckout, option: &'a ChainOption) -> &'a str {
    place(page, option).and_then(|at| page.still_due.get(at)).map_or(&option.amount, String::as_str)
}

/// A network's slug in words.
pub(crate) fn network_name(slug: &str) -> String {
    match slug {
        "bsc" => "BNB Smart Chain".to_owned(),
        "sandbox-evm" => "Sandbox EVM".to_owned(),
        _ => slug.split('-').map(capitalised).collect::<Vec<_>>().join(" "),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
