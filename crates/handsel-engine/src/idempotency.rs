//! The same request twice has one effect and one answer. Answers are kept sealed under a key that only the server together
//! with the presented API key and the raw idempotency key can make (02 "idempotency").

use crate::keys::mac;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::change::IdempotentAnswer;
use handsel_core::id::AccountId;
use handsel_core::port::Entropy;
use handsel_core::secret::{Sealed, SecretBytes, SecretText};
use handsel_core::time::Timestamp;
use handsel_core::vault::{Place, Vault};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where one idempotency key counts.
type Scope = (AccountId, &'static str, [u8; 32]);

/// Keys whose first request is still running here.
#[derive(Debug, Default)]
pub(crate) struct Running {
    scopes: Mutex<HashSet<Scope>>,
}

/// A key's place among the running ones; it ends with this.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    running: &'a Running,
    scope: Scope,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashSet<Scope>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn enter(&self, scope: Scope) -> Result<Entered<'_>, Refusal> {
        if self.lock().insert(scope) {
            return Ok(Entered { running: self, scope });
        }
        let refusal = Refusal::new(Code::IdempotencyInProgress, "a request with this idempotency key is still running");
        Err(Refusal { retry_after_seconds: Some(1), ..refusal })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.scope);
    }
}

/// One request's idempotency key, as it is stored, with the key that seals its answer.
pub(crate) struct Idempotency<'a> {
    account: AccountId,
    route: &'static str,
    key_hash: [u8; 32],
    fingerprint: [u8; 32],
    vault: Vault,
    _entered: Entered<'a>,
}

impl std::fmt::Debug for Idempotency<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idempotency")
    }
}

impl Engine {
    /// Enters the asker's key among the running ones; a key that is there already is refused.
    pub(crate) fn idempotency(&self, ask: &Ask, raw: &SecretText) -> Result<Idempotency<'_>, Refusal> {
        let keys = &self.inner.keys;
        let account = ask.grant.account();
        let raw = raw.expose().as_bytes();
        let key_hash = mac(&keys.idempotency, &[raw]);
        let vault = Vault::new(&SecretBytes::new(mac(&keys.answers, &[&ask.presented, raw])));
        let entered = self.inner.running.enter((account, ask.route, key_hash))?;
        Ok(Idempotency { account, route: ask.route, key_hash, fingerprint: ask.fingerprint, vault, _entered: entered })
    }

    /// The answer that was given before, where there is one and the request is the same.
    pub(crate) async fn replay(&self, key: &Idempotency<'_>) -> Result<Option<Answer>, Refusal> {
        let stored = self.inner.reader.idempotent_answer(key.account, key.route, &key.key_hash).await?;
        let Some(stored) = stored else { return Ok(None) };
        if stored.fingerprint != key.fingerprint {
            return Err(reused("this idempotency key was used with another request; take a new key for a new request"));
        }
        let Some((version, body)) = key.open(&stored.answer) else {
            return Err(reused("this idempotency key was used with another API key; take a new key"));
        };
        Ok(Some(Answer { status: stored.status, body, version, replayed: true }))
    }
}

fn reused(detail: &'static str) -> Refusal {
    Refusal::new(Code::IdempotencyKeyReused, detail)
}

impl Idempotency<'_> {
    /// The row that goes into the commit of the answer's effect.
    pub(crate) fn row(&self, answer: &Answer, now: Timestamp, entropy: &dyn Entropy) -> IdempotentAnswer {
        IdempotentAnswer {
            account: self.account,
            route: self.route.to_owned(),
            key_hash: self.key_hash,
            fingerprint: self.fingerprint,
            status: answer.status,
            answer: self.seal(answer, entropy),
            created: now,
        }
    }

    /// The version and the body under the asker's own key.
    fn seal(&self, answer: &Answer, entropy: &dyn Entropy) -> Sealed {
        let mut plain = answer.version.unwrap_or(u64::MAX).to_be_bytes().to_vec();
        plain.extend_from_slice(&answer.body);
        self.vault.seal(self.place(), &plain, entropy)
    }

    fn open(&self, stored: &Sealed) -> Option<(Option<u64>, Vec<u8>)> {
        let plain = self.vault.open(self.place(), stored).ok()?;
        let (version, body) = plain.split_first_chunk::<8>()?;
        let version = u64::from_be_bytes(*version);
        Some(((version != u64::MAX).then_some(version), body.to_vec()))
    }

    fn place(&self) -> Place<'_> {
        Place { table: "idempotent_answers", row: self.route, column: "answer" }
    }
}
