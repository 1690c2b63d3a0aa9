//! wallet.

use super::{Hex, KindRest, Pairs, json, maybe_time, millis, time};
use crate::ReadError;
use crate::reader::WatchedWallet;
use crate::value::{Row, Value};
use handsel_core::chain::Address;
use handsel_core::id::{AccountId, WalletId};
use handsel_core::secret::Sealed;
use handsel_core::time::Timestamp;
use handsel_core::wallet::{Destination, State, Wallet};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "KindRest::is_evm")]
    kind: KindRest,
    /// The static address, or the address that signs an xpub's proof.
    address: Hex<20>,
    /// Of an xpub only.
    fingerprint: Option<String>,
    networks: Vec<String>,
    assets: Vec<String>,
    challenge: String,
    proved_at: Option<i64>,
    metadata: Pairs,
}

pub(crate) fn values(w: &Wallet) -> [Value<'_>; 9] {
    let (state, at) = match w.state {
        State::PendingProof => ("pending_proof", None),
        State::Active { from } => ("active", Some(from.millis())),
        State::Retiring { until } => ("retiring", Some(until.millis())),
        State::Retired { at } => ("retired", Some(at.millis())),
    };
    let (address, fingerprint, xpub) = match &w.destination {
        Destination::Static { address } => (*address, None, Value::Null),
        Destination::Xpub { xpub, fingerprint, proof_address } => {
            (*proof_address, Some(fingerprint.clone()), Value::Blob(&xpub.0))
        }
    };
    let rest = Rest {
        kind: w.kind.into(),
        address: Hex(address.0),
        fingerprint,
        networks: w.networks.clone(),
        assets: w.assets.clone(),
        challenge: w.challenge.clone(),
        proved_at: w.proved_at.map(Timestamp::millis),
        metadata: w.metadata.clone(),
    };
    [
        Value::id(w.id),
        Value::id(w.account),
        millis(w.created),
        Value::count(w.version),
        Value::Text(state),
        Value::maybe_int(at),
        xpub,
        Value::Blob(&w.mac),
        json(&rest),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Wallet, ReadError> {
    let row = row.of("wallet");
    let rest: Rest = row.json(8)?;
    let state = match (row.text(4)?, maybe_time(&row, 5)?) {
        ("pending_proof", None) => State::PendingProof,
        ("active", Some(from)) => State::Active { from },
        ("retiring", Some(until)) => State::Retiring { until },
        ("retired", Some(at)) => State::Retired { at },
        _ => return Err(row.corrupt("an impossible state")),
    };
    let address = Address(rest.address.0);
    let destination = match (row.maybe_blob(6)?, rest.fingerprint) {
        (None, None) => Destination::Static { address },
        (Some(xpub), Some(fingerprint)) => {
            Destination::Xpub { xpub: Sealed(xpub.to_vec()), fingerprint, proof_address: address }
        }
        _ => return Err(row.corrupt("an impossible destination")),
    };
    Ok(Wallet {
        id: row.parsed(0, |t| WalletId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        version: row.count(3)?,
        kind: rest.kind.into(),
        destination,
        networks: rest.networks,
        assets: rest.assets,
        challenge: rest.challenge,
        proved_at: rest.proved_at.map(Timestamp::from_millis),
        state,
        mac: row.bytes(7)?,
        metadata: rest.metadata,
    })
}

pub(crate) fn decode_watched(row: &Row<'_>) -> Result<WatchedWallet, ReadError> {
    let row = row.of("wallet_watch");
    Ok(WatchedWallet {
        mark: row.int(0)?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        address: Address(row.bytes(2)?),
    })
}
