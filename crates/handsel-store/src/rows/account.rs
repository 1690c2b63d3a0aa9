//! account. `name` and `email` come plain from the engine; this file is the one place that would change if they came sealed.

use super::{Pairs, json, millis, time, words};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::account::{Accept, Account, Region, Status, Tier};
use handsel_core::id::AccountId;
use handsel_core::secret::Sealed;
use serde::{Deserialize, Serialize};

words!(status_word, status_from, Status, Status::Active = "active", Status::Suspended = "suspended");
words!(region_word, region_from, Region, Region::Us = "us", Region::Eu = "eu", Region::Apac = "apac");
words!(tier_word, tier_from, Tier, Tier::Standard = "standard", Tier::Scale = "scale", Tier::Enterprise = "enterprise",);

#[derive(Serialize, Deserialize)]
struct Rest {
    region: String,
    tier: String,
    default_accept: Pairs,
    branding: Pairs,
    support_url: Option<String>,
    metadata: Pairs,
}

pub(crate) fn values(a: &Account) -> [Value<'_>; 8] {
    let rest = Rest {
        region: region_word(a.region).to_owned(),
        tier: tier_word(a.tier).to_owned(),
        default_accept: a.default_accept.iter().map(|x| (x.network.clone(), x.asset.clone())).collect(),
        branding: a.branding.clone(),
        support_url: a.support_url.clone(),
        metadata: a.metadata.clone(),
    };
    [
        Value::id(a.id),
        millis(a.created),
        Value::count(a.version),
        Value::Text(status_word(a.status)),
        Value::Text(&a.name),
        Value::Text(&a.email),
        Value::Blob(&a.data_key.0),
        json(&rest),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Account, ReadError> {
    let row = row.of("account");
    let rest: Rest = row.json(7)?;
    Ok(Account {
        id: row.parsed(0, |t| AccountId::parse(t).ok())?,
        created: time(&row, 1)?,
        version: row.count(2)?,
        status: row.parsed(3, status_from)?,
        name: row.text(4)?.to_owned(),
        email: row.text(5)?.to_owned(),
        data_key: Sealed(row.blob(6)?.to_vec()),
        region: region_from(&rest.region).ok_or_else(|| row.corrupt("an unknown region"))?,
        tier: tier_from(&rest.tier).ok_or_else(|| row.corrupt("an unknown tier"))?,
        default_accept: rest.default_accept.into_iter().map(|(network, asset)| Accept { network, asset }).collect(),
        branding: rest.branding,
        support_url: rest.support_url,
        metadata: rest.metadata,
    })
}
