//! `/v1/requests`: the redacted log.

use crate::route::{Call, Outcome};
use handsel_core::id::RequestId;

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().request(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<RequestId>()?;
    Ok(call.app.engine().requests(&ask).await?.into())
}
