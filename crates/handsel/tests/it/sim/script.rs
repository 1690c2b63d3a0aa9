//! What happens in a seed: an action, a rest, the next action. Chains go on mining meanwhile.

use super::gate::Crash;
use super::hooks::{Manner, URLS};
use super::life::{End, House, spawn_client};
use super::nodes::{Lie, Mood, NAMES};
use super::shop::{Known, Sent, Way, new_checkout};
use super::world::World;
use handsel_core::checkout::{Matching, State};
use handsel_sandbox::{Order, Quirks, Reorg, TOKENS, Transfer};
use handsel_store::gate::Fate;
use std::sync::Arc;
use std::time::Duration;

/// A broken store is noticed by an operator after so many steps.
const BROKEN_STEPS: u64 = 3;
const CENTS: [u64; 6] = [1, 5_00, 12_34, 49_99, 50_00, 199_999];

/// Plays the rest of the script.
pub(crate) async fn play(world: &Arc<World>, house: &House) -> End {
    let mut broken_for = 0;
    while world.next_step().is_some() {
        act(world, house).await;
        for net in &world.nets {
            let blocks = world.below(3);
            if blocks > 0 {
                net.chain.mine(blocks, world.now_seconds()).unwrap();
            }
        }
        tokio::time::sleep(Duration::from_millis(world.below(world.swarm.rest_max_ms))).await;
        broken_for = if world.gate.is_broken() { broken_for + 1 } else { 0 };
        if broken_for > BROKEN_STEPS {
            return End::Restarted;
        }
    }
    End::Done
}

async fn act(world: &Arc<World>, house: &House) {
    let weights = world.swarm.weights;
    let mut drawn = world.below(weights.iter().sum());
    let mut kind = 0;
    while drawn >= weights[kind] {
        drawn -= weights[kind];
        kind += 1;
    }
    match kind {
        0 => buy(world, house),
        1 => pay(world),
        2 => {
            let net = &world.nets[pick(world, 2)];
            net.chain.mine(1 + world.below(8), world.now_seconds()).unwrap();
        }
        3 => reorg(world),
        4 => world.clock.jump(Duration::from_secs(1 + world.below([5, 90, 900, 5_000][pick(world, 4)]))),
        5 => trouble_a_node(world),
        6 => trouble_the_process(world),
        7 => trouble_the_disk(world),
        8 => {
            let manners = [Manner::Well, Manner::Slow, Manner::Fails, Manner::TimesOut, Manner::AnswersLate];
            world.hooks.behaves(URLS[pick(world, 2)], manners[pick(world, manners.len())]);
        }
        _ if world.one_in(2) => end_a_checkout(world, house),
        _ => one_network_is_dead(world, house).await,
    }
}

fn pick(world: &World, count: usize) -> usize {
    usize::try_from(world.below(count as u64)).unwrap()
}

fn buy(world: &Arc<World>, house: &House) {
    let open = world.shop.lock().unwrap().open_wishes();
    if let Some(at) = open.first().copied().filter(|_| world.one_in(2)) {
        return spawn_client(world, house, at);
    }
    let accepts: [&[(&str, &str)]; 4] =
        [&[], &[(NAMES[0], "USDC")], &[(NAMES[1], "USDT")], &[(NAMES[0], "USDC"), (NAMES[0], "USDT")]];
    let matching = if world.below(10) < world.swarm.of_ten_static { Matching::Static } else { Matching::Xpub };
    let seconds = [60, 60, 300, 3_600][pick(world, 4)];
    // In a narrow seed prices are few, so that unique amounts meet.
    let cents = if world.swarm.narrow && matching == Matching::Static { 5_00 } else { CENTS[pick(world, CENTS.len())] };
    let new = new_checkout(cents, accepts[pick(world, accepts.len())], matching, seconds);
    for _ in 0..=u64::from(world.one_in(4)) {
        let at = world.shop.lock().unwrap().wish(new.clone());
        spawn_client(world, house, at);
    }
}

