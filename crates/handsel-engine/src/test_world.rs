//! The sandbox's commands, for `/v1/test/…`; a live server has no world and answers `route_missing`.

use crate::{Answer, Ask, Engine, Refusal};
use handsel_core::id::{CheckoutId, ReceiverId};

/// `POST /v1/test/checkouts/{id}/pay`: everything optional.
#[derive(Debug, Clone, Default)]
pub struct TestPay {
    pub amount: Option<String>,
    pub asset: Option<String>,
    pub network: Option<String>,
    pub from: Option<String>,
}

impl Engine {
    pub async fn test_pay(&self, ask: &Ask, checkout: CheckoutId, pay: TestPay) -> Result<Answer, Refusal> {
        let _ = (ask, checkout, pay);
        Err(Refusal::internal())
    }
    pub async fn test_expire(&self, ask: &Ask, checkout: CheckoutId) -> Result<Answer, Refusal> {
        let _ = (ask, checkout);
        Err(Refusal::internal())
    }
    pub async fn test_mine(&self, ask: &Ask, network: &str, blocks: u64) -> Result<Answer, Refusal> {
        let _ = (ask, network, blocks);
        Err(Refusal::internal())
    }
    pub async fn test_finalize(&self, ask: &Ask, network: &str) -> Result<Answer, Refusal> {
        let _ = (ask, network);
        Err(Refusal::internal())
    }
    pub async fn test_reorg(&self, ask: &Ask, network: &str, depth: u64, drop: Vec<String>) -> Result<Answer, Refusal> {
        let _ = (ask, network, depth, drop);
        Err(Refusal::internal())
    }
    pub async fn test_fault(&self, ask: &Ask, network: &str, kind: &str, seconds: u64) -> Result<Answer, Refusal> {
        let _ = (ask, network, kind, seconds);
        Err(Refusal::internal())
    }
    pub async fn test_clock_advance(&self, ask: &Ask, seconds: u64) -> Result<Answer, Refusal> {
        let _ = (ask, seconds);
        Err(Refusal::internal())
    }
    pub async fn test_clock_set(&self, ask: &Ask, unix: i64) -> Result<Answer, Refusal> {
        let _ = (ask, unix);
        Err(Refusal::internal())
    }
    pub async fn test_add_receiver(&self, ask: &Ask, statuses: Vec<u16>, delay_ms: u64) -> Result<Answer, Refusal> {
        let _ = (ask, statuses, delay_ms);
        Err(Refusal::internal())
    }
    pub async fn test_receiver_requests(&self, ask: &Ask, id: ReceiverId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    /// Makes the real objects whose life sends this event.
    pub async fn test_trigger(&self, ask: &Ask, kind: &str) -> Result<Answer, Refusal> {
        let _ = (ask, kind);
        Err(Refusal::internal())
    }
}
