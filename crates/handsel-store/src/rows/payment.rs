//! payment.

use super::{Big, Hex, KindRest, Pairs, json, maybe_time, millis, time, words};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::chain::{Address, BlockHash, TxHash};
use handsel_core::checkout::Rate;
use handsel_core::id::{AccountId, CheckoutId, PaymentId, QuoteId};
use handsel_core::money::Currency;
use handsel_core::payment::{CountedAt, Inclusion, Outcome, Payment, State};
use handsel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    outcome_word,
    outcome_from,
    Outcome,
    Outcome::Exact = "exact",
    Outcome::WithinTolerance = "within_tolerance",
    Outcome::Under = "under",
    Outcome::Over = "over",
    Outcome::Late = "late",
    Outcome::LateCold = "late_cold",
    Outcome::Duplicate = "duplicate",
    Outcome::WrongAsset = "wrong_asset",
    Outcome::WrongNetwork = "wrong_network",
    Outcome::Unmatched = "unmatched",
    Outcome::Reversed = "reversed",
);

#[derive(Serialize, Deserialize)]
struct Rest {
    option: Option<u32>,
    #[serde(default, skip_serializing_if = "KindRest::is_evm")]
    kind: KindRest,
    chain_id: u64,
    asset: String,
    token: Hex<20>,
    decimals: u8,
    from: Hex<20>,
    to: Hex<20>,
    applied: Big,
    value_micro: Big,
    required_confirmations: u32,
    required_seconds: u32,
    requires_finalized: bool,
    outcome: Option<String>,
    block: Option<BlockRest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<RateRest>,
    detected_at: i64,
    metadata: Pairs,
}

#[derive(Serialize, Deserialize)]
struct RateRest {
    numerator: Big,
    denominator: Big,
    currency: String,
    quote: Option<Hex<16>>,
}

#[derive(Serialize, Deserialize)]
struct BlockRest {
    hash: Hex<32>,
    number: u64,
    time: i64,
    log_index: u64,
}

/// The state as columns: its word, its time, finalized, whether the chain may still move it, and its block.
fn columns(state: State) -> (&'static str, Option<Timestamp>, bool, bool, Option<Inclusion>) {
    match state {
        State::Detected { block } => ("detected", None, false, true, Some(block)),
        State::Confirming { block } => ("confirming", None, false, true, Some(block)),
        State::Succeeded { block, at, finalized } => ("succeeded", Some(at), finalized, !finalized, Some(block)),
        State::Rejected { block, at, finalized } => ("rejected", Some(at), finalized, !finalized, Some(block)),
        State::Reversed { was, at } => ("reversed", Some(at), false, false, Some(was)),
        State::Failed { at } => ("failed", Some(at), false, false, None),
    }
}

pub(crate) fn values(p: &Payment) -> [Value<'_>; 14] {
    let (state, at, finalized, unfinal, block) = columns(p.state);
    let rest = Rest {
        option: p.option,
        kind: p.kind.into(),
        chain_id: p.chain_id,
        asset: p.asset.clone(),
        token: Hex(p.token.0),
        decimals: p.decimals,
        from: Hex(p.from.0),
        to: Hex(p.to.0),
        applied: Big(p.applied),
        value_micro: Big(p.value_micro),
        required_confirmations: p.required_confirmations,
        required_seconds: p.required_seconds,
        requires_finalized: p.requires_finalized,
        outcome: p.outcome.map(|o| outcome_word(o).to_owned()),
        block: block.map(|b| BlockRest {
            hash: Hex(b.hash.0),
            number: b.number,
            time: b.time.millis(),
            log_index: b.log_index,
        }),
        rate: p.rate.map(|r| RateRest {
            numerator: Big(r.rate.numerator),
            denominator: Big(r.rate.denominator),
            currency: r.currency.code().to_owned(),
            quote: r.quote.map(|q| Hex(q.bits().to_be_bytes())),
        }),
        detected_at: p.detected_at.millis(),
        metadata: p.metadata.clone(),
    };
    [
        Value::id(p.id),
        Value::id(p.account),
        millis(p.created),
        Value::count(p.version),
        Value::Text(state),
        Value::maybe_int(at.map(Timestamp::millis)),
        Value::flag(finalized),
        Value::flag(unfinal),
        Value::maybe_id(p.checkout),
        Value::Text(&p.network),
        Value::Blob(&p.tx.0),
        Value::count(u64::from(p.tx_position)),
        Value::amount(p.amount),
        json(&rest),
    ]
}

fn state(row: &Row<'_>, block: Option<BlockRest>) -> Result<State, ReadError> {
    let finalized = row.flag(6)?;
    let block = block.map(|b| Inclusion {
        hash: BlockHash(b.hash.0),
        number: b.number,
        time: Timestamp::from_millis(b.time),
        log_index: b.log_index,
    });
    Ok(match (row.text(4)?, maybe_time(row, 5)?, block) {
        ("detected", None, Some(block)) => State::Detected { block },
        ("confirming", None, Some(block)) => State::Confirming { block },
        ("succeeded", Some(at), Some(block)) => State::Succeeded { block, at, finalized },
        ("rejected", Some(at), Some(block)) => State::Rejected { block, at, finalized },
        ("reversed", Some(at), Some(was)) => State::Reversed { was, at },
        ("failed", Some(at), None) => State::Failed { at },
        _ => return Err(row.corrupt("an impossible state")),
    })
}

fn counted_at(row: &Row<'_>, r: &RateRest) -> Result<CountedAt, ReadError> {
    Ok(CountedAt {
        rate: Rate { numerator: r.numerator.0, denominator: r.denominator.0 },
        currency: Currency::parse(&r.currency).ok_or_else(|| row.corrupt("an unknown currency"))?,
        quote: r.quote.map(|q| QuoteId::from_bits(u128::from_be_bytes(q.0))),
    })
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Payment, ReadError> {
    let row = row.of("payment");
    let rest: Rest = row.json(13)?;
    let outcome = match rest.outcome {
        None => None,
        Some(word) => Some(outcome_from(&word).ok_or_else(|| row.corrupt("an unknown outcome"))?),
    };
    Ok(Payment {
        id: row.parsed(0, |t| PaymentId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        version: row.count(3)?,
        checkout: row.maybe_parsed(8, |t| CheckoutId::parse(t).ok())?,
        option: rest.option,
        network: row.text(9)?.to_owned(),
        kind: rest.kind.into(),
        chain_id: rest.chain_id,
        asset: rest.asset,
        token: Address(rest.token.0),
        decimals: rest.decimals,
        amount: row.amount(12)?,
        tx: TxHash(row.bytes(10)?),
        tx_position: row.count(11)?,
        from: Address(rest.from.0),
        to: Address(rest.to.0),
        applied: rest.applied.0,
        value_micro: rest.value_micro.0,
        required_confirmations: rest.required_confirmations,
        required_seconds: rest.required_seconds,
        requires_finalized: rest.requires_finalized,
        outcome,
        state: state(&row, rest.block)?,
        rate: rest.rate.map(|r| counted_at(&row, &r)).transpose()?,
        detected_at: Timestamp::from_millis(rest.detected_at),
        metadata: rest.metadata,
    })
}
