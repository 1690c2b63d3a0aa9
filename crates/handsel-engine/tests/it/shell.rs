use crate::harness::{Bench, IP, MINUTE, ORIGIN, ask_of, json, new_checkout, text};
use handsel_core::actor::{Resource, Scope};
use handsel_core::id::CheckoutId;
use handsel_core::secret::SecretText;
use handsel_engine::api_keys::NewApiKey;
use handsel_engine::{Ask, Code};

const ROUTE: &str = "POST /v1/checkouts";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_give_the_first_answer_byte_for_byte() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let first = bench.engine.create_checkout(&bench.keyed(ROUTE, "k1", 1), new_checkout("5")).await.unwrap();
    assert_eq!((first.status, first.replayed), (201, false));
    let second = bench.engine.create_checkout(&bench.keyed(ROUTE, "k1", 1), new_checkout("5")).await.unwrap();
    assert!(second.replayed);
    assert_eq!((second.status, &second.body, second.version), (first.status, &first.body, first.version));
    let other = bench.engine.create_checkout(&bench.keyed(ROUTE, "k1", 2), new_checkout("6")).await.unwrap_err();
    assert_eq!(other.code, Code::IdempotencyKeyReused);
    let elsewhere = bench.engine.create_checkout(&bench.keyed("POST /v1/other", "k1", 2), new_checkout("6")).await;
    assert!(!elsewhere.unwrap().replayed, "another route has keys of its own");
    let list = json(&bench.engine.checkouts(&bench.list("/v1/checkouts")).await.unwrap());
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_answer_is_for_its_asker_alone() {
    let bench = Bench::open().await;
    let new = NewApiKey {
        name: "other".to_owned(),
        class: handsel_core::api_key::Class::Secret,
        scopes: Vec::new(),
        allowed_ips: Vec::new(),
        allowed_origins: Vec::new(),
        expires_at: None,
        metadata: Vec::new(),
    };
    let route = "POST /v1/api_keys";
    let first = bench.engine.create_api_key(&bench.keyed(route, "k", 1), new.clone()).await.unwrap();
    let replayed = bench.engine.create_api_key(&bench.keyed(route, "k", 1), new.clone()).await.unwrap();
    assert_eq!(first.body, replayed.body, "a secret shown once can be replayed to its asker");
    let other = bench.engine.authenticate(&SecretText::new(text(&json(&first), "/secret")), IP, ORIGIN).await.unwrap();
    let ask = Ask {
        idempotency_key: Some(SecretText::new("k")),
        fingerprint: [1; 32],
        ..ask_of(&other, Scope::write(Resource::Keys), route)
    };
    let refusal = bench.engine.create_api_key(&ask, new).await.unwrap_err();
    assert_eq!(refusal.code, Code::IdempotencyKeyReused);
    assert!(!refusal.detail.contains("sk_test_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_request_runs_is_refused_and_nothing_happens_twice() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let asks: Vec<_> = (0..8).map(|_| bench.keyed(ROUTE, "same", 1)).collect();
    let running = asks.iter().map(|ask| bench.engine.create_checkout(ask, new_checkout("5")));
    let answers = futures_join(running).await;
    let made = answers.iter().filter(|a| a.as_ref().is_ok_and(|a| !a.replayed)).count();
    assert_eq!(made, 1);
    for refusal in answers.iter().filter_map(|a| a.as_ref().err()) {
        assert_eq!((refusal.code, refusal.retry_after_seconds), (Code::IdempotencyInProgress, Some(1)));
    }
    let list = json(&bench.engine.checkouts(&bench.list("/v1/checkouts")).await.unwrap());
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

/// Polls all to their ends together.
pub(crate) async fn futures_join<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(move |cx| {
        let mut waiting = false;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_and_writes_nothing() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (actions, kinds) = (bench.audit_actions().await, bench.event_kinds().await);
    let ask = Ask { dry_run: true, ..bench.keyed(ROUTE, "k", 1) };
    let answer = bench.engine.create_checkout(&ask, new_checkout("5")).await.unwrap();
    let shown = json(&answer);
    assert_eq!((answer.status, &shown["dry_run"], text(&shown, "/amount")), (200, &serde_json::json!(true), "5.00"));
    let list = json(&bench.engine.checkouts(&bench.list("/v1/checkouts")).await.unwrap());
    assert_eq!(list["data"].as_array().unwrap().len(), 0);
    assert_eq!((bench.audit_actions().await, bench.event_kinds().await), (actions, kinds));
    let real = bench.engine.create_checkout(&bench.keyed(ROUTE, "k", 2), new_checkout("5")).await.unwrap();
    assert!(!real.replayed, "a dry run leaves no idempotent answer");
    let refused = bench.engine.create_checkout(&ask, new_checkout("0")).await.unwrap_err();
    assert_eq!(refused.code, Code::AmountBelowMinimum, "a dry run validates");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_if_match_is_refused() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let made = bench.engine.create_checkout(&bench.ask(ROUTE), new_checkout("5")).await.unwrap();
    let id = CheckoutId::parse(text(&json(&made), "/id")).unwrap();
    let stale = Ask { if_match: Some(7), ..bench.ask("POST /v1/checkouts/{id}/cancel") };
    assert_eq!(bench.engine.cancel_checkout(&stale, id).await.unwrap_err().code, Code::VersionMismatch);
    let fresh = Ask { if_match: Some(1), ..bench.ask("POST /v1/checkouts/{id}/cancel") };
    assert_eq!(bench.engine.cancel_checkout(&fresh, id).await.unwrap().version, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_one_object_all_get_in() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let made = bench.engine.create_checkout(&bench.ask(ROUTE), new_checkout("5")).await.unwrap();
    let id = CheckoutId::parse(text(&json(&made), "/id")).unwrap();
    let ask = bench.ask("PATCH /v1/checkouts/{id}");
    let patches = (0..6).map(|n| bench.engine.patch_checkout(&ask, id, vec![(format!("k{n}"), Some("v".to_owned()))]));
    for answer in futures_join(patches).await {
        answer.unwrap();
    }
    let shown = json(&bench.engine.checkout(&bench.ask("GET /v1/checkouts/{id}"), id).await.unwrap());
    assert_eq!(shown["metadata"].as_object().unwrap().len(), 6, "no patch was lost");
    assert_eq!(shown["version"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_woken_by_a_change_or_by_time() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let made = bench.engine.create_checkout(&bench.ask(ROUTE), new_checkout("5")).await.unwrap();
    let id = CheckoutId::parse(text(&json(&made), "/id")).unwrap();
    let waiting = bench.engine.wait_for_change(id, 1, MINUTE);
    let ask = bench.ask("POST /v1/checkouts/{id}/cancel");
    let (waited, canceled) = tokio::join!(waiting, bench.engine.cancel_checkout(&ask, id));
    assert!(waited.is_ok() && canceled.is_ok());
    bench.engine.wait_for_change(id, 1, MINUTE).await.unwrap();
    let idle = bench.engine.wait_for_change(id, 2, MINUTE);
    let (idle, ()) = tokio::join!(idle, async {
        tokio::task::yield_now().await;
        bench.clock.advance(61);
    });
    idle.unwrap();
}
