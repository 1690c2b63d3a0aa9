//! The client: one call or a batch, to the first node that answers.

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handsel_core::chain::proof::Disproof;
use handsel_core::limits::RPC_BATCH_MAX_CALLS;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::envelope::{read_batch, read_single};
use super::error::{NodeRefusal, RpcError};
use super::transport::Transport;
use crate::egress::{Answer, NamedEndpoint, NamedOptions, SetupError};

/// A method and its parameters. `params` is the text of a JSON list, written by our own code.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method's name.
    pub method: &'static str,
    /// The parameters, `[…]`.
    pub params: String,
}

impl Call {
    /// Puts the two together.
    #[must_use]
    pub const fn new(method: &'static str, params: String) -> Self {
        Self { method, params }
    }

    fn text(&self, id: u64) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{}","params":{}}}"#, self.method, self.params)
    }
}

#[derive(Debug)]
struct Node {
    endpoint: Arc<dyn Transport>,
    breaker: Mutex<Breaker>,
}

impl Node {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // No code panics while it holds the lock; if one did, the breaker would still be a valid one.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client for the nodes of one chain, in the operator's order.
#[derive(Debug)]
pub struct RpcClient {
    nodes: Vec<Node>,
    next_id: AtomicU64,
    started: Instant,
}

impl RpcClient {
    /// Makes a client for these URLs, asked in this order. Without any URL every call fails with [`RpcError::AllOpen`].
    ///
    /// # Errors
    /// The first URL that is none, or an unusable extra root.
    pub fn new<U: AsRef<str>>(urls: &[U], options: &NamedOptions) -> Result<Self, SetupError> {
        let mut nodes: Vec<Arc<dyn Transport>> = Vec::with_capacity(urls.len());
        for url in urls {
            nodes.push(Arc::new(NamedEndpoint::new(url.as_ref(), options)?));
        }
        Ok(Self::over(nodes))
    }

    /// Makes a client for nodes that are reached in some way of their own, asked in this order.
    pub fn over(nodes: Vec<Arc<dyn Transport>>) -> Self {
        let node = |endpoint| Node { endpoint, breaker: Mutex::new(Breaker::default()) };
        Self { nodes: nodes.into_iter().map(node).collect(), next_id: AtomicU64::new(1), started: Instant::now() }
    }

    /// The first node, by host and port.
    pub fn label(&self) -> String {
        self.nodes.first().map(|node| node.endpoint.label()).unwrap_or_default()
    }

    /// Makes one call and reads its result; `None` is a null result. At most `answer_max` bytes are read.
    ///
    /// # Errors
    /// That of the last node asked.
    pub async fn call<T: DeserializeOwned>(&self, call: &Call, answer_max: usize) -> Result<Option<T>, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.first_answer(&call.text(id), answer_max, |body| read_single(body, id)).await
    }

    /// Makes several calls of one kind in one request; the answers come in the order of the calls. At most
    /// [`RPC_BATCH_MAX_CALLS`] go into one request, more are sent one request after the other.
    ///
    /// # Errors
    /// When a request as a whole fails; what a node says to a single call is in the list.
    pub async fn batch<T: DeserializeOwned>(
        &self,
        calls: &[Call],
        answer_max: usize,
    ) -> Result<Vec<Result<Option<T>, RpcError>>, RpcError> {
        let mut answers = Vec::with_capacity(calls.len());
        for part in calls.chunks(RPC_BATCH_MAX_CALLS) {
            let count = u64::try_from(part.len()).map_err(|_| RpcError::Malformed("a batch without end"))?;
            let first = self.next_id.fetch_add(count, Ordering::Relaxed);
            let texts: Vec<String> = part.iter().zip(first..).map(|(call, id)| call.text(id)).collect();
            let body = format!("[{}]", texts.join(","));
            answers.extend(self.first_answer(&body, answer_max, |body| read_batch(body, first, part.len())).await?);
        }
        Ok(answers)
    }

    /// Makes one call about a block and judges the answer before it counts as one; a node whose answer is disproved has failed, and the
    /// next one is asked. A null result means that the node doesn't know the block.
    ///
    /// # Errors
    /// That of the last node asked, a disproof before anything else.
    pub async fn call_judged<T: DeserializeOwned, U>(
        &self,
        call: &Call,
        answer_max: usize,
        judge: impl Fn(T) -> Result<U, Disproof>,
    ) -> Result<U, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let read = |body: &[u8]| match read_single::<T>(body, id)? {
            Some(value) => judge(value).map_err(RpcError::Disproved),
            // Some nodes say it with null, some with an error.
            None => Err(RpcError::Node { code: 0, refusal: NodeRefusal::UnknownBlock }),
        };
        self.first_answer(&call.text(id), answer_max, read).await
    }

    async fn first_answer<T>(
        &self,
        body: &str,
        answer_max: usize,
        read: impl Fn(&[u8]) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        let mut last = RpcError::AllOpen;
        for node in &self.nodes {
            if !node.breaker().admit(self.now()) {
                continue;
            }
            let answer = node.endpoint.post(body, answer_max).await;
            let result = answer.map_err(RpcError::Transport).and_then(|answer| judge(&answer, &read));
            self.note(node, result.as_ref().err().copied());
            match result {
                Ok(value) => return Ok(value),
                Err(error) if error.is_worth_another_node() => last = worse(last, error),
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn note(&self, node: &Node, error: Option<RpcError>) {
        let mut breaker = node.breaker();
        if let Some(RpcError::Disproved(what)) = error {
            tracing::warn!(node = %node.endpoint.label(), %what, "a chain's node gave a false answer: not believed");
        }
        match error {
            Some(error) if error.is_failure() => {
                breaker.failed(self.now());
                if breaker.is_open(self.now()) {
                    tracing::warn!(node = %node.endpoint.label(), %error, "a chain's node is left alone for a while");
                }
            }
            _ => breaker.succeeded(),
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Which of two nodes' errors says more: a lie says more than a refusal, a node's own refusal more than silence.
const fn worse(before: RpcError, now: RpcError) -> RpcError {
    match (before, now) {
        (RpcError::Disproved(_), _) => before,
        (_, RpcError::Disproved(_)) | (RpcError::Node { .. }, RpcError::Node { .. }) => now,
        (RpcError::Node { .. }, _) => before,
        _ => now,
    }
}

fn judge<T>(answer: &Answer, read: &impl Fn(&[u8]) -> Result<T, RpcError>) -> Result<T, RpcError> {
    if answer.status.is_success() {
        return read(&answer.body);
    }
    // Many nodes send their JSON-RPC errors with a status of 4xx or 5xx; a result under such a status is not believed.
    match read(&answer.body) {
        Err(refused @ RpcError::Node { .. }) => Err(refused),
        _ => Err(RpcError::HttpStatus(answer.status.as_u16())),
    }
}
