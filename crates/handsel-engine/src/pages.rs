//! What hosted pages show; the URL's MAC is the proof.

use crate::{Engine, Refusal};
use handsel_core::id::CheckoutId;

impl Engine {
    /// The public view of a checkout whose URL carries this MAC; a wrong one is `resource_missing`.
    pub async fn checkout_page(&self, id: CheckoutId, mac: &str) -> Result<handsel_view::PublicCheckout, Refusal> {
        let _ = (id, mac);
        Err(Refusal::internal())
    }
    /// Ends when the checkout has changed since `version`, or after the given time; for live status (SSE).
    pub async fn wait_for_change(
        &self,
        id: CheckoutId,
        version: u64,
        limit: core::time::Duration,
    ) -> Result<(), Refusal> {
        let _ = (id, version, limit);
        Err(Refusal::internal())
    }
}
