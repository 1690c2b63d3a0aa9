//! The keyed MACs over receiving addresses (06 1.7): made when an address is stored, checked whenever it is used or shown. Who
//! changes an address in the database alone stops its checkouts, and nothing is paid to him.

use crate::keys::{mac, same};
use crate::shell::Deed;
use crate::{Engine, Refusal};
use handsel_core::chain::Kind;
use handsel_core::change::Change;
use handsel_core::checkout::{Checkout, PaymentOption};
use handsel_core::id::AccountId;
use handsel_core::wallet::{Destination, Wallet};

impl Engine {
    /// Over all of a wallet that an attacker would change, its kind by another label; `xpub` is the opened text where it is one.
    pub(crate) fn wallet_mac(&self, wallet: &Wallet, xpub: Option<&str>) -> [u8; 32] {
        let (mode, address) = match &wallet.destination {
            Destination::Static { address } => ("static", *address),
            Destination::Xpub { proof_address, .. } => ("xpub", *proof_address),
        };
        let networks = wallet.networks.join(",");
        let assets = wallet.assets.join(",");
        let proved = wallet.proved_at.map_or(0, |at| at.millis());
        let parts: [&[u8]; 10] = [
            match wallet.kind {
                Kind::Evm => b"wallet",
                Kind::Tron => b"tron wallet",
            },
            &wallet.account.bits().to_be_bytes(),
            &wallet.id.bits().to_be_bytes(),
            mode.as_bytes(),
            networks.as_bytes(),
            assets.as_bytes(),
            &address.0,
            xpub.unwrap_or_default().as_bytes(),
            &proved.to_be_bytes(),
            wallet.challenge.as_bytes(),
        ];
        mac(&self.inner.keys.addresses, &parts)
    }

    /// Over (kind, account, wallet, mode, network, token, derivation, address).
    pub(crate) fn option_mac(&self, account: AccountId, option: &PaymentOption) -> [u8; 32] {
        let mode = if option.derivation.is_some() { "xpub" } else { "static" };
        let parts: [&[u8]; 9] = [
            match option.kind {
                Kind::Evm => b"option",
                Kind::Tron => b"tron option",
            },
            &account.bits().to_be_bytes(),
            &option.wallet.bits().to_be_bytes(),
            mode.as_bytes(),
            option.network.as_bytes(),
            &option.chain_id.to_be_bytes(),
            &option.token.0,
            &option.derivation.unwrap_or(0).to_be_bytes(),
            &option.address.0,
        ];
        mac(&self.inner.keys.addresses, &parts)
    }

    /// Refuses a checkout whose options are not as they were made.
    pub(crate) fn genuine_options(&self, checkout: &Checkout) -> Result<(), Refusal> {
        let genuine = |option: &PaymentOption| same(&self.option_mac(checkout.account, option), &option.mac);
        if checkout.options.iter().all(genuine) {
            return Ok(());
        }
        Err(self.forged(checkout.account, checkout.id.to_string()))
    }

    /// Refuses a wallet that is not as it was made.
    pub(crate) fn genuine_wallet(&self, wallet: &Wallet, xpub: Option<&str>) -> Result<(), Refusal> {
        if same(&self.wallet_mac(wallet, xpub), &wallet.mac) {
            return Ok(());
        }
        Err(self.forged(wallet.account, wallet.id.to_string()))
    }

    /// Loud inside (log and audit leaf), silent outside.
    pub(crate) fn forged(&self, account: AccountId, object: String) -> Refusal {
        tracing::error!(%object, "an address is not the one that was stored: somebody changed the database");
        let engine = self.clone();
        tokio::spawn(async move {
            let deed = Deed { result: "internal", ..Deed::by_itself("address.forged", &object, Some(account)) };
            let audit = vec![engine.audit_entry_of(engine.now(), deed)];
            if let Err(error) = engine.commit(Change { audit, ..Change::default() }).await {
                tracing::error!(%error, "the forged address could not be noted in the audit log");
            }
        });
        Refusal::internal()
    }
}
