//! Webhook receivers for tests: real HTTP endpoints that record what they get and answer what they were told to. They
//! live in memory only and are bounded in every direction; the oldest makes room.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use handsel_core::id::ReceiverId;
use handsel_core::port::{Clock, Entropy, ReceivedRequest};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;

use crate::clock::SandboxClock;
use crate::limits;
use crate::listener::{self, Answer, Handler, Listener};

/// Why a receiver was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverError {
    /// Statuses must be between 200 and 599, and at most `RECEIVER_STATUSES` of them.
    Statuses,
    /// The delay is longer than `RECEIVER_DELAY_MILLISECONDS`.
    Delay,
}

/// The receivers of a test server; dropping them ends them.
#[derive(Debug)]
pub struct Receivers {
    shelf: Arc<Shelf>,
    listener: Listener,
}

#[derive(Debug)]
struct Shelf {
    clock: Arc<SandboxClock>,
    entropy: Arc<dyn Entropy>,
    content: Mutex<Content>,
}

/// All receivers and, in one queue by age, all that they have got.
#[derive(Debug, Default)]
struct Content {
    receivers: VecDeque<Receiver>,
    requests: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Receiver {
    id: ReceiverId,
    statuses: VecDeque<StatusCode>,
    delay: Duration,
}

#[derive(Debug)]
struct Kept {
    receiver: ReceiverId,
    request: ReceivedRequest,
    bytes: usize,
}

impl Receivers {
    /// Opens the listener on any loopback port.
    pub async fn start(clock: Arc<SandboxClock>, entropy: Arc<dyn Entropy>) -> io::Result<Self> {
        let shelf = Arc::new(Shelf { clock, entropy, content: Mutex::default() });
        let listener = Listener::start(0, Arc::clone(&shelf)).await?;
        Ok(Self { shelf, listener })
    }

    /// Makes a receiver that answers these statuses in order, the last one for ever (none: 200), each after a delay.
    pub fn add(&self, statuses: &[u16], delay_millis: u64) -> Result<(ReceiverId, String), ReceiverError> {
        if delay_millis > limits::RECEIVER_DELAY_MILLISECONDS {
            return Err(ReceiverError::Delay);
        }
        if statuses.len() > limits::RECEIVER_STATUSES || statuses.iter().any(|status| !(200..600).contains(status)) {
            return Err(ReceiverError::Statuses);
        }
        let mut codes: VecDeque<_> = statuses.iter().filter_map(|status| StatusCode::from_u16(*status).ok()).collect();
        if codes.is_empty() {
            codes.push_back(StatusCode::OK);
        }
        let id = ReceiverId::new(self.shelf.clock.now(), &*self.shelf.entropy);
        let receiver = Receiver { id, statuses: codes, delay: Duration::from_millis(delay_millis) };
        self.shelf.content().add(receiver);
        Ok((id, format!("http://{}/{id}", self.listener.address())))
    }

    /// What a receiver has got, oldest first; `None` for an unknown one.
    pub fn requests(&self, id: ReceiverId) -> Option<Vec<ReceivedRequest>> {
        let content = self.shelf.content();
        content.receivers.iter().any(|receiver| receiver.id == id).then(|| {
            content.requests.iter().filter(|kept| kept.receiver == id).map(|kept| kept.request.clone()).collect()
        })
    }
}

impl Shelf {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn add(&mut self, receiver: Receiver) {
        if self.receivers.len() >= limits::RECEIVERS_MAX_COUNT
            && let Some(oldest) = self.receivers.pop_front()
        {
            self.drop_requests(|kept| kept.receiver == oldest.id);
        }
        self.receivers.push_back(receiver);
    }

    /// Keeps a request; gives the status and the delay of the answer. `None` when there is no such receiver.
    fn take(&mut self, id: ReceiverId, request: ReceivedRequest) -> Option<(StatusCode, Duration)> {
        let receiver = self.receivers.iter_mut().find(|receiver| receiver.id == id)?;
        let last = receiver.statuses.len() == 1;
        let status = if last { receiver.statuses.front().copied() } else { receiver.statuses.pop_front() };
        let delay = receiver.delay;
        let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = request.body.len() + headers;
        self.bytes += bytes;
        self.requests.push_back(Kept { receiver: id, request, bytes });
        if self.requests.iter().filter(|kept| kept.receiver == id).count() > limits::RECEIVER_REQUESTS
            && let Some(oldest) = self.requests.iter().position(|kept| kept.receiver == id)
            && let Some(kept) = self.requests.remove(oldest)
        {
            self.bytes -= kept.bytes;
        }
        while self.bytes > limits::RECEIVER_MEMORY_BYTES
            && let Some(kept) = self.requests.pop_front()
        {
            self.bytes -= kept.bytes;
        }
        status.map(|status| (status, delay))
    }

