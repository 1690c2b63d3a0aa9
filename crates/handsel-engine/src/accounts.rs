//! Accounts: made by the operator, seen and changed by their keys.

use crate::{Answer, Ask, Engine, Refusal};
use handsel_core::account::{Accept, Region, Tier};
use handsel_core::id::AccountId;
use handsel_core::secret::SecretText;

/// What an operator says of a new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub name: String,
    pub email: String,
    pub region: Region,
    pub tier: Tier,
    pub default_accept: Vec<Accept>,
}

/// What is shown once.
#[derive(Debug, Clone)]
pub struct CreatedAccount {
    pub id: AccountId,
    pub secret_key: SecretText,
}

/// Members that `PATCH /v1/account` may change; `None` leaves, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct AccountPatch {
    pub name: Option<String>,
    pub email: Option<String>,
    pub default_accept: Option<Vec<Accept>>,
    pub branding: Option<Vec<(String, String)>>,
    pub support_url: Option<Option<String>>,
    pub metadata: Option<Vec<(String, Option<String>)>>,
}

impl Engine {
    /// With its first secret key. For the operator alone: no route leads here.
    pub async fn create_account(&self, new: NewAccount) -> Result<CreatedAccount, Refusal> {
        let _ = new;
        Err(Refusal::internal())
    }
    pub async fn account(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let _ = ask;
        Err(Refusal::internal())
    }
    pub async fn patch_account(&self, ask: &Ask, patch: AccountPatch) -> Result<Answer, Refusal> {
        let _ = (ask, patch);
        Err(Refusal::internal())
    }
}
