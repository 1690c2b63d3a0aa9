//! What the merchant was told: every event once by its number and at least once by each receiver, and every state by its event.

use super::check::Books;
use super::hooks::{Received, URLS};
use super::life::House;
use super::world::World;
use handsel_core::checkout::State as CheckoutState;
use handsel_core::event::Event;
use handsel_core::payment::State;
use handsel_store::reader::ListQuery;
use std::collections::{BTreeMap, BTreeSet};

const CENT: u128 = 10_000;

pub(crate) async fn check(world: &World, house: &House, books: &Books) {
    let events = events(house).await;
    check_numbers(world, &events);
    check_states(world, books, &events);
    let received = world.hooks.received();
    for (url, wants) in URLS.into_iter().zip(["", "payment."]) {
        let received: Vec<&Received> = received.iter().filter(|one| one.url == url).collect();
        check_receiver(world, url, wants, &received, &events);
    }
    let account = super::template::template().caller.account.id;
    for status in ["failed", "canceled"] {
        let query = ListQuery { limit: 1, status: Some(status.to_owned()), ..ListQuery::default() };
        if let Some(lost) = house.reader.deliveries(account, &query).await.unwrap().data.first() {
            world.complain(format!("{} ended as {status}", lost.id));
        }
    }
}

async fn events(house: &House) -> Vec<Event> {
    let account = super::template::template().caller.account.id;
    let mut events: Vec<Event> = Vec::new();
    loop {
        let last = events.last().and_then(|event| event.sequence).unwrap_or(0);
        let more = house.reader.events_after(account, last, 500).await.unwrap();
        if more.is_empty() {
            return events;
        }
        events.extend(more);
    }
}

fn check_numbers(world: &World, events: &[Event]) {
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        if event.sequence != Some(at as u64 + 1) {
            return world.complain(format!("event {} has the number {:?}", at + 1, event.sequence));
        }
        let version = versions.entry(&event.new.object).or_default();
        if event.new.object_version < *version {
            world.complain(format!("{} is told of with an older version after a newer one", event.new.object));
        }
        *version = event.new.object_version;
    }
}

/// Nothing happened that was not told.
fn check_states(world: &World, books: &Books, events: &[Event]) {
    let told: BTreeSet<(&str, &str)> = events.iter().map(|e| (e.new.object.as_str(), e.new.kind.name())).collect();
    let needs = |object: String, kind: &str| {
        if !told.contains(&(object.as_str(), kind)) {
            world.complain(format!("{object} was never told as {kind}"));
        }
    };
    for checkout in books.checkouts.values() {
        needs(checkout.id.to_string(), "checkout.created");
        match checkout.state {
            CheckoutState::Complete { .. } => needs(checkout.id.to_string(), "checkout.completed"),
            CheckoutState::Expired { .. } => needs(checkout.id.to_string(), "checkout.expired"),
            CheckoutState::Canceled { .. } => needs(checkout.id.to_string(), "checkout.canceled"),
            CheckoutState::Open | CheckoutState::Processing => {}
        }
    }
    for payment in books.payments.iter().filter(|payment| payment.amount >= CENT) {
        needs(payment.id.to_string(), "payment.detected");
        match payment.state {
            State::Succeeded { .. } => needs(payment.id.to_string(), "payment.succeeded"),
            State::Rejected { .. } => needs(payment.id.to_string(), "payment.rejected"),
            State::Reversed { .. } => needs(payment.id.to_string(), "payment.reversed"),
            _ => {}
        }
    }
}

/// The receiver has every event that it wants, each under one id, numbered without a gap, and those of one object in their order.
fn check_receiver(world: &World, url: &str, wants: &str, received: &[&Received], events: &[Event]) {
    let ids: BTreeMap<String, &Event> = events.iter().map(|event| (event.new.id.to_string(), event)).collect();
    let mut places: BTreeMap<u64, (String, Option<String>)> = BTreeMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for one in received {
        let Some(event) = ids.get(&one.id).filter(|_| one.body["id"] == one.id.as_str()) else {
            return world.complain(format!("{url} was told of {} as {}", one.body["id"], one.id));
        };
        let previous = one.body["previous_event"].as_str().map(str::to_owned);
        let place = one.body["endpoint_sequence"].as_u64().unwrap_or(0);
        let known = places.entry(place).or_insert_with(|| (one.id.clone(), previous.clone()));
        if *known != (one.id.clone(), previous) {
            world.complain(format!("{url} was told of two events as number {place}"));
        }
        if one.taken && taken.insert(&one.id) {
            let sequence = event.sequence.unwrap_or(0);
            let last = newest.insert(&event.new.object, sequence).unwrap_or(0);
            if last > sequence {
                world.complain(format!("{url} was told of {} in another order", event.new.object));
            }
        }
    }
    let mut last: Option<String> = None;
    for (at, (place, (id, previous))) in places.iter().enumerate() {
        if *place != at as u64 + 1 || *previous != last {
            return world.complain(format!("{url}: number {place} follows {previous:?}, not {last:?}"));
        }
        last = Some(id.clone());
    }
    // What was there before the webhook is nobody's debt.
    let first = places.get(&1).and_then(|(id, _)| ids.get(id)).and_then(|event| event.sequence).unwrap_or(u64::MAX);
    let owed = events.iter().filter(|e| e.sequence >= Some(first) && e.new.kind.name().starts_with(wants));
    for event in owed.filter(|event| !taken.contains(event.new.id.to_string().as_str())) {
        world.complain(format!("{url} never got {} ({})", event.new.id, event.new.kind.name()));
    }
}
