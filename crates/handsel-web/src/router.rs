//! Every route on one page. From this table follow the router, the answers to wrong paths and methods, the rate-limit class, the
//! OpenAPI document, and the test that walks it.

use crate::api::{
    account, api_keys, audit, checkouts, deliveries, events, payments, quotes, requests, test_world, wallets, webhooks,
};
use crate::route::{Filter, Route, Shape, Takes, Verb};
use crate::{App, gate, headers, openapi, pages};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::MethodFilter;
use axum::routing::{MethodRouter, get, on};
use handsel_core::actor::{Access, Resource, Scope};
use handsel_types::answers::Request as RequestLine;
use handsel_types::answers::*;
use handsel_types::asks::*;
use std::collections::BTreeMap;
use tower::ServiceExt;

macro_rules! verb {
    (GET) => {
        Verb::Get
    };
    (POST) => {
        Verb::Post
    };
    (PATCH) => {
        Verb::Patch
    };
    (DELETE) => {
        Verb::Delete
    };
}
macro_rules! shape {
    (-) => {
        None
    };
    ($shape:ident) => {
        Some(Shape::of::<$shape>())
    };
}
/// `METHOD path, scope, body -> status answer, query, operation, handler, summary`.
macro_rules! routes {
    ($($verb:ident $path:literal, $resource:ident:$access:ident, $ask:tt -> $status:literal $answer:tt, $takes:expr, $expands:expr,
        $operation:literal, $run:path, $summary:literal;)*) => {
        &[$(Route {
            verb: verb!($verb),
            path: $path,
            label: concat!(stringify!($verb), " ", $path),
            scope: Scope { resource: Resource::$resource, access: Access::$access },
            takes: $takes,
            expands: $expands,
            ask: shape!($ask),
            status: $status,
            answer: shape!($answer),
            operation: $operation,
            summary: $summary,
            sandbox: matches!(Resource::$resource, Resource::Test),
            run: |call| Box::pin(async move { $run(call).await }),
        }),*]
    };
}

const ONE: Takes = Takes::One;
const LIST: Takes = Takes::List(&[]);
const BY_STATUS: Takes = Takes::List(&[Filter::Status]);
const CHECKOUTS: Takes = Takes::List(&[Filter::Status, Filter::Customer, Filter::Reference, Filter::Metadata]);
const PAYMENTS: Takes = Takes::List(&[Filter::Status, Filter::Checkout]);
const EVENTS: Takes = Takes::List(&[Filter::EventType, Filter::AfterSequence]);
const BARE: Takes = Takes::Own(&[]);
const INCLUSION: Takes = Takes::Own(&[
    ("entry", true, "Id of the audit entry."),
    ("size", false, "Size of the tree that the proof is for; the present one by default."),
]);
const CONSISTENCY: Takes =
    Takes::Own(&[("from", true, "The older size."), ("to", false, "The newer size; the present one by default.")]);
const NO: &[&str] = &[];
const CHK: &[&str] = &["payments"];

