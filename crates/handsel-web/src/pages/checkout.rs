//! The hosted checkout page. Its URL carries a MAC that the engine checks; a wrong one is a page that says so, and nothing else.
//! Whole without scripts; with them it follows the checkout live.

use super::stage::{Told, network_name, safe_link, tell};
use super::{assets, html, nothing, qr};
use crate::App;
use crate::answer::stream;
use crate::extract::{ids, query::Query};
use crate::problem::Refused;
use crate::sse::{self, Shown};
use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use handsel_core::id::CheckoutId;
use handsel_engine::Refusal;
use handsel_types::answers::{ChainOption, PaymentOption};
use handsel_view::PublicCheckout;
use http::{StatusCode, header};

/// A checkout's link, taken apart.
#[derive(Debug, Clone)]
struct Link {
    id: CheckoutId,
    mac: String,
    option: usize,
}

impl Link {
    fn parse(token: &str, raw_query: Option<&str>) -> Result<Self, Refusal> {
        let missing = || Refusal::missing(CheckoutId::NOUN);
        let (id, mac) = token.split_once('.').ok_or_else(missing)?;
        let id = ids::read(id, "checkout").map_err(|_| missing())?;
        // A page is forgiving: shops and mail programs add parameters of their own to links.
        let option = Query::parse(raw_query.unwrap_or("")).and_then(|mut q| q.take_number("option", 0, 99));
        Ok(Self { id, mac: mac.to_owned(), option: option.ok().flatten().unwrap_or(0) })
    }

    async fn read(&self, app: &App) -> Result<PublicCheckout, Refusal> {
        app.engine().checkout_page(self.id, &self.mac).await
    }

    fn chosen<'a>(&self, page: &'a PublicCheckout) -> Option<&'a ChainOption> {
        let options = &page.checkout.payment_options;
        options.get(self.option).or_else(|| options.first()).and_then(PaymentOption::on_chain)
    }
}

struct Choice {
    label: String,
    chosen: bool,
    at: usize,
}

struct Way<'a> {
    option: &'a ChainOption,
    network: String,
    /// The address in groups of four, the ends to be compared by eye.
    groups: Vec<Group>,
    qr: Option<qr::Qr>,
    typical: String,
}

struct Group {
    text: String,
    strong: bool,
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page<'a> {
    nonce: &'a str,
    style: &'a str,
    script: &'a str,
    here: &'a str,
    page: &'a PublicCheckout,
    support_url: Option<String>,
    told: &'a Told,
    way: Option<Way<'a>>,
    choices: Vec<Choice>,
    option: usize,
    minutes_left: i64,
}

/// `GET /c/{checkout}.{mac}`
pub(crate) async fn page(State(app): State<App>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    let link = match Link::parse(&token, query.as_deref()) {
        Ok(link) => link,
        Err(refusal) => return nothing(&refusal),
    };
    let page = match link.read(&app).await {
        Ok(page) => page,
        Err(refusal) => return nothing(&refusal),
    };
    render(&app.new_nonce(), &format!("/c/{token}"), &page, link.option)
}

/// `GET /c/{checkout}.{mac}/status`: for browsers that can't hold a stream.
pub(crate) async fn status(State(app): State<App>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    match told(&app, &token, query.as_deref()).await {
        Ok((_, told)) => ([(header::CONTENT_TYPE, "application/json")], handsel_view::json(&told)).into_response(),
        Err(refusal) => Refused(refusal).into_response(),
    }
}

/// `GET /c/{checkout}.{mac}/events`: the same, live.
pub(crate) async fn events(State(app): State<App>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    match told(&app, &token, query.as_deref()).await {
        Ok((link, first)) => stream(follow(app, link, &first)),
        Err(refusal) => Refused(refusal).into_response(),
    }
}

async fn told(app: &App, token: &str, query: Option<&str>) -> Result<(Link, Told), Refusal> {
    let link = Link::parse(token, query)?;
    let page = link.read(app).await?;
    let told = tell(&page, link.chosen(&page));
    Ok((link, told))
}

fn follow(app: App, link: Link, first: &Told) -> Body {
    let first = shown(first);
    sse::watch(app, link.id, first, move |app| {
        let link = link.clone();
        async move {
            let page = link.read(&app).await.ok()?;
            Some(shown(&tell(&page, link.chosen(&page))))
        }
    })
}

fn shown(told: &Told) -> Shown {
    Shown {
        bytes: sse::event("status", told.version, &handsel_view::json(told)),
        version: told.version,
        last: told.done,
        // Confirmations raise no version (02): only looking again shows them.
        lively: matches!(told.stage, "detected" | "confirming"),
    }
}

fn render(nonce: &str, here: &str, page: &PublicCheckout, at: usize) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'"
    );
    html(StatusCode::OK, body(nonce, here, page, at), &policy)
}

fn body(nonce: &str, here: &str, page: &PublicCheckout, at: usize) -> askama::Result<String> {
    let options = &page.checkout.payment_options;
    let at = if at < options.len() { at } else { 0 };
    let chosen = options.get(at).and_then(PaymentOption::on_chain);
    let told = tell(page, chosen);
    let choices = options.iter().enumerate().filter_map(|(n, option)| {
        let way = option.on_chain()?;
        Some(Choice { label: format!("{} on {}", way.asset, network_name(&way.network)), chosen: n == at, at: n })
    });
    let way = chosen.filter(|_| told.payable).map(|option| way(option, page.typical_seconds.get(at).copied()));
    let template = Page {
        nonce,
        style: &assets::STYLE.name,
        script: &assets::SCRIPT.name,
        here,
        page,
        support_url: support(page),
        told: &told,
        way,
        choices: choices.collect(),
        option: at,
        minutes_left: page.checkout.expires_at.saturating_sub(page.now).max(0).div_euclid(60),
    };
    template.render()
}

/// A merchant's support link: a web page, or mail.
fn support(page: &PublicCheckout) -> Option<String> {
    let url = page.support_url.as_deref();
    let mail = url.filter(|u| u.starts_with("mailto:") && u.bytes().all(|b| b > 0x20 && b != 0x7f && b != b'\\'));
    mail.map(str::to_owned).or_else(|| safe_link(url, page.checkout.livemode))
}

fn way(option: &ChainOption, typical_seconds: Option<u64>) -> Way<'_> {
    let typical = match typical_seconds {
        None | Some(0) => String::new(),
        Some(seconds @ 1..=90) => format!("Usually final after about {seconds} seconds."),
        Some(seconds) => format!("Usually final after about {} minutes.", seconds.div_ceil(60)),
    };
    Way {
        option,
        network: network_name(&option.network),
        groups: groups(&option.address),
        qr: qr::draw(&option.address),
        typical,
    }
}

fn groups(address: &str) -> Vec<Group> {
    let letters: Vec<char> = address.chars().collect();
    let count = letters.len().div_ceil(4);
    let group = |(n, four): (usize, &[char])| Group { text: four.iter().collect(), strong: n < 2 || n + 2 >= count };
    letters.chunks(4).enumerate().map(group).collect()
}

#[cfg(test)]
#[path = "checkout_tests.rs"]
mod tests;
