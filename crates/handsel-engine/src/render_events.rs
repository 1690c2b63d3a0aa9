//! The events of decided changes, rendered: the object as it is now, and what was different before. Decides nothing.

use crate::shell::Happening;
use crate::{Engine, Refusal};
use handsel_core::checkout::Checkout;
use handsel_core::event::{Kind, NewEvent};
use handsel_core::payment::Payment;
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;

/// A checkout's change and what to tell of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) before: Option<&'a Checkout>,
    pub(crate) after: &'a Checkout,
    /// For the decimals of what its exceptions name.
    pub(crate) payments: &'a [Payment],
    pub(crate) kinds: &'a [Kind],
}

impl Engine {
    /// One event per kind; nothing is read where there is nothing to tell.
    pub(crate) async fn checkout_events(
        &self,
        key: &DataKey,
        told: Told<'_>,
        now: Timestamp,
    ) -> Result<Vec<NewEvent>, Refusal> {
        let Told { before, after, payments, kinds } = told;
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let timeline = self.timeline(after).await?;
        let new = self.checkout_shape(key, after, payments, timeline.clone())?;
        let old = before.map(|before| self.checkout_shape(key, before, payments, timeline)).transpose()?;
        let object = after.id.to_string();
        let events = kinds.iter().map(|kind| {
            let happening = Happening {
                account: after.account,
                kind: *kind,
                object: &object,
                version: after.version,
                request: None,
                now,
                only_to: None,
            };
            self.event_of(key, happening, |facts| handsel_view::event_body(facts, &new, old.as_ref()))
        });
        Ok(events.collect())
    }

    /// One event per kind about a payment; `tip` is the height that its network has reached.
    pub(crate) fn payment_events(
        &self,
        key: &DataKey,
        (before, after): (Option<&Payment>, &Payment),
        kinds: &[Kind],
        tip: Option<u64>,
        now: Timestamp,
    ) -> Vec<NewEvent> {
        let new = handsel_view::payment(self.scene(), after, tip);
        let old = before.map(|before| handsel_view::payment(self.scene(), before, tip));
        let object = after.id.to_string();
        let events = kinds.iter().map(|kind| {
            let happening = Happening {
                account: after.account,
                kind: *kind,
                object: &object,
                version: after.version,
                request: None,
                now,
                only_to: None,
            };
            self.event_of(key, happening, |facts| handsel_view::event_body(facts, &new, old.as_ref()))
        });
        events.collect()
    }
}
