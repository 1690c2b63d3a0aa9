//! The stories that are not a checkout's own: wallets, webhooks, API keys, and the payment that nothing explains.

use super::{About, Act, Patience, Trigger};
use crate::api_keys::NewApiKey;
use crate::checkouts::NewCheckout;
use crate::test_world::{TestPay, refusal};
use crate::wallets::NewWallet;
use crate::webhooks::NewWebhook;
use crate::{Answer, Ask, Engine, Refusal};
use handsel_core::chain::{Address, Kind as ChainKind, TxHash};
use handsel_core::checkout::Matching;
use handsel_core::id::{AccountId, ApiKeyId, CheckoutId, PaymentId, WalletId, WebhookId};
use handsel_core::limits;
use handsel_core::wallet::Destination;
use handsel_store::reader::ListQuery;

/// What a receiver of a failing webhook answers.
const REFUSING: u16 = 500;

impl Engine {
    /// An address that nobody has the key of, for wallets that only the sandbox pays.
    pub fn made_up_address(&self, kind: ChainKind) -> String {
        let mut bytes = [0u8; 20];
        self.inner.entropy.fill(&mut bytes);
        kind.address_text(Address(bytes))
    }

    pub(super) async fn play_wallet(&self, ask: &Ask, acts: &[Act], new: &NewWallet) -> Result<String, Refusal> {
        let (_, object) = self.make_wallet(ask, new).await.map_err(|refused| refused.under("/override"))?;
        let object = object.ok_or_else(Refusal::internal)?;
        let id = WalletId::parse(&object).map_err(|_| Refusal::internal())?;
        for act in acts {
            match act {
                Act::Prove => self.prove_made_up_wallet(ask, id, self.world()?).await?,
                _ => self.retire_wallet(ask, id).await?,
            };
        }
        Ok(object)
    }

    pub(super) async fn play_api_key(&self, ask: &Ask, acts: &[Act], new: &NewApiKey) -> Result<String, Refusal> {
        let (_, object) = self.make_api_key(ask, new).await.map_err(|refused| refused.under("/override"))?;
        let object = object.ok_or_else(Refusal::internal)?;
        let id = ApiKeyId::parse(&object).map_err(|_| Refusal::internal())?;
        for act in acts {
            match act {
                Act::Roll => self.roll_api_key(ask, id, limits::ROTATION_GRACE_DEFAULT_SECONDS).await?,
                _ => self.revoke_api_key(ask, id).await?,
            };
        }
        Ok(object)
    }

    /// A webhook without a URL gets a receiver of the sandbox, and goes when its event is there: an account has room for so many.
    pub(super) async fn play_webhook(
        &self,
        ask: &Ask,
        trigger: Trigger,
        new: &NewWebhook,
        after: u64,
    ) -> Result<Answer, Refusal> {
        let made_up = new.url.is_empty();
        let mut new = new.clone();
        if made_up {
            let statuses = if matches!(trigger.acts, [Act::Fail]) { vec![REFUSING] } else { Vec::new() };
            (_, new.url) = self.world()?.add_receiver(statuses, 0).await.map_err(refusal)?;
        }
        let (_, object) = self.make_webhook(ask, &new).await.map_err(|refused| refused.under("/override"))?;
        let object = object.ok_or_else(Refusal::internal)?;
        let id = WebhookId::parse(&object).map_err(|_| Refusal::internal())?;
        for act in trigger.acts {
            match act {
                Act::Disable => self.disable_webhook(ask, id).await?,
                Act::RotateSecret => self.rotate_webhook_secret(ask, id, None).await?,
                Act::Fail => self.fail_for_a_day(ask, id).await?,
                _ => self.test_webhook(ask, id).await?,
            };
        }
        let event = self.first_of(ask, trigger.kind, &About::Object(object), after).await?;
        if made_up {
            self.delete_webhook(ask, id).await?;
        }
        Ok(event)
    }

    /// One failed attempt, a day, and the next one.
    async fn fail_for_a_day(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let sent = self.test_webhook(ask, id).await?;
        let mut patience = Patience::default();
        while self.own_webhook(ask, id).await?.failing_since.is_none() {
            patience.wait("no attempt failed: the receiver took the event, or was not reached in time").await?;
        }
        self.world()?.advance_clock(limits::WEBHOOK_FAILING_AFTER_SECONDS).await.map_err(refusal)?;
        Ok(sent)
    }

    /// One address for all: what is paid without the amount that tells the checkout waits until somebody puts it there.
    pub(super) async fn play_match(&self, ask: &Ask, new: &NewCheckout) -> Result<CheckoutId, Refusal> {
        let account = ask.grant.account();
        let wallets = self.inner.reader.usable_wallets(account).await?;
        let has_one = wallets.iter().any(|wallet| matches!(wallet.destination, Destination::Static { .. }));
        let made_up = if has_one { None } else { Some(self.one_address(ask).await?) };
        let new = NewCheckout { matching: Matching::Static, ..new.clone() };
        let checkout = self.made_checkout(ask, &new).await?;
        let pay = TestPay { amount: Some(new.amount), ..TestPay::default() };
        let paid = self.pay_so(&checkout, &pay, None).await?;
        self.advance_chain(&checkout, true).await?;
        let mut patience = Patience::default();
        let payment = loop {
            if let Some(payment) = self.unexplained(account, TxHash(paid.transaction)).await? {
                break payment;
            }
            patience.wait("the payment was not seen in time").await?;
        };
        self.match_payment(ask, payment, checkout.id).await?;
        if let Some(wallet) = made_up {
            self.retire_wallet(ask, wallet).await?;
        }
        Ok(checkout.id)
    }

    async fn one_address(&self, ask: &Ask) -> Result<WalletId, Refusal> {
        let new = NewWallet {
            kind: ChainKind::Evm,
            mode: "static".to_owned(),
            networks: Vec::new(),
            assets: Vec::new(),
            address: Some(self.made_up_address(ChainKind::Evm)),
            xpub: None,
            metadata: Vec::new(),
        };
        let (_, object) = self.make_wallet(ask, &new).await?;
        object.as_deref().and_then(|id| WalletId::parse(id).ok()).ok_or_else(Refusal::internal)
    }

    /// The payment of this transaction that belongs to no checkout.
    async fn unexplained(&self, account: AccountId, transaction: TxHash) -> Result<Option<PaymentId>, Refusal> {
        let query = ListQuery { limit: limits::LIST_LIMIT_MAX_ROWS, ..ListQuery::default() };
        let page = self.inner.reader.payments(account, &query).await?;
        let found = page.data.iter().find(|payment| payment.tx == transaction && payment.checkout.is_none());
        Ok(found.map(|payment| payment.id))
    }
}
