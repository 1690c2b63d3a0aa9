//! checkout, and the rows that go with it: what the watcher looks for.

use super::payment::{outcome_from, outcome_word};
use super::{Big, Hex, KindRest, json, maybe_time, millis, time, words};
use crate::ReadError;
use crate::reader::Watched;
use crate::value::{Row, Value};
use core::time::Duration;
use handsel_core::chain::Address;
use handsel_core::checkout::{
    Checkout, Credit, Exception, ExceptionKind, LatePolicy, Lock, Matching, PaymentOption, Quoted, Rate, Standing,
    State, Terms,
};
use handsel_core::id::{AccountId, CheckoutId, PaymentId, QuoteId, WalletId};
use handsel_core::money::{Currency, Money};
use handsel_core::secret::Sealed;
use handsel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    late_word,
    late_from,
    LatePolicy,
    LatePolicy::Hold = "hold",
    LatePolicy::AcceptLocked = "accept_locked",
    LatePolicy::Requote = "requote",
);
words!(
    matching_word,
    matching_from,
    Matching,
    Matching::Auto = "auto",
    Matching::Xpub = "xpub",
    Matching::Static = "static",
    Matching::Pool = "pool",
    Matching::Router = "router",
    Matching::Forwarder = "forwarder",
);
words!(
    exception_word,
    exception_from,
    ExceptionKind,
    ExceptionKind::Underpaid = "underpaid",
    ExceptionKind::Overpaid = "overpaid",
    ExceptionKind::Late = "late",
    ExceptionKind::Duplicate = "duplicate",
    ExceptionKind::WrongAsset = "wrong_asset",
    ExceptionKind::WrongNetwork = "wrong_network",
    ExceptionKind::Reorged = "reorged",
    ExceptionKind::Returned = "returned",
);

#[derive(Serialize, Deserialize)]
struct Rest<'a> {
    minor: Big,
    #[serde(borrow)]
    currency: std::borrow::Cow<'a, str>,
    grace_seconds: u32,
    tolerance_bps: u32,
    tolerance_max_minor: Big,
    over_dust_minor: Big,
    #[serde(borrow)]
    late_policy: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    matching: std::borrow::Cow<'a, str>,
    written_off: Big,
    #[serde(borrow)]
    options: Vec<OptionRest<'a>>,
    credits: Vec<CreditRest>,
    exceptions: Vec<ExceptionRest>,
}

#[derive(Serialize, Deserialize)]
struct OptionRest<'a> {
    #[serde(borrow)]
    network: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "KindRest::is_evm")]
    kind: KindRest,
    chain_id: u64,
    #[serde(borrow)]
    asset: std::borrow::Cow<'a, str>,
    token: Hex<20>,
    decimals: u8,
    address: Hex<20>,
    wallet: Hex<16>,
    derivation: Option<u32>,
    due: Big,
    tag: Big,
    numerator: Big,
    denominator: Big,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quoted: Option<QuotedRest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<LockRest>,
    mac: Hex<32>,
}

#[derive(Serialize, Deserialize)]
struct LockRest {
    due: Big,
    tag: Big,
    numerator: Big,
    denominator: Big,
    quoted: Option<QuotedRest>,
}

#[derive(Serialize, Deserialize)]
struct QuotedRest {
    quote: Hex<16>,
    from: i64,
    until: i64,
    priced_micro: Big,
}

#[derive(Serialize, Deserialize)]
struct CreditRest {
    payment: Hex<16>,
    option: Option<u32>,
    amount: Big,
    block_time: i64,
    /// `pending`, `reversed`, or an outcome: then it is settled.
    standing: String,
    applied: Big,
    value_micro: Big,
}

#[derive(Serialize, Deserialize)]
struct ExceptionRest {
    kind: String,
    amount: Big,
    payment: Option<Hex<16>>,
    created: i64,
}

/// When the payers' grace ends.
pub(crate) fn closes_at(c: &Checkout) -> Timestamp {
    c.terms.expires_at.plus(Duration::from_secs(u64::from(c.terms.grace_seconds)))
}

