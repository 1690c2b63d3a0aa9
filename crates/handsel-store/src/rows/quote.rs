//! quote.

use super::{Big, Hex, json, millis, time};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::id::{AccountId, QuoteId};
use handsel_core::money::Currency;
use handsel_core::rate::{Pair, Quote, Ratio, Stated};
use handsel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Rest {
    from: String,
    to: String,
    numerator: Big,
    denominator: Big,
    rated_at: i64,
    stated: Vec<StatedRest>,
    digest: Hex<32>,
}

#[derive(Serialize, Deserialize)]
struct StatedRest {
    source: String,
    numerator: Big,
    denominator: Big,
    at: i64,
}

pub(crate) fn values(q: &Quote) -> [Value<'_>; 6] {
    let stated = |s: &Stated| StatedRest {
        source: s.source.clone(),
        numerator: Big(s.ratio.numerator()),
        denominator: Big(s.ratio.denominator()),
        at: s.at.millis(),
    };
    let rest = Rest {
        from: q.pair.from.code().to_owned(),
        to: q.pair.to.clone(),
        numerator: Big(q.ratio.numerator()),
        denominator: Big(q.ratio.denominator()),
        rated_at: q.rated_at.millis(),
        stated: q.stated.iter().map(stated).collect(),
        digest: Hex(q.digest),
    };
    [Value::id(q.id), Value::id(q.account), millis(q.created), millis(q.expires_at), Value::Blob(&q.mac), json(&rest)]
}

fn ratio(row: &Row<'_>, numerator: Big, denominator: Big) -> Result<Ratio, ReadError> {
    Ratio::new(numerator.0, denominator.0).ok_or_else(|| row.corrupt("a rate of nothing"))
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Quote, ReadError> {
    let row = row.of("quote");
    let rest: Rest = row.json(5)?;
    let stated = |s: StatedRest| {
        let ratio = ratio(&row, s.numerator, s.denominator)?;
        Ok(Stated { source: s.source, ratio, at: Timestamp::from_millis(s.at) })
    };
    Ok(Quote {
        id: row.parsed(0, |t| QuoteId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        pair: Pair::new(Currency::parse(&rest.from).ok_or_else(|| row.corrupt("an unknown currency"))?, rest.to),
        ratio: ratio(&row, rest.numerator, rest.denominator)?,
        rated_at: Timestamp::from_millis(rest.rated_at),
        expires_at: time(&row, 3)?,
        stated: rest.stated.into_iter().map(stated).collect::<Result<_, ReadError>>()?,
        digest: rest.digest.0,
        mac: row.bytes(4)?,
    })
}
