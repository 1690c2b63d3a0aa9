//! A merchant.

use crate::id::AccountId;
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    Us,
    Eu,
    Apac,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    Standard,
    Scale,
    Enterprise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Suspended,
}

/// Personal members (`name`, `email`) are sealed at rest under the account's own key (06 1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub created: Timestamp,
    pub version: u64,
    pub name: String,
    pub email: String,
    pub region: Region,
    pub tier: Tier,
    pub status: Status,
    /// What checkouts accept when they don't say: `(network, asset)`.
    pub default_accept: Vec<Accept>,
    /// Public look of the hosted page, as given: a flat list of names and values.
    pub branding: Vec<(String, String)>,
    pub support_url: Option<String>,
    pub metadata: Vec<(String, String)>,
    /// The account's data key, sealed under the server's key-encryption key.
    pub data_key: crate::secret::Sealed,
}

/// One acceptable way to pay: a network and an asset's symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Accept {
    pub network: String,
    pub asset: String,
}
