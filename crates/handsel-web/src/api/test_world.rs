//! `/v1/test/…`: the sandbox's commands. A live server has none of these routes.

use crate::route::{Call, Outcome};
use handsel_engine::test_world::TestPay as Pay;
use handsel_engine::{Code, Refusal};
use handsel_types::asks::{MoveTestClock, TestFaults, TestMine, TestPay, TestReceivers, TestReorg, TestTrigger};

pub(crate) async fn pay(mut call: Call) -> Outcome {
    let body: TestPay = call.body().await?;
    let ask = call.ask()?;
    let pay = Pay { amount: body.amount, asset: body.asset, network: body.network, from: body.from };
    Ok(call.app.engine().test_pay(&ask, call.id()?, pay).await?.into())
}

pub(crate) async fn expire(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_expire(&ask, call.id()?).await?.into())
}

pub(crate) async fn mine(mut call: Call) -> Outcome {
    let body: TestMine = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_mine(&ask, call.param("network"), body.blocks.unwrap_or(1)).await?.into())
}

pub(crate) async fn finalize(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_finalize(&ask, call.param("network")).await?.into())
}

pub(crate) async fn reorg(mut call: Call) -> Outcome {
    let body: TestReorg = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_reorg(&ask, call.param("network"), body.depth, body.drop).await?.into())
}

pub(crate) async fn faults(mut call: Call) -> Outcome {
    let body: TestFaults = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_fault(&ask, call.param("network"), &body.kind, body.seconds).await?.into())
}

pub(crate) async fn clock(mut call: Call) -> Outcome {
    let body: MoveTestClock = call.body().await?;
    let ask = call.ask()?;
    let engine = call.app.engine();
    let answer = match (body.advance_seconds, body.set) {
        (Some(seconds), None) => engine.test_clock_advance(&ask, seconds).await?,
        (None, Some(unix)) => engine.test_clock_set(&ask, unix).await?,
        (None, None) => {
            let detail = "send advance_seconds, or set";
            return Err(Refusal::new(Code::ParameterMissing, detail).at("/advance_seconds"));
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::new(Code::ParameterInvalid, "send advance_seconds or set, not both").at("/set"));
        }
    };
    Ok(answer.into())
}

pub(crate) async fn add_receiver(mut call: Call) -> Outcome {
    let body: TestReceivers = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_add_receiver(&ask, body.status, body.delay_ms.unwrap_or(0)).await?.into())
}

pub(crate) async fn receiver_requests(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().test_receiver_requests(&ask, call.id()?).await?.into())
}

pub(crate) async fn trigger(mut call: Call) -> Outcome {
    let body: TestTrigger = call.body().await?;
    let ask = call.ask()?;
    if !body.r#override.is_empty() {
        let detail = "this server makes the objects with their defaults; leave override out";
        return Err(Refusal::new(Code::ParameterInvalid, detail).at("/override"));
    }
    Ok(call.app.engine().test_trigger(&ask, &body.kind).await?.into())
}