pub(crate) fn values(c: &Checkout) -> [Value<'_>; 11] {
    let (state, at) = match c.state {
        State::Open => ("open", None),
        State::Processing => ("processing", None),
        State::Complete { at } => ("complete", Some(at.millis())),
        State::Expired { at } => ("expired", Some(at.millis())),
        State::Canceled { at } => ("canceled", Some(at.millis())),
    };
    let rest = Rest {
        minor: Big(c.price.minor),
        currency: c.price.currency.code().into(),
        grace_seconds: c.terms.grace_seconds,
        tolerance_bps: c.terms.tolerance_bps,
        tolerance_max_minor: Big(c.terms.tolerance_max_minor),
        over_dust_minor: Big(c.terms.over_dust_minor),
        late_policy: late_word(c.terms.late_policy).into(),
        matching: matching_word(c.terms.matching).into(),
        written_off: Big(c.written_off),
        options: c.options.iter().map(option_rest).collect(),
        credits: c.credits.iter().map(credit_rest).collect(),
        exceptions: c.exceptions.iter().map(exception_rest).collect(),
    };
    [
        Value::id(c.id),
        Value::id(c.account),
        millis(c.created),
        Value::count(c.version),
        Value::Text(state),
        Value::maybe_int(at),
        millis(c.terms.expires_at),
        millis(closes_at(c)),
        Value::Blob(&c.private.0),
        Value::Blob(c.lookups.as_flattened()),
        json(&rest),
    ]
}

fn option_rest(o: &PaymentOption) -> OptionRest<'_> {
    OptionRest {
        network: o.network.as_str().into(),
        kind: o.kind.into(),
        chain_id: o.chain_id,
        asset: o.asset.as_str().into(),
        token: Hex(o.token.0),
        decimals: o.decimals,
        address: Hex(o.address.0),
        wallet: Hex(o.wallet.bits().to_be_bytes()),
        derivation: o.derivation,
        due: Big(o.due),
        tag: Big(o.tag),
        numerator: Big(o.rate.numerator),
        denominator: Big(o.rate.denominator),
        quoted: o.quoted.as_ref().map(quoted_rest),
        earlier: o.earlier.iter().map(lock_rest).collect(),
        mac: Hex(o.mac),
    }
}

fn lock_rest(l: &Lock) -> LockRest {
    LockRest {
        due: Big(l.due),
        tag: Big(l.tag),
        numerator: Big(l.rate.numerator),
        denominator: Big(l.rate.denominator),
        quoted: l.quoted.as_ref().map(quoted_rest),
    }
}

fn quoted_rest(q: &Quoted) -> QuotedRest {
    QuotedRest {
        quote: Hex(q.quote.bits().to_be_bytes()),
        from: q.from.millis(),
        until: q.until.millis(),
        priced_micro: Big(q.priced_micro),
    }
}

fn credit_rest(c: &Credit) -> CreditRest {
    let (standing, applied, value_micro) = match c.standing {
        Standing::Pending => ("pending", 0, 0),
        Standing::Reversed => ("chain_reversed", 0, 0),
        Standing::Settled { outcome, applied, value_micro } => (outcome_word(outcome), applied, value_micro),
    };
    CreditRest {
        payment: Hex(c.payment.bits().to_be_bytes()),
        option: c.option,
        amount: Big(c.amount),
        block_time: c.block_time.millis(),
        standing: standing.to_owned(),
        applied: Big(applied),
        value_micro: Big(value_micro),
    }
}

fn exception_rest(e: &Exception) -> ExceptionRest {
    ExceptionRest {
        kind: exception_word(e.kind).to_owned(),
        amount: Big(e.amount),
        payment: e.payment.map(|p| Hex(p.bits().to_be_bytes())),
        created: e.created.millis(),
    }
}

fn payment_id(bits: Hex<16>) -> PaymentId {
    PaymentId::from_bits(u128::from_be_bytes(bits.0))
}

fn option(o: OptionRest<'_>) -> PaymentOption {
    PaymentOption {
        network: o.network.into_owned(),
        kind: o.kind.into(),
        chain_id: o.chain_id,
        asset: o.asset.into_owned(),
        token: Address(o.token.0),
        decimals: o.decimals,
        address: Address(o.address.0),
        wallet: WalletId::from_bits(u128::from_be_bytes(o.wallet.0)),
        derivation: o.derivation,
        due: o.due.0,
        tag: o.tag.0,
        rate: Rate { numerator: o.numerator.0, denominator: o.denominator.0 },
        quoted: o.quoted.map(quoted),
        earlier: o.earlier.into_iter().map(lock).collect(),
        mac: o.mac.0,
    }
}

fn lock(l: LockRest) -> Lock {
    Lock {
        due: l.due.0,
        tag: l.tag.0,
        rate: Rate { numerator: l.numerator.0, denominator: l.denominator.0 },
        quoted: l.quoted.map(quoted),
    }
}

fn quoted(q: QuotedRest) -> Quoted {
    Quoted {
        quote: QuoteId::from_bits(u128::from_be_bytes(q.quote.0)),
        from: Timestamp::from_millis(q.from),
        until: Timestamp::from_millis(q.until),
        priced_micro: q.priced_micro.0,
    }
}