/// The API's routes.
pub static ROUTES: &[Route] = routes! {
    GET    "/v1/account", Account:Read, - -> 200 Account, ONE, NO, "getAccount", account::get, "Get the account";
    PATCH  "/v1/account", Account:Write, PatchAccount -> 200 Account, ONE, NO, "updateAccount", account::patch, "Update the account";
    GET    "/v1/api_keys", Keys:Read, - -> 200 ApiKeyList, BY_STATUS, NO, "listApiKeys", api_keys::list, "List API keys";
    POST   "/v1/api_keys", Keys:Write, CreateApiKey -> 201 ApiKey, ONE, NO, "createApiKey", api_keys::create, "Create an API key";
    GET    "/v1/api_keys/{id}", Keys:Read, - -> 200 ApiKey, ONE, NO, "getApiKey", api_keys::get, "Get an API key";
    POST   "/v1/api_keys/{id}/roll", Keys:Write, RollApiKey -> 200 ApiKey, ONE, NO, "rollApiKey", api_keys::roll, "Replace an API key";
    POST   "/v1/api_keys/{id}/revoke", Keys:Write, Nothing -> 200 ApiKey, ONE, NO, "revokeApiKey", api_keys::revoke, "Revoke an API key";
    GET    "/v1/wallets", Wallets:Read, - -> 200 WalletList, BY_STATUS, NO, "listWallets", wallets::list, "List wallets";
    POST   "/v1/wallets", Wallets:Write, CreateWallet -> 201 Wallet, ONE, NO, "createWallet", wallets::create, "Add a wallet";
    GET    "/v1/wallets/{id}", Wallets:Read, - -> 200 Wallet, ONE, NO, "getWallet", wallets::get, "Get a wallet";
    POST   "/v1/wallets/{id}/prove", Wallets:Write, ProveWallet -> 200 Wallet, ONE, NO, "proveWallet", wallets::prove, "Prove a wallet by a signature";
    POST   "/v1/wallets/{id}/retire", Wallets:Write, Nothing -> 200 Wallet, ONE, NO, "retireWallet", wallets::retire, "Retire a wallet";
    GET    "/v1/checkouts", Checkouts:Read, - -> 200 CheckoutList, CHECKOUTS, CHK, "listCheckouts", checkouts::list, "List checkouts";
    POST   "/v1/checkouts", Checkouts:Write, CreateCheckout -> 201 Checkout, ONE, CHK, "createCheckout", checkouts::create, "Create a checkout";
    GET    "/v1/checkouts/{id}", Checkouts:Read, - -> 200 Checkout, ONE, CHK, "getCheckout", checkouts::get, "Get a checkout";
    PATCH  "/v1/checkouts/{id}", Checkouts:Write, PatchCheckout -> 200 Checkout, ONE, CHK, "updateCheckout", checkouts::patch, "Update a checkout's metadata";
    POST   "/v1/checkouts/{id}/expire", Checkouts:Write, Nothing -> 200 Checkout, ONE, CHK, "expireCheckout", checkouts::expire, "Expire a checkout now";
    POST   "/v1/checkouts/{id}/cancel", Checkouts:Write, Nothing -> 200 Checkout, ONE, CHK, "cancelCheckout", checkouts::cancel, "Cancel a checkout";
    POST   "/v1/checkouts/{id}/extend", Checkouts:Write, ExtendCheckout -> 200 Checkout, ONE, CHK, "extendCheckout", checkouts::extend, "Give a checkout more time";
    POST   "/v1/checkouts/{id}/resolve", Checkouts:Write, ResolveCheckout -> 200 Checkout, ONE, CHK, "resolveCheckout", checkouts::resolve, "Resolve a checkout's open matters";
    GET    "/v1/checkouts/{id}/stream", Checkouts:Read, - -> 200 -, ONE, CHK, "streamCheckout", checkouts::stream, "Follow a checkout live";
    GET    "/v1/payments", Payments:Read, - -> 200 PaymentList, PAYMENTS, NO, "listPayments", payments::list, "List payments";
    GET    "/v1/payments/{id}", Payments:Read, - -> 200 Payment, ONE, NO, "getPayment", payments::get, "Get a payment";
    POST   "/v1/payments/{id}/match", Payments:Write, MatchPayment -> 200 Payment, ONE, NO, "matchPayment", payments::match_to, "Put a payment to a checkout";
    POST   "/v1/quotes", Checkouts:Write, CreateQuote -> 201 Quote, ONE, NO, "createQuote", quotes::create, "Quote a rate";
    GET    "/v1/quotes/{id}", Checkouts:Read, - -> 200 Quote, ONE, NO, "getQuote", quotes::get, "Get a quote";
    GET    "/v1/webhooks", Webhooks:Read, - -> 200 WebhookList, BY_STATUS, NO, "listWebhooks", webhooks::list, "List webhooks";
    POST   "/v1/webhooks", Webhooks:Write, CreateWebhook -> 201 Webhook, ONE, NO, "createWebhook", webhooks::create, "Create a webhook";
    GET    "/v1/webhooks/{id}", Webhooks:Read, - -> 200 Webhook, ONE, NO, "getWebhook", webhooks::get, "Get a webhook";
    PATCH  "/v1/webhooks/{id}", Webhooks:Write, PatchWebhook -> 200 Webhook, ONE, NO, "updateWebhook", webhooks::patch, "Update a webhook";
    DELETE "/v1/webhooks/{id}", Webhooks:Write, - -> 200 Deleted, ONE, NO, "deleteWebhook", webhooks::delete, "Delete a webhook";
    POST   "/v1/webhooks/{id}/rotate_secret", Webhooks:Write, RotateSecret -> 200 Webhook, ONE, NO, "rotateWebhookSecret", webhooks::rotate_secret, "Rotate a webhook's secret";
    POST   "/v1/webhooks/{id}/promote_secret", Webhooks:Write, Nothing -> 200 Webhook, ONE, NO, "promoteWebhookSecret", webhooks::promote_secret, "Flip the order of a webhook's secrets";
    POST   "/v1/webhooks/{id}/test", Webhooks:Write, Nothing -> 200 Event, ONE, NO, "testWebhook", webhooks::test, "Send a test event";
    POST   "/v1/webhooks/{id}/enable", Webhooks:Write, Nothing -> 200 Webhook, ONE, NO, "enableWebhook", webhooks::enable, "Enable a webhook";
    POST   "/v1/webhooks/{id}/disable", Webhooks:Write, Nothing -> 200 Webhook, ONE, NO, "disableWebhook", webhooks::disable, "Disable a webhook";
    POST   "/v1/webhooks/{id}/recover", Webhooks:Write, Since -> 200 Requeued, ONE, NO, "recoverWebhook", webhooks::recover, "Send again what failed";
    POST   "/v1/webhooks/{id}/replay_missing", Webhooks:Write, Since -> 200 Requeued, ONE, NO, "replayMissing", webhooks::replay_missing, "Send what never arrived";
    GET    "/v1/webhooks/{id}/deliveries", Webhooks:Read, - -> 200 DeliveryList, BY_STATUS, NO, "listWebhookDeliveries", webhooks::deliveries, "List a webhook's deliveries";
    GET    "/v1/events", Events:Read, - -> 200 EventList, EVENTS, NO, "listEvents", events::list, "List events";
    GET    "/v1/events/{id}", Events:Read, - -> 200 Event, ONE, NO, "getEvent", events::get, "Get an event";
    POST   "/v1/events/{id}/resend", Events:Write, ResendEvent -> 200 Delivery, ONE, NO, "resendEvent", events::resend, "Send an event to a webhook again";
    GET    "/v1/deliveries", Webhooks:Read, - -> 200 DeliveryList, BY_STATUS, NO, "listDeliveries", deliveries::list, "List deliveries";
    GET    "/v1/deliveries/{id}", Webhooks:Read, - -> 200 Delivery, ONE, NO, "getDelivery", deliveries::get, "Get a delivery with its attempts";
    POST   "/v1/deliveries/{id}/resend", Webhooks:Write, Nothing -> 200 Delivery, ONE, NO, "resendDelivery", deliveries::resend, "Repeat a delivery";
    GET    "/v1/audit", Audit:Read, - -> 200 AuditEntryList, LIST, NO, "listAuditEntries", audit::list, "List audit entries";
    GET    "/v1/audit/checkpoint", Audit:Read, - -> 200 AuditCheckpoint, BARE, NO, "getAuditCheckpoint", audit::checkpoint, "Get the signed checkpoint";
    GET    "/v1/audit/proof/inclusion", Audit:Read, - -> 200 InclusionProof, INCLUSION, NO, "proveInclusion", audit::inclusion, "Prove that an entry is in the log";
    GET    "/v1/audit/proof/consistency", Audit:Read, - -> 200 ConsistencyProof, CONSISTENCY, NO, "proveConsistency", audit::consistency, "Prove that the log only grew";
    GET    "/v1/audit/{id}", Audit:Read, - -> 200 AuditEntry, ONE, NO, "getAuditEntry", audit::get, "Get an audit entry";
    GET    "/v1/requests", Account:Read, - -> 200 RequestList, LIST, NO, "listRequests", requests::list, "List requests";
    GET    "/v1/requests/{id}", Account:Read, - -> 200 RequestLine, ONE, NO, "getRequest", requests::get, "Get a request";
    POST   "/v1/test/checkouts/{id}/pay", Test:Write, TestPay -> 200 TestTransaction, ONE, NO, "testPay", test_world::pay, "Pay a checkout";
    POST   "/v1/test/checkouts/{id}/expire", Test:Write, Nothing -> 200 Checkout, ONE, NO, "testExpire", test_world::expire, "Move the clock past a checkout's time";
    POST   "/v1/test/networks/{network}/mine", Test:Write, TestMine -> 200 TestHead, ONE, NO, "testMine", test_world::mine, "Mine blocks";
    POST   "/v1/test/networks/{network}/finalize", Test:Write, Nothing -> 200 TestHead, ONE, NO, "testFinalize", test_world::finalize, "Confirm and finalize all that is there";
    POST   "/v1/test/networks/{network}/reorg", Test:Write, TestReorg -> 200 TestHead, ONE, NO, "testReorg", test_world::reorg, "Reorganise the chain";
    POST   "/v1/test/networks/{network}/faults", Test:Write, TestFaults -> 200 TestFault, ONE, NO, "testFault", test_world::faults, "Let a node misbehave";
    POST   "/v1/test/clock", Test:Write, MoveTestClock -> 200 TestClock, ONE, NO, "testClock", test_world::clock, "Move the clock";
    POST   "/v1/test/receivers", Test:Write, TestReceivers -> 201 TestReceiver, ONE, NO, "testAddReceiver", test_world::add_receiver, "Open a receiver of webhooks";
    GET    "/v1/test/receivers/{id}/requests", Test:Read, - -> 200 ReceivedRequests, ONE, NO, "testReceiverRequests", test_world::receiver_requests, "Get what a receiver received";
    POST   "/v1/test/events/trigger", Test:Write, TestTrigger -> 200 Event, ONE, NO, "testTrigger", test_world::trigger, "Make an event happen";
};

