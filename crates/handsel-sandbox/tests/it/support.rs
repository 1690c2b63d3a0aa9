//! A clock that runs from a fixed second, countable chance, and an HTTP client.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use handsel_core::chain::Address;
use handsel_core::port::{BoxFuture, Clock, Entropy, PayHow, PayOrder};
use handsel_core::time::Timestamp;
use handsel_sandbox::{ChainConfig, NETWORK, World, WorldConfig};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;

pub(crate) const START_SECONDS: i64 = 1_800_000_000;
pub(crate) const SHOP: [u8; 20] = [0x51; 20];

#[derive(Debug)]
struct StartedClock(Instant);

impl Clock for StartedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(START_SECONDS).plus(self.0.elapsed())
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(until.since(self.now())))
    }
}

/// Each call fills with the next number, so ids differ and runs don't.
#[derive(Debug)]
struct CountingEntropy(AtomicU8);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(crate) async fn world_with(directory: &Path, block_time: Duration) -> World {
    World::start(WorldConfig {
        directory: directory.to_owned(),
        chain: Some(ChainConfig { block_time, port: 0 }),
        tron: None,
        system_clock: Arc::new(StartedClock(Instant::now())),
        entropy: Arc::new(CountingEntropy(AtomicU8::new(1))),
    })
    .await
    .unwrap()
}

/// A world whose blocks come only on command.
pub(crate) async fn world(directory: &Path) -> World {
    world_with(directory, Duration::ZERO).await
}

pub(crate) fn payment(amount: u128, how: PayHow) -> PayOrder {
    PayOrder { network: NETWORK.into(), asset: "USDC".into(), to: Address(SHOP), amount, from: None, how }
}

pub(crate) async fn http(url: &str, body: Bytes) -> (StatusCode, Bytes) {
    let uri: http::Uri = url.parse().unwrap();
    let authority = uri.authority().unwrap().as_str().to_owned();
    let stream = TcpStream::connect(&authority).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::post(uri.path())
        .header("host", authority)
        .header("content-type", "application/json")
        .header("X-Test", "One")
        .body(Full::new(body))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    driver.abort();
    (status, body)
}

/// One call; gives the whole answer object.
pub(crate) async fn call(world: &World, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
    let (status, answer) = http(&world.node_url().unwrap(), body.into()).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

/// One call that must succeed.
pub(crate) async fn ask(world: &World, method: &str, params: Value) -> Value {
    let mut answer = call(world, method, params).await;
    assert_eq!(answer["error"], Value::Null, "{method}");
    answer["result"].take()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    handsel_sandbox::hex_data(bytes)
}
