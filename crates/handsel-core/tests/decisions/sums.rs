//! 13 section 6, property 5: each counted transfer has one outcome, and at every block the payments of each chain, token and address add
//! up to the Transfer logs that are on the canonical chain.

use crate::scene::{Chain, EURC, FIXED, PAYER, SHOP, Scene, Send, UNLISTED, USDC, USDT, address, checkout};
use handsel_core::chain::Address;
use proptest::prelude::*;
use std::collections::BTreeMap;

const TOKENS: [u8; 4] = [USDT, USDC, EURC, UNLISTED];
/// Watched ones and a stranger's.
const RECEIVERS: [u8; 3] = [SHOP, FIXED, 0x60];
/// From nothing over dust to more than was asked.
const AMOUNTS: [u128; 6] = [0, 9_999, 10_000, 7_777_777, 20_000_000, 25_000_000];
/// Less than one cent.
const DUST: u128 = 10_000;

/// One log: token, receiver, amount, sent by the shop itself, in the transaction of the log before it.
type Log = (usize, usize, usize, bool, bool);

#[derive(Debug, Clone)]
enum Act {
    Block(bool, Vec<Log>),
    Reorg(bool, usize, u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let log = (
        0..TOKENS.len(),
        0..RECEIVERS.len(),
        0..AMOUNTS.len(),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.3),
    );
    let act = prop_oneof![
        5 => (any::<bool>(), proptest::collection::vec(log, 0..5)).prop_map(|(two, logs)| Act::Block(two, logs)),
        2 => (any::<bool>(), 1usize..6, any::<u8>()).prop_map(|(two, depth, keep)| Act::Reorg(two, depth, keep)),
    ];
    proptest::collection::vec(act, 1..40)
}

fn sends(scene: &mut Scene, logs: &[Log]) -> Vec<Send> {
    let mut sends: Vec<Send> = Vec::new();
    for (token, to, amount, own, same) in logs {
        let new = scene.send(TOKENS[*token], AMOUNTS[*amount]);
        let place = sends.last().filter(|_| *same).map(|last| (last.tx, last.position + 1));
        let (tx, position) = place.unwrap_or((new.tx, 0));
        let from = if *own { SHOP } else { PAYER };
        sends.push(Send { tx, position, from, to: RECEIVERS[*to], ..new });
    }
    sends
}

/// What must be somebody's payment: whatever reaches an address of ours in a listed token, but for nothing, our own, and dust that no
/// checkout waits for.
fn counts(network: &str, send: &Send) -> bool {
    let ours = [SHOP, FIXED];
    let waited_for = send.to == SHOP && network == "one" && [USDT, USDC].contains(&send.token);
    // Dust is a matter of coins that are worth a currency's unit, which all listed ones here are.
    let dust = !waited_for && send.amount < DUST;
    ours.contains(&send.to) && !ours.contains(&send.from) && send.token != UNLISTED && send.amount > 0 && !dust
}

type Sums = BTreeMap<(String, Address, Address), u128>;

fn logged(chains: [&Chain; 2]) -> Sums {
    let mut sums = Sums::new();
    for chain in chains {
        let name = &chain.network.name;
        for send in chain.blocks.iter().flat_map(|block| &block.sends).filter(|send| counts(name, send)) {
            *sums.entry((name.clone(), address(send.token), address(send.to))).or_default() += send.amount;
        }
    }
    sums
}

fn booked(scene: &Scene) -> Sums {
    let mut sums = Sums::new();
    for payment in scene.payments().into_iter().filter(|payment| payment.state.inclusion().is_some()) {
        *sums.entry((payment.network.clone(), payment.token, payment.to)).or_default() += payment.amount;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn payments_add_up_to_the_logs_at_every_block(acts in acts()) {
        let mut scene = Scene::new(checkout(2_000));
        let (mut one, mut two) = (Chain::new("one", 1), Chain::new("two", 2));
        for act in acts {
            match act {
                Act::Block(second, logs) => {
                    let sends = sends(&mut scene, &logs);
                    scene.mine(if second { &mut two } else { &mut one }, sends);
                }
                Act::Reorg(second, depth, keep) => {
                    let chain = if second { &mut two } else { &mut one };
                    let depth = depth.min(chain.blocks.len() - 1);
                    scene.reorg(chain, depth, |send| keep & (1 << (send.tx % 8)) != 0);
                }
            }
            prop_assert_eq!(booked(&scene), logged([&one, &two]));
        }
    }
}
