use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use handsel_core::egress_rules::{AddressClass, UrlRefusal};
use handsel_core::limits::HOOK_DNS_TIMEOUT_MS;
use handsel_core::port::HostJudge;
use handsel_net::egress::{DnsLookup, EgressError, NameLookup};
use handsel_net::hook_sender::WebhookSender;
use http::HeaderMap;
use tokio::net::UdpSocket;

use crate::peer::{Manner, Scripted, client, listen};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn the_address_is_judged_again_at_every_connection() {
    let (address, counts) = listen(Manner::Answer(OK.to_vec())).await;
    // Only 127.0.0.1 is opened; the second and third answers rebind the name.
    let lookup = Scripted::new(&[&["127.0.0.1"], &["127.0.0.9"], &["127.0.0.1", "169.254.169.254"], &["127.0.0.1"]]);
    let egress = client(&["127.0.0.1/32"], lookup.clone());
    let url = format!("http://hooks.example.com:{}/", address.port());
    let send = || egress.post(&url, HeaderMap::new(), Bytes::new());
    assert_eq!(send().await.result.unwrap().status.as_u16(), 200);
    assert_eq!(send().await.result.unwrap_err(), EgressError::AddressForbidden(AddressClass::Loopback));
    assert_eq!(send().await.result.unwrap_err(), EgressError::AddressForbidden(AddressClass::Metadata));
    assert_eq!(send().await.result.unwrap().status.as_u16(), 200);
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 4);
    assert_eq!((counts.connections(), counts.requests()), (1, 2));
}

#[tokio::test]
async fn a_kept_connection_is_not_used_for_another_address() {
    let (address, counts) = listen(Manner::Answer(OK.to_vec())).await;
    let lookup = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = client(&["127.0.0.0/8"], lookup);
    let url = format!("http://hooks.example.com:{}/", address.port());
    assert!(egress.post(&url, HeaderMap::new(), Bytes::new()).await.result.is_ok());
    // Nobody listens on 127.0.0.2, and the open connection to 127.0.0.1 must not serve.
    assert_eq!(egress.post(&url, HeaderMap::new(), Bytes::new()).await.result.unwrap_err(), EgressError::ConnectFailed);
    assert_eq!(counts.requests(), 1);
}

#[tokio::test]
async fn literals_and_closed_names_are_refused_without_a_look_up_or_a_connection() {
    let (address, counts) = listen(Manner::Answer(OK.to_vec())).await;
    let lookup = Scripted::new(&[&["127.0.0.1"]]);
    let egress = client(&[], lookup.clone());
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "x.internal",
        "x.local",
        "intranet",
    ] {
        let outcome = egress.post(&format!("http://{host}:{port}/"), HeaderMap::new(), Bytes::new()).await;
        assert!(matches!(outcome.result, Err(EgressError::UrlNotAllowed(_))), "{host}");
    }
    assert_eq!((lookup.asked.load(Ordering::SeqCst), counts.connections()), (0, 0));
}

#[tokio::test]
async fn an_odd_port_needs_opened_addresses() {
    let egress = client(&["127.0.0.0/8"], Scripted::new(&[&["93.184.215.14"]]));
    let outcome = egress.post("http://hooks.example.com:9000/", HeaderMap::new(), Bytes::new()).await;
    assert_eq!(outcome.result.unwrap_err(), EgressError::UrlNotAllowed(UrlRefusal::Port));
}

#[tokio::test]
async fn localhost_is_what_the_operator_opened_and_no_name_server_is_asked() {
    let (address, _) = listen(Manner::Answer(OK.to_vec())).await;
    let lookup = Scripted::new(&[&["8.8.8.8"]]);
    let egress = client(&["127.0.0.0/8", "::1/128"], lookup.clone());
    let outcome = egress.post(&format!("http://localhost:{}/", address.port()), HeaderMap::new(), Bytes::new()).await;
    assert_eq!(outcome.result.unwrap().status.as_u16(), 200);
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn registration_judges_by_the_same_rules_and_accepts_what_does_not_resolve() {
    let closed = WebhookSender::new(client(&[], Scripted::new(&[&["8.8.8.8", "10.0.0.7"]])));
    assert_eq!(closed.judge("hooks.example.com", 443).await.unwrap_err().class, "private");
    assert_eq!(closed.judge("169.254.169.254", 443).await.unwrap_err().class, "metadata");
    assert_eq!(closed.judge("::1", 443).await.unwrap_err().class, "loopback");
    assert_eq!(closed.judge("hooks.example.com", 22).await.unwrap_err().class, "port");
    let public = WebhookSender::new(client(&[], Scripted::new(&[&["8.8.8.8"]])));
    assert!(public.judge("hooks.example.com", 443).await.is_ok());
    assert!(public.judge("hooks.example.com", 80).await.is_ok());
    let unresolved = WebhookSender::new(client(&["10.0.0.0/8"], Scripted::failing()));
    assert!(unresolved.judge("hooks.example.com", 443).await.is_ok());
    assert_eq!(unresolved.judge("hooks.corp.internal", 443).await.unwrap_err().class, "host_not_public");
}

/// What the name server says to questions that are not for A records.
#[derive(Clone, Copy)]
enum Rest {
    /// No records, no error.
    Empty,
    /// This code.
    Code(u8),
    /// Nothing at all.
    Silent,
}

/// Answers every A question with 192.0.2.7, over UDP.
async fn name_server(rest: Rest) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0_u8; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            let name_end = 12 + question[12..length].iter().position(|byte| *byte == 0).unwrap();
            let is_a = question[name_end + 1..name_end + 3] == [0, 1];
            let code = match rest {
                Rest::Silent if !is_a => continue,
                Rest::Code(code) if !is_a => code,
                _ => 0,
            };
            let mut answer = question[..name_end + 5].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
            if is_a {
                answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn the_configured_name_server_is_asked_and_its_answer_taken() {
    const SERVFAIL: u8 = 2;
    const NXDOMAIN: u8 = 3;
    for rest in [Rest::Empty, Rest::Code(SERVFAIL), Rest::Code(NXDOMAIN), Rest::Silent] {
        let lookup = DnsLookup::ask_server(name_server(rest).await);
        let limit = Duration::from_millis(HOOK_DNS_TIMEOUT_MS);
        let found = tokio::time::timeout(limit, lookup.addresses("hooks.example.com")).await.unwrap().unwrap();
        assert_eq!(found, vec!["192.0.2.7".parse::<IpAddr>().unwrap()]);
    }
}