/// The whole of this room as one service; for the accept loop, and for `oneshot` in tests.
pub fn router(app: App) -> Router {
    let api = api(app.clone());
    let shared = app.clone();
    let fallback = move |request: Request| {
        let (app, api) = (shared.clone(), api.clone());
        async move { elsewhere(&app, api, request).await }
    };
    Router::new()
        .route("/openapi.json", get(openapi::serve))
        .route("/.well-known/security.txt", get(pages::health::security_txt))
        .route("/.well-known/jwks.json", get(pages::health::jwks))
        .route("/c/{token}", get(pages::checkout::page))
        .route("/c/{token}/events", get(pages::checkout::events))
        .route("/c/{token}/status", get(pages::checkout::status))
        .route("/assets/{name}", get(pages::assets::serve))
        .route("/docs", get(pages::docs::index))
        .route("/docs/{page}", get(pages::docs::named))
        .route("/llms.txt", get(pages::docs::llms))
        .route("/changelog", get(pages::docs::changelog))
        .route("/dashboard", get(pages::about::dashboard))
        .route("/status", get(pages::about::status))
        .route("/security", get(pages::about::security))
        .route_layer(from_fn_with_state(app.clone(), pages::crowd::limit))
        .route("/healthz", get(pages::health::healthz))
        .route("/readyz", get(pages::health::readyz))
        .fallback(fallback)
        .method_not_allowed_fallback(gate::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), headers::frame))
        .with_state(app)
}

