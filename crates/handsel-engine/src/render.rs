//! What a checkout's or a payment's public JSON is made of, gathered: opened members, timeline, payments, heights. Decides
//! nothing.

use crate::keys::mac;
use crate::{Answer, Engine, Refusal};
use handsel_core::checkout::Checkout;
use handsel_core::id::{CheckoutId, PaymentId};
use handsel_core::payment::Payment;
use handsel_core::vault::{DataKey, Place};
use handsel_view::types::answers as shapes;
use handsel_view::{CheckoutParts, Private};
use std::collections::HashMap;

/// Bytes of the MAC that a hosted page's URL carries.
const PAGE_MAC_BYTES: usize = 16;

impl Engine {
    /// The MAC of a hosted page's URL, as hex.
    pub(crate) fn page_mac(&self, id: CheckoutId) -> String {
        let mac = mac(&self.inner.keys.pages, &[b"c", &id.bits().to_be_bytes()]);
        hex::encode(&mac[..PAGE_MAC_BYTES])
    }

    fn checkout_url(&self, id: CheckoutId) -> String {
        format!("{}/c/{id}.{}", self.inner.settings.public_url, self.page_mac(id))
    }

    fn client_secret(&self, id: CheckoutId) -> String {
        let mac = mac(&self.inner.keys.client_secrets, &[b"checkout", &id.bits().to_be_bytes()]);
        format!("{id}_secret_{}", hex::encode(&mac[..PAGE_MAC_BYTES]))
    }

    /// A checkout's sealed members in the clear.
    pub(crate) fn open_private(key: &DataKey, checkout: &Checkout) -> Result<Private, Refusal> {
        let row = checkout.id.to_string();
        let opened = key.open(private_place(&row), &checkout.private).ok();
        opened.as_deref().and_then(Private::decode).ok_or_else(|| {
            tracing::error!(checkout = %checkout.id, "a checkout's private members don't open");
            Refusal::internal()
        })
    }

    /// Seals them for this checkout.
    pub(crate) fn seal_private(
        &self,
        key: &DataKey,
        id: CheckoutId,
        private: &Private,
    ) -> handsel_core::secret::Sealed {
        key.seal(private_place(&id.to_string()), &private.encode(), &*self.inner.entropy)
    }

    /// The public shape from what is at hand. `payments` tells the decimals of what exceptions name, `timeline` is as read.
    pub(crate) fn checkout_shape(
        &self,
        key: &DataKey,
        checkout: &Checkout,
        payments: &[Payment],
        timeline: Vec<shapes::TimelineEntry>,
    ) -> Result<shapes::Checkout, Refusal> {
        self.genuine_options(checkout)?;
        let private = Self::open_private(key, checkout)?;
        Ok(self.shape_with(&private, checkout, payments, timeline))
    }

    pub(crate) fn shape_with(
        &self,
        private: &Private,
        checkout: &Checkout,
        payments: &[Payment],
        timeline: Vec<shapes::TimelineEntry>,
    ) -> shapes::Checkout {
        let decimals: Vec<(PaymentId, u8)> = payments.iter().map(|p| (p.id, p.decimals)).collect();
        let ids = checkout.credits.iter().map(|c| shapes::IdOr::Id(c.payment.to_string()));
        let parts = CheckoutParts {
            private,
            url: self.checkout_url(checkout.id),
            client_secret: self.client_secret(checkout.id),
            payments: ids.collect(),
            timeline,
            payment_decimals: &decimals,
        };
        handsel_view::checkout(self.scene(), checkout, parts)
    }

    /// The public shape with what has to be read for it; `expand`: payments as objects instead of ids.
    pub(crate) async fn read_checkout_shape(
        &self,
        key: &DataKey,
        checkout: &Checkout,
        expand: bool,
    ) -> Result<shapes::Checkout, Refusal> {
        let payments = if checkout.exceptions.is_empty() && (!expand || checkout.credits.is_empty()) {
            Vec::new()
        } else {
            self.inner.reader.payments_of_checkout(checkout.id).await?
        };
        let timeline = self.timeline(checkout).await?;
        let mut shape = self.checkout_shape(key, checkout, &payments, timeline)?;
        if expand {
            let objects = self.payment_shapes(&payments).await?;
            shape.payments = objects.into_iter().map(|p| shapes::IdOr::Object(Box::new(p))).collect();
        }
        Ok(shape)
    }

    /// The lines of a checkout's timeline so far.
    pub(crate) async fn timeline(&self, checkout: &Checkout) -> Result<Vec<shapes::TimelineEntry>, Refusal> {
        let events = self.inner.reader.events_of_object(checkout.account, &checkout.id.to_string()).await?;
        Ok(events.iter().map(handsel_view::timeline).collect())
    }

    /// Payments with their confirmations as of the watcher's height on each network.
    pub(crate) async fn payment_shapes(&self, payments: &[Payment]) -> Result<Vec<shapes::Payment>, Refusal> {
        let mut tips: HashMap<&str, Option<u64>> = HashMap::new();
        let mut out = Vec::with_capacity(payments.len());
        for payment in payments {
            let tip = match tips.get(payment.network.as_str()) {
                Some(tip) => *tip,
                None => {
                    let cursor = self.inner.reader.cursor(&payment.network).await?;
                    let tip = cursor.map(|c| c.tip.number);
                    tips.insert(&payment.network, tip);
                    tip
                }
            };
            out.push(handsel_view::payment(self.scene(), payment, tip));
        }
        Ok(out)
    }
}

/// 200 with an object.
pub(crate) const fn read_answer(body: Vec<u8>, version: Option<u64>) -> Answer {
    Answer { status: 200, body, version, replayed: false }
}

fn private_place(row: &str) -> Place<'_> {
    Place { table: "checkouts", row, column: "private" }
}
