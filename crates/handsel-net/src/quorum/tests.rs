//! Nodes that are dead, behind, on a fork, silent or lying, against those that are right.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A node as a test wants it to be.
#[derive(Debug, Clone)]
struct Node {
    chain_id: u64,
    /// Headers from height 0 up.
    headers: Vec<Header>,
    finalized: u64,
    transfers: Result<Vec<Transfer>, ChainError>,
    habit: Habit,
    asked: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Answers,
    Refuses,
    Silent,
}

/// Headers 0 to `top`; from `fork` on of branch `branch`.
fn chain(top: u64, fork: u64, branch: u8) -> Vec<Header> {
    let hash = |number: u64| {
        let mut hash = [0u8; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash[8] = if number >= fork { branch } else { 0 };
        BlockHash(hash)
    };
    let header = |number: u64| Header {
        number,
        hash: hash(number),
        parent: number.checked_sub(1).map_or(BlockHash([0xff; 32]), hash),
        time_seconds: number * 12,
    };
    (0..=top).map(header).collect()
}

fn honest(top: u64) -> Node {
    Node {
        chain_id: 1,
        headers: chain(top, u64::MAX, 0),
        finalized: top.saturating_sub(10),
        transfers: Ok(Vec::new()),
        habit: Habit::Answers,
        asked: Arc::default(),
    }
}

fn forked(top: u64, fork: u64, branch: u8) -> Node {
    Node { headers: chain(top, fork, branch), ..honest(top) }
}

impl Node {
    fn say<T: Send + 'static>(&self, answer: Result<T, ChainError>) -> BoxFuture<'_, Result<T, ChainError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.habit {
            Habit::Answers => Box::pin(async { answer }),
            Habit::Refuses => Box::pin(async { Err(ChainError::Unavailable("dead")) }),
            Habit::Silent => Box::pin(core::future::pending()),
        }
    }

    fn at(&self, number: u64) -> Option<Header> {
        self.headers.get(usize::try_from(number).ok()?).copied()
    }
}

impl ChainSource for Node {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        self.say(Ok(self.chain_id))
    }
    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.say(Ok(match tag {
            HeadTag::Latest => self.headers.last().copied(),
            HeadTag::Finalized => self.at(self.finalized),
        }))
    }
    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.say(Ok(self.at(number)))
    }
    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.say(Ok(self.headers.iter().find(|h| h.hash == hash).copied()))
    }
    fn transfers(&self, _block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        self.say(self.transfers.clone())
    }
    fn token_decimals(&self, _token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        self.say(Ok(Some(6)))
    }
    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(limit))
    }
}

fn source(nodes: &[Node], proven: bool) -> QuorumSource {
    let named = nodes.iter().enumerate().map(|(n, node)| {
        let source: Arc<dyn ChainSource> = Arc::new(node.clone());
        (format!("node-{n}:8545"), source)
    });
    QuorumSource::new(named.collect(), majority(nodes.len()), proven).unwrap()
}

fn transfer(value: u8) -> Transfer {
    Transfer {
        block: BlockHash([1; 32]),
        tx: handsel_core::chain::TxHash([2; 32]),
        block_log_index: 0,
        tx_position: 0,
        token: Address([3; 20]),
        from: Address([4; 20]),
        to: Address([5; 20]),
        value: [value; 32],
    }
}

async fn head(source: &QuorumSource) -> Result<u64, ChainError> {
    source.head(HeadTag::Latest).await.map(|head| head.unwrap().number)
}

