//! What merchants and payers do, in a word each.

use super::client::{Http, Reply};
use super::closing::until;
use super::setup::Server;
use handsel_sandbox::NETWORK;
use serde_json::{Value, json};

/// A webhook receiver of the sandbox.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) id: String,
    pub(crate) url: String,
}

/// A member as text.
#[track_caller]
pub(crate) fn field(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {object}")).to_owned()
}

/// The objects of a list.
#[track_caller]
pub(crate) fn listed(reply: &Reply) -> Vec<Value> {
    reply.ok()["data"].as_array().unwrap().clone()
}

/// The `type` of each.
pub(crate) fn types(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| field(object, "type")).collect()
}

impl Server {
    /// A restricted key with just these scopes.
    pub(crate) async fn restricted(&self, scopes: &[&str]) -> Http {
        let body = json!({"name": "restricted", "class": "restricted", "scopes": scopes});
        self.with(&field(&self.post("/v1/api_keys", body).await.ok(), "secret"))
    }

    pub(crate) async fn checkout(&self, amount: &str) -> Value {
        self.checkout_with(json!({"amount": amount, "currency": "USD"})).await
    }
    pub(crate) async fn checkout_with(&self, body: Value) -> Value {
        self.post("/v1/checkouts", body).await.ok()
    }
    /// The object as it is now.
    pub(crate) async fn again(&self, object: &Value) -> Value {
        let kind = field(object, "object");
        self.get(&format!("/v1/{kind}s/{}", field(object, "id"))).await.ok()
    }
    pub(crate) async fn act(&self, object: &Value, action: &str, body: Value) -> Reply {
        let kind = field(object, "object");
        self.post(&format!("/v1/{kind}s/{}/{action}", field(object, "id")), body).await
    }

    /// Pays by the sandbox; gives the transaction's hash.
    pub(crate) async fn pay(&self, checkout: &Value, how: Value) -> String {
        let paid = self.post(&format!("/v1/test/checkouts/{}/pay", field(checkout, "id")), how).await;
        field(&paid.ok(), "transaction")
    }
    pub(crate) async fn mine(&self, blocks: u64) {
        self.post(&format!("/v1/test/networks/{NETWORK}/mine"), json!({"blocks": blocks})).await.ok();
    }
    pub(crate) async fn finalize(&self) {
        self.post(&format!("/v1/test/networks/{NETWORK}/finalize"), json!({})).await.ok();
    }
    pub(crate) async fn reorg(&self, depth: u64, drop: &[&str]) {
        let body = json!({"depth": depth, "drop": drop});
        self.post(&format!("/v1/test/networks/{NETWORK}/reorg"), body).await.ok();
    }
    pub(crate) async fn advance(&self, seconds: u64) {
        self.post("/v1/test/clock", json!({"advance_seconds": seconds})).await.ok();
    }

    /// Waits until the watcher has seen the chain's head.
    pub(crate) async fn watched(&self) {
        until("the watcher is at the chain's head", async || {
            let cursor = self.store.reader.cursor(NETWORK).await.unwrap()?;
            (cursor.tip.number == self.chain().heights().head).then_some(())
        })
        .await;
    }
    /// Mines and lets the watcher see it.
    pub(crate) async fn mined(&self, blocks: u64) {
        self.mine(blocks).await;
        self.watched().await;
    }
    /// Waits for a state of an object.
    pub(crate) async fn becomes(&self, object: &Value, member: &str, value: &str) -> Value {
        let what = format!("{} has {member} {value}", field(object, "id"));
        until(&what, async || Some(self.again(object).await).filter(|now| now[member] == value)).await
    }

    /// Everything that was said so far, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        self.settled().await;
        let mut all = Vec::new();
        loop {
            let page = self.get(&format!("/v1/events?after_sequence={}&limit=100", all.len())).await;
            let (more, mut data) = (page.ok()["has_more"] == true, listed(&page));
            all.append(&mut data);
            if !more {
                return all;
            }
        }
    }
    /// The types of the events about a checkout and its payments, oldest first.
    pub(crate) async fn story(&self, checkout: &Value) -> Vec<String> {
        let id = field(checkout, "id");
        let about = |event: &Value| {
            let object = &event["data"]["object"];
            object["id"] == id.as_str() || object["checkout"] == id.as_str()
        };
        types(&self.events().await.into_iter().filter(about).collect::<Vec<_>>())
    }

    pub(crate) async fn receiver(&self, statuses: &[u16]) -> Receiver {
        let made = self.post("/v1/test/receivers", json!({"status": statuses})).await.ok();
        Receiver { id: field(&made, "id"), url: field(&made, "url") }
    }
    pub(crate) async fn received(&self, receiver: &Receiver) -> Vec<Value> {
        listed(&self.get(&format!("/v1/test/receivers/{}/requests", receiver.id)).await)
    }
    /// Waits until a receiver got so many requests.
    pub(crate) async fn receives(&self, receiver: &Receiver, count: usize) -> Vec<Value> {
        until(&format!("{} got {count} requests", receiver.id), async || {
            Some(self.received(receiver).await).filter(|got| got.len() >= count)
        })
        .await
    }
    pub(crate) async fn webhook(&self, receiver: &Receiver, more: Value) -> Value {
        let mut body = json!({"url": receiver.url, "enabled_events": ["*"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post("/v1/webhooks", body).await.ok()
    }
}
