use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use handsel_core::delivery::{HookError, HookRequest};
use handsel_core::port::HookSender;
use handsel_core::secret::SecretText;
use handsel_net::egress::{Egress, EgressError, NamedEndpoint, NamedOptions, Phase};
use handsel_net::hook_sender::WebhookSender;
use http::HeaderMap;

use crate::peer::{Manner, Scripted, client, listen, short};

const OPEN: &[&str] = &["127.0.0.0/8"];

fn loopback() -> Egress {
    client(OPEN, Scripted::failing())
}

async fn post(egress: &Egress, url: &str) -> handsel_net::egress::Outcome {
    egress.post(url, HeaderMap::new(), Bytes::from_static(b"{}")).await
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn an_answer_comes_back_with_its_timings_and_the_connection_is_used_again() {
    let (address, counts) = listen(Manner::Answer(ok("thanks"))).await;
    let egress = loopback();
    for round in 0..3 {
        let outcome = post(&egress, &format!("http://{address}/hook?x=1")).await;
        let answer = outcome.result.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_slice(), answer.truncated),
            (200, b"thanks".as_slice(), false)
        );
        assert_eq!(outcome.timing.connect_ms.is_some(), round == 0);
        assert!(outcome.timing.first_byte_ms.is_some() && outcome.timing.dns_ms.is_none());
    }
    assert_eq!((counts.connections(), counts.requests()), (1, 3));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_goes_there() {
    let (canary, canary_counts) = listen(Manner::Answer(ok("stolen"))).await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let head = format!("HTTP/1.1 {status}\r\nlocation: http://{canary}/\r\ncontent-length: 0\r\n\r\n");
        let (address, _) = listen(Manner::Answer(head.into_bytes())).await;
        let answer = post(&loopback(), &format!("http://{address}/")).await.result.unwrap();
        assert!(answer.status.is_redirection());
    }
    assert_eq!(canary_counts.connections(), 0);
}

#[tokio::test]
async fn a_flood_is_cut_and_the_connection_closed() {
    let (address, counts) = listen(Manner::Flood).await;
    let answer = post(&loopback(), &format!("http://{address}/")).await.result.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len(), answer.truncated), (200, 8 * 1024, true));
    counts.closed.notified().await;
    // What the peer got rid of lies in the buffers of two sockets; nothing near what it would have liked to send.
    assert!(counts.written() < 64 * 1024 * 1024, "{}", counts.written());
}

#[tokio::test]
async fn a_dripping_body_is_cut_at_the_total_deadline() {
    let (address, counts) = listen(Manner::Drip(Duration::from_millis(20))).await;
    let outcome = post(&loopback(), &format!("http://{address}/")).await;
    assert_eq!(outcome.result.unwrap_err(), EgressError::Timeout(Phase::Body));
    counts.closed.notified().await;
}

#[tokio::test]
async fn a_silent_receiver_is_left_after_the_first_byte_limit() {
    let (address, counts) = listen(Manner::Silent).await;
    let outcome = post(&loopback(), &format!("http://{address}/")).await;
    assert_eq!(outcome.result.unwrap_err(), EgressError::Timeout(Phase::FirstByte));
    counts.closed.notified().await;
    assert_eq!(counts.requests(), 1);
}

#[tokio::test]
async fn an_endless_or_broken_head_is_an_error_of_its_own() {
    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    let cases = [
        (huge.into_bytes(), EgressError::ResponseTooLarge),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), EgressError::ProtocolError),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec(), EgressError::ConnectionClosed),
        (Vec::new(), EgressError::ConnectionClosed),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), EgressError::ConnectionClosed),
    ];
    for (bytes, expected) in cases {
        let (address, _) = listen(Manner::AnswerAndClose(bytes.clone())).await;
        let error = post(&loopback(), &format!("http://{address}/")).await.result.unwrap_err();
        assert_eq!(error, expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_receiver_closed_is_replaced() {
    let (address, counts) = listen(Manner::AnswerAndClose(ok("x"))).await;
    let egress = loopback();
    for _ in 0..5 {
        assert_eq!(post(&egress, &format!("http://{address}/")).await.result.unwrap().status.as_u16(), 200);
    }
    assert_eq!(counts.requests(), 5);
}

#[tokio::test]
async fn nobody_listening_is_connect_failed() {
    let (address, _) = listen(Manner::Silent).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_ne!(address, free);
    let outcome = post(&loopback(), &format!("http://{free}/")).await;
    assert_eq!(outcome.result.unwrap_err(), EgressError::ConnectFailed);
}

#[tokio::test]
async fn the_hook_sender_sends_the_headers_it_was_given_and_reports_the_answer() {
    let head = b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\nx-note: hello\r\ncontent-length: 4\r\n\r\nbusy".to_vec();
    let (address, _) = listen(Manner::Answer(head)).await;
    let sender: Arc<dyn HookSender> = Arc::new(WebhookSender::new(loopback()));
    let request = |url: String| HookRequest {
        url: SecretText::new(url),
        headers: vec![("webhook-id".into(), "evt_1".into())],
        body: b"{}".to_vec(),
    };
    let answer = sender.send(request(format!("http://{address}/"))).await.result.unwrap();
    assert_eq!((answer.status, answer.retry_after_seconds, answer.body.as_slice()), (503, Some(7), b"busy".as_slice()));
    assert!(answer.headers.contains(&("x-note".to_owned(), "hello".to_owned())));
    for (url, error) in [
        ("http://10.0.0.1/", HookError::AddressForbidden),
        ("http://8.8.8.8/", HookError::UrlNotAllowed),
        ("ftp://example.com/", HookError::UrlNotAllowed),
        ("https://hooks.example.com/", HookError::DnsFailed),
    ] {
        assert_eq!(sender.send(request(url.to_owned())).await.result.unwrap_err(), error, "{url}");
    }
}

#[tokio::test]
async fn a_named_endpoint_refuses_an_answer_over_its_limit_and_reads_one_at_it() {
    let options = NamedOptions { deadlines: short(), extra_ca_pem: None };
    for (limit, fits) in [(100, true), (99, false)] {
        for chunked in [false, true] {
            let body = "z".repeat(100);
            let bytes = if chunked {
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{body}\r\n0\r\n\r\n").into_bytes()
            } else {
                ok(&body)
            };
            let (address, _) = listen(Manner::Answer(bytes)).await;
            let endpoint = NamedEndpoint::new(&format!("http://{address}/key"), &options).unwrap();
            let result = endpoint.post_json(Bytes::from_static(b"{}"), limit).await;
            assert_eq!(
                result.map(|answer| answer.body.len()),
                if fits { Ok(100) } else { Err(EgressError::ResponseTooLarge) },
                "{limit} {chunked}"
            );
        }
    }
}

#[tokio::test]
async fn a_named_endpoint_shows_no_key() {
    let endpoint = NamedEndpoint::new("https://user:canary@node.example/v3/canary", &NamedOptions::default()).unwrap();
    assert!(!format!("{endpoint:?}").contains("canary"));
    assert_eq!(endpoint.label(), "node.example:443");
}
