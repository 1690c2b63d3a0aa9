//! The redacted request log.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::RequestId;

impl Engine {
    pub async fn request(&self, ask: &Ask, id: RequestId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn requests(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
}
