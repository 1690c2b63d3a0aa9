//! Checkouts: created, read, ended by hand.

use crate::check::{self, invalid};
use crate::options::{Offered, OptionsAsk};
use crate::render::read_answer;
use crate::shell::{Decision, Deed, Happening};
use crate::terms::{bounded, price, terms};
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::account::Accept;
use handsel_core::chain::Kind as ChainKind;
use handsel_core::change::{Change, Write};
use handsel_core::checkout::{Checkout, Command, Matching, Refused, Resolution as Ruled, State, Step};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::{CheckoutId, RequestId};
use handsel_core::limits;
use handsel_core::payment::Payment;
use handsel_core::rate::Quote;
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_store::reader::ListQuery;
use handsel_view::Private;
use handsel_view::types::answers as shapes;

/// What is asked of a new checkout; texts are parsed by the engine, so that its refusals name the members.
#[derive(Debug, Clone)]
pub struct NewCheckout {
    pub amount: String,
    pub currency: String,
    /// With `rails` empty too: the account's default.
    pub accept: Vec<Accept>,
    /// Beside `accept`: whatever is configured on these rails and worth the currency.
    pub rails: Vec<Rail>,
    pub customer: Option<String>,
    pub reference: Option<String>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub expires_in_seconds: Option<u64>,
    pub tolerance_bps: Option<u32>,
    pub matching: Matching,
    pub line_items: Vec<LineItem>,
    pub metadata: Vec<(String, String)>,
}

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rail {
    Evm,
    Tron,
    OpenPayments,
    Bank,
}

impl Rail {
    const fn of(kind: ChainKind) -> Self {
        match kind {
            ChainKind::Evm => Self::Evm,
            ChainKind::Tron => Self::Tron,
        }
    }
}

#[derive(Debug, Clone)]
pub struct LineItem {
    pub name: String,
    pub quantity: u64,
    /// Decimal text in the checkout's currency.
    pub amount: Option<String>,
}

/// What to do with a matter that is still open (13 section 3, operator).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    AcceptAsPaid,
    Refund,
    Ignore,
}

impl Engine {
    pub async fn create_checkout(&self, ask: &Ask, new: NewCheckout) -> Result<Answer, Refusal> {
        self.make_checkout(ask, &new).await.map(|(answer, _)| answer)
    }

    pub(crate) async fn make_checkout(
        &self,
        ask: &Ask,
        new: &NewCheckout,
    ) -> Result<(Answer, Option<String>), Refusal> {
        self.performed(ask, |now| async move {
            let price = price(&new.amount, &new.currency)?;
            let terms = terms(new, now)?;
            self.known_accept("/accept", &new.accept)?;
            let private = self.private_members(new, price.currency)?;
            let account = ask.grant.account();
            let key = self.data_key(account).await?;
            let accept = self.accepted(account, new, price.currency).await?;
            let (matching, dry_run) = (new.matching, ask.dry_run);
            let options_ask = OptionsAsk { account, price, accept: &accept, matching, now, dry_run };
            let Offered { options, quotes } = self.payment_options(&key, options_ask).await?;
            let id = CheckoutId::new(now, &*self.inner.entropy);
            let checkout = Checkout {
                id,
                account,
                created: now,
                version: 1,
                price,
                terms,
                private: self.seal_private(&key, id, &private),
                lookups: lookups(&key, &private),
                options,
                state: State::Open,
                credits: Vec::new(),
                exceptions: Vec::new(),
                written_off: 0,
            };
            Ok(self.created(ask, &key, &private, checkout, quotes))
        })
        .await
    }

    /// The event, the answer and the Change of a new checkout.
    fn created(&self, ask: &Ask, key: &DataKey, private: &Private, checkout: Checkout, quotes: Vec<Quote>) -> Decision {
        let mut shape = self.shape_with(private, &checkout, &[], Vec::new());
        let object = checkout.id.to_string();
        let happening = Happening {
            account: checkout.account,
            kind: Kind::CheckoutCreated,
            object: &object,
            version: checkout.version,
            request: Some(ask.grant.request()),
            now: checkout.created,
            only_to: None,
        };
        let event =
            self.event_of(key, happening, |facts| handsel_view::event_body(facts, &shape, None::<&shapes::Checkout>));
        shape.timeline.push(timeline_entry(&event));
        let version = checkout.version;
        let mut writes = vec![Write::InsertCheckout(checkout)];
        writes.extend(quotes.into_iter().map(Write::InsertQuote));
        Decision {
            action: "checkout.create",
            object,
            status: 201,
            body: handsel_view::json(&shape),
            version: Some(version),
            change: Change { writes, events: vec![event], ..Change::default() },
        }
    }

