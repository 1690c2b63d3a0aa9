//! network_state.

use super::{millis, time};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::chain::standing::{Reason, Standing, Told};
use handsel_core::id::AccountId;

/// Everybody was told: greater than every account's id.
const ALL: &str = "~";

pub(crate) fn values(s: &Standing) -> [Value<'_>; 5] {
    let told = match s.told {
        Told::Nobody => Value::Text(""),
        Told::UpTo(account) => Value::id(account),
        Told::All => Value::Text(ALL),
    };
    let reason = s.reason.map_or(Value::Null, |reason| Value::Text(reason.name()));
    [Value::Text(&s.network), Value::count(s.version), reason, millis(s.since), told]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Standing, ReadError> {
    let row = row.of("network_state");
    Ok(Standing {
        network: row.text(0)?.to_owned(),
        version: row.count(1)?,
        reason: row.maybe_parsed(2, Reason::parse)?,
        since: time(&row, 3)?,
        told: match row.text(4)? {
            "" => Told::Nobody,
            ALL => Told::All,
            _ => Told::UpTo(row.parsed(4, |text| AccountId::parse(text).ok())?),
        },
    })
}
