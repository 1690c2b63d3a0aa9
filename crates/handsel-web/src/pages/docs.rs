//! The documentation inside the server: Markdown files of this room, rendered once, each also served as it is written.

use super::{PLAIN, assets, html, nothing};
use crate::App;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use handsel_engine::Refusal;
use http::{StatusCode, header};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};
use std::sync::LazyLock;

/// One page as it is written.
#[derive(Debug)]
struct Source {
    name: &'static str,
    /// For `llms.txt`: what the page is for.
    about: &'static str,
    markdown: &'static str,
}

macro_rules! sources {
    ($($name:literal: $about:literal),* $(,)?) => {
        &[$(Source { name: $name, about: $about, markdown: include_str!(concat!("../../docs/", $name, ".md")) }),*]
    };
}

/// The first one is what `/docs` shows.
const SOURCES: &[Source] = sources! {
    "index": "What there is to read",
    "quickstart": "From nothing to a paid checkout and a verified webhook",
    "webhooks": "Events, verification in Node and Python, retries, replays, rotation",
    "testing": "Magic cents, triggers, the clock, reorganisations, faults, receivers",
    "errors": "Every error code with its cause and its fix",
    "going-live": "Configuration keys, wallets, what to check before the first customer",
};
const CHANGELOG: &str = include_str!("../../../../CHANGELOG.md");

/// One page as it is shown.
#[derive(Debug)]
struct Rendered {
    title: String,
    html: String,
}

static PAGES: LazyLock<Vec<Rendered>> = LazyLock::new(|| SOURCES.iter().map(|s| render(s.markdown)).collect());
static CHANGES: LazyLock<Rendered> = LazyLock::new(|| render(CHANGELOG));

struct Entry<'a> {
    href: String,
    title: &'a str,
    here: bool,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    style: &'a str,
    title: &'a str,
    /// Where the same text is as Markdown, if it is.
    twin: Option<String>,
    entries: Vec<Entry<'a>>,
    body: &'a str,
}

/// `GET /docs`
pub(crate) async fn index() -> Response {
    page(0)
}

/// `GET /docs/{page}` and `GET /docs/{page}.md`
pub(crate) async fn named(Path(name): Path<String>) -> Response {
    let (stem, as_written) = name.strip_suffix(".md").map_or((name.as_str(), false), |stem| (stem, true));
    match SOURCES.iter().position(|source| source.name == stem) {
        Some(at) if as_written => markdown(SOURCES[at].markdown),
        Some(at) => page(at),
        None => nothing(&Refusal::missing("page")),
    }
}

/// `GET /changelog`
pub(crate) async fn changelog() -> Response {
    shown(&CHANGES, None, usize::MAX)
}

/// `GET /llms.txt` (llmstxt.org)
pub(crate) async fn llms(State(app): State<App>) -> Response {
    let here = app.public_url();
    let mut text = String::from(
        "# Handsel\n\n> Self-hosted, non-custodial payments: create a checkout, the customer pays a wallet of yours, a signed webhook \
         tells you when it is final.\n\nAmounts are decimal texts. Keys go in `Authorization: Bearer`. Errors are \
         `application/problem+json` with a `code`.\n\n## Docs\n\n",
    );
    for (source, page) in SOURCES.iter().zip(PAGES.iter()) {
        text.push_str(&format!("- [{}]({here}/docs/{}.md): {}\n", page.title, source.name, source.about));
    }
    text.push_str(&format!("\n## API\n\n- [OpenAPI 3.1]({here}/openapi.json): every route, shape and error\n"));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn markdown(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
}

fn page(at: usize) -> Response {
    match (PAGES.get(at), SOURCES.get(at)) {
        (Some(rendered), Some(source)) => shown(rendered, Some(format!("/docs/{}.md", source.name)), at),
        _ => nothing(&Refusal::missing("page")),
    }
}

fn shown(rendered: &Rendered, twin: Option<String>, at: usize) -> Response {
    let entry = |(n, source): (usize, &Source)| Entry {
        href: if n == 0 { "/docs".to_owned() } else { format!("/docs/{}", source.name) },
        title: PAGES.get(n).map_or(source.name, |page| page.title.as_str()),
        here: n == at,
    };
    let page = Page {
        style: &assets::DOCS.name,
        title: &rendered.title,
        twin,
        entries: SOURCES.iter().enumerate().map(entry).collect(),
        body: &rendered.html,
    };
    html(StatusCode::OK, page.render(), PLAIN)
}

/// Markdown to HTML, with an id on every heading so that links can name it. Raw HTML in the text is shown, never passed on.
fn render(markdown: &str) -> Rendered {
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(disarmed).collect();
    let mut title = String::new();
    let starts = events.iter().enumerate().filter(|(_, event)| matches!(event, Event::Start(Tag::Heading { .. })));
    for start in starts.map(|(at, _)| at).collect::<Vec<_>>() {
        let words = heading_text(&events[start + 1..]);
        if let Event::Start(Tag::Heading { id, level, .. }) = &mut events[start] {
            *id = Some(CowStr::from(anchor(&words)));
            if *level == HeadingLevel::H1 && title.is_empty() {
                title = words;
            }
        }
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    push_html(&mut html, events.into_iter());
    Rendered { title, html }
}

fn disarmed(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

fn heading_text(events: &[Event<'_>]) -> String {
    let inside = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let texts = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    texts.collect()
}

/// `Magic cents` is `magic-cents`, `api_key_invalid` stays as it is.
fn anchor(text: &str) -> String {
    let letter = |c: char| match c {
        ' ' => Some('-'),
        '_' | '-' => Some(c),
        _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    };
    text.chars().filter_map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_anchors_and_raw_html_is_text() {
        let page =
            render("# A title\n\n## `api_key_invalid`\n\n<script>x</script> and <b>bold</b>\n\n| a |\n| - |\n| 1 |\n");
        assert_eq!(page.title, "A title");
        assert!(page.html.contains("<h2 id=\"api_key_invalid\">"), "{}", page.html);
        assert!(page.html.contains("<table>"), "{}", page.html);
        assert!(!page.html.contains("<script") && !page.html.contains("<b>"), "{}", page.html);
    }

    #[test]
    fn every_page_has_a_title_and_unique_anchors() {
        for (source, page) in SOURCES.iter().zip(PAGES.iter()) {
            assert!(!page.title.is_empty(), "{}", source.name);
            let ids: Vec<&str> = page.html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
            assert_eq!(unique.len(), ids.len(), "{}", source.name);
        }
    }
}
