//! Browsers are told to come by TLS only where TLS is.

use crate::harness::House;
use handsel_web::Peer;
use http::Request;

const STRICT: &str = "max-age=63072000; includeSubDomains; preload";
const PLACES: [&str; 5] = ["/healthz", "/v1/account", "/c/nothing", "/nothing", "/openapi.json"];

fn tcp(ip: &str) -> Peer {
    Peer::Tcp(ip.parse().unwrap())
}

#[tokio::test]
async fn behind_a_declared_proxy_every_answer_says_so() {
    let house = House::open().await;
    for path in PLACES {
        for peer in [tcp("10.0.0.1"), tcp("::ffff:10.0.0.1"), Peer::Unix] {
            let seen = house.anonymous_from(peer, path, &[]).await;
            assert_eq!(seen.header("strict-transport-security"), STRICT, "{path} {peer:?}");
        }
    }
}

#[tokio::test]
async fn in_the_clear_no_answer_does() {
    let house = House::open().await;
    for path in PLACES {
        for peer in [tcp("127.0.0.1"), tcp("::1"), tcp("203.0.113.1")] {
            let seen = house.anonymous_from(peer, path, &[("x-forwarded-proto", "https")]).await;
            assert!(!seen.headers.contains_key("strict-transport-security"), "{path} {peer:?}");
        }
        let nobody = house.send(Request::builder().uri(path).body(axum::body::Body::empty()).unwrap()).await;
        assert!(!nobody.headers.contains_key("strict-transport-security"), "{path}");
    }
}
