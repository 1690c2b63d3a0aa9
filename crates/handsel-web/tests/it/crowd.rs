//! Whoever needs no key may not ask without end.

use crate::harness::{House, Seen};
use handsel_web::Peer;
use std::time::Duration;

/// Five times the rate within one second (`limits::PAGE_PER_SECOND_REQUESTS`).
const AT_ONCE: usize = 250;
const TRIES: usize = 1_000;

fn tcp(ip: &str) -> Peer {
    Peer::Tcp(ip.parse().unwrap())
}

/// Asks until it is refused; gives how many answers there were before, and the refusal.
async fn spent(house: &House, peer: Peer, headers: &[(&str, &str)]) -> (usize, Option<Seen>) {
    for n in 0..TRIES {
        let seen = house.anonymous_from(peer, "/c/nothing", headers).await;
        if seen.status == 429 {
            return (n, Some(seen));
        }
        assert_eq!(seen.status, 404);
    }
    (TRIES, None)
}

#[tokio::test]
async fn one_address_has_so_many_and_no_more() {
    let house = House::open().await;
    let peer = tcp("203.0.113.7");
    let (passed, refused) = spent(&house, peer, &[]).await;
    let refused = refused.unwrap();
    assert_eq!(passed, AT_ONCE);
    assert_eq!(refused.problem().1, "rate_limited");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-remaining")), ("1", "0"));
    assert_eq!(refused.header("ratelimit-policy"), "\"page\";q=2500;w=10");
    for path in ["/c/nothing/status", "/c/nothing/events", "/nothing", "/openapi.json", "/.well-known/security.txt"] {
        assert_eq!(house.anonymous_from(peer, path, &[]).await.status, 429, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(house.anonymous_from(peer, path, &[]).await.status, 200, "{path} is never limited");
    }
    assert_eq!(house.anonymous_from(peer, "/v1/account", &[]).await.status, 401, "the API has limits of its own");
    assert_eq!(house.anonymous_from(tcp("203.0.113.8"), "/c/nothing", &[]).await.status, 404);
    house.clock.advance(Duration::from_millis(1_100));
    assert_eq!(house.anonymous_from(peer, "/c/nothing", &[]).await.status, 404);
}

#[tokio::test]
async fn a_browser_is_told_on_a_page() {
    let house = House::open().await;
    let html = [("accept", "text/html,*/*;q=0.8")];
    let refused = spent(&house, tcp("2001:db8::1"), &html).await.1.unwrap();
    assert_eq!(refused.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(refused.text().contains("Too many requests"), "{}", refused.text());
    let neighbour = house.anonymous_from(tcp("2001:db8::2"), "/c/nothing", &html).await;
    assert_eq!(neighbour.status, 429, "one /64 is one");
}

#[tokio::test]
async fn payers_behind_one_proxy_are_told_apart_and_loopback_is_not_limited() {
    let house = House::open().await;
    let proxy = tcp("10.0.0.1");
    assert!(spent(&house, proxy, &[("x-forwarded-for", "198.51.100.1")]).await.1.is_some());
    let other = house.anonymous_from(proxy, "/c/nothing", &[("x-forwarded-for", "198.51.100.2")]).await;
    assert_eq!(other.status, 404);
    for peer in [tcp("127.0.0.1"), tcp("::1"), Peer::Unix] {
        assert_eq!(spent(&house, peer, &[]).await.0, TRIES, "an undeclared proxy makes nobody wait: {peer:?}");
    }
}