#[test]
fn a_quorum_is_between_one_and_all() {
    let nodes = || vec![("a".to_owned(), Arc::new(honest(1)) as Arc<dyn ChainSource>)];
    assert!(QuorumSource::new(nodes(), 0, true).is_err());
    assert!(QuorumSource::new(nodes(), 2, true).is_err());
    assert!(QuorumSource::new(nodes(), 1, true).is_ok());
    assert_eq!((1..=5).map(majority).collect::<Vec<_>>(), [1, 2, 2, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn one_dead_node_of_three_is_not_missed_and_two_are() {
    let dead = Node { habit: Habit::Refuses, ..honest(100) };
    let mostly = source(&[honest(100), dead.clone(), honest(100)], true);
    assert_eq!(head(&mostly).await, Ok(100));
    assert_eq!(mostly.header_at(50).await.unwrap().unwrap().number, 50);
    assert_eq!(mostly.head(HeadTag::Finalized).await.unwrap().unwrap().number, 90);
    let hardly = source(&[honest(100), dead.clone(), dead], true);
    assert!(matches!(head(&hardly).await, Err(ChainError::Unavailable(_))));
    assert!(matches!(hardly.header_at(50).await, Err(ChainError::Unavailable(_))));
    assert_eq!(hardly.head(HeadTag::Finalized).await, Ok(None), "finality waits, it is not guessed");
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_holds_nobody_back() {
    let silent = Node { habit: Habit::Silent, ..honest(100) };
    let nodes = source(&[silent, honest(100), honest(100)], true);
    let begun = Instant::now();
    assert_eq!(head(&nodes).await, Ok(100));
    assert!(begun.elapsed() <= Duration::from_millis(2 * QUORUM_STRAGGLERS_WAIT_MS), "time is simulated here");
}

#[tokio::test(start_paused = true)]
async fn the_head_is_the_highest_that_a_quorum_has() {
    assert_eq!(head(&source(&[honest(100), honest(98), honest(90)], true)).await, Ok(98));
    assert_eq!(head(&source(&[honest(100), honest(98)], true)).await, Ok(98));
    assert_eq!(head(&source(&[honest(100)], true)).await, Ok(100));
}

#[tokio::test(start_paused = true)]
async fn a_fork_of_one_node_is_nobodys_head() {
    let liar = forked(130, 95, 7);
    let nodes = source(&[liar.clone(), honest(100), honest(100)], true);
    let found = nodes.head(HeadTag::Latest).await.unwrap().unwrap();
    assert_eq!(found, honest(100).headers[100]);
    assert_eq!(nodes.header_at(97).await.unwrap().unwrap(), honest(100).headers[97]);
}

#[tokio::test(start_paused = true)]
async fn two_nodes_on_two_branches_agree_on_where_they_parted() {
    let nodes = source(&[forked(100, 98, 1), forked(100, 98, 2)], true);
    assert_eq!(head(&nodes).await, Ok(97));
    assert_eq!(nodes.header_at(99).await, Err(ChainError::Disagreed));
    let apart = source(&[forked(100, 50, 1), forked(100, 50, 2)], true);
    assert_eq!(head(&apart).await, Err(ChainError::Disagreed), "too far below their heads to look for");
}

#[tokio::test(start_paused = true)]
async fn who_contradicts_finality_is_told_of_and_not_asked_again() {
    let liar = Node { finalized: 95, ..forked(100, 90, 7) };
    let right = || Node { finalized: 95, ..honest(100) };
    let nodes = source(&[liar.clone(), right(), right()], true);
    assert_eq!(nodes.head(HeadTag::Finalized).await.unwrap().unwrap(), right().headers[95]);
    assert_eq!(nodes.notices(), [SourceNotice::Banned { node: "node-0:8545".to_owned(), ban: Ban::Equivocated }]);
    assert_eq!(nodes.notices(), []);
    let before = liar.asked.load(Ordering::Relaxed);
    assert_eq!(head(&nodes).await, Ok(100));
    assert_eq!(nodes.head(HeadTag::Finalized).await.unwrap().unwrap().number, 95);
    assert_eq!(liar.asked.load(Ordering::Relaxed), before);
}

#[tokio::test(start_paused = true)]
async fn two_that_contradict_each_other_make_nothing_final() {
    let other = Node { finalized: 95, ..forked(100, 90, 7) };
    let nodes = source(&[other, Node { finalized: 95, ..honest(100) }], true);
    assert_eq!(nodes.head(HeadTag::Finalized).await, Ok(None));
    assert_eq!(nodes.notices(), [], "nobody knows who is wrong");
}

#[tokio::test(start_paused = true)]
async fn a_node_of_another_chain_is_not_asked_again() {
    let stray = Node { chain_id: 2, ..forked(100, 0, 9) };
    let nodes = source(&[honest(100), stray, honest(100)], true);
    assert_eq!(nodes.chain_id().await, Ok(1));
    assert_eq!(nodes.notices(), [SourceNotice::Banned { node: "node-1:8545".to_owned(), ban: Ban::OtherChain }]);
}

#[tokio::test(start_paused = true)]
async fn what_was_disproved_is_asked_of_the_next_node() {
    let liar = Node { transfers: Err(ChainError::Disproved(Disproof::ReceiptsRoot)), ..honest(100) };
    let right = Node { transfers: Ok(vec![transfer(1)]), ..honest(100) };
    let nodes = source(&[liar.clone(), right], true);
    assert_eq!(nodes.transfers(BlockHash([1; 32])).await, Ok(vec![transfer(1)]));
    let told = SourceNotice::Disproved { node: "node-0:8545".to_owned(), what: Disproof::ReceiptsRoot };
    assert_eq!(nodes.notices(), [told]);
    let before = liar.asked.load(Ordering::Relaxed);
    assert_eq!(nodes.transfers(BlockHash([1; 32])).await, Ok(vec![transfer(1)]));
    assert_eq!(liar.asked.load(Ordering::Relaxed), before, "it ranks last now");
    let alone = source(&[liar], true);
    assert_eq!(alone.transfers(BlockHash([1; 32])).await, Err(ChainError::Disproved(Disproof::ReceiptsRoot)));
}

#[tokio::test(start_paused = true)]
async fn without_proofs_two_must_say_the_same() {
    let says = |value: u8| Node { transfers: Ok(vec![transfer(value)]), ..honest(100) };
    let block = BlockHash([1; 32]);
    assert_eq!(source(&[says(1), says(2), says(1)], false).transfers(block).await, Ok(vec![transfer(1)]));
    assert_eq!(source(&[says(1), says(2)], false).transfers(block).await, Err(ChainError::Disagreed));
    let dead = Node { habit: Habit::Refuses, ..honest(100) };
    let one_left = source(&[says(1), dead], false).transfers(block).await;
    assert!(matches!(one_left, Err(ChainError::Unavailable(_))), "{one_left:?}");
    assert_eq!(source(&[says(1)], false).transfers(block).await, Ok(vec![transfer(1)]));
    assert_eq!(source(&[says(1), says(2)], true).transfers(block).await, Ok(vec![transfer(1)]));
}

proptest::proptest! {
    /// Whatever a minority does: the head and what is final are blocks of the honest chain, or there is no answer.
    #[test]
    fn a_minority_decides_nothing(
        tops in proptest::collection::vec(80u64..120, 3),
        liars in proptest::collection::vec((60u64..140, 40u64..120, 1u8..4, 0u64..140, 0u8..3), 2),
    ) {
        let liar = |(top, fork, branch, finalized, habit): (u64, u64, u8, u64, u8)| Node {
            finalized: finalized.min(top),
            habit: match habit { 0 => Habit::Refuses, 1 => Habit::Silent, _ => Habit::Answers },
            ..forked(top, fork, branch)
        };
        let nodes: Vec<Node> = liars.into_iter().map(liar).chain(tops.into_iter().map(honest)).collect();
        let truth = honest(200);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let source = source(&nodes, true);
            for _ in 0..3 {
                let final_one = source.head(HeadTag::Finalized).await.unwrap().unwrap();
                assert_eq!(Some(&final_one), truth.headers.get(usize::try_from(final_one.number).unwrap()));
                let head = source.head(HeadTag::Latest).await.unwrap().unwrap();
                assert_eq!(Some(&head), truth.headers.get(usize::try_from(head.number).unwrap()));
                for number in [70, 85, 110] {
                    if let Ok(Some(found)) = source.header_at(number).await {
                        assert_eq!(found, truth.headers[usize::try_from(number).unwrap()]);
                    }
                }
            }
        });
    }
}
