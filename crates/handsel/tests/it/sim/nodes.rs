//! Two networks, each one chain with one to three nodes. A node's answer is the sandbox's own JSON-RPC text; what goes wrong on its
//! way is drawn for each call.

use super::gate::Keeper;
use crate::harness::Chance;
use handsel_core::chain::proof::VerifyMode;
use handsel_core::chain::{Address, Kind, Network, Token};
use handsel_core::money::Currency;
use handsel_core::port::{BoxFuture, ChainSource};
use handsel_net::egress::{Answer, EgressError, Phase};
use handsel_net::evm::EvmSource;
use handsel_net::quorum::{QuorumSource, majority};
use handsel_net::rpc::Transport;
use handsel_sandbox::{CHAIN_ID, Chain, TOKENS};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const NAMES: [&str; 2] = ["alpha", "beta"];
const CONFIRMATIONS: [u32; 2] = [3, 2];
/// Half of it is the time between two polls.
const BLOCK_TIME_MS: u64 = 8_000;
const FINALIZED_ABOVE_USD_CENTS: u128 = 50_00;
/// How long a node that doesn't answer keeps its caller.
const SILENCE: Duration = Duration::from_secs(30);

/// How a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Never answers.
    Dead,
    /// No connection.
    Gone,
    /// An internal error, in JSON-RPC.
    Errors,
    /// The same, where it is asked what a block holds.
    HoldsBack,
    /// The answer ends early.
    Cuts,
    /// Answers come late, so that a later one overtakes an earlier one.
    Slow,
    /// Now and then the answer of an earlier call comes.
    Repeats,
    /// It has seen no block since.
    Lags(u64),
    /// What a block holds is not what it says.
    Lies(Lie),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    OneLess,
    OtherAmount,
    OtherReceiver,
    OtherParent,
}

/// One chain and its nodes.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) name: &'static str,
    pub(crate) chain: Chain,
    pub(crate) finality: u64,
    pub(crate) nodes: Vec<Arc<Node>>,
    at: usize,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    /// Of ten calls so many are affected.
    of_ten: u64,
    last: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Node {
    label: String,
    net: std::sync::Weak<Net>,
    state: Mutex<State>,
    chance: Chance,
    gate: Arc<Keeper>,
}

/// What is configured for one of the networks.
pub(crate) fn network(at: usize) -> Network {
    let token = |facts: &handsel_sandbox::TokenFacts| Token {
        asset: facts.symbol.to_owned(),
        contract: Address(facts.address),
        decimals: facts.decimals,
        pegged_to: Currency::parse(if facts.symbol == "EURC" { "EUR" } else { "USD" }),
    };
    Network {
        name: NAMES[at].to_owned(),
        kind: Kind::Evm,
        chain_id: CHAIN_ID + at as u64,
        confirmations: CONFIRMATIONS[at],
        min_seconds: 0,
        finalized_above_usd_cents: FINALIZED_ABOVE_USD_CENTS,
        block_time_ms: BLOCK_TIME_MS,
        tokens: TOKENS.iter().map(token).collect(),
    }
}

impl Net {
    pub(crate) fn new(at: usize, finality: u64, providers: u64, chance: Chance, gate: Arc<Keeper>) -> Arc<Self> {
        let start = u64::try_from(super::world::START_SECONDS).unwrap() - 60;
        let chain = Chain::in_memory([at as u8 + 1; 32], start, finality).unwrap();
        let blocks = finality + 2;
        chain.mine(blocks, start).unwrap();
        Arc::new_cyclic(|net| {
            let node = |number| {
                Arc::new(Node {
                    label: format!("{}-{number}:8545", NAMES[at]),
                    net: std::sync::Weak::clone(net),
                    state: Mutex::new(State { mood: Mood::Well, of_ten: 10, last: None }),
                    chance: Chance::branch(chance.next(), number),
                    gate: Arc::clone(&gate),
                })
            };
            Self { name: NAMES[at], chain, finality, nodes: (0..providers).map(node).collect(), at }
        })
    }

    pub(crate) fn network(&self) -> Network {
        network(self.at)
    }

    /// All nodes as one source, as the wiring puts them together.
    pub(crate) fn source(&self) -> Arc<dyn ChainSource> {
        let member = |node: &Arc<Node>| {
            let source = EvmSource::over(Arc::clone(node) as Arc<dyn Transport>, VerifyMode::ReceiptsRoot);
            (node.label.clone(), Arc::new(source) as Arc<dyn ChainSource>)
        };
        let members = self.nodes.iter().map(member).collect();
        Arc::new(QuorumSource::new(members, majority(self.nodes.len()), true).unwrap())
    }

