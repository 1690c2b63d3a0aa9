//! The end of a seed: everything is well again, time passes, and the program is given what it needs to come to rest.

use super::life::House;
use super::world::World;
use handsel_core::checkout::State;
use handsel_core::port::Clock;
use handsel_store::reader::ListQuery;
use std::time::Duration;

/// How often something is looked for that must come about, and how long all of it may take.
const LOOK: Duration = Duration::from_secs(2);
const LOOKS_MAX: usize = 120;
/// Beyond the life of every checkout and its grace.
const LONG: Duration = Duration::from_secs(2 * 86_400);

pub(crate) async fn settle_down(world: &World, house: &House) -> Result<(), String> {
    world.gate.calm();
    world.hooks.heal();
    world.nets.iter().for_each(|net| net.heal());
    for _ in 0..5 {
        let open = world.shop.lock().unwrap().open_wishes();
        for at in open {
            house.client(world, at).await;
        }
        if world.shop.lock().unwrap().wishes.iter().all(|wish| wish.answered.is_some() && !wish.asking) {
            break;
        }
        // Those that others are asking for.
        tokio::time::sleep(LOOK).await;
    }
    if world.shop.lock().unwrap().wishes.iter().any(|wish| wish.answered.is_none()) {
        return Err("a checkout is not answered although all is well".to_owned());
    }
    bury(world);
    reach(world, house).await?;
    world.clock.jump(LONG);
    for net in &world.nets {
        net.chain.mine(1, world.now_seconds()).unwrap();
    }
    reach(world, house).await?;
    expire(house).await?;
    deliver(world, house).await
}

/// Mines what waits, and finality on top.
fn bury(world: &World) {
    for net in &world.nets {
        net.chain.mine(net.finality + 5, world.now_seconds()).unwrap();
    }
}

/// Until every network is followed to its head, with all that is final.
async fn reach(world: &World, house: &House) -> Result<(), String> {
    let mut at = Vec::new();
    for _ in 0..LOOKS_MAX {
        at.clear();
        for net in &world.nets {
            let cursor = house.reader.cursor(net.name).await.unwrap();
            at.push(cursor.map(|cursor| (cursor.tip.number, cursor.finalized, cursor.halted)));
        }
        let heights = world.nets.iter().map(|net| net.chain.heights());
        if heights.zip(&at).all(|(heights, at)| *at == Some((heights.head, heights.finalized, false))) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(format!("the chains are not followed to their end: {at:?}, {:?}", house.engine.network_health()))
}

async fn expire(house: &House) -> Result<(), String> {
    let mut left = Vec::new();
    for _ in 0..LOOKS_MAX {
        left.clear();
        for status in ["open", "processing"] {
            let query = ListQuery { limit: 100, status: Some(status.to_owned()), ..ListQuery::default() };
            let account = super::template::template().caller.account.id;
            left.extend(
                house.reader.checkouts(account, &query).await.unwrap().data.into_iter().map(|c| (c.id, c.state)),
            );
        }
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    let first: Option<&(_, State)> = left.first();
    Err(format!("{} checkouts do not end, such as {first:?}", left.len()))
}

/// Until nothing is owed to any receiver; where the next try is far off, time goes there at once.
async fn deliver(world: &World, house: &House) -> Result<(), String> {
    let account = super::template::template().caller.account.id;
    for _ in 0..4 * LOOKS_MAX {
        let query = ListQuery { limit: 1, status: Some("pending".to_owned()), ..ListQuery::default() };
        if house.reader.deliveries(account, &query).await.unwrap().data.is_empty() {
            return Ok(());
        }
        if let Some(due) = house.reader.next_delivery_due().await.unwrap() {
            world.clock.jump(due.since(world.clock.now()));
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Err("deliveries stay pending although every receiver is well".to_owned())
}
