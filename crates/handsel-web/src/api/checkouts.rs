//! `/v1/checkouts`.

use super::choice;
use crate::extract::ids;
use crate::route::{Call, Outcome, Reply};
use crate::sse;
use handsel_core::account::Accept;
use handsel_core::checkout::Matching;
use handsel_core::id::{CheckoutId, CustomerId};
use handsel_core::limits::CHECKOUT_EXPIRES_DEFAULT_SECONDS;
use handsel_engine::Refusal;
use handsel_engine::checkouts::{LineItem, NewCheckout, Rail, Resolution};
use handsel_types::asks::{Accepted, CreateCheckout, ExtendCheckout, PatchCheckout, ResolveCheckout};

const MATCHING: &[(&str, Matching)] = &[
    ("auto", Matching::Auto),
    ("xpub", Matching::Xpub),
    ("static", Matching::Static),
    ("pool", Matching::Pool),
    ("router", Matching::Router),
    ("forwarder", Matching::Forwarder),
];
const RAILS: &[(&str, Rail)] =
    &[("evm", Rail::Evm), ("tron", Rail::Tron), ("open_payments", Rail::OpenPayments), ("bank", Rail::Bank)];
const RESOLUTIONS: &[(&str, Resolution)] =
    &[("accept_as_paid", Resolution::AcceptAsPaid), ("refund", Resolution::Refund), ("ignore", Resolution::Ignore)];

/// What is accepted: assets on networks, and whole rails.
fn wanted(given: Vec<Accepted>) -> Result<(Vec<Accept>, Vec<Rail>), Refusal> {
    let (mut assets, mut rails) = (Vec::new(), Vec::new());
    for (at, entry) in given.into_iter().enumerate() {
        match entry {
            Accepted::Asset(asset) => assets.push(Accept { network: asset.network, asset: asset.asset }),
            Accepted::Rail(name) => rails.push(choice(&name, &format!("/accept/{at}"), RAILS)?),
        }
    }
    Ok((assets, rails))
}

/// What is asked of a new checkout.
pub(super) fn terms(body: CreateCheckout) -> Result<NewCheckout, Refusal> {
    let matching = body.matching.as_deref().map(|name| choice(name, "/matching", MATCHING)).transpose()?;
    let customer = body.customer.map(|text| ids::read::<CustomerId>(&text, "/customer")).transpose()?;
    let (accept, rails) = wanted(body.accept)?;
    let item = |i: handsel_types::answers::LineItem| LineItem { name: i.name, quantity: i.quantity, amount: i.amount };
    Ok(NewCheckout {
        amount: body.amount,
        currency: body.currency,
        accept,
        rails,
        customer: customer.map(|id| id.to_string()),
        reference: body.reference,
        success_url: body.success_url,
        cancel_url: body.cancel_url,
        expires_in_seconds: body.expires_in,
        tolerance_bps: body.tolerance_bps,
        matching: matching.unwrap_or(Matching::Auto),
        line_items: body.line_items.into_iter().map(item).collect(),
        metadata: body.metadata.into_iter().collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Outcome {
    let body: CreateCheckout = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().create_checkout(&ask, terms(body)?).await?.into())
}

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().checkout(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<CheckoutId>()?;
    Ok(call.app.engine().checkouts(&ask).await?.into())
}

pub(crate) async fn patch(mut call: Call) -> Outcome {
    let body: PatchCheckout = call.body().await?;
    let ask = call.ask()?;
    let metadata = body.metadata.unwrap_or_default().into_iter().collect();
    Ok(call.app.engine().patch_checkout(&ask, call.id()?, metadata).await?.into())
}

pub(crate) async fn expire(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().expire_checkout(&ask, call.id()?).await?.into())
}

pub(crate) async fn cancel(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().cancel_checkout(&ask, call.id()?).await?.into())
}

pub(crate) async fn extend(mut call: Call) -> Outcome {
    let body: ExtendCheckout = call.body().await?;
    let ask = call.ask()?;
    let seconds = body.seconds.unwrap_or(CHECKOUT_EXPIRES_DEFAULT_SECONDS);
    Ok(call.app.engine().extend_checkout(&ask, call.id()?, seconds).await?.into())
}

pub(crate) async fn resolve(mut call: Call) -> Outcome {
    let body: ResolveCheckout = call.body().await?;
    let ask = call.ask()?;
    let resolution = choice(&body.action, "/action", RESOLUTIONS)?;
    Ok(call.app.engine().resolve_checkout(&ask, call.id()?, resolution).await?.into())
}

/// The checkout at once, and again after every change.
pub(crate) async fn stream(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    let id: CheckoutId = call.id()?;
    let first = call.app.engine().checkout(&ask, id).await?;
    Ok(Reply::Stream(sse::checkout(call.app, ask, id, first)))
}
