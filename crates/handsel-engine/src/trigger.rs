//! `test/events/trigger`: makes the real objects whose life sends an event, by the same doors that a merchant uses. The answer is the
//! event that came of it. What there is no door for yet is refused, naming what there is.

mod things;

use crate::api_keys::NewApiKey;
use crate::check::did_you_mean;
use crate::checkouts::{NewCheckout, Resolution};
use crate::magic::Magic;
use crate::test_world::{TestPay, WATCHER_PATIENCE, refusal};
use crate::wallets::NewWallet;
use crate::webhooks::NewWebhook;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::checkout::Checkout;
use handsel_core::event::Kind;
use handsel_core::id::CheckoutId;
use std::time::Duration;

/// How long an event may take to come about, and how often it is looked for.
const PATIENCE_TRIES: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Events that are looked at in one go.
const LOOK_AT_ONCE: u32 = 100;

/// What has to be made first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Checkout,
    Wallet,
    Webhook,
    ApiKey,
}

/// The terms of what is made first. A webhook without a URL goes to a receiver of the sandbox.
#[derive(Debug, Clone)]
pub enum Terms {
    Checkout(NewCheckout),
    Wallet(NewWallet),
    Webhook(NewWebhook),
    ApiKey(NewApiKey),
}

/// An event that can be made to happen.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    kind: Kind,
    thing: Thing,
    acts: &'static [Act],
}

/// What is done to it after it was made.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Pays the whole price, or goes wrong in one way.
    Pay(Option<Magic>),
    /// Mines until everything is confirmed and final.
    Finalize,
    /// Mines one block.
    Mine,
    Cancel,
    Expire,
    Ignore,
    /// The payment that nothing explains is put to the checkout by hand.
    Match,
    Prove,
    Retire,
    Roll,
    Revoke,
    Test,
    Disable,
    RotateSecret,
    /// Lets a day of failures pass.
    Fail,
}

const PAY: Act = Act::Pay(None);

/// The story of each event that this release sends.
const STORIES: &[(Kind, Thing, &[Act])] = {
    use Act::{Cancel, Disable, Expire, Fail, Finalize, Ignore, Match, Mine, Pay, Prove, Retire, Revoke, Roll};
    use Act::{RotateSecret, Test};
    use Thing::{ApiKey, Checkout, Wallet, Webhook};
    &[
        (Kind::CheckoutCreated, Checkout, &[]),
        (Kind::CheckoutProcessing, Checkout, &[PAY, Mine]),
        (Kind::CheckoutCompleted, Checkout, &[PAY, Finalize]),
        (Kind::CheckoutExpired, Checkout, &[Expire]),
        (Kind::CheckoutCanceled, Checkout, &[Cancel]),
        (Kind::CheckoutUnderpaid, Checkout, &[Pay(Some(Magic::Short)), Finalize]),
        (Kind::CheckoutOverpaid, Checkout, &[Pay(Some(Magic::Over)), Finalize]),
        (Kind::CheckoutLatePayment, Checkout, &[Pay(Some(Magic::Late)), Finalize]),
        (Kind::CheckoutDuplicatePayment, Checkout, &[PAY, Finalize, PAY, Finalize]),
        (Kind::CheckoutWrongAsset, Checkout, &[Pay(Some(Magic::WrongAsset)), Finalize]),
        (Kind::CheckoutReorged, Checkout, &[Pay(Some(Magic::Reorged)), Finalize]),
        (Kind::CheckoutResolved, Checkout, &[Pay(Some(Magic::Over)), Finalize, Ignore]),
        (Kind::PaymentDetected, Checkout, &[PAY, Mine]),
        (Kind::PaymentConfirming, Checkout, &[PAY, Mine, Mine]),
        (Kind::PaymentSucceeded, Checkout, &[PAY, Finalize]),
        (Kind::PaymentReversed, Checkout, &[Pay(Some(Magic::Reorged)), Finalize]),
        (Kind::PaymentRejected, Checkout, &[Pay(Some(Magic::Late)), Finalize]),
        (Kind::PaymentMatched, Checkout, &[Match]),
        (Kind::WalletAdded, Wallet, &[]),
        (Kind::WalletProved, Wallet, &[Prove]),
        (Kind::WalletActivated, Wallet, &[]),
        (Kind::WalletRetired, Wallet, &[Retire]),
        (Kind::WebhookFailing, Webhook, &[Fail]),
        (Kind::WebhookDisabled, Webhook, &[Disable]),
        (Kind::WebhookSecretRotated, Webhook, &[RotateSecret]),
        (Kind::WebhookTest, Webhook, &[Test]),
        (Kind::ApiKeyCreated, ApiKey, &[]),
        (Kind::ApiKeyRolled, ApiKey, &[Roll]),
        (Kind::ApiKeyRevoked, ApiKey, &[Revoke]),
    ]
};

