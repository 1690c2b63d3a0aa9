//! Wallets: a merchant's destinations. Whatever could spend is refused with `private_key_refused` and never echoed.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::WalletId;

/// What is asked of a new EVM wallet; the texts are as given.
#[derive(Debug, Clone)]
pub struct NewWallet {
    /// `static` or `xpub`.
    pub mode: String,
    pub networks: Vec<String>,
    pub assets: Vec<String>,
    pub address: Option<String>,
    pub xpub: Option<String>,
    pub metadata: Vec<(String, String)>,
}

impl Engine {
    pub async fn create_wallet(&self, ask: &Ask, new: NewWallet) -> Result<Answer, Refusal> {
        let _ = (ask, new);
        Err(Refusal::internal())
    }
    pub async fn wallet(&self, ask: &Ask, id: WalletId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn wallets(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    pub async fn prove_wallet(&self, ask: &Ask, id: WalletId, signature: &str) -> Result<Answer, Refusal> {
        let _ = (ask, id, signature);
        Err(Refusal::internal())
    }
    pub async fn retire_wallet(&self, ask: &Ask, id: WalletId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
}
