//! The redacted request log: kept for 30 days, shown to its account alone. Never holds a body, a path's values or a secret.

use crate::render::read_answer;
use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::RequestId;
use handsel_view::types::answers as shapes;

impl Engine {
    pub async fn request(&self, ask: &Ask, id: RequestId) -> Result<Answer, Refusal> {
        let row = self.inner.reader.request_row(ask.grant.account(), id).await?;
        let row = row.ok_or_else(|| Refusal::missing(RequestId::NOUN))?;
        Ok(read_answer(handsel_view::json(&handsel_view::request(self.scene(), &row)), None))
    }

    pub async fn requests(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let page = self.inner.reader.request_rows(ask.grant.account(), &ask.query).await?;
        let rows = page.data.iter().map(|row| handsel_view::request(self.scene(), row)).collect();
        Ok(read_answer(handsel_view::json(&shapes::RequestList::new(ask.path, rows, page.has_more)), None))
    }
}