/// Every event that can be triggered, by name.
pub fn triggerable() -> impl Iterator<Item = &'static str> {
    STORIES.iter().map(|(kind, ..)| kind.name())
}

impl Trigger {
    /// Reads the name of an event that this release can make happen.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        if let Some((kind, thing, acts)) = STORIES.iter().find(|(kind, ..)| kind.name() == name) {
            return Ok(Self { kind: *kind, thing: *thing, acts });
        }
        let detail = match Kind::parse(name) {
            Some(kind @ (Kind::NetworkDegraded | Kind::NetworkRecovered)) => {
                format!("{} is about a network: make its node fail with POST /v1/test/networks/…/faults", kind.name())
            }
            Some(kind) => format!("nothing sends {} here yet, so it can't be triggered", kind.name()),
            None => format!("there is no such event{}", did_you_mean(name, triggerable())),
        };
        let known: Vec<&str> = triggerable().collect();
        let hint = format!("possible are {}", known.join(", "));
        Err(Refusal::new(Code::ParameterInvalid, detail).at("/type").hint(hint))
    }
    pub const fn name(&self) -> &'static str {
        self.kind.name()
    }
    pub const fn thing(&self) -> Thing {
        self.thing
    }
}

/// Whose event is waited for.
#[derive(Debug)]
enum About {
    /// The checkout, or one of its payments.
    Checkout(CheckoutId),
    Object(String),
}

/// For looking again and again, for a bounded time.
#[derive(Debug, Default)]
struct Patience {
    tries: u32,
}

impl Patience {
    /// Lets a moment pass; when there was time enough, the refusal with this detail.
    async fn wait(&mut self, otherwise: &'static str) -> Result<(), Refusal> {
        self.tries += 1;
        if self.tries > PATIENCE_TRIES {
            return Err(Refusal::new(Code::DependencyUnavailable, otherwise));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }
}

impl Engine {
    /// Makes what the terms say and lets happen what leads to the event. Nothing of it is undone, but for a webhook to a receiver
    /// of the sandbox, which nobody else can see.
    pub async fn test_trigger(&self, ask: &Ask, trigger: Trigger, terms: Terms) -> Result<Answer, Refusal> {
        let terms = &terms;
        self.command(ask, "test.trigger", 200, || async move {
            let after = self.inner.reader.last_sequence(ask.grant.account()).await?;
            // The asker's key is for this request: the steps are requests of their own.
            let step = Ask { idempotency_key: None, if_match: None, ..ask.clone() };
            let event = match terms {
                Terms::Checkout(new) => {
                    let checkout = self.play_checkout(&step, trigger, new).await?;
                    self.first_of(ask, trigger.kind, &About::Checkout(checkout), after).await?
                }
                Terms::Wallet(new) => {
                    let about = self.play_wallet(&step, trigger.acts, new).await?;
                    self.first_of(ask, trigger.kind, &About::Object(about), after).await?
                }
                Terms::Webhook(new) => self.play_webhook(&step, trigger, new, after).await?,
                Terms::ApiKey(new) => {
                    let about = self.play_api_key(&step, trigger.acts, new).await?;
                    self.first_of(ask, trigger.kind, &About::Object(about), after).await?
                }
            };
            Ok((trigger.name().to_owned(), event.body))
        })
        .await
    }

