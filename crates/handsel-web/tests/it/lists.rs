//! Lists: pages, links, filters, tables.

use crate::harness::House;
use axum::body::Body;

#[tokio::test]
async fn a_list_is_walked_by_its_links() {
    let house = House::open().await;
    house.wallet().await;
    for _ in 0..3 {
        house.checkout().await;
        house.clock.advance(std::time::Duration::from_secs(1));
    }
    let mut seen = Vec::new();
    let mut next = Some("/v1/checkouts?limit=2".to_owned());
    while let Some(path) = next.take() {
        let page = house.get(&path).await;
        for item in page.json()["data"].as_array().unwrap() {
            seen.push(item["id"].as_str().unwrap().to_owned());
        }
        let link = page.header("link");
        if !link.is_empty() {
            let url = link.strip_prefix("<https://pay.example.com").unwrap();
            next = Some(url.strip_suffix(">; rel=\"next\"").unwrap().to_owned());
        }
    }
    assert_eq!(seen.len(), 3);
    let mut newest_first = seen.clone();
    newest_first.sort();
    newest_first.reverse();
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused() {
    let house = House::open().await;
    let cases = [
        ("limti=5", "parameter_unknown"),
        ("limit=0", "parameter_invalid"),
        ("limit=101", "parameter_invalid"),
        ("starting_after=pay_00000000000000000000000001", "wrong_id_type"),
        ("created[after]=1", "parameter_unknown"),
        ("created[gte]=yesterday", "parameter_invalid"),
        ("expand[]=customer", "parameter_invalid"),
        (
            "starting_after=chk_00000000000000000000000001&ending_before=chk_00000000000000000000000001",
            "parameter_invalid",
        ),
        ("after_sequence=1", "parameter_unknown"),
    ];
    for (query, code) in cases {
        assert_eq!(house.get(&format!("/v1/checkouts?{query}")).await.problem().1, code, "{query}");
    }
}

#[tokio::test]
async fn filters_narrow() {
    let house = House::open().await;
    house.wallet().await;
    house.post("/v1/checkouts", r#"{"amount":"1.00","currency":"USD","reference":"a","metadata":{"k":"v w"}}"#).await;
    house.checkout().await;
    for query in ["reference=a", "metadata[k]=v+w", "metadata%5Bk%5D=v%20w"] {
        let list = house.get(&format!("/v1/checkouts?{query}")).await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1, "{query}: {list}");
    }
    let none = house.get("/v1/checkouts?created[lt]=5").await.json();
    assert_eq!(none["data"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_table_for_those_who_ask() {
    let house = House::open().await;
    house.wallet().await;
    house.checkout().await;
    let request = house.request("GET", "/v1/checkouts").header("accept", "text/csv").body(Body::empty()).unwrap();
    let seen = house.send(request).await;
    assert!(seen.header("content-type").starts_with("text/csv"));
    assert!(seen.text().lines().count() == 2 && seen.text().contains("19.99"), "{}", seen.text());
}

#[tokio::test]
async fn events_come_by_sequence_too() {
    let house = House::open().await;
    house.wallet().await;
    house.checkout().await;
    let seen = house.get("/v1/events?after_sequence=0&limit=1").await;
    let page = seen.json();
    assert_eq!(page["data"][0]["sequence"], 1, "{page}");
    assert!(page["head"]["sequence"].as_u64().unwrap() >= 2, "{page}");
    assert!(seen.header("link").contains("after_sequence=1"), "{}", seen.header("link"));
}
