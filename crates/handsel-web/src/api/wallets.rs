//! `/v1/wallets`.

use super::missing;
use crate::route::{Call, Outcome};
use handsel_core::id::WalletId;
use handsel_engine::wallets::NewWallet;
use handsel_engine::{Code, Refusal};
use handsel_types::asks::{CreateWallet, ProveWallet};

/// What is asked of a new wallet.
pub(super) fn terms(body: CreateWallet) -> Result<NewWallet, Refusal> {
    if body.kind != "evm" {
        return Err(Refusal::new(Code::ParameterInvalid, "this server has wallets of type evm only").at("/type"));
    }
    let evm = body.evm.ok_or_else(|| missing("/evm", "a wallet of type evm needs its address or xpub in \"evm\""))?;
    if evm.addresses.is_some() {
        let detail = "pools of addresses are not served; send one address, or an xpub";
        return Err(Refusal::new(Code::ParameterInvalid, detail).at("/evm/addresses"));
    }
    Ok(NewWallet {
        mode: body.mode,
        networks: body.networks,
        assets: body.assets,
        address: evm.address,
        xpub: evm.xpub,
        metadata: body.metadata.into_iter().collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Outcome {
    let body: CreateWallet = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().create_wallet(&ask, terms(body)?).await?.into())
}

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().wallet(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<WalletId>()?;
    Ok(call.app.engine().wallets(&ask).await?.into())
}

pub(crate) async fn prove(mut call: Call) -> Outcome {
    let body: ProveWallet = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().prove_wallet(&ask, call.id()?, &body.signature).await?.into())
}

pub(crate) async fn retire(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().retire_wallet(&ask, call.id()?).await?.into())
}