/// Under `/v1` everything is behind the gate, also what doesn't exist.
async fn elsewhere(app: &App, api: Router, request: Request) -> Response {
    let path = request.uri().path();
    if path != "/v1" && !path.starts_with("/v1/") {
        let (parts, _) = request.into_parts();
        return pages::crowd::refused(app, &parts).unwrap_or_else(|| pages::elsewhere(&parts.headers));
    }
    match api.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The template of an API path, for the log of requests that never got to their route.
pub(crate) fn template(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let mut parts = path.split('/');
        let fits = template.split('/').all(|wanted| {
            parts.next().is_some_and(|part| part == wanted || (wanted.starts_with('{') && !part.is_empty()))
        });
        fits && parts.next().is_none()
    };
    // What is written out comes before what only has a place for it.
    let mut known: Vec<&str> = ROUTES.iter().map(|route| route.path).filter(|template| fits(template)).collect();
    known.sort_by_key(|template| template.matches('{').count());
    known.first().copied()
}

fn api(app: App) -> Router {
    let live = app.engine().settings().live;
    let mut paths: BTreeMap<&str, MethodRouter<App>> = BTreeMap::new();
    for route in ROUTES.iter().filter(|route| !(live && route.sandbox)) {
        let handler = move |State(app): State<App>, request: Request| gate::run(app, route, request);
        let filter = match route.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        let known = paths.remove(route.path);
        paths.insert(route.path, known.map_or_else(|| on(filter, handler), |methods| methods.on(filter, handler)));
    }
    let routed = paths.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    routed
        .fallback(gate::route_missing)
        .method_not_allowed_fallback(gate::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_finds_its_template() {
        for route in ROUTES {
            assert_eq!(template(route.path), Some(route.path));
        }
        assert_eq!(template("/v1/audit/checkpoint"), Some("/v1/audit/checkpoint"));
        assert_eq!(template("/v1/audit/aud_1"), Some("/v1/audit/{id}"));
        assert_eq!(template("/v1/checkouts/chk_1/cancel"), Some("/v1/checkouts/{id}/cancel"));
        for none in ["/v1", "/v1/", "/v1/checkouts/", "/v1/nothing", "/v1/checkouts/chk_1/cancel/x", ""] {
            assert_eq!(template(none), None, "{none}");
        }
    }
}
