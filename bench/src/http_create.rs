//! Durable creation of checkouts over HTTP against the real server, at the concurrency of the bare loop of commits that runs
//! before it over the same slow disk.

use crate::commit::{CONCURRENCY, measure};
use crate::receiver::Receiver;
use crate::report::{Failure, Report};
use crate::server::Server;
use crate::shim::Shim;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const GOAL: f64 = 0.5;
const FLOOR_CHANGES: usize = 24_000;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);

/// What every request of a client has in common.
#[derive(Debug)]
struct Client {
    authority: String,
    authorization: String,
    next: AtomicU64,
}

/// What one connection found: how long each answer took, in microseconds.
type Latencies = Vec<u32>;

/// Measures.
///
/// # Errors
/// When the server does not start or refuses a request.
pub(crate) fn run() -> Result<Report, Failure> {
    let directory = tempfile::tempdir()?;
    let shim = Shim::compile(directory.path())?;
    let mut report = Report::default();
    let floor = measure(Some(&shim), CONCURRENCY, FLOOR_CHANGES)?.per_second;
    let slow = against_server(Some(&shim))?;
    let plain = against_server(None)?;
    report.tell("2 ms per sync, Writer::commit, 64 at once", format!("{floor:.0} Changes/s"));
    slow.tell(&mut report, "2 ms per sync, HTTP");
    plain.tell(&mut report, "disk as it is, HTTP");
    report.at_least("2 ms per sync, HTTP / Writer::commit", slow.per_second / floor, GOAL, "");
    Ok(report)
}

#[derive(Debug)]
struct Found {
    per_second: f64,
    latencies: Latencies,
    cpu_per_request_us: f64,
    delivered_per_second: f64,
}

impl Found {
    fn tell(&self, report: &mut Report, what: &str) {
        let at = |share: usize| {
            let place = self.latencies.len() * share / 100;
            f64::from(self.latencies.get(place).copied().unwrap_or(0)) / 1000.0
        };
        report.tell(
            what,
            format!(
                "{:.0} checkouts/s, p50 {:.1} ms, p99 {:.1} ms, {:.0} us CPU of the server each, {:.0} webhooks/s",
                self.per_second,
                at(50),
                at(99),
                self.cpu_per_request_us,
                self.delivered_per_second
            ),
        );
    }
}

fn against_server(shim: Option<&Shim>) -> Result<Found, Failure> {
    let data = tempfile::tempdir()?;
    let receiver = Receiver::start()?;
    let server = Server::dev(data.path(), shim)?;
    let authority = server.ready.base_url.trim_start_matches("http://").to_owned();
    let authorization = format!("Bearer {}", server.ready.secret_key);
    let client = Arc::new(Client { authority, authorization, next: AtomicU64::new(1) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut sender = client.connect().await?;
        let webhook = serde_json::json!({"url": receiver.url, "enabled_events": ["*"]});
        client.post(&mut sender, "/v1/webhooks", webhook.to_string()).await?;
        load(&client, WARM_UP).await?;
        let (cpu, delivered) = (server.cpu_seconds()?, receiver.received());
        let started = Instant::now();
        let mut latencies = load(&client, MEASURED).await?;
        let seconds = started.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let requests = latencies.len() as f64;
        Ok(Found {
            per_second: requests / seconds,
            cpu_per_request_us: (server.cpu_seconds()? - cpu) * 1e6 / requests,
            delivered_per_second: (receiver.received() - delivered) as f64 / seconds,
            latencies,
        })
    })
}

/// Creates checkouts on 64 connections, one request after the other on each.
async fn load(client: &Arc<Client>, span: Duration) -> Result<Latencies, Failure> {
    let until = Instant::now() + span;
    let mut tasks = Vec::with_capacity(CONCURRENCY);
    for _ in 0..CONCURRENCY {
        let client = Arc::clone(client);
        tasks.push(tokio::spawn(async move {
            let mut latencies = Latencies::new();
            let mut sender = client.connect().await?;
            while Instant::now() < until {
                let started = Instant::now();
                client.create(&mut sender).await?;
                latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Ok::<Latencies, Failure>(latencies)
        }));
    }
    let mut all = Latencies::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(all)
}

impl Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "the benchmark is a client of its own server, no part of the product"
    )]
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = tokio::net::TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end shows at the next request.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn create(&self, sender: &mut SendRequest<Full<Bytes>>) -> Result<(), Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            r#"{{"amount":"49.90","currency":"USD","customer":"cus_01j8x2k4m6n8p0q2r4s6t8v0w2","reference":"order-{number:08}","success_url":"https://shop.example/thanks","cancel_url":"https://shop.example/cart","line_items":[{{"name":"A pair of shoes","quantity":1,"amount":"49.90"}}],"metadata":{{"cart":"c-{number:04}"}}}}"#
        );
        self.post(sender, "/v1/checkouts", body).await
    }

    async fn post(&self, sender: &mut SendRequest<Full<Bytes>>, path: &str, body: String) -> Result<(), Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", &self.authority)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("bench-{number:032}"))
            .body(Full::new(Bytes::from(body)))?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status == StatusCode::CREATED {
            return Ok(());
        }
        Err(Failure::from(format!("{path} was answered {status}: {}", String::from_utf8_lossy(&body))))
    }
}
