//! What is kept of requests that never got in: leaves in the cell's own log, bounded, without what was presented.

use crate::harness::{Server, Setup, holds, run, run_with, until};
use handsel_core::actor::Actor;
use handsel_core::audit::Leaf;
use handsel_core::id::{AccountId, RequestId};
use handsel_core::limits;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More leaves than any of these tests makes.
const LEAVES_MAX: u32 = 10_000;
const FLOOD: u64 = 1_000;

/// The leaves of nobody's account, once there are at least so many requests in them.
async fn of_nobody(s: &Server, requests: u64) -> Vec<Leaf> {
    until("the refused requests have their leaves", async || {
        let leaves = s.store.reader.audit_leaves(0, LEAVES_MAX).await.unwrap();
        let leaves = leaves.iter().map(|bytes| Leaf::parse(bytes).unwrap());
        let leaves: Vec<Leaf> = leaves.filter(|leaf| leaf.actor == Actor::Anonymous).collect();
        (leaves.iter().map(standing_for).sum::<u64>() >= requests).then_some(leaves)
    })
    .await
}

/// How many requests a leaf is of.
fn standing_for(leaf: &Leaf) -> u64 {
    let object = leaf.object.as_deref().unwrap();
    let count = object.strip_suffix(" more").or_else(|| object.split_once(" x").map(|(_, count)| count));
    count.unwrap().parse().unwrap()
}

#[test]
fn a_refused_request_leaves_method_template_result_and_a_masked_address() {
    let presented = "sk_test_this-is-presented-and-kept-nowhere";
    run(async |s| {
        let bare = s.anonymous().get("/v1/checkouts/chk_somebody?reference=private").await;
        bare.refused(401, "authentication_required");
        s.with(presented).post("/v1/webhooks", serde_json::json!({})).await.refused(401, "api_key_invalid");
        s.with(presented).request("FANCY", "/v1/elsewhere").send().await.refused(401, "api_key_invalid");
        let leaves = of_nobody(s, 3).await;
        let told = |leaf: &Leaf| (leaf.action.clone(), leaf.result.clone(), leaf.object.clone().unwrap());
        let mut told: Vec<_> = leaves.iter().map(told).collect();
        told.sort();
        let line =
            |action: &str, result: &str| (action.to_owned(), result.to_owned(), "127.0.0.0/24 401 x1".to_owned());
        let wanted = [
            line("GET /v1/checkouts/{id}", "authentication_required"),
            line("OTHER unknown", "api_key_invalid"),
            line("POST /v1/webhooks", "api_key_invalid"),
        ];
        assert_eq!(told, wanted);
        assert!(leaves.iter().all(|leaf| leaf.account.is_none() && leaf.request.is_some()));
        let id = RequestId::parse(bare.header("request-id").unwrap()).unwrap();
        let row = s.store.reader.request_row(AccountId::from_bits(0), id).await.unwrap().unwrap();
        assert_eq!((row.status, row.route.as_str(), row.key), (401, "/v1/checkouts/{id}", None));
        s.get(&format!("/v1/requests/{id}")).await.refused(404, "resource_missing");
        for bytes in s.store.reader.audit_leaves(0, LEAVES_MAX).await.unwrap() {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("presented") && !text.contains("private") && !text.contains("somebody"), "{text}");
        }
        assert!(!holds(presented));
    });
}

#[test]
fn a_flood_of_refused_requests_from_everywhere_is_counted_in_few_rows() {
    let setup = Setup::default().set("HANDSEL_TRUSTED_PROXIES", "127.0.0.0/8");
    run_with(setup, async |s| {
        let address = AtomicUsize::new(0);
        let one = || {
            let n = address.fetch_add(1, Ordering::SeqCst);
            format!("GET /v1/account HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 20.{}.{}.1\r\n", n >> 8, n & 255)
        };
        let flood = async || {
            let mut requests = (1..FLOOD / 2).map(|_| format!("{}\r\n", one())).collect::<String>();
            requests.push_str(&format!("{}Connection: close\r\n\r\n", one()));
            assert_eq!(s.anonymous().raw(requests.as_bytes()).await.status, 401);
        };
        flood().await;
        s.checkout("1.00").await;
        flood().await;
        let leaves = of_nobody(s, FLOOD).await;
        assert_eq!(leaves.iter().map(standing_for).sum::<u64>(), FLOOD, "every one is counted");
        let more = leaves.iter().filter(|leaf| leaf.object.as_deref().unwrap().ends_with(" more")).count();
        assert!(more >= 1);
        // What the allowance gains while the test runs is not to be foreseen; half of the flood it never is.
        let rows = leaves.len() - more;
        assert!(rows >= limits::REFUSED_NOTES_BURST_ROWS as usize && rows < FLOOD as usize / 2, "{rows}");
    });
}