    fn drop_requests(&mut self, unwanted: impl Fn(&Kept) -> bool) {
        self.requests.retain(|kept| !unwanted(kept));
        self.bytes = self.requests.iter().map(|kept| kept.bytes).sum();
    }
}

impl Handler for Shelf {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let at = self.clock.now();
        let unknown = || listener::text(StatusCode::NOT_FOUND, "text/plain", "there is no such receiver\n");
        let Ok(id) = ReceiverId::parse(request.uri().path().trim_start_matches('/')) else { return unknown() };
        let (head, body) = request.into_parts();
        let body = match listener::read_body(body, limits::RECEIVER_REQUEST_BYTES).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let request = ReceivedRequest {
            at,
            method: head.method.to_string(),
            headers: kept_headers(&head.headers),
            body: kept_text(&body),
        };
        let told = self.content().take(id, request);
        let Some((status, delay)) = told else { return unknown() };
        if !delay.is_zero() {
            self.clock.real_pause(delay).await;
        }
        listener::text(status, "text/plain", Bytes::new())
    }
}

fn kept_text(body: &Bytes) -> String {
    let kept = &body[..body.len().min(limits::RECEIVER_BODY_BYTES)];
    String::from_utf8_lossy(kept).into_owned()
}

/// Names in lower case, in the order of arrival; what goes beyond the limit is left out.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = limits::RECEIVER_HEADER_BYTES;
    let mut kept = Vec::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        kept.push((name.as_str().to_owned(), value));
    }
    kept
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use handsel_core::time::Timestamp;

    fn id(bits: u128) -> ReceiverId {
        ReceiverId::from_bits(bits)
    }

    fn receiver(bits: u128, statuses: &[u16]) -> Receiver {
        let statuses = statuses.iter().map(|status| StatusCode::from_u16(*status).unwrap()).collect();
        Receiver { id: id(bits), statuses, delay: Duration::ZERO }
    }

    fn request(body: String) -> ReceivedRequest {
        ReceivedRequest { at: Timestamp::EPOCH, method: "POST".into(), headers: Vec::new(), body }
    }

    #[test]
    fn statuses_are_consumed_in_order_and_the_last_repeats() {
        let mut content = Content::default();
        content.add(receiver(1, &[500, 429, 200]));
        let mut next = || content.take(id(1), request("x".into())).unwrap().0.as_u16();
        assert_eq!([next(), next(), next(), next()], [500, 429, 200, 200]);
        assert_eq!(content.take(id(2), request("x".into())), None);
    }

    #[test]
    fn the_oldest_requests_of_a_receiver_make_room() {
        let mut content = Content::default();
        content.add(receiver(1, &[200]));
        content.add(receiver(2, &[200]));
        content.take(id(2), request("other".into())).unwrap();
        for number in 0..=limits::RECEIVER_REQUESTS {
            content.take(id(1), request(number.to_string())).unwrap();
        }
        assert_eq!(content.requests.len(), limits::RECEIVER_REQUESTS + 1);
        assert_eq!(content.requests[0].request.body, "other");
        assert_eq!(content.requests[1].request.body, "1");
    }

    #[test]
    fn memory_is_bounded_over_all_receivers() {
        let mut content = Content::default();
        content.add(receiver(1, &[200]));
        let long = "x".repeat(limits::RECEIVER_BODY_BYTES);
        for _ in 0..limits::RECEIVER_MEMORY_BYTES / limits::RECEIVER_BODY_BYTES + 5 {
            content.take(id(1), request(long.clone())).unwrap();
        }
        assert!(content.bytes <= limits::RECEIVER_MEMORY_BYTES);
        assert_eq!(content.bytes, content.requests.iter().map(|kept| kept.bytes).sum::<usize>());
    }

    #[test]
    fn the_oldest_receiver_makes_room() {
        let mut content = Content::default();
        content.add(receiver(0, &[200]));
        content.take(id(0), request("gone".into())).unwrap();
        for bits in 1..=limits::RECEIVERS_MAX_COUNT as u128 {
            content.add(receiver(bits, &[200]));
        }
        assert_eq!(content.receivers.len(), limits::RECEIVERS_MAX_COUNT);
        assert_eq!(content.receivers[0].id, id(1));
        assert_eq!((content.requests.len(), content.bytes), (0, 0));
    }

    #[test]
    fn only_so_much_of_body_and_headers_is_kept() {
        let body = Bytes::from(vec![b'x'; limits::RECEIVER_BODY_BYTES + 1]);
        assert_eq!(kept_text(&body).len(), limits::RECEIVER_BODY_BYTES);
        let mut headers = HeaderMap::new();
        headers.insert("x-short", "1".parse().unwrap());
        headers.insert("x-long", "y".repeat(limits::RECEIVER_HEADER_BYTES).parse().unwrap());
        assert_eq!(kept_headers(&headers), [("x-short".to_owned(), "1".to_owned())]);
    }
}
