//! HTTP/1.1 spoken by hand: what a library would refuse to send can be sent, and every byte of an answer is seen.

use super::shop::field;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A client of one server with one key, or none.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    pub(crate) key: Option<String>,
}

/// A request that is being put together.
#[derive(Debug)]
pub(crate) struct Sent {
    http: Http,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn with(&self, key: &str) -> Self {
        Self { address: self.address, key: Some(key.to_owned()) }
    }
    pub(crate) fn anonymous(&self) -> Self {
        Self { address: self.address, key: None }
    }
    pub(crate) fn request(&self, method: &str, target: &str) -> Sent {
        let (method, target) = (method.to_owned(), target.to_owned());
        Sent { http: self.clone(), method, target, headers: Vec::new(), body: Vec::new() }
    }
    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.request("GET", target).send().await
    }
    pub(crate) async fn delete(&self, target: &str) -> Reply {
        self.request("DELETE", target).send().await
    }
    pub(crate) async fn post(&self, target: &str, body: Value) -> Reply {
        self.request("POST", target).json(&body).send().await
    }
    pub(crate) async fn patch(&self, target: &str, body: Value) -> Reply {
        self.request("PATCH", target).json(&body).send().await
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> Reply {
        let answer = self.exchange(request).await.unwrap();
        Reply::parse(&answer).unwrap_or_else(|| panic!("no whole answer: {:?}", String::from_utf8_lossy(&answer)))
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own client, to the server that it started on loopback")]
    async fn exchange(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        // A server that answers before it has read everything may close; what it said counts.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Ok(answer)
    }
}

impl Sent {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    pub(crate) fn idempotent(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        if kind.is_empty() { self } else { self.header("Content-Type", kind) }
    }
    pub(crate) async fn send(self) -> Reply {
        let (http, request) = self.written();
        http.raw(&request).await
    }
    /// `None` where no whole answer came, as from a server that dies meanwhile: nothing is known then of what it did.
    pub(crate) async fn attempt(self) -> Option<Reply> {
        let (http, request) = self.written();
        let reply = Reply::parse(&http.exchange(&request).await.ok()?)?;
        let length: usize = reply.header("content-length")?.parse().ok()?;
        (reply.body.len() == length).then_some(reply)
    }
    fn written(self) -> (Http, Vec<u8>) {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.http.address);
        let key = self.http.key.iter().map(|key| ("Authorization".to_owned(), format!("Bearer {key}")));
        for (name, value) in key.chain(self.headers) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len()));
        (self.http, [head.as_bytes(), &self.body].concat())
    }
}

impl Reply {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut reply = Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() };
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = unchunked(&reply.body);
        }
        Some(reply)
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: no JSON: {}", self.status, self.text()))
    }
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        self.json()
    }
    /// The body of a refusal, after everything that holds for every refusal was checked.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], status);
        for member in ["type", "title", "detail", "instance", "doc_url", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {body}");
        }
        assert_eq!(body["request_id"].as_str(), self.header("request-id"));
        assert!(body["errors"].is_array());
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
        assert!(self.header("retry-after").is_some() || !matches!(status, 429 | 503));
        self.framed();
        body
    }
    /// The body of a refusal that is kept word for word in the reviewed files.
    #[track_caller]
    pub(crate) fn reviewed(&self, status: u16, code: &str) -> Value {
        let told = self.refused(status, code);
        let mut problem = told.clone();
        let here = field(&problem, "doc_url").split("/docs/").next().unwrap().to_owned();
        problem["instance"] = field(&problem, "instance").replace(&field(&problem, "request_id"), "REQUEST").into();
        problem["request_id"] = "REQUEST".into();
        for name in ["type", "doc_url"] {
            problem[name] = field(&problem, name).replace(&here, "HERE").into();
        }
        crate::snapshots::reviewed!(assert_json_snapshot, format!("problem_{code}"), problem);
        told
    }
    /// The headers that are on every answer.
    #[track_caller]
    pub(crate) fn framed(&self) {
        assert!(self.header("request-id").is_some_and(|id| id.starts_with("req_")));
        assert_eq!(self.header("handsel-version"), Some("2026-12-01"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("x-frame-options"), Some("DENY"));
        assert_eq!(self.header("referrer-policy"), Some("strict-origin-when-cross-origin"));
        assert!(self.header("cache-control").is_some_and(|text| text.contains("no-store")));
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        let Some(part) = rest.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        whole.extend_from_slice(part);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
