//! Commands of `/v1/test` on a real node that `--chain-rpc` names: payments through an account that the node itself
//! unlocks, blocks on command where the node offers that. This room makes no outbound connection; the wiring puts the
//! network room's client behind [`NodeCaller`].

use std::fmt::Debug;
use std::sync::Arc;

use handsel_core::port::{BoxFuture, PaidTransaction, PayHow, PayOrder, TestError};
use serde_json::{Value, json};

use crate::hash::{Address, Hash, address_word, hex_data, hex_quantity, number_word, parse_hex};
use crate::limits;
use crate::rpc::quantity;
use crate::transaction::TRANSFER_SELECTOR;

/// Asks the named node.
pub trait NodeCaller: Send + Sync + Debug {
    /// Makes one JSON-RPC call. `params` is the text of a JSON list; the answer is the text of `result` (`null` where
    /// there is none), or what to tell people.
    fn call(&self, method: &'static str, params: String) -> BoxFuture<'_, Result<String, String>>;
}

/// A real node's chain, as far as a test may command it.
#[derive(Debug, Clone)]
pub struct RemoteChain {
    /// The network's slug in the configuration.
    pub network: String,
    /// Assets and their contracts.
    pub tokens: Vec<(String, Address)>,
    /// The way to the node.
    pub caller: Arc<dyn NodeCaller>,
}

impl RemoteChain {
    async fn ask(&self, method: &'static str, params: Value) -> Result<Value, TestError> {
        let text = self.caller.call(method, params.to_string()).await.map_err(TestError::Node)?;
        serde_json::from_str(&text).map_err(|_| TestError::Node(format!("{method}: the node's answer is not JSON")))
    }

    /// Sends a transfer from an account that the node signs for; it is mined when the node mines.
    pub(crate) async fn pay(&self, order: PayOrder) -> Result<PaidTransaction, TestError> {
        let (_, token) = self.tokens.iter().find(|(asset, _)| *asset == order.asset).ok_or(TestError::UnknownAsset)?;
        if order.how != PayHow::Mined {
            return Err(TestError::Invalid(
                "a real node neither holds a payment back nor replaces blocks; use the simulated chain for that",
            ));
        }
        let from = match order.from {
            Some(address) => hex_data(&address.0),
            None => self.unlocked_account().await?,
        };
        let data = [&TRANSFER_SELECTOR[..], &address_word(&order.to.0), &number_word(order.amount)].concat();
        let call = json!([{ "from": from, "to": hex_data(token), "data": hex_data(&data) }]);
        let sent = self.ask("eth_sendTransaction", call).await?;
        let transaction: Option<Hash> = sent.as_str().and_then(parse_hex);
        let transaction =
            transaction.ok_or_else(|| TestError::Node("eth_sendTransaction: no hash came back".into()))?;
        Ok(PaidTransaction { network: order.network, transaction })
    }

    async fn unlocked_account(&self) -> Result<String, TestError> {
        let accounts = self.ask("eth_accounts", json!([])).await?;
        let first = accounts.get(0).and_then(Value::as_str).filter(|text| parse_hex::<20>(text).is_some());
        first.map(str::to_owned).ok_or_else(|| {
            TestError::Node("the node has no unlocked account; give `from`, or pay from a wallet".into())
        })
    }

    /// Mines at once, on nodes that do so on command; gives the head.
    pub(crate) async fn mine(&self, blocks: u64) -> Result<u64, TestError> {
        if !(1..=limits::MINE_BLOCKS).contains(&blocks) {
            return Err(TestError::Invalid("blocks must be between 1 and 10000"));
        }
        self.ask("anvil_mine", json!([hex_quantity(blocks)])).await?;
        let head = self.ask("eth_blockNumber", json!([])).await?;
        number(&head, "eth_blockNumber")
    }

    /// Mines what waits and as many blocks on top as the node's own distance to `finalized`; gives the head.
    pub(crate) async fn finalize(&self) -> Result<u64, TestError> {
        let target = self.mine(1).await?;
        let finalized = self.ask("eth_getBlockByNumber", json!(["finalized", false])).await?;
        let finalized = number(&finalized["number"], "finalized")?;
        match target.saturating_sub(finalized) {
            0 => Ok(target),
            missing => self.mine(missing).await,
        }
    }
}

fn number(value: &Value, what: &str) -> Result<u64, TestError> {
    value.as_str().and_then(quantity).ok_or_else(|| TestError::Node(format!("{what}: the node gave no number")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::sync::Mutex;

    /// A node that answers from a list and notes what it was asked.
    #[derive(Debug)]
    struct Script(Mutex<Vec<&'static str>>, Mutex<Vec<String>>);

    impl NodeCaller for Script {
        fn call(&self, method: &'static str, params: String) -> BoxFuture<'_, Result<String, String>> {
            self.1.lock().unwrap().push(format!("{method} {params}"));
            Box::pin(std::future::ready(Ok(self.0.lock().unwrap().remove(0).to_owned())))
        }
    }

    fn remote(answers: &[&'static str]) -> (RemoteChain, Arc<Script>) {
        let script = Arc::new(Script(Mutex::new(answers.to_vec()), Mutex::default()));
        let caller = Arc::clone(&script) as Arc<dyn NodeCaller>;
        (RemoteChain { network: "anvil".into(), tokens: vec![("USDT".into(), [7; 20])], caller }, script)
    }

    fn order(asset: &str, how: PayHow) -> PayOrder {
        let to = handsel_core::chain::Address([2; 20]);
        PayOrder { network: "anvil".into(), asset: asset.into(), to, amount: 255, from: None, how }
    }

    const HASH: &str = "\"0x0101010101010101010101010101010101010101010101010101010101010101\"";

    #[tokio::test]
    async fn pays_from_the_first_unlocked_account() {
        let (chain, script) = remote(&["[\"0x0909090909090909090909090909090909090909\"]", HASH]);
        let paid = chain.pay(order("USDT", PayHow::Mined)).await.unwrap();
        assert_eq!(paid, PaidTransaction { network: "anvil".into(), transaction: [1; 32] });
        let asked = script.1.lock().unwrap();
        let data = format!("0xa9059cbb{}{}{:064x}", "0".repeat(24), "02".repeat(20), 255);
        let (from, to) = (hex_data(&[9; 20]), hex_data(&[7; 20]));
        let expected = json!([{ "from": from, "to": to, "data": data }]);
        assert_eq!(asked[1], format!("eth_sendTransaction {expected}"));
    }

    #[tokio::test]
    async fn says_what_is_missing() {
        let (chain, _) = remote(&["[]"]);
        assert_eq!(chain.pay(order("EURC", PayHow::Mined)).await, Err(TestError::UnknownAsset));
        assert!(matches!(chain.pay(order("USDT", PayHow::Pending)).await, Err(TestError::Invalid(_))));
        assert!(matches!(chain.pay(order("USDT", PayHow::Mined)).await, Err(TestError::Node(_))));
        let (chain, _) = remote(&["null", "<html>"]);
        assert!(matches!(chain.mine(1).await, Err(TestError::Node(_))));
    }

    #[tokio::test]
    async fn finalize_bridges_the_nodes_own_distance() {
        let (chain, script) = remote(&["null", "\"0x65\"", "{\"number\":\"0x24\"}", "null", "\"0xa6\""]);
        assert_eq!(chain.finalize().await, Ok(0xa6));
        assert_eq!(script.1.lock().unwrap()[3], "anvil_mine [\"0x41\"]");
    }
}
