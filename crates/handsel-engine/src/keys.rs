//! The server's keys by purpose, all derived from the key-encryption key, and the accounts' data keys, opened once and
//! remembered. Never shown, never stored, never used for two purposes.

use crate::{Engine, Refusal};
use handsel_core::id::AccountId;
use handsel_core::port::Entropy;
use handsel_core::secret::{Sealed, SecretBytes};
use handsel_core::signature::hmac_sha256;
use handsel_core::vault::{DataKey, Vault};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq;

/// Data keys that stay open; beyond it the memory is emptied and filled again.
const OPEN_DATA_KEYS_MAX_ENTRIES: usize = 100_000;

pub(crate) struct Keys {
    pub(crate) vault: Vault,
    /// Hashes raw idempotency keys.
    pub(crate) idempotency: SecretBytes<32>,
    /// Root of the keys that seal idempotent answers.
    pub(crate) answers: SecretBytes<32>,
    /// MACs wallets and payment options (06 1.7).
    pub(crate) addresses: SecretBytes<32>,
    /// MACs quotes.
    pub(crate) quotes: SecretBytes<32>,
    /// MACs the URLs of hosted pages.
    pub(crate) pages: SecretBytes<32>,
    pub(crate) client_secrets: SecretBytes<32>,
    /// Goes into every API key's verifier.
    pub(crate) pepper: SecretBytes<32>,
    /// Of this process alone: keys the memory of verified API keys.
    pub(crate) process: SecretBytes<32>,
    open: RwLock<HashMap<AccountId, Arc<DataKey>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    pub(crate) fn new(key_encryption_key: &SecretBytes<32>, entropy: &dyn Entropy) -> Self {
        let vault = Vault::new(key_encryption_key);
        let mut process = [0u8; 32];
        entropy.fill(&mut process);
        Self {
            idempotency: vault.derive("idempotency keys"),
            answers: vault.derive("idempotent answers"),
            addresses: vault.derive("wallet and option addresses"),
            quotes: vault.derive("quotes"),
            pages: vault.derive("hosted page urls"),
            client_secrets: vault.derive("client secrets"),
            pepper: vault.derive("api key pepper"),
            process: SecretBytes::new(process),
            vault,
            open: RwLock::default(),
        }
    }

    /// Opens an account's data key, or finds it open.
    pub(crate) fn open(&self, account: AccountId, sealed: &Sealed) -> Result<Arc<DataKey>, Refusal> {
        if let Some(key) = self.opened(account) {
            return Ok(key);
        }
        let Ok(key) = self.vault.open_data_key(account, sealed) else {
            tracing::error!(%account, "the account's data key does not open: is this the right encryption key?");
            return Err(Refusal::internal());
        };
        let key = Arc::new(key);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_DATA_KEYS_MAX_ENTRIES {
            open.clear();
        }
        open.insert(account, Arc::clone(&key));
        Ok(key)
    }

    fn opened(&self, account: AccountId) -> Option<Arc<DataKey>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }
}

impl Engine {
    /// The key that seals what belongs to this account.
    pub(crate) async fn data_key(&self, account: AccountId) -> Result<Arc<DataKey>, Refusal> {
        if let Some(key) = self.inner.keys.opened(account) {
            return Ok(key);
        }
        let row = self.inner.reader.account(account).await?.ok_or_else(|| Refusal::missing("account"))?;
        self.inner.keys.open(account, &row.data_key)
    }
}

/// HMAC-SHA256 over parts, each with its length before it, so that no two lists of parts give the same bytes.
pub(crate) fn mac(key: &SecretBytes<32>, parts: &[&[u8]]) -> [u8; 32] {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    let all: Vec<&[u8]> = lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
    hmac_sha256(key.expose(), &all)
}

/// Compares without telling by its time where the difference is.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = SecretBytes::new([1; 32]);
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
        assert_ne!(mac(&key, &[b"ab"]), mac(&SecretBytes::new([2; 32]), &[b"ab"]));
        assert!(same(&mac(&key, &[b"ab"]), &mac(&key, &[b"ab"])));
    }
}
