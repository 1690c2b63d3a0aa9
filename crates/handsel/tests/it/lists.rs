//! Lists: pages both ways, filters, `Link`, CSV.

use crate::harness::{Server, field, listed, on_each_engine};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    pages_lead_forth_and_back,
    lists_are_narrowed,
    tables_are_given_to_who_wants_them,
    a_table_without_rows_has_its_columns,
    every_list_has_the_same_form,
    events_follow_one_another_from_any_point,
}

const EVEN: &str = "cus_00000000000000000000000002";
const ODD: &str = "cus_00000000000000000000000001";

fn ids(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| field(object, "id")).collect()
}

/// Checkouts of so many different moments, oldest first.
async fn checkouts(s: &Server, count: usize) -> Vec<Value> {
    let mut made = Vec::new();
    for n in 0..count {
        let body = json!({"amount": format!("{}.00", n + 1), "currency": "USD", "reference": format!("order-{n}"),
            "customer": if n % 2 == 0 { EVEN } else { ODD }, "metadata": {"n": n.to_string(), "shop": "one"}});
        made.push(s.checkout_with(body).await);
        s.advance(10).await;
    }
    made
}

async fn pages_lead_forth_and_back(s: &Server) {
    let made = checkouts(s, 7).await;
    let mut newest_first = ids(&made);
    newest_first.reverse();
    let page = async |query: &str| s.get(&format!("/v1/checkouts?{query}")).await;
    let whole = page("limit=100").await.ok();
    assert_eq!(
        (&whole["object"], &whole["url"], &whole["has_more"]),
        (&json!("list"), &json!("/v1/checkouts"), &json!(false))
    );
    assert_eq!(ids(whole["data"].as_array().unwrap()), newest_first);
    let first = page("limit=3").await;
    assert_eq!((ids(&listed(&first)).as_slice(), &first.json()["has_more"]), (&newest_first[..3], &json!(true)));
    let link = first.header("link").unwrap();
    assert!(link.ends_with("; rel=\"next\""), "{link}");
    let target = link.trim_start_matches('<').split('>').next().unwrap();
    let target = target.split_once(&s.address.to_string()).unwrap().1.to_owned();
    let second = s.get(&target).await;
    assert_eq!(ids(&listed(&second)), newest_first[3..6]);
    let third = page(&format!("limit=3&starting_after={}", newest_first[5])).await;
    assert_eq!((ids(&listed(&third)).as_slice(), &third.json()["has_more"]), (&newest_first[6..], &json!(false)));
    assert_eq!(third.header("link"), None);
    let back = page(&format!("limit=3&ending_before={}", newest_first[6])).await;
    assert_eq!((ids(&listed(&back)).as_slice(), &back.json()["has_more"]), (&newest_first[3..6], &json!(true)));
    let start = page(&format!("limit=3&ending_before={}", newest_first[1])).await;
    assert_eq!((ids(&listed(&start)).as_slice(), &start.json()["has_more"]), (&newest_first[..1], &json!(false)));
    assert_eq!(listed(&page("limit=1").await).len(), 1);
}

async fn lists_are_narrowed(s: &Server) {
    let made = checkouts(s, 6).await;
    let found = async |query: &str| {
        let mut found = ids(&listed(&s.get(&format!("/v1/checkouts?{query}")).await));
        found.reverse();
        found
    };
    let all = ids(&made);
    let created: Vec<i64> = made.iter().map(|c| c["created"].as_i64().unwrap()).collect();
    assert_eq!(found(&format!("created[gte]={}", created[2])).await, all[2..]);
    assert_eq!(found(&format!("created[lt]={}", created[2])).await, all[..2]);
    assert_eq!(found(&format!("created[gte]={}&created[lt]={}", created[1], created[4])).await, all[1..4]);
    // The clock stands between two seconds: a bound means the second that is shown.
    assert_eq!(found(&format!("created%5Bgt%5D={}", created[4])).await, all[5..]);
    assert_eq!(found(&format!("created[lte]={}", created[1])).await, all[..2]);
    s.get("/v1/checkouts?customer=chk_00000000000000000000000001").await.refused(400, "wrong_id_type");
    assert_eq!(found("reference=order-3").await, all[3..4]);
    assert_eq!(found("reference=order-9").await, [""; 0]);
    assert_eq!(found(&format!("customer={EVEN}")).await, [all[0].clone(), all[2].clone(), all[4].clone()]);
    assert_eq!(found("metadata[n]=5").await, all[5..]);
    assert_eq!(found(&format!("metadata[shop]=one&customer={ODD}&limit=2")).await, [all[3].clone(), all[5].clone()]);
    s.act(&made[0], "cancel", json!({})).await.ok();
    assert_eq!(found("status=canceled").await, all[..1]);
    assert_eq!(found(&format!("status=open&customer={EVEN}")).await, [all[2].clone(), all[4].clone()]);
}

