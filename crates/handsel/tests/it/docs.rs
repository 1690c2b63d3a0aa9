//! What the server says of itself in words: every link leads somewhere, every error has its section, every command is one.

use crate::harness::{Http, Reply, run};
use crate::tidy::root;
use clap::Parser;
use handsel::cli::Cli;
use handsel::config::Config;
use handsel_core::event::Kind;
use handsel_engine::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Where the walk over the links begins: pages that people reach by themselves.
const DOORS: &[&str] = &["/docs", "/dashboard", "/status", "/security", "/changelog"];

fn sources() -> BTreeMap<String, String> {
    let folder = fs::read_dir(root().join("crates/handsel-web/docs")).unwrap();
    let read = folder.map(|entry| {
        let path = entry.unwrap().path();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    });
    read.collect()
}

/// What stands between `open` and the next `"`, each time.
fn attributes(html: &str, open: &str) -> Vec<String> {
    html.split(open).skip(1).map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&")).collect()
}

#[track_caller]
fn a_page(path: &str, reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
    let policy = reply.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("script") && !policy.contains("unsafe"),
        "{policy}"
    );
    reply.framed();
    let html = reply.text();
    assert!(html.contains("<html lang=\"en\">") && html.contains("name=\"viewport\""), "{path}");
    assert!(!html.contains("<script") && !html.contains(" style=\""), "{path} needs neither");
    assert_eq!(html.matches("<h1").count(), 1, "{path}");
    html
}

/// Everything that can be reached from the doors by links of this server: its path, and its text where it is a page.
async fn walked(http: &Http) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Vec<(String, String)> = DOORS.iter().map(|door| ("a door".to_owned(), (*door).to_owned())).collect();
    while let Some((from, path)) = open.pop() {
        if seen.contains_key(&path) {
            continue;
        }
        let reply = http.get(&path).await;
        assert_eq!(reply.status, 200, "{from} links to {path}");
        let is_page = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let html = if is_page { a_page(&path, &reply) } else { String::new() };
        for href in attributes(&html, "href=\"").into_iter().filter(|href| href.starts_with('/')) {
            open.push((path.clone(), href.split('#').next().unwrap().to_owned()));
        }
        seen.insert(path, html);
    }
    seen
}

#[test]
fn every_link_leads_somewhere() {
    run(async |s| {
        let seen = walked(&s.anonymous()).await;
        for name in sources().keys().filter(|name| *name != "index") {
            assert!(seen.contains_key(&format!("/docs/{name}")), "nobody links to {name}");
        }
        for (path, html) in &seen {
            for href in attributes(html, "href=\"").into_iter().filter(|href| href.contains('#')) {
                let (target, anchor) = href.split_once('#').unwrap();
                let there = if target.is_empty() { html } else { &seen[target] };
                assert!(there.contains(&format!("id=\"{anchor}\"")), "{path} links to {href}");
            }
            for href in attributes(html, "href=\"") {
                let known = href.starts_with(['/', '#']) || href.starts_with("mailto:") || href == "data:,";
                assert!(known, "{path} links outside: {href}");
            }
        }
        let nothing = s.anonymous().request("GET", "/docs/nothing").header("Accept", "text/html").send().await;
        assert_eq!(nothing.status, 404);
        assert_eq!(s.anonymous().get("/docs/nothing.md").await.status, 404);
    });
}

#[test]
fn every_page_is_there_as_it_is_written() {
    run(async |s| {
        let http = s.anonymous();
        let list = http.get("/llms.txt").await;
        assert_eq!((list.status, list.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(list.text().starts_with("# Handsel\n\n> "));
        for (name, text) in sources() {
            let twin = http.get(&format!("/docs/{name}.md")).await;
            assert_eq!(
                (twin.status, twin.header("content-type")),
                (200, Some("text/markdown; charset=utf-8")),
                "{name}"
            );
            assert_eq!(twin.text(), text, "{name}");
            assert!(list.text().contains(&format!("/docs/{name}.md): ")), "{name} is in llms.txt");
        }
        let here = format!("http://{}", s.address);
        for url in list.text().split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let path = url.strip_prefix(&here).unwrap_or_else(|| panic!("{url} is not of this server"));
            assert_eq!(http.get(path).await.status, 200, "{url}");
        }
    });
}

#[test]
fn every_error_has_its_section() {
    run(async |s| {
        let html = s.anonymous().get("/docs/errors").await.text();
        for code in Code::ALL {
            let section = html.split(&format!("<h3 id=\"{}\">", code.name())).nth(1);
            let section = section.unwrap_or_else(|| panic!("no section for {}", code.name()));
            let section = section.split("<h").next().unwrap();
            for part in ["<strong>Cause.</strong> ", "<strong>Fix.</strong> "] {
                let text = section.split(part).nth(1).and_then(|rest| rest.split("</p>").next());
                assert!(text.is_some_and(|text| text.len() > 20), "{} says its {part}", code.name());
            }
            let status = html.split(&format!("id=\"{}\"", code.name())).next().unwrap();
            let heading = status.rsplit("<h2 id=\"").next().unwrap();
            assert!(
                heading.contains(&format!(">{}: ", code.status())),
                "{} stands under {}",
                code.name(),
                code.status()
            );
        }
        let known: BTreeSet<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
        let told: BTreeSet<String> = attributes(&html, "<h3 id=\"").into_iter().collect();
        assert_eq!(told, known);
        let refused =
            s.post("/v1/checkouts", serde_json::json!({"amuont": "1.00"})).await.refused(400, "parameter_unknown");
        let url = refused["doc_url"].as_str().unwrap();
        let path = url.strip_prefix(&format!("http://{}", s.address)).unwrap();
        let (path, anchor) = path.split_once('#').unwrap();
        assert!(s.anonymous().get(path).await.text().contains(&format!("id=\"{anchor}\"")), "{url}");
    });
}

/// The words of a command as a shell splits them; `None` where it is none of ours. Redirections are left out.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut open) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, open) = (Some(c), true),
            (None, ' ') if open || !word.is_empty() => {
                words.push(std::mem::take(&mut word));
                open = false;
            }
            (None, ' ') => {}
            (None, c) => word.push(c),
        }
    }
    words.push(word);
    let end = words.iter().position(|word| matches!(word.as_str(), "<" | "#" | "&" | "|")).unwrap_or(words.len());
    words.truncate(end);
    (words.first().map(String::as_str) == Some("handsel")).then_some(words)
}