fn pay(world: &World) {
    let known: Vec<Known> = world.shop.lock().unwrap().known.clone();
    if known.is_empty() {
        return;
    }
    let newest = known.len().saturating_sub(3);
    let at = if world.one_in(2) { newest + pick(world, known.len() - newest) } else { pick(world, known.len()) };
    let Some(known) = known.get(at) else { return };
    let way = &known.ways[pick(world, known.ways.len())];
    let mut net = usize::from(way.network == NAMES[1]);
    let other_token = |symbol: &str| TOKENS.iter().find(|token| token.symbol == symbol).unwrap().address;
    let whole = |amount: u128| transfer(world, way, amount);
    let mut quirks = Quirks { approvals: world.one_in(4), logs_of_failure: false };
    let mut reverts = false;
    let half = way.payable / 2;
    let transfers = match world.below(16) {
        0..=4 => vec![whole(way.payable)],
        5 => vec![whole(half), whole(way.payable - half)],
        6 => vec![whole(half)],
        7 => vec![whole(way.payable * 2)],
        8 => vec![whole(way.payable), whole(way.payable)],
        9 => vec![whole(way.payable + 1)],
        10 => vec![Transfer { token: other_token("EURC"), ..whole(way.payable.max(10_000)) }],
        11 => {
            net = 1 - net;
            vec![whole(way.payable.max(10_000))]
        }
        12 => vec![whole(0), whole(way.payable)],
        13 => vec![Transfer { token: [0xee; 20], ..whole(way.payable) }, whole(half)],
        14 => {
            reverts = true;
            quirks.logs_of_failure = true;
            vec![whole(way.payable)]
        }
        _ => vec![whole((1 << 64) + way.payable)],
    };
    let order =
        Order { sender: sender(world), transfers, reverts, quirks, held: false, reorged_at_confirmations: None };
    let hash = world.nets[net].chain.broadcast(order.clone()).unwrap();
    world.shop.lock().unwrap().sent.push(Sent { net, hash, order });
    // Most payments are not waited for by their block.
    if world.one_in(3) {
        world.nets[net].chain.mine(1, world.now_seconds()).unwrap();
    }
}

fn transfer(world: &World, way: &Way, amount: u128) -> Transfer {
    Transfer { token: way.token.0, from: sender(world), to: way.address.0, amount }
}

fn sender(world: &World) -> [u8; 20] {
    let mut sender = [0xaa; 20];
    sender[12..].copy_from_slice(&(1 + world.below(5)).to_be_bytes());
    sender
}

fn reorg(world: &World) {
    let net = &world.nets[pick(world, 2)];
    let head = net.chain.heights().head;
    let most = net.finality.min(head).min(64);
    let depth = 1 + if world.one_in(3) { world.below(most) } else { world.below(most.min(4)) };
    let fork = head + 1 - depth;
    let sent: Vec<Sent> = world.shop.lock().unwrap().sent.clone();
    let here = sent.iter().filter(|sent| std::ptr::eq(net, &world.nets[sent.net]));
    let replaced = here.filter(|sent| net.chain.block_of(&sent.hash).is_some_and(|number| number >= fork));
    let drop = replaced.filter(|_| world.one_in(2)).map(|sent| sent.hash).collect();
    net.chain.reorg(&Reorg { depth, drop, break_finality: false }, world.now_seconds()).unwrap();
    if world.one_in(3) {
        net.chain.mine(1 + world.below(net.finality + 4), world.now_seconds()).unwrap();
    }
}

