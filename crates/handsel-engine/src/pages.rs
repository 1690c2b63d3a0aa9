//! What hosted pages show; the URL's MAC is the proof.

use crate::keys::same;
use crate::{Engine, Refusal};
use handsel_core::chain::Network;
use handsel_core::checkout::Checkout;
use handsel_core::id::CheckoutId;
use handsel_core::money::format_decimal;
use handsel_core::payment::policy::Policy;
use handsel_view::PublicCheckout;
use std::collections::BTreeMap;

/// Blocks that finality usually lags behind the head, for texts shown to people: two epochs of 32 slots on Ethereum.
const FINALITY_LAG_BLOCKS: u64 = 64;
const MILLIS_PER_SECOND: u64 = 1_000;

fn still_due(checkout: &Checkout) -> Vec<String> {
    let options = (0u32..).zip(&checkout.options);
    options.map(|(index, option)| format_decimal(checkout.still_due(index), option.decimals)).collect()
}

impl Engine {
    /// The public view of a checkout whose URL carries this MAC; a wrong one is `resource_missing`.
    pub async fn checkout_page(&self, id: CheckoutId, mac: &str) -> Result<PublicCheckout, Refusal> {
        let missing = || Refusal::missing("checkout");
        if !same(self.page_mac(id).as_bytes(), mac.as_bytes()) {
            return Err(missing());
        }
        let checkout = self.inner.reader.checkout_of_anyone(id).await?.ok_or_else(missing)?;
        let account = self.own_account(checkout.account).await?;
        let key = self.data_key(checkout.account).await?;
        let payments = self.inner.reader.payments_of_checkout(id).await?;
        let timeline = self.timeline(&checkout).await?;
        let mut shape = self.checkout_shape(&key, &checkout, &payments, timeline)?;
        shape.client_secret = String::new();
        shape.customer = None;
        shape.metadata = BTreeMap::new();
        let mut payments = self.payment_shapes(&payments).await?;
        for payment in &mut payments {
            payment.metadata = BTreeMap::new();
        }
        Ok(PublicCheckout {
            merchant: account.name,
            support_url: account.support_url,
            checkout: shape,
            payments,
            still_due: still_due(&checkout),
            typical_seconds: self.typical_seconds(&checkout),
            delayed: checkout.options.iter().map(|option| self.is_detection_delayed(&option.network)).collect(),
            now: self.now().seconds(),
        })
    }

    /// Ends when the checkout has changed since `version`, or after the given time; for live status (SSE).
    pub async fn wait_for_change(
        &self,
        id: CheckoutId,
        version: u64,
        limit: core::time::Duration,
    ) -> Result<(), Refusal> {
        let end = self.now().plus(limit);
        let place = self.inner.waiters.enter(id);
        let woken = place.notify.notified();
        tokio::pin!(woken);
        // Entered before the read, so that no change falls between.
        woken.as_mut().enable();
        let checkout = self.inner.reader.checkout_of_anyone(id).await?.ok_or_else(|| Refusal::missing("checkout"))?;
        if checkout.version != version {
            return Ok(());
        }
        tokio::select! {
            () = woken => {}
            () = self.inner.clock.sleep_until(end) => {}
        }
        Ok(())
    }

    fn typical_seconds(&self, checkout: &Checkout) -> Vec<u64> {
        let networks = &self.inner.settings.networks;
        let seconds = |network: &Network| {
            let policy = Policy::choose(network, Some(checkout.price));
            let lag = if policy.finalized { FINALITY_LAG_BLOCKS } else { 0 };
            let blocks = u64::from(policy.confirmations).max(lag);
            let millis = blocks.saturating_mul(network.block_time_ms);
            millis.div_ceil(MILLIS_PER_SECOND).max(u64::from(policy.seconds))
        };
        let of_option = |name: &String| networks.iter().find(|n| n.name == *name).map_or(0, seconds);
        checkout.options.iter().map(|option| of_option(&option.network)).collect()
    }
}
