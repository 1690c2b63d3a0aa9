//! Connections in memory under a clock that moves by itself when nobody has anything to do: the times are exact and nobody waits.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use axum::routing::get;
use hyper::client::conn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const SLOW_ANSWER: Duration = Duration::from_secs(600);
const BIG: usize = 1024 * 1024;
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const ANSWER: &[u8] = b"there";

/// With what tells it to stop, which must live as long as the connection.
fn connection() -> (Connection, GracefulShutdown) {
    let slow = get(async || {
        sleep(SLOW_ANSWER).await;
        "late"
    });
    let router = Router::new()
        .route("/", get(async || "there"))
        .route("/slow", slow)
        .route("/big", get(async || vec![b'x'; BIG]));
    let bounds = Bounds::default();
    let place = Places::new(bounds).take(Peer::Unix).unwrap();
    let graceful = GracefulShutdown::new();
    (Connection { router, peer: Peer::Unix, bounds, watcher: graceful.watcher(), _place: place }, graceful)
}

/// A client's end, and the connection at work.
fn http1() -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(4096);
    let (connection, graceful) = connection();
    let work = async move {
        connection.http1(server, None).await;
        drop(graceful);
    };
    (client, tokio::spawn(work))
}

/// Reads until the answer's body is there.
async fn answered(client: &mut DuplexStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(ANSWER) {
        assert_ne!(client.read_buf(&mut seen).await.unwrap(), 0, "closed after {:?}", String::from_utf8_lossy(&seen));
    }
}

/// Everything up to the end, and how long that took.
async fn closed(client: &mut DuplexStream) -> (Vec<u8>, Duration) {
    let begun = Instant::now();
    let mut seen = Vec::new();
    client.read_to_end(&mut seen).await.unwrap();
    (seen, begun.elapsed())
}

fn assert_after(took: Duration, bound: Duration) {
    assert!(took >= bound && took < bound + SECOND, "{took:?} instead of {bound:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let (mut client, work) = http1();
    let (seen, took) = closed(&mut client).await;
    assert!(seen.is_empty());
    assert_after(took, Bounds::default().first_byte);
    work.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_cut_however_often_something_comes() {
    let (client, work) = http1();
    let (mut reads, mut writes) = tokio::io::split(client);
    let drip = tokio::spawn(async move {
        writes.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        let mut lines = 0;
        while writes.write_all(b"a: b\r\n").await.is_ok() {
            lines += 1;
            sleep(SECOND).await;
        }
        lines
    });
    let begun = Instant::now();
    let mut seen = Vec::new();
    reads.read_to_end(&mut seen).await.unwrap();
    assert!(seen.is_empty(), "{}", String::from_utf8_lossy(&seen));
    assert_after(begun.elapsed(), Bounds::default().head);
    work.await.unwrap();
    assert!((9..=12).contains(&drip.await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_its_time_and_then_closed() {
    let (mut client, work) = http1();
    let idle = Bounds::default().idle;
    for _ in 0..3 {
        client.write_all(ASK).await.unwrap();
        answered(&mut client).await;
        sleep(idle - SECOND).await;
    }
    let (seen, took) = closed(&mut client).await;
    assert!(seen.is_empty());
    assert_after(took, SECOND);
    work.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_second_head_is_timed_like_the_first() {
    let (mut client, _work) = http1();
    client.write_all(ASK).await.unwrap();
    answered(&mut client).await;
    sleep(SECOND).await;
    client.write_all(b"GET ").await.unwrap();
    let (_, took) = closed(&mut client).await;
    assert_after(took, Bounds::default().head);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_nothing_that_the_client_owes() {
    let (mut client, _work) = http1();
    client.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let (seen, took) = closed(&mut client).await;
    assert!(seen.ends_with(b"late"));
    assert_after(took, SLOW_ANSWER);
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_an_answer_is_cut_and_who_takes_little_is_not() {
    const ASK_BIG: &[u8] = b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let (mut client, work) = http1();
    client.write_all(ASK_BIG).await.unwrap();
    let begun = Instant::now();
    work.await.unwrap();
    assert_after(begun.elapsed(), Bounds::default().stall);
    let (mut slow, work) = http1();
    slow.write_all(ASK_BIG).await.unwrap();
    let mut taken = 0;
    let mut some = vec![0; 64 * 1024];
    loop {
        match slow.read(&mut some).await.unwrap() {
            0 => break,
            n => taken += n,
        }
        sleep(SECOND).await;
    }
    work.await.unwrap();
    assert!(taken > BIG, "{taken}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_closed_though_it_answers_every_ping() {
    let (client, server) = duplex(64 * 1024);
    let (connection, _graceful) = connection();
    let work = tokio::spawn(connection.http2(server));
    let shaken = conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), TokioIo::new(client)).await;
    let (mut ask, driven) = shaken.unwrap();
    let driven = tokio::spawn(driven);
    let slow = http::Request::builder().uri("http://x/slow").body(Body::empty()).unwrap();
    let begun = Instant::now();
    assert_eq!(ask.send_request(slow).await.unwrap().status(), 200);
    assert_after(begun.elapsed(), SLOW_ANSWER);
    let begun = Instant::now();
    work.await.unwrap();
    assert_after(begun.elapsed(), Bounds::default().idle);
    let _ = driven.await.unwrap();
    assert!(ask.is_closed());
}