    /// What this checkout accepts: what was asked for, or the account's default.
    async fn accepted(
        &self,
        account: handsel_core::id::AccountId,
        new: &NewCheckout,
        currency: handsel_core::money::Currency,
    ) -> Result<Vec<Accept>, Refusal> {
        if new.accept.is_empty() && new.rails.is_empty() {
            return self.default_accept(account, currency).await;
        }
        let mut accept = new.accept.clone();
        // Networks are all that can be configured yet; the other rails offer nothing.
        let on_rails = |entry: &Accept| {
            let network = self.inner.settings.networks.iter().find(|network| network.name == entry.network);
            network.is_some_and(|network| new.rails.contains(&Rail::of(network.kind)))
        };
        let pegged = self.pegged_accept(currency).into_iter();
        accept.extend(pegged.filter(|entry| on_rails(entry) && !new.accept.contains(entry)));
        Ok(accept)
    }

    async fn default_accept(
        &self,
        account: handsel_core::id::AccountId,
        currency: handsel_core::money::Currency,
    ) -> Result<Vec<Accept>, Refusal> {
        let row = self.inner.reader.account(account).await?.ok_or_else(|| Refusal::missing("account"))?;
        Ok(if row.default_accept.is_empty() { self.pegged_accept(currency) } else { row.default_accept })
    }

    pub async fn checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        let expand = expands_payments(&ask.expand)?;
        let checkout = self.found_checkout(ask, id).await?;
        let key = self.data_key(checkout.account).await?;
        let shape = self.read_checkout_shape(&key, &checkout, expand).await?;
        Ok(read_answer(handsel_view::json(&shape), Some(checkout.version)))
    }

    pub async fn checkouts(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let expand = expands_payments(&ask.expand)?;
        let key = self.data_key(ask.grant.account()).await?;
        let mut query: ListQuery = ask.query.clone();
        query.lookups.extend(ask.reference.iter().map(|value| key.lookup("reference", value)));
        query.lookups.extend(ask.customer.iter().map(|value| key.lookup("customer", value)));
        query.lookups.extend(ask.metadata.iter().map(|(name, value)| metadata_lookup(&key, name, value)));
        let page = self.inner.reader.checkouts(ask.grant.account(), &query).await?;
        let mut data = Vec::with_capacity(page.data.len());
        for checkout in &page.data {
            data.push(self.read_checkout_shape(&key, checkout, expand).await?);
        }
        let list = shapes::CheckoutList::new(ask.path, data, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    /// Metadata only: `None` as a value removes the key.
    pub async fn patch_checkout(
        &self,
        ask: &Ask,
        id: CheckoutId,
        metadata: Vec<(String, Option<String>)>,
    ) -> Result<Answer, Refusal> {
        let metadata = &metadata;
        self.perform(ask, |_| async move {
            let mut checkout = self.found_checkout(ask, id).await?;
            ask.expect_version(checkout.version)?;
            let key = self.data_key(checkout.account).await?;
            let mut private = Self::open_private(&key, &checkout)?;
            private.metadata = check::merged_metadata(&private.metadata, metadata)?;
            bounded(&private)?;
            checkout.private = self.seal_private(&key, id, &private);
            checkout.lookups = lookups(&key, &private);
            checkout.version += 1;
            let shape = self.read_checkout_shape(&key, &checkout, false).await?;
            Ok(Decision {
                action: "checkout.update",
                object: id.to_string(),
                status: 200,
                body: handsel_view::json(&shape),
                version: Some(checkout.version),
                change: Change { writes: vec![Write::UpdateCheckout(checkout)], ..Change::default() },
            })
        })
        .await
    }

    pub async fn expire_checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        self.command_checkout(ask, id, "checkout.expire", Command::ExpireNow).await
    }

    pub async fn cancel_checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        self.command_checkout(ask, id, "checkout.cancel", Command::Cancel).await
    }

    pub async fn extend_checkout(&self, ask: &Ask, id: CheckoutId, seconds: u64) -> Result<Answer, Refusal> {
        let max = limits::CHECKOUT_EXPIRES_MAX_SECONDS;
        if !(1..=max).contains(&seconds) {
            return Err(invalid("/seconds", format!("1 to {max} seconds are possible")));
        }
        self.command_checkout(ask, id, "checkout.extend", Command::Extend { seconds }).await
    }

    pub async fn resolve_checkout(&self, ask: &Ask, id: CheckoutId, resolution: Resolution) -> Result<Answer, Refusal> {
        let ruled = match resolution {
            Resolution::AcceptAsPaid => Ruled::AcceptAsPaid,
            Resolution::Refund => Ruled::Refund,
            Resolution::Ignore => Ruled::Ignore,
        };
        self.command_checkout(ask, id, "checkout.resolve", Command::Resolve(ruled)).await
    }

    async fn command_checkout(
        &self,
        ask: &Ask,
        id: CheckoutId,
        action: &'static str,
        command: Command,
    ) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let before = self.found_checkout(ask, id).await?;
            ask.expect_version(before.version)?;
            let step = before.clone().apply(command, now).map_err(refused)?;
            let key = self.data_key(before.account).await?;
            let payments = self.inner.reader.payments_of_checkout(id).await?;
            let request = Some(ask.grant.request());
            let mut change = self.ruled_payments(&key, &step, &payments, request, now)?;
            let timeline = self.timeline(&before).await?;
            let old = self.checkout_shape(&key, &before, &payments, timeline.clone())?;
            let mut shape = self.checkout_shape(&key, &step.checkout, &payments, timeline)?;
            let events = self.checkout_events(&key, &step, (&old, &shape), request, now);
            shape.timeline.extend(events.iter().map(timeline_entry));
            change.events.extend(events);
            let version = step.checkout.version;
            change.writes.push(Write::UpdateCheckout(step.checkout));
            let body = handsel_view::json(&shape);
            Ok(Decision { action, object: id.to_string(), status: 200, body, version: Some(version), change })
        })
        .await
    }

    /// What Handsel did to a checkout by itself, as one Change: its new state, its events and its leaf.
    pub(crate) async fn own_step(
        &self,
        action: &'static str,
        before: &Checkout,
        step: Step,
        now: Timestamp,
    ) -> Result<Change, Refusal> {
        let key = self.data_key(before.account).await?;
        let payments = self.inner.reader.payments_of_checkout(before.id).await?;
        let timeline = self.timeline(before).await?;
        let old = self.checkout_shape(&key, before, &payments, timeline.clone())?;
        let new = self.checkout_shape(&key, &step.checkout, &payments, timeline)?;
        let events = self.checkout_events(&key, &step, (&old, &new), None, now);
        let object = before.id.to_string();
        let audit = vec![self.audit_entry_of(now, Deed::by_itself(action, &object, Some(before.account)))];
        Ok(Change { writes: vec![Write::UpdateCheckout(step.checkout)], events, audit, ..Change::default() })
    }

    /// The events of a step, each with the object after it and what it was before.
    pub(crate) fn checkout_events(
        &self,
        key: &DataKey,
        step: &Step,
        (before, after): (&shapes::Checkout, &shapes::Checkout),
        request: Option<RequestId>,
        now: Timestamp,
    ) -> Vec<NewEvent> {
        let object = step.checkout.id.to_string();
        let event = |kind: &Kind| {
            let happening = Happening {
                account: step.checkout.account,
                kind: *kind,
                object: &object,
                version: step.checkout.version,
                request,
                now,
                only_to: None,
            };
            self.event_of(key, happening, |facts| handsel_view::event_body(facts, after, Some(before)))
        };
        step.events.iter().map(event).collect()
    }

    /// What a step's rulings make of payments that are known.
    fn ruled_payments(
        &self,
        key: &DataKey,
        step: &Step,
        payments: &[Payment],
        request: Option<RequestId>,
        now: Timestamp,
    ) -> Result<Change, Refusal> {
        let mut change = Change::default();
        for ruling in &step.rulings {
            let Some(before) = payments.iter().find(|p| p.id == ruling.payment) else { continue };
            let command =
                handsel_core::payment::Command::Ruled { ruling: *ruling, finalized: before.state.finalized() };
            let Ok(ruled) = before.clone().apply(command, now) else { continue };
            if let Some(kind) = ruled.event {
                change.events.push(self.payment_event(key, kind, &ruled.payment, Some(before), request, now));
            }
            change.writes.push(Write::UpdatePayment(ruled.payment));
        }
        Ok(change)
    }

    pub(crate) async fn found_checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Checkout, Refusal> {
        let found = self.inner.reader.checkout(ask.grant.account(), id).await?;
        let checkout = found.ok_or_else(|| Refusal::missing("checkout"))?;
        self.genuine_options(&checkout)?;
        Ok(checkout)
    }
}