#[track_caller]
fn is_command(place: &str, line: &str) -> bool {
    let Some(words) = words(line) else { return false };
    if let Err(error) = Cli::try_parse_from(&words) {
        panic!("{place}: {line}\n{error}");
    }
    true
}

/// The lines of a text's blocks of code of a kind, continued ones joined.
fn code_lines(markdown: &str, kinds: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in markdown.replace("\\\n", "").lines() {
        match line.strip_prefix("```") {
            Some(kind) if !inside => inside = kinds.contains(&kind),
            Some(_) => inside = false,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

#[test]
fn every_command_is_one() {
    let mut checked = 0;
    for (name, text) in sources() {
        for line in code_lines(&text, &["sh"]) {
            let ours = is_command(&name, &line);
            checked += usize::from(ours);
            assert!(ours || line.starts_with("export ") || line.starts_with("curl "), "{name}: {line}");
        }
        for line in code_lines(&text, &["js", "python", "toml", "json"]) {
            assert!(!line.starts_with("handsel "), "{name}: {line}");
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    checked += code_lines(&readme, &[""]).iter().filter(|line| is_command("README.md", line)).count();
    assert!(checked > 30, "the commands are found: {checked}");
}

#[test]
fn the_dashboards_commands_are_some() {
    run(async |s| {
        let html = s.anonymous().get("/dashboard").await.text();
        assert!(
            html.contains(env!("CARGO_PKG_VERSION"))
                && html.contains("sandbox")
                && html.contains(&s.address.to_string())
        );
        assert!(!html.contains(&s.secret_key) && !html.contains(&s.publishable_key));
        let cells = html.split("<td><code>").skip(1).map(|rest| rest.split("</code>").next().unwrap());
        let commands = cells.filter(|command| is_command("/dashboard", command)).count();
        assert!(commands >= 12, "{commands}");
    });
}

#[test]
fn named_events_and_settings_are_there() {
    let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let nouns: BTreeSet<&str> = names.iter().map(|name| name.split_once('.').unwrap().0).collect();
    for (page, text) in sources() {
        for quoted in text.split('`').skip(1).step_by(2) {
            let Some((noun, rest)) = quoted.split_once('.') else { continue };
            let is_name = nouns.contains(noun) && rest.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(!is_name || names.contains(quoted), "{page}: no such event: {quoted}");
        }
    }
}

/// The keys that a source text reads by `source.text("…")` and its siblings.
fn keys_read(source: &str) -> BTreeSet<String> {
    let calls = source.split("source.").skip(1).filter_map(|rest| {
        let (method, rest) = rest.split_once("(\"")?;
        method.chars().all(|c| c.is_ascii_lowercase()).then(|| rest.split('"').next().unwrap().to_owned())
    });
    calls.collect()
}

#[test]
fn every_setting_is_explained_and_the_sample_is_one() {
    let folder = root().join("crates/handsel/src");
    let files = ["config.rs", "config/chains.rs", "config/source.rs"];
    let read: BTreeSet<String> =
        files.iter().flat_map(|file| keys_read(&fs::read_to_string(folder.join(file)).unwrap())).collect();
    let page = &sources()["going-live"];
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | ").map(|(keys, _)| keys));
    let told: BTreeSet<String> = rows
        .flat_map(|keys| keys.split(", ").map(|key| key.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect();
    assert!(read.len() > 15, "the settings are found: {read:?}");
    assert_eq!(told, read, "docs/going-live.md explains each setting");
    let sample = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let key = [("HANDSEL_ENCRYPTION_KEY".to_owned(), "ab".repeat(32))];
    let config = Config::read(handsel::config::Verb::Serve, Some(sample), &key).unwrap();
    assert_eq!((config.live, config.chains.len()), (true, 1));
}

#[test]
fn the_status_tells_of_every_network() {
    run(async |s| {
        s.mined(1).await;
        let html = s.anonymous().get("/status").await.text();
        assert!(
            html.contains("Everything works.") && html.contains("<td>sandbox-evm</td><td>seen as they come</td>"),
            "{html}"
        );
    });
}
