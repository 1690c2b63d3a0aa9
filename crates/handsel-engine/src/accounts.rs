//! Accounts: made by the operator, seen and changed by their keys.

use crate::api_keys::blank_terms;
use crate::check;
use crate::render::read_answer;
use crate::shell::{Decision, Deed};
use crate::{Answer, Ask, Engine, Refusal};
use handsel_core::account::{Accept, Account, Region, Status, Tier};
use handsel_core::actor::Actor;
use handsel_core::api_key::{ApiKey, Class};
use handsel_core::change::{Change, Write};
use handsel_core::event::Kind;
use handsel_core::id::AccountId;
use handsel_core::secret::{Sealed, SecretText};
use handsel_core::vault::{DataKey, Place};

const NAME_MAX_CHARS: usize = 200;

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
        check::text("/name", &new.name, NAME_MAX_CHARS)?;
        check::email("/email", &new.email)?;
        self.known_accept("/default_accept", &new.default_accept)?;
        let now = self.now();
        let id = AccountId::new(now, &*self.inner.entropy);
        let wrapped = self.inner.keys.vault.new_data_key(id, &*self.inner.entropy);
        let data_key = self.inner.keys.open(id, &wrapped)?;
        let account = Account {
            id,
            created: now,
            version: 1,
            name: new.name,
            email: new.email,
            region: new.region,
            tier: new.tier,
            status: Status::Active,
            default_accept: new.default_accept,
            branding: Vec::new(),
            support_url: None,
            metadata: Vec::new(),
            data_key: wrapped,
        };
        let material = self.key_material(Class::Secret, false).await?;
        let terms = ApiKey { name: "first key".to_owned(), ..blank_terms(id) };
        let key = self.new_key(id, terms, &material, now);
        let event = self.key_event(&data_key, Kind::ApiKeyCreated, &key, None, None, now);
        let (account_text, key_text) = (id.to_string(), key.id.to_string());
        let deed = |action, object| Deed {
            actor: Actor::Operator,
            action,
            object: Some(object),
            account: Some(id),
            request: None,
            result: "ok",
            detail: None,
        };
        let audit = vec![
            self.audit_entry_of(now, deed("account.create", &account_text)),
            self.audit_entry_of(now, deed("api_key.create", &key_text)),
        ];
        let sealed = self.sealed_account(&data_key, account);
        let writes = vec![Write::InsertAccount(sealed), Write::InsertApiKey(key)];
        self.commit(Change { writes, events: vec![event], audit, ..Change::default() }).await?;
        Ok(CreatedAccount { id, secret_key: material.secret().clone() })
    }

    /// Every account in the clear, for the operator alone.
    pub async fn accounts(&self) -> Result<Vec<Account>, Refusal> {
        let rows = self.inner.reader.accounts().await?;
        rows.into_iter().map(|row| self.opened_account(row)).collect()
    }

    pub async fn account(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let account = self.own_account(ask.grant.account()).await?;
        Ok(read_answer(handsel_view::json(&handsel_view::account(self.scene(), &account)), Some(account.version)))
    }

    pub async fn patch_account(&self, ask: &Ask, patch: AccountPatch) -> Result<Answer, Refusal> {
        let patch = &patch;
        self.perform(ask, |_| async move {
            let before = self.own_account(ask.grant.account()).await?;
            ask.expect_version(before.version)?;
            let after = self.patched(before, patch)?;
            let data_key = self.inner.keys.open(after.id, &after.data_key)?;
            Ok(Decision {
                action: "account.update",
                object: after.id.to_string(),
                status: 200,
                body: handsel_view::json(&handsel_view::account(self.scene(), &after)),
                version: Some(after.version),
                change: Change {
                    writes: vec![Write::UpdateAccount(self.sealed_account(&data_key, after))],
                    ..Change::default()
                },
            })
        })
        .await
    }

    fn patched(&self, before: Account, patch: &AccountPatch) -> Result<Account, Refusal> {
        let mut after = before;
        if let Some(name) = &patch.name {
            check::text("/name", name, NAME_MAX_CHARS)?;
            after.name.clone_from(name);
        }
        if let Some(email) = &patch.email {
            check::email("/email", email)?;
            after.email.clone_from(email);
        }
        if let Some(accept) = &patch.default_accept {
            self.known_accept("/default_accept", accept)?;
            after.default_accept.clone_from(accept);
        }
        if let Some(branding) = &patch.branding {
            check::metadata("/branding", branding)?;
            after.branding.clone_from(branding);
        }
        if let Some(url) = &patch.support_url {
            after.support_url = url.as_deref().map(|url| self.redirect_url("/support_url", url)).transpose()?;
        }
        if let Some(metadata) = &patch.metadata {
            after.metadata = check::merged_metadata(&after.metadata, metadata)?;
        }
        after.version += 1;
        Ok(after)
    }

    /// The account in the clear.
    pub(crate) async fn own_account(&self, id: AccountId) -> Result<Account, Refusal> {
        let row = self.inner.reader.account(id).await?.ok_or_else(|| Refusal::missing("account"))?;
        self.opened_account(row)
    }

    fn opened_account(&self, mut row: Account) -> Result<Account, Refusal> {
        let key = self.inner.keys.open(row.id, &row.data_key)?;
        let id = row.id.to_string();
        row.name = opened(&key, &id, "name", &row.name)?;
        row.email = opened(&key, &id, "email", &row.email)?;
        Ok(row)
    }

    /// As it is stored: personal members under the account's own key (06 1.8).
    fn sealed_account(&self, key: &DataKey, mut account: Account) -> Account {
        let id = account.id.to_string();
        let seal =
            |column, text: &str| hex::encode(key.seal(place(&id, column), text.as_bytes(), &*self.inner.entropy).0);
        account.name = seal("name", &account.name);
        account.email = seal("email", &account.email);
        account
    }
}

fn place<'a>(row: &'a str, column: &'a str) -> Place<'a> {
    Place { table: "accounts", row, column }
}

fn opened(key: &DataKey, row: &str, column: &str, stored: &str) -> Result<String, Refusal> {
    let sealed = hex::decode(stored).ok().map(Sealed);
    let plain = sealed.and_then(|sealed| key.open(place(row, column), &sealed).ok());
    plain.and_then(|plain| String::from_utf8(plain).ok()).ok_or_else(|| {
        tracing::error!(account = row, column, "an account's sealed member doesn't open");
        Refusal::internal()
    })
}
