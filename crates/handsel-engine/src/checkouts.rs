//! Checkouts: created, read, ended by hand.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::account::Accept;
use handsel_core::checkout::Matching;
use handsel_core::id::CheckoutId;

/// What is asked of a new checkout; texts are parsed by the engine, so that its refusals name the members.
#[derive(Debug, Clone)]
pub struct NewCheckout {
    pub amount: String,
    pub currency: String,
    /// Empty: the account's default.
    pub accept: Vec<Accept>,
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
        let _ = (ask, new);
        Err(Refusal::internal())
    }
    pub async fn checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn checkouts(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    /// Metadata only: `None` as a value removes the key.
    pub async fn patch_checkout(
        &self,
        ask: &Ask,
        id: CheckoutId,
        metadata: Vec<(String, Option<String>)>,
    ) -> Result<Answer, Refusal> {
        let _ = (ask, id, metadata);
        Err(Refusal::internal())
    }
    pub async fn expire_checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn cancel_checkout(&self, ask: &Ask, id: CheckoutId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn extend_checkout(&self, ask: &Ask, id: CheckoutId, seconds: u64) -> Result<Answer, Refusal> {
        let _ = (ask, id, seconds);
        Err(Refusal::internal())
    }
    pub async fn resolve_checkout(&self, ask: &Ask, id: CheckoutId, resolution: Resolution) -> Result<Answer, Refusal> {
        let _ = (ask, id, resolution);
        Err(Refusal::internal())
    }
}