    pub(crate) fn heal(&self) {
        for node in &self.nodes {
            node.set(Mood::Well, 10);
        }
    }

    pub(crate) fn all(&self, mood: Mood) {
        for node in &self.nodes {
            node.set(mood, 10);
        }
    }
}

impl Node {
    pub(crate) fn set(&self, mood: Mood, of_ten: u64) {
        let mut state = self.state.lock().unwrap();
        (state.mood, state.of_ten) = (mood, of_ten);
    }

    async fn answer(&self, body: &str) -> Result<Vec<u8>, EgressError> {
        let (mood, of_ten) = {
            let state = self.state.lock().unwrap();
            (state.mood, state.of_ten)
        };
        let lagging = matches!(mood, Mood::Lags(_));
        let mood = if lagging || self.chance.below(10) < of_ten { mood } else { Mood::Well };
        tokio::time::sleep(Duration::from_millis(1 + self.chance.below(20))).await;
        self.gate.survive().await;
        let Some(net) = self.net.upgrade() else { return Err(EgressError::ConnectFailed) };
        let stuck_at = match mood {
            Mood::Dead => {
                tokio::time::sleep(SILENCE).await;
                return Err(EgressError::Timeout(Phase::FirstByte));
            }
            Mood::Gone => return Err(EgressError::ConnectFailed),
            Mood::HoldsBack if !asks_contents(body) => None,
            Mood::Errors | Mood::HoldsBack => {
                return Ok(
                    br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}"#.to_vec()
                );
            }
            Mood::Lags(height) => Some(height),
            _ => None,
        };
        let mut answer = net.chain.answer(body.as_bytes(), stuck_at);
        if body.contains("eth_chainId") {
            let (stated, own) = (format!("{CHAIN_ID:#x}"), format!("{:#x}", net.network().chain_id));
            answer = String::from_utf8(answer).unwrap().replace(&stated, &own).into_bytes();
        }
        let last = self.state.lock().unwrap().last.replace(answer.clone());
        match mood {
            Mood::Cuts => answer.truncate(answer.len() / 2),
            Mood::Slow => tokio::time::sleep(Duration::from_millis(self.chance.below(7_000))).await,
            Mood::Repeats => answer = last.unwrap_or(answer),
            Mood::Lies(lie) => answer = lie.told(body, &answer, &self.chance),
            _ => {}
        }
        self.gate.survive().await;
        Ok(answer)
    }
}

impl Transport for Node {
    fn label(&self) -> String {
        self.label.clone()
    }
    fn post<'a>(&'a self, body: &'a str, _: usize) -> BoxFuture<'a, Result<Answer, EgressError>> {
        Box::pin(async move {
            let body = self.answer(body).await?;
            Ok(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body, truncated: false })
        })
    }
}

impl Lie {
    fn told(self, asked: &str, answer: &[u8], chance: &Chance) -> Vec<u8> {
        let Ok(mut told) = serde_json::from_slice::<Value>(answer) else { return answer.to_vec() };
        let contents = asks_contents(asked);
        let Some(result) = told.get_mut("result") else { return answer.to_vec() };
        match (self, result) {
            (Self::Nothing, Value::Array(list)) if contents => list.clear(),
            (Self::OneLess, Value::Array(list)) if contents && !list.is_empty() => {
                list.remove(usize::try_from(chance.below(list.len() as u64)).unwrap());
            }
            (Self::OtherAmount, Value::Array(list)) if contents => each_log(list, |log| {
                log["data"] = format!("0x{:064x}", chance.below(1 << 40)).into();
            }),
            (Self::OtherReceiver, Value::Array(list)) if contents => each_log(list, |log| {
                log["topics"][2] = format!("0x{:064x}", chance.below(1 << 40)).into();
            }),
            (Self::OtherParent, Value::Object(header)) if header.contains_key("parentHash") => {
                header.insert("parentHash".to_owned(), format!("0x{:064x}", chance.next()).into());
            }
            _ => return answer.to_vec(),
        }
        told.to_string().into_bytes()
    }
}

fn asks_contents(asked: &str) -> bool {
    asked.contains("eth_getBlockReceipts") || asked.contains("eth_getLogs")
}

fn each_log(receipts: &mut [Value], change: impl Fn(&mut Value)) {
    for receipt in receipts {
        receipt["logs"].as_array_mut().into_iter().flatten().for_each(&change);
    }
}