    async fn play_checkout(&self, ask: &Ask, trigger: Trigger, new: &NewCheckout) -> Result<CheckoutId, Refusal> {
        if matches!(trigger.acts, [Act::Match]) {
            return self.play_match(ask, new).await;
        }
        let checkout = self.made_checkout(ask, new).await?;
        for act in trigger.acts {
            match act {
                Act::Pay(magic) => {
                    self.pay_so(&checkout, &TestPay::default(), *magic).await?;
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
                Act::Finalize => self.advance_chain(&checkout, true).await?,
                _ => self.advance_chain(&checkout, false).await?,
            }
        }
        Ok(checkout.id)
    }

    async fn made_checkout(&self, ask: &Ask, new: &NewCheckout) -> Result<Checkout, Refusal> {
        let (_, object) = self.make_checkout(ask, new).await.map_err(|refused| refused.under("/override"))?;
        let id = object.as_deref().and_then(|id| CheckoutId::parse(id).ok()).ok_or_else(Refusal::internal)?;
        self.own_checkout_for_test(ask, id).await
    }

    /// One block, or as many as make everything final, on the network of the first way to pay.
    async fn advance_chain(&self, checkout: &Checkout, finalize: bool) -> Result<(), Refusal> {
        let Some(option) = checkout.options.first() else { return Ok(()) };
        let (world, network) = (self.world()?, option.network.as_str());
        let done = if finalize { world.finalize(network).await } else { world.mine(network, 1).await };
        done.map_err(refusal)?;
        self.watcher_caught_up(network, WATCHER_PATIENCE).await;
        Ok(())
    }

    /// The first event of this kind about that object after a sequence, once it is there.
    async fn first_of(&self, ask: &Ask, kind: Kind, about: &About, mut after: u64) -> Result<Answer, Refusal> {
        let account = ask.grant.account();
        let mut patience = Patience::default();
        loop {
            let events = self.inner.reader.events_after(account, after, LOOK_AT_ONCE).await?;
            // Read afterwards: what an event is about was committed with it.
            let objects = self.objects(about).await?;
            let found = events.iter().find(|event| event.new.kind == kind && objects.contains(&event.new.object));
            if let Some(event) = found {
                return self.event(ask, event.new.id).await;
            }
            after = events.last().and_then(|event| event.sequence).unwrap_or(after);
            patience.wait("the event did not come about in time; look for it in the list of events").await?;
        }
    }

    async fn objects(&self, about: &About) -> Result<Vec<String>, Refusal> {
        match about {
            About::Object(object) => Ok(vec![object.clone()]),
            About::Checkout(id) => {
                let payments = self.inner.reader.payments_of_checkout(*id).await?;
                let payments = payments.iter().map(|payment| payment.id.to_string());
                Ok(payments.chain([id.to_string()]).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_are_read_and_others_say_what_is_possible() {
        assert_eq!(Trigger::parse("webhook.failing").unwrap().thing(), Thing::Webhook);
        for (name, says) in [
            ("invoice.paid", "nothing sends invoice.paid here yet"),
            ("checkout.complete", "did you mean checkout.completed?"),
            ("x", "there is no such event"),
        ] {
            let refused = Trigger::parse(name).unwrap_err();
            assert!(refused.detail.contains(says), "{}", refused.detail);
            assert!(refused.hint.unwrap().contains("checkout.created, checkout.processing"));
        }
    }

    #[test]
    fn no_event_has_two_stories() {
        let names: std::collections::BTreeSet<_> = triggerable().collect();
        assert_eq!(names.len(), STORIES.len());
    }
}
