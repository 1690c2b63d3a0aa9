//! Tells accounts when a network that they are paid on becomes degraded, and when it is well again. The turn is one Change; then those
//! who have wallets on the network are told, a bounded number of them in each Change, which also says how far the telling has got: a
//! server that was killed goes on there.

use crate::shell::{Deed, Happening};
use crate::{Engine, Refusal};
use handsel_core::chain::Network;
use handsel_core::chain::standing::{Noticed, Standing, Told};
use handsel_core::change::{Change, CommitError, Write};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::AccountId;
use handsel_core::limits;
use handsel_core::time::Timestamp;
use handsel_core::wallet::{State, Wallet};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;

/// How often networks are judged.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: Engine, mut stop: watch::Receiver<bool>) {
    let mut known = HashMap::new();
    loop {
        for (network, noticed) in engine.noticed() {
            if let Err(refusal) = engine.judge_network(&network, noticed, &mut known).await {
                tracing::error!(network, detail = %refusal.detail, "how the network stands was not told; trying again");
                known.remove(&network);
            }
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(JUDGE_EVERY) => {}
        }
    }
}

impl Engine {
    /// One look at one network. `known`: how networks stood at the last look, so that the store is asked only where something is new.
    async fn judge_network(
        &self,
        name: &str,
        noticed: Noticed,
        known: &mut HashMap<String, Standing>,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let verdict = noticed.verdict(now);
        let settled = |standing: &Standing| standing.told == Told::All && standing.turned(verdict, now).is_none();
        if known.get(name).is_some_and(settled) {
            return Ok(());
        }
        let stored = self.inner.reader.network_standing(name).await?;
        let mut standing = stored.unwrap_or_else(|| Standing::unwritten(name, now));
        if let Some(turned) = standing.turned(verdict, now) {
            let action = kind(&turned).name();
            tracing::warn!(network = name, reason = turned.reason.map(|reason| reason.name()), action, "how it stands");
            let audit = vec![self.audit_entry_of(now, Deed::by_itself(action, name, None))];
            let writes = vec![Write::PutStanding(turned.clone())];
            self.commit(Change { writes, audit, ..Change::default() }).await?;
            standing = turned;
        }
        while let Some(change) = self.telling(&standing, now).await? {
            let next = change.writes.iter().find_map(|write| match write {
                Write::PutStanding(next) => Some(next.clone()),
                _ => None,
            });
            match self.commit(change).await {
                Ok(_) => standing = next.unwrap_or(standing),
                // Another process tells them too.
                Err(CommitError::Conflict) => return Ok(()),
                Err(other) => return Err(other.into()),
            }
        }
        known.insert(name.to_owned(), standing);
        Ok(())
    }

    /// The next accounts that are told, and how far it has got then; `None` where everybody was told.
    async fn telling(&self, standing: &Standing, now: Timestamp) -> Result<Option<Change>, Refusal> {
        let after = match standing.told {
            Told::All => return Ok(None),
            Told::UpTo(account) => Some(account),
            Told::Nobody => None,
        };
        let limit = limits::NETWORK_TOLD_AT_ONCE_ROWS;
        let accounts = self.inner.reader.accounts_with_wallets(after, limit).await?;
        let mut change = Change::default();
        let network = self.inner.settings.networks.iter().find(|network| network.name == standing.network);
        for account in accounts.iter().filter(|_| network.is_some()) {
            let wallets = self.inner.reader.usable_wallets(*account).await?;
            if let (Some(network), true) = (network, wallets.iter().any(|wallet| takes(wallet, &standing.network))) {
                let event = self.standing_event(*account, network, standing, now).await?;
                change
                    .audit
                    .push(self.audit_entry_of(now, Deed::by_itself(event.kind.name(), &event.object, Some(*account))));
                change.events.push(event);
            }
        }
        let told = match accounts.last() {
            Some(last) if u32::try_from(accounts.len()).is_ok_and(|count| count >= limit) => Told::UpTo(*last),
            _ => Told::All,
        };
        change.writes.push(Write::PutStanding(standing.told(told)));
        Ok(Some(change))
    }

    async fn standing_event(
        &self,
        account: AccountId,
        network: &Network,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<NewEvent, Refusal> {
        let key = self.data_key(account).await?;
        let shape = handsel_view::network_standing(self.scene(), network, standing);
        let happening = Happening {
            account,
            kind: kind(standing),
            object: &network.name,
            version: standing.version,
            request: None,
            now,
            only_to: None,
        };
        let nothing: Option<&()> = None;
        Ok(self.event_of(&key, happening, |facts| handsel_view::event_body(facts, &shape, nothing)))
    }

    /// The leaf of a node that is not asked again.
    pub(crate) async fn note_ban(&self, network: &str, node: &str) {
        let object = format!("{network}/{node}");
        let audit = vec![self.audit_entry_of(self.now(), Deed::by_itself("chain.node_banned", &object, None))];
        if let Err(error) = self.commit(Change { audit, ..Change::default() }).await {
            tracing::error!(network, node, %error, "the ban could not be noted in the audit log");
        }
    }
}

const fn kind(standing: &Standing) -> Kind {
    if standing.reason.is_some() { Kind::NetworkDegraded } else { Kind::NetworkRecovered }
}

fn takes(wallet: &Wallet, network: &str) -> bool {
    let serves = matches!(wallet.state, State::Active { .. } | State::Retiring { .. });
    serves && (wallet.networks.is_empty() || wallet.networks.iter().any(|name| name == network))
}