/// `expand[]=payments` is all that a checkout can expand.
fn expands_payments(expand: &[String]) -> Result<bool, Refusal> {
    match expand.iter().find(|name| !matches!(name.as_str(), "payments" | "data.payments")) {
        Some(_) => Err(invalid("expand", "only payments can be expanded here")),
        None => Ok(!expand.is_empty()),
    }
}

/// Keyed digests of what lists are filtered by.
fn lookups(key: &DataKey, private: &Private) -> Vec<[u8; 32]> {
    let reference = private.reference.iter().map(|value| key.lookup("reference", value));
    let customer = private.customer.iter().map(|value| key.lookup("customer", value));
    let metadata = private.metadata.iter().map(|(name, value)| metadata_lookup(key, name, value));
    reference.chain(customer).chain(metadata).collect()
}

fn metadata_lookup(key: &DataKey, name: &str, value: &str) -> [u8; 32] {
    key.lookup(&format!("metadata/{name}"), value)
}

/// The timeline's line of an event that is about to be committed.
pub(crate) fn timeline_entry(event: &NewEvent) -> shapes::TimelineEntry {
    shapes::TimelineEntry {
        kind: event.kind.name().to_owned(),
        created: event.created.seconds(),
        event: event.id.to_string(),
    }
}

pub(crate) fn refused(why: Refused) -> Refusal {
    match why {
        Refused::Processing => Refusal::new(Code::CheckoutProcessing, why.to_string()),
        Refused::TooLong => invalid("/seconds", why.to_string()),
        _ => Refusal::new(Code::StateConflict, why.to_string()),
    }
}
