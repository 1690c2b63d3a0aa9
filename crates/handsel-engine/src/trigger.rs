//! `test/events/trigger`: makes the real objects whose life sends an event, by the same doors that a merchant uses. The answer is the
//! event that came of it.

use crate::checkouts::{NewCheckout, Resolution};
use crate::test_world::TestPay;
use crate::webhooks::NewWebhook;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::checkout::Matching;
use handsel_core::event::Kind;
use handsel_core::port::TestWorld;
use handsel_core::webhook::{Ordering, Payload};
use handsel_store::reader::ListQuery;
use std::time::Duration;

/// How long an event may take to come about, and how often it is looked for.
const PATIENCE_TRIES: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Kinds that a webhook's life sends.
const BY_WEBHOOK: [Kind; 3] = [Kind::WebhookTest, Kind::WebhookDisabled, Kind::WebhookSecretRotated];

/// What has to happen for an event, beside a checkout of this amount.
#[derive(Debug, Clone, Copy)]
struct Story {
    amount: &'static str,
    acts: &'static [Act],
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Pay,
    /// Mines until everything is confirmed and final.
    Finalize,
    /// Mines one block.
    Mine,
    Cancel,
    Expire,
    Ignore,
}

/// The story of each kind that a checkout's life sends.
fn story(kind: Kind) -> Option<Story> {
    use Act::{Cancel, Expire, Finalize, Ignore, Mine, Pay};
    let (amount, acts): (_, &[Act]) = match kind {
        Kind::CheckoutCreated => ("19.99", &[]),
        Kind::CheckoutProcessing | Kind::PaymentDetected => ("19.99", &[Pay, Mine]),
        Kind::PaymentConfirming => ("19.99", &[Pay, Mine, Mine]),
        Kind::CheckoutCompleted | Kind::PaymentSucceeded => ("19.99", &[Pay, Finalize]),
        Kind::CheckoutExpired => ("19.99", &[Expire]),
        Kind::CheckoutCanceled => ("19.99", &[Cancel]),
        Kind::CheckoutUnderpaid => ("20.01", &[Pay, Finalize]),
        Kind::CheckoutOverpaid => ("20.02", &[Pay, Finalize]),
        Kind::CheckoutLatePayment | Kind::PaymentRejected => ("20.03", &[Pay, Finalize]),
        Kind::CheckoutWrongAsset => ("20.04", &[Pay, Finalize]),
        Kind::CheckoutReorged | Kind::PaymentReversed => ("20.05", &[Pay, Finalize]),
        Kind::CheckoutDuplicatePayment => ("19.99", &[Pay, Finalize, Pay, Finalize]),
        Kind::CheckoutResolved => ("20.02", &[Pay, Finalize, Ignore]),
        _ => return None,
    };
    Some(Story { amount, acts })
}

impl Engine {
    /// Makes the real objects whose life sends this event.
    pub async fn test_trigger(&self, ask: &Ask, kind: &str) -> Result<Answer, Refusal> {
        let world = self.world()?;
        let Some(kind) = Kind::parse(kind) else {
            return Err(crate::webhook_rules::known_filter(kind)
                .err()
                .unwrap_or_else(|| not_offered(kind))
                .at("/type"));
        };
        if story(kind).is_none() && !BY_WEBHOOK.contains(&kind) {
            return Err(not_offered(kind.name()).at("/type"));
        }
        self.command(ask, "test.trigger", 200, || async move {
            let after = self.inner.reader.last_sequence(ask.grant.account()).await?;
            // The asker's key is for this request: the steps are requests of their own.
            let step = Ask { idempotency_key: None, if_match: None, ..ask.clone() };
            match story(kind) {
                Some(story) => self.play(&step, world, story).await?,
                None => self.play_webhook(&step, kind).await?,
            }
            let answer = self.first_of(ask, kind, after).await?;
            Ok((kind.name().to_owned(), answer.body))
        })
        .await
    }

    async fn play(&self, ask: &Ask, world: &dyn TestWorld, story: Story) -> Result<(), Refusal> {
        let new = NewCheckout {
            amount: story.amount.to_owned(),
            currency: "USD".to_owned(),
            accept: Vec::new(),
            customer: None,
            reference: None,
            success_url: None,
            cancel_url: None,
            expires_in_seconds: None,
            tolerance_bps: None,
            matching: Matching::Auto,
            line_items: Vec::new(),
            metadata: Vec::new(),
        };
        self.create_checkout(ask, new).await?;
        let query = ListQuery { limit: 1, ..ListQuery::default() };
        let page = self.inner.reader.checkouts(ask.grant.account(), &query).await?;
        let Some(checkout) = page.data.into_iter().next() else { return Err(Refusal::internal()) };
        let networks: Vec<&str> = checkout.options.iter().map(|option| option.network.as_str()).take(1).collect();
        for act in story.acts {
            match act {
                Act::Pay => {
                    self.pay(&checkout, &TestPay::default()).await?;
                }
                Act::Cancel => {
                    self.cancel_checkout(ask, checkout.id).await?;
                }
                Act::Expire => {
                    self.expire_checkout(ask, checkout.id).await?;
                }
                Act::Ignore => {
                    self.resolve_checkout(ask, checkout.id, Resolution::Ignore).await?;
                }
                Act::Mine | Act::Finalize => {
                    for network in &networks {
                        let done = match act {
                            Act::Finalize => world.finalize(network).await,
                            _ => world.mine(network, 1).await,
                        };
                        done.map_err(crate::test_world::refusal)?;
                        self.watcher_caught_up(network, crate::test_world::WATCHER_PATIENCE).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn play_webhook(&self, ask: &Ask, kind: Kind) -> Result<(), Refusal> {
        let (_, url) = self.world()?.add_receiver(Vec::new(), 0).await.map_err(crate::test_world::refusal)?;
        let new = NewWebhook {
            url,
            enabled_events: vec![kind.name().to_owned()],
            description: None,
            payload: Payload::Snapshot,
            signatures: Vec::new(),
            ordering: Ordering::PerObject,
            metadata: Vec::new(),
        };
        self.create_webhook(ask, new).await?;
        let query = ListQuery { limit: 1, ..ListQuery::default() };
        let page = self.inner.reader.webhooks(ask.grant.account(), &query).await?;
        let Some(id) = page.data.first().map(|webhook| webhook.id) else { return Err(Refusal::internal()) };
        let done = match kind {
            Kind::WebhookDisabled => self.disable_webhook(ask, id).await,
            Kind::WebhookSecretRotated => self.rotate_webhook_secret(ask, id, None).await,
            _ => self.test_webhook(ask, id).await,
        };
        done.map(|_| ())
    }

    /// The first event of this kind after a sequence, once it is there.
    async fn first_of(&self, ask: &Ask, kind: Kind, mut after: u64) -> Result<Answer, Refusal> {
        for _ in 0..PATIENCE_TRIES {
            let events = self.inner.reader.events_after(ask.grant.account(), after, 100).await?;
            if let Some(event) = events.iter().find(|event| event.new.kind == kind) {
                return self.event(ask, event.new.id).await;
            }
            after = events.last().and_then(|event| event.sequence).unwrap_or(after);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let detail = "the event did not come about in time; look for it in the list of events";
        Err(Refusal::new(Code::DependencyUnavailable, detail))
    }
}

fn not_offered(kind: &str) -> Refusal {
    Refusal::new(Code::ParameterInvalid, format!("this release makes nothing that sends {kind}"))
}
