//! `/v1/deliveries`.

use crate::route::{Call, Outcome};
use handsel_core::id::DeliveryId;

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().delivery(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<DeliveryId>()?;
    Ok(call.app.engine().deliveries(&ask, None).await?.into())
}

pub(crate) async fn resend(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().resend_delivery(&ask, call.id()?).await?.into())
}
