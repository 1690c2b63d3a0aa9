//! `/v1/quotes`.

use crate::route::{Call, Outcome};
use handsel_types::asks::CreateQuote;

pub(crate) async fn create(mut call: Call) -> Outcome {
    let body: CreateQuote = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().create_quote(&ask, &body.from, &body.to).await?.into())
}

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().quote(&ask, call.id()?).await?.into())
}
