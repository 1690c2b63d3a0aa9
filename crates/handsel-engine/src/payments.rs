//! Payments: what was observed.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::{CheckoutId, PaymentId};

impl Engine {
    pub async fn payment(&self, ask: &Ask, id: PaymentId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn payments(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    /// Puts an unmatched (or held) payment to a checkout of the same account.
    pub async fn match_payment(&self, ask: &Ask, id: PaymentId, checkout: CheckoutId) -> Result<Answer, Refusal> {
        let _ = (ask, id, checkout);
        Err(Refusal::internal())
    }
}
