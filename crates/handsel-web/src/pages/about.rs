//! What this server is, for whoever comes by: no key, no session, nothing of any account.

use super::{PLAIN, assets, html};
use crate::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use handsel_core::chain::standing::Reason;
use handsel_engine::Health;
use http::StatusCode;

/// What people do, with the command that does it.
#[derive(Debug, Clone, Copy)]
struct Task {
    to: &'static str,
    command: &'static str,
}

const TASKS: &[Task] = &[
    Task { to: "Create a checkout", command: "handsel post /v1/checkouts amount=19.99 currency=USD" },
    Task { to: "See checkouts", command: "handsel get /v1/checkouts" },
    Task { to: "See payments", command: "handsel get /v1/payments" },
    Task {
        to: "Settle a checkout by hand", command: "handsel post /v1/checkouts/chk_…/resolve action=accept_as_paid"
    },
    Task { to: "See wallets", command: "handsel get /v1/wallets" },
    Task { to: "See API keys", command: "handsel keys list" },
    Task { to: "Make a restricted key", command: "handsel keys create --name till --scope checkouts:write" },
    Task { to: "See webhooks", command: "handsel get /v1/webhooks" },
    Task { to: "See what a webhook got", command: "handsel get /v1/webhooks/whk_…/deliveries" },
    Task { to: "Follow events", command: "handsel events list" },
    Task { to: "See requests", command: "handsel get /v1/requests" },
    Task { to: "Check the audit log", command: "handsel audit verify" },
];
const SANDBOX_TASKS: &[Task] = &[
    Task { to: "Pay a checkout", command: "handsel simulate pay chk_…" },
    Task { to: "Make an event happen", command: "handsel trigger checkout.underpaid" },
    Task { to: "Bring events to this machine", command: "handsel listen --forward-to http://localhost:3000/hooks" },
];

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'a> {
    style: &'a str,
    title: &'a str,
    live: bool,
    version: &'a str,
    url: &'a str,
    tasks: Vec<Task>,
}

struct Network {
    name: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "status.html")]
struct Status<'a> {
    style: &'a str,
    title: &'a str,
    headline: &'a str,
    networks: Vec<Network>,
}

#[derive(Template)]
#[template(path = "security.html")]
struct Security<'a> {
    style: &'a str,
    title: &'a str,
    contact: &'a str,
    contact_text: &'a str,
}

/// `GET /dashboard`
pub(crate) async fn dashboard(State(app): State<App>) -> Response {
    let live = app.engine().settings().live;
    let sandbox: &[Task] = if live { &[] } else { SANDBOX_TASKS };
    let page = Dashboard {
        style: &assets::DOCS.name,
        title: "Dashboard",
        live,
        version: env!("CARGO_PKG_VERSION"),
        url: app.public_url(),
        tasks: TASKS.iter().chain(sandbox).copied().collect(),
    };
    html(StatusCode::OK, page.render(), PLAIN)
}

/// `GET /status`
pub(crate) async fn status(State(app): State<App>) -> Response {
    let health = app.engine().network_health();
    let late = |n: &handsel_engine::NetworkHealth| matches!(n.health, Health::Delayed { .. } | Health::Halted { .. });
    let well = !health.iter().any(late);
    let headline = match (app.stop().is_told(), well) {
        (true, _) => "This server is stopping.",
        (false, true) => "Everything works.",
        (false, false) => "Requests are served; on some networks payments are seen later than usual. None is lost.",
    };
    let state = |seen: &handsel_engine::NetworkHealth| match (&seen.health, seen.degraded) {
        (Health::Halted { .. }, _) => "held until the operator has looked",
        (Health::Delayed { .. }, Some(Reason::NodesDisagree)) => {
            "seen later than usual: its nodes contradict each other"
        }
        (Health::Delayed { .. }, _) => "seen later than usual",
        (_, Some(Reason::FinalityStalled)) => "seen as they come, final later than usual: the network itself is behind",
        (_, Some(Reason::NodeBanned)) => "seen as they come; one of its nodes is not asked any more",
        (Health::Starting, _) => "about to be watched",
        (Health::Current, _) => "seen as they come",
    };
    let network = |seen: &handsel_engine::NetworkHealth| Network { name: seen.network.clone(), state: state(seen) };
    let page =
        Status { style: &assets::DOCS.name, title: "Status", headline, networks: health.iter().map(network).collect() };
    html(StatusCode::OK, page.render(), PLAIN)
}

/// `GET /security`
pub(crate) async fn security(State(app): State<App>) -> Response {
    let contact = app.options().security_contact.as_str();
    let page = Security {
        style: &assets::DOCS.name,
        title: "Security",
        contact,
        contact_text: contact.strip_prefix("mailto:").unwrap_or(contact),
    };
    html(StatusCode::OK, page.render(), PLAIN)
}
