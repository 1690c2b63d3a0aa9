//! `/v1/events`: newest first like every list, or, after a sequence, oldest first with the signed head.

use crate::extract::ids;
use crate::route::{Call, Outcome};
use handsel_core::id::EventId;
use handsel_core::limits::{LIST_LIMIT_DEFAULT_ROWS, LIST_LIMIT_MAX_ROWS};
use handsel_types::asks::ResendEvent;

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().event(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let Some(after) = call.query.take_number("after_sequence", 0, i64::MAX.unsigned_abs())? else {
        let ask = call.list::<EventId>()?;
        return Ok(call.app.engine().events(&ask).await?.into());
    };
    let limit = call.query.take_number("limit", 1, LIST_LIMIT_MAX_ROWS)?.unwrap_or(LIST_LIMIT_DEFAULT_ROWS);
    core::mem::take(&mut call.query).finish()?;
    Ok(call.app.engine().events_after(&call.grant, after, limit).await?.into())
}

pub(crate) async fn resend(mut call: Call) -> Outcome {
    let body: ResendEvent = call.body().await?;
    let ask = call.ask()?;
    let webhook = ids::read(&body.webhook, "/webhook")?;
    Ok(call.app.engine().resend_event(&ask, call.id()?, webhook).await?.into())
}
