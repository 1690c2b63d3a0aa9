//! The simulated node: the JSON-RPC methods behind a real listener, with the faults in front of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::watch;

use handsel_core::port::Clock;

use crate::chain::Chain;
use crate::clock::SandboxClock;
use crate::faults::{Fault, Faults};
use crate::limits;
use crate::listener::{self, Answer, Handler, Listener};
use crate::rpc::Seen;

const GARBAGE: &str = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>\n";

/// A node at work; dropping it ends it.
#[derive(Debug)]
pub struct Node {
    desk: Arc<Desk>,
    listener: Listener,
}

/// What the node's answers are made from.
#[derive(Debug)]
struct Desk {
    chain: Arc<Chain>,
    clock: Arc<SandboxClock>,
    faults: Faults,
    seen: watch::Sender<Seen>,
}

impl Node {
    /// Serves a chain on a loopback port (0: any).
    pub async fn start(port: u16, chain: Arc<Chain>, clock: Arc<SandboxClock>) -> io::Result<Self> {
        let desk =
            Arc::new(Desk { chain, clock, faults: Faults::default(), seen: watch::Sender::new(Seen::default()) });
        let listener = Listener::start(port, Arc::clone(&desk)).await?;
        Ok(Self { desk, listener })
    }

    /// Where the node answers, for the watcher's configuration.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// Puts a fault in force for so many seconds of the sandbox clock; 0 ends it.
    pub fn fault(&self, fault: Fault, seconds: u64) {
        self.desk.faults.set(fault, seconds, self.desk.clock.now(), self.desk.chain.heights().head);
    }

    /// Waits until some client has seen the contents of one block and the header of another, or until patience ends.
    pub(crate) async fn watched(&self, contents: u64, header: u64, patience: Duration) {
        let mut seen = self.desk.seen.subscribe();
        let watched = seen.wait_for(|seen| seen.contents >= Some(contents) && seen.header >= Some(header));
        tokio::select! {
            // The sender lives as long as the node.
            _ = watched => {}
            () = self.desk.clock.real_pause(patience) => {}
        }
    }

    /// Blocks from this one on were replaced: what was seen of them counts no more.
    pub(crate) fn forget_from(&self, fork: u64) {
        let below = fork.checked_sub(1);
        self.desk.seen.send_modify(|seen| {
            *seen = Seen { header: seen.header.min(below), contents: seen.contents.min(below) };
        });
    }
}

impl Handler for Desk {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let symptoms = self.faults.at(self.clock.now());
        if symptoms.outage {
            return listener::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "out of service\n");
        }
        if request.method() != Method::POST {
            return listener::text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "POST a JSON-RPC request\n");
        }
        let body = match listener::read_body(request.into_body(), limits::RPC_BODY_BYTES).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        if symptoms.slow {
            self.clock.real_pause(Duration::from_millis(limits::SLOW_ANSWER_MILLISECONDS)).await;
        }
        if symptoms.garbage {
            return listener::text(StatusCode::OK, "text/html", GARBAGE);
        }
        let (answer, seen) = self.chain.answered(symptoms, &body);
        if seen != Seen::default() {
            self.seen.send_modify(|all| {
                *all = Seen { header: all.header.max(seen.header), contents: all.contents.max(seen.contents) };
            });
        }
        listener::text(StatusCode::OK, "application/json", answer.unwrap_or_default())
    }
}
