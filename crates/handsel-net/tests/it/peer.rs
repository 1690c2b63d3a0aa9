//! A receiver on a real socket that does what a test tells it, and a look-up with scripted answers.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use handsel_core::egress_rules::{AddressPolicy, UrlPolicy};
use handsel_core::port::BoxFuture;
use handsel_net::egress::{Deadlines, Egress, EgressConfig, LookupError, NameLookup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Counts connections and requests by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) requests: Arc<AtomicUsize>,
    /// Bytes that the peer could write before the client closed.
    pub(crate) written: Arc<AtomicUsize>,
    pub(crate) closed: Arc<tokio::sync::Notify>,
}

impl Counts {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

/// What the peer does with each request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Writes these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Writes these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Writes a head without a length, then bytes as long as the client takes them.
    Flood,
    /// Writes a head, then one byte in each interval for ever.
    Drip(Duration),
    /// Reads and never answers.
    Silent,
}

pub(crate) async fn listen(manner: Manner) -> (SocketAddr, Counts) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counts = Counts::default();
    let seen = counts.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, manner.clone(), seen.clone()));
        }
    });
    (address, counts)
}

async fn serve(mut stream: TcpStream, manner: Manner, counts: Counts) {
    while read_request(&mut stream).await.is_some() {
        counts.requests.fetch_add(1, Ordering::SeqCst);
        match &manner {
            Manner::Answer(bytes) => {
                if stream.write_all(bytes).await.is_err() {
                    break;
                }
            }
            Manner::AnswerAndClose(bytes) => {
                let _ = stream.write_all(bytes).await;
                break;
            }
            Manner::Flood => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let chunk = vec![b'x'; 16 * 1024];
                while let Ok(n) = stream.write(&chunk).await {
                    counts.written.fetch_add(n, Ordering::SeqCst);
                }
                break;
            }
            Manner::Drip(interval) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(*interval).await;
                }
                break;
            }
            Manner::Silent => {
                let mut rest = [0_u8; 64];
                while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {}
                break;
            }
        }
    }
    drop(stream);
    counts.closed.notify_one();
}

/// Reads one request with a `content-length` body; `None` at the end of the stream.
pub(crate) async fn read_request<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
            }
        }
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
}

/// Answers each look-up with the next entry; the last one stays.
#[derive(Debug)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Result<Vec<IpAddr>, LookupError>>>,
    pub(crate) asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|set| Ok(set.iter().map(|ip| ip.parse().unwrap()).collect())).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
    pub(crate) fn failing() -> Arc<Self> {
        let answers = Mutex::new(VecDeque::from([Err(LookupError::Failed)]));
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl NameLookup for Scripted {
    fn addresses<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().unwrap().clone() };
        Box::pin(async move { next })
    }
}

pub(crate) fn short() -> Deadlines {
    let connect = Duration::from_millis(400);
    Deadlines { dns: connect, connect, first_byte: Duration::from_millis(400), total: Duration::from_millis(900) }
}

pub(crate) fn policy(opened: &[&str]) -> UrlPolicy {
    let addresses = AddressPolicy::from_texts::<_, &str>(opened, &[]).unwrap();
    UrlPolicy { live: false, allow_http: true, addresses, ..UrlPolicy::default() }
}

pub(crate) fn client(opened: &[&str], lookup: Arc<Scripted>) -> Egress {
    let config = EgressConfig { deadlines: short(), ..EgressConfig::new(policy(opened)) };
    Egress::with_lookup(config, lookup).unwrap()
}
