//! Walks the table of routes: nobody gets in without a key, with a key of the other mode, or without exactly the scope that the route names.

use crate::harness::{Http, Reply, Server, run};
use crate::tidy::root;
use handsel::system::OsEntropy;
use handsel_core::actor::{Resource, Scope};
use handsel_core::api_key::Class;
use handsel_core::api_key::text::generate;
use handsel_web::ROUTES;
use serde_json::Value;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What is served without a key. The list only shrinks; a line more needs a reason in the contract ("Without a key").
const PUBLIC: &[&str] = &[
    "/.well-known/jwks.json",
    "/.well-known/security.txt",
    "/assets/{name}",
    "/c/{token}",
    "/c/{token}/events",
    "/c/{token}/status",
    "/changelog",
    "/dashboard",
    "/docs",
    "/docs/{page}",
    "/healthz",
    "/llms.txt",
    "/openapi.json",
    "/readyz",
    "/security",
    "/status",
];

/// A path with something in place of what varies; whether it exists must not matter here.
fn concrete(path: &str) -> String {
    path.replace("{id}", "x_00000000000000000000000000").replace("{network}", "sandbox-evm")
}

/// Calls what a label names (`POST /v1/checkouts/{id}/cancel`).
async fn call(http: &Http, label: &str) -> Reply {
    let (verb, path) = label.split_once(' ').unwrap();
    http.request(verb, &concrete(path)).send().await
}

/// Every scope but one.
fn all_but(scope: Scope) -> Vec<String> {
    let all = Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]);
    all.filter(|s| *s != scope).map(|s| s.to_string()).collect()
}

#[test]
fn no_route_is_open_to_strangers() {
    run(async |s| {
        let live = s.with(generate(Class::Secret, true, &OsEntropy).secret.expose());
        let unknown = s.with(generate(Class::Secret, false, &OsEntropy).secret.expose());
        for route in ROUTES {
            let anonymous = call(&s.anonymous(), route.label).await;
            anonymous.refused(401, "authentication_required");
            assert_eq!(anonymous.header("www-authenticate"), Some("Bearer realm=\"handsel\""), "{route:?}");
            call(&live, route.label).await.refused(401, "api_key_wrong_mode");
            call(&unknown, route.label).await.refused(401, "api_key_invalid");
        }
    });
}

#[test]
fn no_route_opens_without_its_own_scope() {
    run(async |s| {
        let mut keys: BTreeMap<Scope, Http> = BTreeMap::new();
        for route in ROUTES {
            if let Entry::Vacant(key) = keys.entry(route.scope) {
                let scopes = all_but(route.scope);
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
                key.insert(s.restricted(&scopes).await);
            }
            let denied = call(&keys[&route.scope], route.label).await.refused(403, "permission_denied");
            let detail = denied["detail"].as_str().unwrap();
            assert!(detail.contains(&route.scope.to_string()), "{route:?} names its scope: {detail}");
        }
    });
}

#[test]
fn a_key_with_just_the_scope_gets_through_to_the_object() {
    run(async |s| {
        for (path, scope) in [
            ("/v1/checkouts", "checkouts:read"),
            ("/v1/payments", "payments:read"),
            ("/v1/webhooks", "webhooks:read"),
            ("/v1/webhooks", "webhook_endpoints:rw"),
            ("/v1/account", "account:read"),
        ] {
            s.restricted(&[scope]).await.get(path).await.ok();
        }
    });
}

#[test]
fn publishable_keys_can_do_nothing_of_it() {
    run(async |s| {
        let http = s.with(&s.publishable_key);
        let origin = format!("http://{}", s.address);
        for route in ROUTES {
            let sent = http.request(route.verb.name(), &concrete(route.path)).header("Origin", &origin);
            sent.send().await.refused(403, "permission_denied");
            call(&http, route.label).await.refused(403, "origin_not_allowed");
        }
    });
}

#[test]
fn what_is_public_is_on_the_list() {
    let source = std::fs::read_to_string(root().join("crates/handsel-web/src/router.rs")).unwrap();
    let literal = source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let found: BTreeSet<String> = literal.collect();
    let known: BTreeSet<String> = PUBLIC.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(found, known, "a public route needs its line and its reason");
    assert!(ROUTES.iter().all(|route| route.path.starts_with("/v1/")));
    assert!(PUBLIC.iter().all(|path| !path.starts_with("/v1")));
}

#[test]
fn every_route_has_its_operation_and_the_reverse() {
    run(async |s: &Server| {
        let document = s.anonymous().get("/openapi.json").await.ok();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        let verbs = |(path, item): (&String, &Value)| {
            let item = item.as_object().unwrap().clone();
            let path = path.clone();
            item.into_iter().map(move |(verb, operation)| (format!("{} {path}", verb.to_uppercase()), operation))
        };
        let described: BTreeMap<String, Value> = paths.iter().flat_map(verbs).collect();
        let routed: BTreeSet<&str> = ROUTES.iter().map(|route| route.label).collect();
        assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<_>>(), routed);
        let names: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len(), "operation ids are unique");
        for route in ROUTES {
            let operation = &described[route.label];
            assert_eq!(operation["operationId"], route.operation);
            let wanted = operation["responses"].get(route.status.to_string());
            assert!(wanted.is_some(), "{route:?} says how success looks");
        }
    });
}
