#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A chain that a test changes while it is watched.
#[derive(Debug, Default)]
struct Chain {
    finalized: Mutex<u64>,
    /// Heights whose blocks are of another branch.
    forked: Mutex<Vec<u64>>,
    /// Heights whose blocks hold another amount than before.
    changed: Mutex<Vec<u64>>,
    silent: Mutex<bool>,
}

fn hash(number: u64, branch: u8) -> BlockHash {
    let mut hash = [branch; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    BlockHash(hash)
}

impl Chain {
    fn at(&self, number: u64) -> Header {
        let branch = |number: &u64| u8::from(self.forked.lock().unwrap().contains(number));
        let parent = number - 1;
        Header { number, hash: hash(number, branch(&number)), parent: hash(parent, branch(&parent)), time_seconds: 0 }
    }
}

impl ChainSource for Chain {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        Box::pin(async { Ok(1) })
    }
    fn head(&self, _tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        let number = *self.finalized.lock().unwrap();
        Box::pin(async move { Ok(Some(self.at(number))) })
    }
    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(async move { Ok(Some(self.at(number))) })
    }
    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.header_at(number_in(hash))
    }
    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        Box::pin(async move {
            if *self.silent.lock().unwrap() {
                return Err(ChainError::Unavailable("silent"));
            }
            let amount = u8::from(self.changed.lock().unwrap().contains(&number_in(block)));
            Ok(vec![Transfer {
                block,
                tx: handsel_core::chain::TxHash::default(),
                block_log_index: 0,
                tx_position: 0,
                token: Address::default(),
                from: Address::default(),
                to: Address::default(),
                value: [amount; 32],
            }])
        })
    }
    fn token_decimals(&self, _token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        Box::pin(async { Ok(Some(6)) })
    }
    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(limit))
    }
}

struct Scene {
    chain: Arc<Chain>,
    again: AgainAtFinality,
}

impl Scene {
    /// Final is 100; the blocks 101 to 105 were read.
    async fn new() -> Self {
        let chain = Arc::new(Chain::default());
        let scene = Self { again: AgainAtFinality::new(Arc::clone(&chain) as Arc<dyn ChainSource>), chain };
        assert_eq!(scene.finalized(100).await, Some(100));
        for number in 101..=105 {
            scene.again.transfers(hash(number, 0)).await.unwrap();
        }
        scene
    }

    async fn finalized(&self, number: u64) -> Option<u64> {
        *self.chain.finalized.lock().unwrap() = number;
        self.again.head(HeadTag::Finalized).await.unwrap().map(|header| header.number)
    }
}

#[tokio::test]
async fn blocks_that_stay_as_they_were_become_final_and_are_forgotten() {
    let scene = Scene::new().await;
    assert_eq!(scene.finalized(103).await, Some(103));
    assert_eq!(scene.again.memory().read.keys().copied().collect::<Vec<_>>(), [104, 105]);
    assert_eq!(scene.finalized(110).await, Some(110));
    assert!(scene.again.memory().read.is_empty());
    scene.again.transfers(hash(109, 0)).await.unwrap();
    assert!(scene.again.memory().read.is_empty(), "what is final when it is read needs no second look");
    assert_eq!(scene.again.notices(), []);
}

#[tokio::test]
async fn a_block_that_changed_is_told_once_and_holds_finality_below_it() {
    let scene = Scene::new().await;
    scene.chain.changed.lock().unwrap().push(103);
    assert_eq!(scene.finalized(105).await, Some(102));
    assert_eq!(scene.finalized(106).await, Some(102));
    assert_eq!(scene.again.notices(), [SourceNotice::Changed { block: hash(103, 0) }]);
    // The nodes say again what they said at first.
    scene.chain.changed.lock().unwrap().clear();
    assert_eq!(scene.finalized(106).await, Some(106));
}

#[tokio::test]
async fn blocks_of_a_branch_that_is_gone_are_not_compared() {
    let scene = Scene::new().await;
    scene.chain.forked.lock().unwrap().extend([104, 105]);
    scene.chain.changed.lock().unwrap().extend([104, 105]);
    scene.again.transfers(hash(105, 1)).await.unwrap();
    assert_eq!(scene.finalized(105).await, Some(105));
    assert_eq!(scene.again.notices(), []);
}

#[tokio::test]
async fn silence_is_no_difference_and_no_agreement() {
    let scene = Scene::new().await;
    *scene.chain.silent.lock().unwrap() = true;
    assert_eq!(scene.finalized(105).await, Some(100));
    *scene.chain.silent.lock().unwrap() = false;
    assert_eq!(scene.finalized(105).await, Some(105));
    assert_eq!(scene.again.notices(), []);
}

#[tokio::test]
async fn one_poll_compares_so_many_and_the_next_goes_on() {
    let scene = Scene::new().await;
    let many = u64::try_from(CHAIN_AGAIN_PER_POLL_MAX_BLOCKS).unwrap();
    for number in 106..=100 + 2 * many {
        scene.again.transfers(hash(number, 0)).await.unwrap();
    }
    assert_eq!(scene.finalized(1_000).await, Some(100 + many));
    assert_eq!(scene.finalized(1_000).await, Some(1_000));
}