fn trouble_a_node(world: &World) {
    let net = &world.nets[pick(world, 2)];
    if world.one_in(3) {
        return net.heal();
    }
    let head = net.chain.heights().head;
    let lies = [Lie::Nothing, Lie::OneLess, Lie::OtherAmount, Lie::OtherReceiver, Lie::OtherParent];
    let moods = [
        Mood::Dead,
        Mood::Gone,
        Mood::Errors,
        Mood::HoldsBack,
        Mood::HoldsBack,
        Mood::Cuts,
        Mood::Slow,
        Mood::Repeats,
        Mood::Lags(head.saturating_sub(world.below(5))),
        Mood::Lies(lies[pick(world, lies.len())]),
        Mood::Lies(lies[pick(world, lies.len())]),
        Mood::Lies(lies[pick(world, lies.len())]),
    ];
    let mood = moods[pick(world, moods.len())];
    let of_ten = [2, 5, 10][pick(world, 3)];
    if world.one_in(4) {
        net.nodes.iter().for_each(|node| node.set(mood, of_ten));
    } else {
        net.nodes[pick(world, net.nodes.len())].set(mood, of_ten);
    }
}

fn trouble_the_process(world: &World) {
    if world.one_in(4) {
        return world.gate.kill();
    }
    let crash = if world.one_in(2) { Crash::Before } else { Crash::After };
    world.gate.crash_after(world.below(12), crash);
}

fn trouble_the_disk(world: &World) {
    match world.below(6) {
        0 => world.gate.break_after(world.below(6), Fate::Failed),
        1 => world.gate.break_after(world.below(6), Fate::Unknown),
        _ => world.gate.full_for(1 + world.below(5)),
    }
}

/// The merchant cancels or ends a checkout; that it is too late for it is no trouble.
fn end_a_checkout(world: &Arc<World>, house: &House) {
    let known: Vec<Known> = world.shop.lock().unwrap().known.clone();
    let Some(known) = known.get(pick(world, known.len().max(1))) else { return };
    let (house, id, cancel, world) = (house.clone(), known.id, world.one_in(2), Arc::clone(world));
    tokio::spawn(async move {
        let ended = if cancel {
            house.engine.cancel_checkout(&house.ask("POST /v1/checkouts/{id}/cancel"), id).await
        } else {
            house.engine.expire_checkout(&house.ask("POST /v1/checkouts/{id}/expire"), id).await
        };
        let Ok(answer) = ended else { return };
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let stands = house.reader.checkout_of_anyone(id).await.unwrap().map(|checkout| checkout.state);
        if cancel && !matches!(stands, Some(State::Canceled { .. } | State::Complete { .. })) {
            world.complain(format!("{id} was answered as {} and stands as {stands:?}", told["status"]));
        }
    });
}

/// One network's nodes are all dead: the other one goes on, and its checkouts end in time.
async fn one_network_is_dead(world: &Arc<World>, house: &House) {
    if !world.gate.is_well() {
        return;
    }
    let (well, dead) = if world.one_in(2) { (0, 1) } else { (1, 0) };
    let mut asked = Vec::new();
    for at in [dead, well] {
        let new = new_checkout(7_00, &[(NAMES[at], "USDC")], Matching::Xpub, 60);
        let wish = world.shop.lock().unwrap().wish(new);
        house.client(world, wish).await;
        asked.push(world.shop.lock().unwrap().wishes[wish].answered);
    }
    world.nets[dead].all(Mood::Dead);
    world.nets[well].heal();
    world.clock.jump(Duration::from_secs(181 + world.below(600)));
    let net = &world.nets[well];
    for _ in 0..60 {
        net.chain.mine(1, world.now_seconds()).unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        if is_expired(house, asked[1]).await {
            return;
        }
    }
    world.complain(format!("{:?} of {} does not expire while {} is dead", asked[1], NAMES[well], NAMES[dead]));
}

async fn is_expired(house: &House, id: Option<handsel_core::id::CheckoutId>) -> bool {
    let Some(id) = id else { return true };
    let checkout = house.reader.checkout_of_anyone(id).await.unwrap();
    checkout.is_none_or(|checkout| !matches!(checkout.state, State::Open))
}
