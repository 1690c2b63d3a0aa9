//! `/v1/account`: the asker's own.

use super::{accept, metadata_patch};
use crate::route::{Call, Outcome};
use handsel_engine::accounts::AccountPatch;
use handsel_types::asks::PatchAccount;

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().account(&ask).await?.into())
}

pub(crate) async fn patch(mut call: Call) -> Outcome {
    let body: PatchAccount = call.body().await?;
    let ask = call.ask()?;
    let patch = AccountPatch {
        name: body.name,
        email: body.email,
        default_accept: body.default_accept.map(accept),
        branding: body.branding.map(|b| b.into_iter().collect()),
        support_url: body.support_url,
        metadata: metadata_patch(body.metadata),
    };
    Ok(call.app.engine().patch_account(&ask, patch).await?.into())
}