async fn tables_are_given_to_who_wants_them(s: &Server) {
    let checkout = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "reference": "=1+1,\"x\""})).await;
    let table = s.request("GET", "/v1/checkouts").header("Accept", "text/csv").send().await;
    assert_eq!(table.status, 200);
    assert!(table.header("content-type").unwrap().starts_with("text/csv"));
    let text = table.text();
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    assert!(head.split(',').any(|name| name == "id") && head.contains("amount"), "{head}");
    let row = lines.next().unwrap();
    assert!(row.contains(&field(&checkout, "id")), "{row}");
    assert!(!row.contains(",=1+1") && !row.contains(",\"=1+1"), "no formula for a spreadsheet: {row}");
}

async fn a_table_without_rows_has_its_columns(s: &Server) {
    let table = async |path: &str| s.request("GET", path).header("Accept", "text/csv").send().await.text();
    for (name, column) in [("payments", "succeeded_at"), ("webhooks", "enabled_events"), ("deliveries", "attempts")] {
        let table = table(&format!("/v1/{name}")).await;
        let head: Vec<_> = table.trim_end().split(',').collect();
        assert!(head.contains(&"id") && head.contains(&column) && !head.contains(&"signing_secret"), "{table}");
    }
    s.webhook(&s.receiver(&[]).await, json!({})).await;
    let (some, none) = (table("/v1/webhooks").await, table("/v1/webhooks?status=failing").await);
    assert_eq!(some.lines().next(), none.lines().next(), "the same columns with rows and without");
}

async fn every_list_has_the_same_form(s: &Server) {
    s.checkout("5.00").await;
    for name in
        ["api_keys", "wallets", "checkouts", "payments", "webhooks", "events", "deliveries", "audit", "requests"]
    {
        let path = format!("/v1/{name}");
        let list = s.get(&format!("{path}?limit=1")).await.ok();
        assert_eq!((&list["object"], &list["url"]), (&json!("list"), &json!(path)));
        assert!(list["has_more"].is_boolean() && list["data"].is_array());
        s.get(&format!("{path}?limit=101")).await.refused(400, "parameter_invalid");
        s.get(&format!("{path}?page=2")).await.refused(400, "parameter_unknown");
        for object in list["data"].as_array().unwrap() {
            let one = s.get(&format!("{path}/{}", field(object, "id"))).await.ok();
            assert_eq!(one["id"], object["id"]);
        }
    }
}

async fn events_follow_one_another_from_any_point(s: &Server) {
    for _ in 0..5 {
        s.checkout("5.00").await;
    }
    let all = s.events().await;
    let numbers: Vec<_> = all.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
    let page = s.get("/v1/events?after_sequence=2&limit=2").await;
    let head = &page.ok()["head"];
    assert_eq!(head["sequence"].as_u64(), Some(all.len() as u64));
    assert!(head["digest"].is_string() && head["signature"].is_string());
    assert_eq!(ids(&listed(&page)), ids(&all)[2..4]);
    assert!(page.header("link").unwrap().contains("after_sequence=4"));
    let kinds = listed(&s.get("/v1/events?type=checkout.*&limit=100").await);
    assert!(kinds.iter().all(|e| field(e, "type").starts_with("checkout.")) && kinds.len() == 5);
    let newest = listed(&s.get("/v1/events?limit=1").await);
    assert_eq!(newest[0]["id"], all[all.len() - 1]["id"]);
}
