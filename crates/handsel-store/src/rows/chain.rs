//! chain_cursor and chain_block.

use super::{millis, time};
use crate::ReadError;
use crate::reader::Cursor;
use crate::value::{Row, Value};
use handsel_core::chain::{Address, BlockHash, Header};
use handsel_core::change::CursorMove;

/// The columns of `chain_cursor`, in order.
pub(crate) fn cursor_values(c: &CursorMove) -> [Value<'_>; 8] {
    [
        Value::Text(&c.network),
        Value::count(c.tip.number),
        Value::Blob(&c.tip.hash.0),
        Value::Blob(&c.tip.parent.0),
        Value::count(c.tip.time_seconds),
        Value::count(c.finalized),
        Value::flag(c.halted),
        millis(c.at),
    ]
}

pub(crate) fn block_values<'a>(network: &'a str, h: &'a Header) -> [Value<'a>; 5] {
    [
        Value::Text(network),
        Value::Blob(&h.hash.0),
        Value::count(h.number),
        Value::Blob(&h.parent.0),
        Value::count(h.time_seconds),
    ]
}

pub(crate) fn decode_cursor(row: &Row<'_>) -> Result<Cursor, ReadError> {
    let row = row.of("chain_cursor");
    Ok(Cursor {
        network: row.text(0)?.to_owned(),
        tip: header(&row, 1)?,
        finalized: row.count(5)?,
        halted: row.flag(6)?,
        at: time(&row, 7)?,
    })
}

pub(crate) fn decode_header(row: &Row<'_>) -> Result<Header, ReadError> {
    header(&row.of("chain_block"), 0)
}

pub(crate) fn decode_decimals(row: &Row<'_>) -> Result<(Address, u8), ReadError> {
    let row = row.of("token_check");
    let decimals = u8::try_from(row.int(1)?).map_err(|_| row.corrupt("decimals beyond a byte"))?;
    Ok((Address(row.bytes(0)?), decimals))
}

fn header(row: &Row<'_>, first: usize) -> Result<Header, ReadError> {
    Ok(Header {
        number: row.count(first)?,
        hash: BlockHash(row.bytes(first + 1)?),
        parent: BlockHash(row.bytes(first + 2)?),
        time_seconds: row.count(first + 3)?,
    })
}
