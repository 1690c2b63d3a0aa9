//! The accept loop on real sockets.
#![expect(clippy::disallowed_methods, reason = "the tests are the clients: they connect to the loop that they started")]

use crate::harness::House;
use handsel_web::{Bounds, Listener, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut out = String::new();
    stream.read_to_string(&mut out).await.unwrap();
    out
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn it_serves_on_tcp_until_it_is_told_to_stop() {
    let house = House::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served =
        tokio::spawn(serve(Listener::Plain(listener), house.router.clone(), house.stop.clone(), Bounds::default()));
    let answer = ask(TcpStream::connect(address).await.unwrap(), HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("request-id: req_"), "{answer}");
    let broken = ask(TcpStream::connect(address).await.unwrap(), "nonsense\r\n\r\n").await;
    assert!(broken.starts_with("HTTP/1.1 400"), "{broken}");
    house.stopper.stop();
    served.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_stop() {
    let house = House::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served =
        tokio::spawn(serve(Listener::Plain(listener), house.router.clone(), house.stop.clone(), Bounds::default()));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0u8; 16];
    idle.read_exact(&mut some).await.unwrap();
    house.stopper.stop();
    served.await.unwrap();
}

#[tokio::test]
async fn it_serves_on_a_unix_socket() {
    let house = House::open().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(serve(Listener::Unix(listener), house.router.clone(), house.stop.clone(), Bounds::default()));
    let answer = ask(UnixStream::connect(&path).await.unwrap(), HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// One answered request, and the connection stays open.
async fn kept(address: std::net::SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.ok()?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"ok\n") {
        match stream.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    Some(stream)
}

#[tokio::test]
async fn over_the_caps_a_connection_is_dropped_and_a_place_given_back_is_taken_again() {
    for bounds in [Bounds { connections: 2, ..Bounds::default() }, Bounds { per_address: 2, ..Bounds::default() }] {
        let house = House::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(Listener::Plain(listener), house.router.clone(), house.stop.clone(), bounds));
        let first = kept(address).await.unwrap();
        let second = kept(address).await.unwrap();
        assert!(kept(address).await.is_none(), "the third is dropped without an answer: {bounds:?}");
        drop(first);
        // The server hears of the end in its own time.
        while kept(address).await.is_none() {
            tokio::task::yield_now().await;
        }
        drop(second);
    }
}
