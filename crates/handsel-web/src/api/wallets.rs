//! `/v1/wallets`.

use super::missing;
use crate::route::{Call, Outcome};
use handsel_core::chain::Kind;
use handsel_core::id::WalletId;
use handsel_engine::wallets::NewWallet;
use handsel_engine::{Code, Refusal};
use handsel_types::asks::{CreateWallet, ProveWallet};

/// What is asked of a new wallet.
pub(super) fn terms(body: CreateWallet) -> Result<NewWallet, Refusal> {
    let kind = Kind::parse(&body.kind).ok_or_else(|| refused("/type", "the type is evm or tron"))?;
    let (own, other, others) = match kind {
        Kind::Evm => (body.evm, body.tron, "/tron"),
        Kind::Tron => (body.tron, body.evm, "/evm"),
    };
    if other.is_some() {
        return Err(refused(others, "a wallet is of one type; add another wallet for the other one"));
    }
    let terms = own.ok_or_else(|| {
        let detail = "a wallet needs its address or xpub in the member that its type names";
        missing(&format!("/{}", kind.name()), detail)
    })?;
    if terms.addresses.is_some() {
        let detail = "pools of addresses are not served; send one address, or an xpub";
        return Err(refused(&format!("/{}/addresses", kind.name()), detail));
    }
    Ok(NewWallet {
        kind,
        mode: body.mode,
        networks: body.networks,
        assets: body.assets,
        address: terms.address,
        xpub: terms.xpub,
        metadata: body.metadata.into_iter().collect(),
    })
}

fn refused(param: &str, detail: &'static str) -> Refusal {
    Refusal::new(Code::ParameterInvalid, detail).at(param)
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
