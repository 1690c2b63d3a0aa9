//! `/v1/payments`.

use crate::extract::ids;
use crate::route::{Call, Outcome};
use handsel_core::id::PaymentId;
use handsel_types::asks::MatchPayment;

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().payment(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<PaymentId>()?;
    Ok(call.app.engine().payments(&ask).await?.into())
}

pub(crate) async fn match_to(mut call: Call) -> Outcome {
    let body: MatchPayment = call.body().await?;
    let ask = call.ask()?;
    let checkout = ids::read(&body.checkout, "/checkout")?;
    Ok(call.app.engine().match_payment(&ask, call.id()?, checkout).await?.into())
}
