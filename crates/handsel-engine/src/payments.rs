//! Payments: what was observed.

use crate::checkouts::{refused, timeline_entry};
use crate::render::read_answer;
use crate::shell::{Decision, Happening};
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::change::{Change, Write};
use handsel_core::checkout::{Checkout, Command, Step};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::{CheckoutId, PaymentId, RequestId};
use handsel_core::payment::{Command as PaymentCommand, Payment, State};
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_view::types::answers as shapes;

impl Engine {
    pub async fn payment(&self, ask: &Ask, id: PaymentId) -> Result<Answer, Refusal> {
        let payment = self.found_payment(ask, id).await?;
        let shapes = self.payment_shapes(std::slice::from_ref(&payment)).await?;
        let shape = shapes.first().ok_or_else(Refusal::internal)?;
        Ok(read_answer(handsel_view::json(shape), Some(payment.version)))
    }

    pub async fn payments(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let page = self.inner.reader.payments(ask.grant.account(), &ask.query).await?;
        let data = self.payment_shapes(&page.data).await?;
        let list = shapes::PaymentList::new(ask.path, data, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    /// Puts an unmatched (or held) payment to a checkout of the same account.
    pub async fn match_payment(&self, ask: &Ask, id: PaymentId, checkout: CheckoutId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let before = self.found_payment(ask, id).await?;
            ask.expect_version(before.version)?;
            if before.checkout.is_some() {
                let detail = "this payment belongs to a checkout already; resolve it there";
                return Err(Refusal::new(Code::StateConflict, detail));
            }
            let target = self.found_checkout(ask, checkout).await?;
            let (payment, step) = matched(&before, &target, now)?;
            let key = self.data_key(before.account).await?;
            let request = Some(ask.grant.request());
            let mut change = Change::default();
            change.events.push(self.payment_event(&key, Kind::PaymentMatched, &payment, Some(&before), request, now));
            if matches!(payment.state, State::Succeeded { .. }) {
                let kind = Kind::PaymentSucceeded;
                change.events.push(self.payment_event(&key, kind, &payment, Some(&before), request, now));
            }
            let mut payments = self.inner.reader.payments_of_checkout(checkout).await?;
            payments.push(payment.clone());
            let timeline = self.timeline(&target).await?;
            let old = self.checkout_shape(&key, &target, &payments, timeline.clone())?;
            let mut after = self.checkout_shape(&key, &step.checkout, &payments, timeline)?;
            let events = self.checkout_events(&key, &step, (&old, &after), request, now);
            after.timeline.extend(events.iter().map(timeline_entry));
            change.events.extend(events);
            let answer = self.payment_shapes(std::slice::from_ref(&payment)).await?;
            let body = handsel_view::json(answer.first().ok_or_else(Refusal::internal)?);
            let version = Some(payment.version);
            change.writes = vec![Write::UpdatePayment(payment), Write::UpdateCheckout(step.checkout)];
            Ok(Decision { action: "payment.match", object: id.to_string(), status: 200, body, version, change })
        })
        .await
    }

    async fn found_payment(&self, ask: &Ask, id: PaymentId) -> Result<Payment, Refusal> {
        self.inner.reader.payment(ask.grant.account(), id).await?.ok_or_else(|| Refusal::missing("payment"))
    }

    /// An event about a payment. Its confirmations are those that its state implies, not the present height's.
    pub(crate) fn payment_event(
        &self,
        key: &DataKey,
        kind: Kind,
        after: &Payment,
        before: Option<&Payment>,
        request: Option<RequestId>,
        now: Timestamp,
    ) -> NewEvent {
        let object = after.id.to_string();
        let happening = Happening {
            account: after.account,
            kind,
            object: &object,
            version: after.version,
            request,
            now,
            only_to: None,
        };
        let tip = after.state.inclusion().map(|block| block.number);
        let shape = |payment| handsel_view::payment(self.scene(), payment, tip);
        let (after, before) = (shape(after), before.map(shape));
        self.event_of(key, happening, |facts| handsel_view::event_body(facts, &after, before.as_ref()))
    }
}

/// The payment as the checkout's, and what that makes of the checkout: both one version on.
fn matched(before: &Payment, target: &Checkout, now: Timestamp) -> Result<(Payment, Step), Refusal> {
    let block = *before.state.inclusion().ok_or_else(|| {
        Refusal::new(Code::StateConflict, "this payment is not in the chain any more; there is nothing to match")
    })?;
    let option = target.options.iter().position(|o| o.network == before.network && o.token == before.token);
    let Some(option) = option.and_then(|at| u32::try_from(at).ok()) else {
        let detail = "that checkout doesn't take this asset on this network";
        return Err(Refusal::new(Code::StateConflict, detail).at("/checkout"));
    };
    let mut payment = before.clone();
    payment.checkout = Some(target.id);
    payment.option = Some(option);
    payment.outcome = None;
    payment.rate = target.counted_at(option, before.amount, block.time);
    let seen =
        Command::Seen { payment: before.id, option: Some(option), amount: before.amount, block_time: block.time };
    let mut step = target.clone().apply(seen, now).map_err(refused)?;
    if let State::Rejected { finalized, .. } = before.state {
        let settled = Command::Settled { payment: before.id, wrong: None, seen_at: before.detected_at };
        let settled = step.checkout.apply(settled, now).map_err(refused)?;
        let ruling = settled.rulings.first().copied().filter(|ruling| ruling.applied > 0).ok_or_else(|| {
            let detail =
                "that checkout would not take this payment: it is paid already, canceled, or the payment is late";
            Refusal::new(Code::StateConflict, detail).at("/checkout")
        })?;
        let ruled = payment.apply(PaymentCommand::Ruled { ruling, finalized }, now);
        payment = ruled.map_err(|why| Refusal::new(Code::StateConflict, why.to_string()))?.payment;
        let events = step.events.into_iter().chain(settled.events).collect();
        step = Step { events, ..settled };
    }
    payment.version = before.version + 1;
    step.checkout.version = target.version + 1;
    Ok((payment, step))
}