fn credit(row: &Row<'_>, c: &CreditRest) -> Result<Credit, ReadError> {
    let standing = match c.standing.as_str() {
        "pending" => Standing::Pending,
        "chain_reversed" => Standing::Reversed,
        word => Standing::Settled {
            outcome: outcome_from(word).ok_or_else(|| row.corrupt("an unknown outcome"))?,
            applied: c.applied.0,
            value_micro: c.value_micro.0,
        },
    };
    Ok(Credit {
        payment: payment_id(c.payment),
        option: c.option,
        amount: c.amount.0,
        block_time: Timestamp::from_millis(c.block_time),
        standing,
    })
}

fn exception(row: &Row<'_>, e: &ExceptionRest) -> Result<Exception, ReadError> {
    Ok(Exception {
        kind: exception_from(&e.kind).ok_or_else(|| row.corrupt("an unknown exception"))?,
        amount: e.amount.0,
        payment: e.payment.map(payment_id),
        created: Timestamp::from_millis(e.created),
    })
}

/// The 32-byte hashes of a `lookups` column.
pub(crate) fn lookups(row: &Row<'_>, column: usize) -> Result<Vec<[u8; 32]>, ReadError> {
    let (hashes, []) = row.blob(column)?.as_chunks::<32>() else { return Err(row.corrupt("a cut lookup")) };
    Ok(hashes.to_vec())
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Checkout, ReadError> {
    let row = row.of("checkout");
    let rest: Rest<'_> = row.json(10)?;
    let state = match (row.text(4)?, maybe_time(&row, 5)?) {
        ("open", None) => State::Open,
        ("processing", None) => State::Processing,
        ("complete", Some(at)) => State::Complete { at },
        ("expired", Some(at)) => State::Expired { at },
        ("canceled", Some(at)) => State::Canceled { at },
        _ => return Err(row.corrupt("an impossible state")),
    };
    let currency = Currency::parse(&rest.currency).ok_or_else(|| row.corrupt("an unknown currency"))?;
    let terms = Terms {
        expires_at: time(&row, 6)?,
        grace_seconds: rest.grace_seconds,
        tolerance_bps: rest.tolerance_bps,
        tolerance_max_minor: rest.tolerance_max_minor.0,
        over_dust_minor: rest.over_dust_minor.0,
        late_policy: late_from(&rest.late_policy).ok_or_else(|| row.corrupt("an unknown late policy"))?,
        matching: matching_from(&rest.matching).ok_or_else(|| row.corrupt("an unknown matching"))?,
    };
    Ok(Checkout {
        id: row.parsed(0, |t| CheckoutId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        version: row.count(3)?,
        price: Money { minor: rest.minor.0, currency },
        terms,
        private: Sealed(row.blob(8)?.to_vec()),
        lookups: lookups(&row, 9)?,
        options: rest.options.into_iter().map(option).collect(),
        state,
        credits: rest.credits.iter().map(|c| credit(&row, c)).collect::<Result<_, _>>()?,
        exceptions: rest.exceptions.iter().map(|e| exception(&row, e)).collect::<Result<_, _>>()?,
        written_off: rest.written_off.0,
    })
}

/// One row of `watch` for option `index`.
pub(crate) fn watch_values<'a>(c: &'a Checkout, index: usize, o: &'a PaymentOption) -> [Value<'a>; 9] {
    [
        Value::id(c.account),
        Value::id(c.id),
        Value::count(index as u64),
        Value::Text(&o.network),
        Value::Blob(&o.token.0),
        Value::Blob(&o.address.0),
        Value::amount(o.payable()),
        Value::flag(o.derivation.is_none()),
        millis(c.created),
    ]
}

/// With its `closes_at`, in milliseconds.
pub(crate) fn decode_closing(row: &Row<'_>) -> Result<(Checkout, i64), ReadError> {
    Ok((decode(row)?, row.of("checkout").int(7)?))
}

pub(crate) fn decode_watched(row: &Row<'_>) -> Result<Watched, ReadError> {
    let row = row.of("watch");
    Ok(Watched {
        mark: row.int(0)?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        checkout: row.parsed(2, |t| CheckoutId::parse(t).ok())?,
        option: row.count(3)?,
        network: row.text(4)?.to_owned(),
        token: Address(row.bytes(5)?),
        address: Address(row.bytes(6)?),
        payable: row.amount(7)?,
        unique_amount: row.flag(8)?,
        created: time(&row, 9)?,
        expires_at: time(&row, 10)?,
    })
}
