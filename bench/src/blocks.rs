//! Mainnet-size blocks as `eth_getBlockReceipts` answers them: 200 receipts, 300 logs of which 60 are ERC-20 transfers, about
//! 600 KB of JSON with every field that nodes write (03 b.9). Seeded, so that every run reads the same bytes.

use crate::chance::Chance;
use handsel_core::chain::Address;
use std::fmt::Write as _;

pub(crate) const RECEIPTS: usize = 200;
pub(crate) const LOGS: usize = 300;
pub(crate) const TRANSFERS: usize = 60;

const TRANSFER_TOPIC: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// One answer and what must be found in it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) answer: Vec<u8>,
    /// How many of its transfers pay an open checkout.
    pub(crate) paying: usize,
}

/// Facts that all texts of one block share.
struct Frame<'a> {
    chance: &'a Chance,
    number: u64,
    hash: String,
    tokens: &'a [Address],
    /// Receivers of the first transfers; the others go to strangers.
    payees: &'a [Address],
}

/// Renders one block under the call id `id`; its first transfers pay `payees` in the first of `tokens`.
pub(crate) fn render(chance: &Chance, id: u64, number: u64, tokens: &[Address], payees: &[Address]) -> Block {
    let frame = Frame { chance, number, hash: word(chance), tokens, payees };
    let mut out = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":["#);
    let (mut logs, mut transfers) = (0, 0);
    for at in 0..RECEIPTS {
        let until = LOGS * (at + 1) / RECEIPTS;
        frame.receipt(&mut out, at, logs..until, &mut transfers);
        logs = until;
    }
    out.push_str("]}");
    Block { answer: out.into_bytes(), paying: payees.len() }
}

impl Frame<'_> {
    fn receipt(&self, out: &mut String, at: usize, logs: std::ops::Range<usize>, transfers: &mut usize) {
        let tx = word(self.chance);
        comma(out, at);
        let _ = write!(
            out,
            r#"{{"blockHash":"{}","blockNumber":"0x{:x}","contractAddress":null,"cumulativeGasUsed":"0x{:x}","#,
            self.hash,
            self.number,
            (at + 1) * 150_000
        );
        let gas = 21_000 + self.chance.below(300_000);
        let (from, to) = (address(self.chance), address(self.chance));
        let _ = write!(out, r#""effectiveGasPrice":"0x{:x}","from":"{from}","gasUsed":"0x{gas:x}","logs":["#, gas * 7);
        for log in logs.clone() {
            comma(out, log - logs.start);
            // A fifth of all logs, spread evenly, are transfers.
            if log % (LOGS / TRANSFERS) == 0 {
                self.transfer(out, *transfers);
                *transfers += 1;
            } else {
                self.other_log(out);
            }
            let _ = write!(
                out,
                r#""blockNumber":"0x{:x}","transactionHash":"{tx}","transactionIndex":"0x{at:x}","blockHash":"{}","blockTimestamp":"0x{:x}","logIndex":"0x{log:x}","removed":false}}"#,
                self.number,
                self.hash,
                1_760_000_000 + self.number * 12
            );
        }
        let bloom = hex::encode(self.chance.bytes::<256>());
        let _ = write!(
            out,
            r#"],"logsBloom":"0x{bloom}","status":"0x1","to":"{to}","transactionHash":"{tx}","transactionIndex":"0x{at:x}","type":"0x2"}}"#
        );
    }

    fn transfer(&self, out: &mut String, nth: usize) {
        let payee = self.payees.get(nth).copied();
        let to = payee.unwrap_or_else(|| Address(self.chance.bytes()));
        let which = if payee.is_some() { 0 } else { self.chance.below(self.tokens.len().max(1) as u64) as usize };
        let token = self.tokens.get(which).copied().unwrap_or_default();
        let (from, value) = (hex::encode(self.chance.bytes::<20>()), 1 + self.chance.below(1 << 40));
        let to = hex::encode(to.0);
        let _ = write!(
            out,
            r#"{{"address":"{token}","topics":["{TRANSFER_TOPIC}","0x{:024}{from}","0x{:024}{to}"],"data":"0x{value:064x}","#,
            0, 0
        );
    }

    /// A swap, a sync, an approval: 1 to 4 topics and 1 to 27 words of data.
    fn other_log(&self, out: &mut String) {
        let _ = write!(out, r#"{{"address":"{}","topics":["#, address(self.chance));
        for topic in 0..=self.chance.below(4) {
            comma(out, topic as usize);
            let _ = write!(out, r#""{}""#, word(self.chance));
        }
        out.push_str(r#"],"data":"0x"#);
        for _ in 0..=self.chance.below(27) {
            out.push_str(&hex::encode(self.chance.bytes::<32>()));
        }
        out.push_str(r#"","#);
    }
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

fn word(chance: &Chance) -> String {
    format!("0x{}", hex::encode(chance.bytes::<32>()))
}

fn address(chance: &Chance) -> String {
    format!("0x{}", hex::encode(chance.bytes::<20>()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_block_has_its_promised_size_and_shape() {
        let block = render(&Chance::new(1), 7, 100, &[Address([1; 20])], &[Address([2; 20])]);
        let answer: serde_json::Value = serde_json::from_slice(&block.answer).unwrap();
        let receipts = answer["result"].as_array().unwrap();
        let logs: Vec<_> = receipts.iter().flat_map(|r| r["logs"].as_array().unwrap()).collect();
        let transfers = logs.iter().filter(|l| l["topics"][0] == TRANSFER_TOPIC).count();
        assert_eq!((receipts.len(), logs.len(), transfers), (RECEIPTS, LOGS, TRANSFERS));
        assert!((550_000..650_000).contains(&block.answer.len()), "{}", block.answer.len());
    }
}
