//! What the API is asked with. Unknown members are refused everywhere.

use crate::answers::{Accept, LineItem};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// Tells `null` (clear it) apart from absent (leave it).
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// One thing that a checkout accepts: an asset on a network, or by its name (evm, tron, open_payments, bank) whatever a rail offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Accepted {
    Rail(String),
    Asset(Accept),
}

// By hand: an untagged enum would forget which member is wrong.
impl<'de> Deserialize<'de> for Accepted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Accepted;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of network and asset, or a rail's name")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Accepted, E> {
                Ok(Accepted::Rail(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Accepted, A::Error> {
                Accept::deserialize(MapAccessDeserializer::new(members)).map(Accepted::Asset)
            }
        }
        from.deserialize_any(Either)
    }
}

/// A metadata change: a null value removes its key.
pub type MetadataPatch = BTreeMap<String, Option<String>>;

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$attr])* pub $field: $type),* }
    )*};
}

asks! {
    /// What changes of the account; absent members stay.
    PatchAccount {
        #[serde(default)] name: Option<String>,
        #[serde(default)] email: Option<String>,
        #[serde(default)] default_accept: Option<Vec<Accept>>,
        #[serde(default)] branding: Option<BTreeMap<String, String>>,
        #[serde(default, deserialize_with = "given")] support_url: Option<Option<String>>,
        #[serde(default)] metadata: Option<BTreeMap<String, Option<String>>>,
    }
    /// A new key. Without `class`: secret, or restricted where scopes are given.
    CreateApiKey {
        name: String,
        /// secret, restricted or publishable.
        #[serde(default)] class: Option<String>,
        #[serde(default)] scopes: Vec<String>,
        #[serde(default)] allowed_ips: Vec<String>,
        #[serde(default)] allowed_origins: Vec<String>,
        /// Unix seconds.
        #[serde(default)] expires_at: Option<i64>,
        #[serde(default)] metadata: BTreeMap<String, String>,
    }
    /// How long the old key stays good beside the new one; a day by default.
    RollApiKey { #[serde(default)] grace_seconds: Option<u64> }
    /// Exactly one of these.
    ChainWalletTerms {
        #[serde(default)] address: Option<String>,
        #[serde(default)] xpub: Option<String>,
        #[serde(default)] addresses: Option<Vec<String>>,
    }
    /// A new wallet. Send an address or an xpub, never anything that can spend.
    CreateWallet {
        /// evm or tron.
        #[serde(rename = "type")] kind: String,
        /// static or xpub.
        mode: String,
        #[serde(default)] networks: Vec<String>,
        #[serde(default)] assets: Vec<String>,
        #[serde(default)] evm: Option<ChainWalletTerms>,
        #[serde(default)] tron: Option<ChainWalletTerms>,
        #[serde(default)] metadata: BTreeMap<String, String>,
    }
    /// The signature of the wallet's `challenge` by its proof address (EIP-191, on Tron TIP-191 V2).
    ProveWallet { signature: String }
    /// A new checkout; amount and currency suffice.
    CreateCheckout {
        #[schema(example = "19.99")] amount: String,
        #[schema(example = "USD")] currency: String,
        #[serde(default)] accept: Vec<Accepted>,
        #[serde(default)] customer: Option<String>,
        #[serde(default)] reference: Option<String>,
        #[serde(default)] success_url: Option<String>,
        #[serde(default)] cancel_url: Option<String>,
        /// Seconds, 60 to 2592000; 3600 by default.
        #[serde(default)] expires_in: Option<u64>,
        /// Basis points, 0 to 1000.
        #[serde(default)] tolerance_bps: Option<u32>,
        /// auto, xpub, static, pool, router or forwarder.
        #[serde(default)] matching: Option<String>,
        #[serde(default)] line_items: Vec<LineItem>,
        #[serde(default)] metadata: BTreeMap<String, String>,
    }
    /// What changes of a checkout.
    PatchCheckout { #[serde(default)] metadata: Option<BTreeMap<String, Option<String>>> }
    /// How much more time.
    ExtendCheckout { /** Seconds added to `expires_at`; 3600 by default. */ #[serde(default)] seconds: Option<u64> }
    /// What to do with the open matters.
    ResolveCheckout { /** accept_as_paid, refund or ignore. */ action: String }
    /// The pair to be quoted.
    CreateQuote {
        /// A currency.
        #[schema(example = "EUR")] from: String,
        /// An asset.
        #[schema(example = "USDC")] to: String,
    }
    /// The checkout that the payment is for.
    MatchPayment { checkout: String }
    /// When a delivery is tried again; without a schedule as usual, for about three days.
    RetryTerms {
        /// Seconds before the second and each further try.
        #[serde(default)] schedule_seconds: Option<Vec<u64>>,
    }
    /// A new webhook.
    CreateWebhook {
        #[schema(example = "https://example.com/handsel")] url: String,
        enabled_events: Vec<String>,
        #[serde(default)] description: Option<String>,
        /// snapshot or thin.
        #[serde(default)] payload: Option<String>,
        #[serde(default)] signatures: Vec<String>,
        /// per_object or none.
        #[serde(default)] ordering: Option<String>,
        #[serde(default)] retry: Option<RetryTerms>,
        #[serde(default)] metadata: BTreeMap<String, String>,
    }
    /// What changes of a webhook; absent members stay.
    PatchWebhook {
        #[serde(default)] url: Option<String>,
        #[serde(default)] enabled_events: Option<Vec<String>>,
        #[serde(default, deserialize_with = "given")] description: Option<Option<String>>,
        #[serde(default)] payload: Option<String>,
        #[serde(default)] signatures: Option<Vec<String>>,
        #[serde(default)] ordering: Option<String>,
        #[serde(default)] retry: Option<RetryTerms>,
        #[serde(default)] metadata: Option<BTreeMap<String, Option<String>>>,
    }
    /// How long the old secret signs beside the new one; a day by default.
    RotateSecret { #[serde(default)] grace_seconds: Option<u64> }
    /// From when on.
    Since { /** Unix seconds. */ since: i64 }
    /// The webhook that gets it.
    ResendEvent { webhook: String }
    /// A transfer; by default of the first option, exact.
    TestPay {
        #[serde(default)] amount: Option<String>,
        #[serde(default)] asset: Option<String>,
        #[serde(default)] network: Option<String>,
        #[serde(default)] from: Option<String>,
    }
    /// How many blocks; one by default.
    TestMine { #[serde(default)] blocks: Option<u64> }
    /// How many blocks are mined anew.
    TestReorg {
        depth: u64,
        /// Hashes of transactions that vanish.
        #[serde(default)] drop: Vec<String>,
    }
    /// What goes wrong, for how long.
    TestFaults { kind: String, seconds: u64 }
    /// One of both.
    MoveTestClock {
        #[serde(default)] advance_seconds: Option<u64>,
        /// Unix seconds.
        #[serde(default)] set: Option<i64>,
    }
    /// How the receiver answers: these statuses in turn, 200 by default.
    TestReceivers {
        #[serde(default)] status: Vec<u16>,
        #[serde(default)] delay_ms: Option<u64>,
    }
    /// The event to make happen.
    TestTrigger {
        #[schema(example = "checkout.completed")] #[serde(rename = "type")] kind: String,
        /// Members of what is made for it, as its creation takes them: a checkout's for `checkout.*` and `payment.*`, a wallet's,
        /// a webhook's or an API key's for theirs.
        #[serde(default)] #[schema(value_type = Object)] r#override: BTreeMap<String, serde_json::Value>,
    }
    /// A POST that needs no members; an empty body is the same.
    Nothing {}
}
