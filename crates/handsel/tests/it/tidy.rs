//! Style as a test: the room table, function lengths, limits with units, statements in use, version floors.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::Visit;

const FUNCTION_LINES_MAX: usize = 70;
/// Functions that are longer than a screen, with the lines they may have. The list only shrinks.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];

/// Which rooms a room may import (ARCHITECTURE.md, "Rooms").
const ROOMS: &[(&str, &[&str])] = &[
    ("handsel-core", &[]),
    ("handsel-types", &[]),
    ("handsel-store", &["handsel-core"]),
    ("handsel-net", &["handsel-core"]),
    ("handsel-view", &["handsel-core", "handsel-types"]),
    ("handsel-engine", &["handsel-core", "handsel-store", "handsel-view"]),
    ("handsel-web", &["handsel-core", "handsel-types", "handsel-view", "handsel-engine"]),
    ("handsel-sandbox", &["handsel-core"]),
];

/// Lowest versions without a known advisory (RUSTSEC, GHSA of 2025-26).
const FLOORS: &[(&str, (u64, u64, u64))] = &[
    ("h2", (0, 4, 16)),
    ("bytes", (1, 11, 1)),
    ("rustls", (0, 23, 18)),
    ("rustls-webpki", (0, 103, 13)),
    ("aws-lc-sys", (0, 39, 0)),
    ("hickory-proto", (0, 26, 1)),
    ("quinn-proto", (0, 11, 15)),
    ("tokio-postgres", (0, 7, 18)),
    ("time", (0, 3, 47)),
    ("ruint", (1, 20, 0)),
    ("alloy-dyn-abi", (1, 4, 1)),
    ("ammonia", (4, 1, 4)),
    ("slab", (0, 4, 11)),
    ("lru", (0, 18, 2)),
    ("tar", (0, 4, 45)),
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

pub(crate) fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap()
}

/// Every Rust source of the rooms, tests apart.
pub(crate) fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for room in fs::read_dir(root().join("crates")).unwrap() {
        walk(&room.unwrap().path().join("src"), &mut found);
    }
    assert!(found.len() > 40, "the walk finds the rooms");
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let metadata = metadata();
    for (room, allowed) in ROOMS {
        let package = metadata.packages.iter().find(|p| p.name.as_str() == *room).unwrap();
        let ours =
            package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal && d.name.starts_with("handsel"));
        for dependency in ours {
            assert!(allowed.contains(&dependency.name.as_str()), "{room} must not import {}", dependency.name);
        }
    }
    let rooms: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let known: BTreeSet<_> =
        ROOMS.iter().map(|r| r.0.to_owned()).chain(["handsel".into(), "handsel-bench".into()]).collect();
    assert_eq!(rooms, known, "a new room needs its line in the table");
}

struct Lengths<'a> {
    file: &'a str,
    long: Vec<(String, usize)>,
}

impl Lengths<'_> {
    fn note(&mut self, name: &syn::Ident, from: proc_macro2::Span, to: proc_macro2::Span) {
        let lines = to.end().line - from.start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.long.push((format!("{}::{name}", self.file), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, item.sig.span(), item.block.span());
        syn::visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, item.sig.span(), item.block.span());
        syn::visit::visit_impl_item_fn(self, item);
    }
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for path in sources() {
        let name = path.strip_prefix(root().join("crates")).unwrap().display().to_string();
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut lengths = Lengths { file: &name, long: Vec::new() };
        lengths.visit_file(&file);
        long.extend(lengths.long);
    }
    let known: BTreeMap<_, _> = LONG_FUNCTIONS.iter().copied().collect();
    for (name, lines) in &long {
        let allowed = known.get(name.as_str()).copied().unwrap_or(FUNCTION_LINES_MAX);
        assert!(*lines <= allowed, "{name} has {lines} lines, {allowed} are allowed: split it");
    }
    for name in known.keys() {
        assert!(long.iter().any(|(n, _)| n == name), "{name} fits a screen now: take it off the list");
    }
}

#[test]
fn every_limit_is_named_with_its_unit() {
    const UNITS: &[&str] = &[
        "BYTES",
        "CHARS",
        "SECONDS",
        "MS",
        "DAYS",
        "ROWS",
        "KEYS",
        "ENTRIES",
        "LEVELS",
        "BPS",
        "MINOR",
        "MAJOR",
        "CHANGES",
        "MAX",
        "BLOCKS",
        "SIZE",
        "PATTERNS",
        "ACCOUNT",
        "CALLS",
        "CONNECTIONS",
        "HOURS",
        "MINUTES",
        "PERCENT",
        "TRIES",
        "ATTEMPTS",
        "HEADERS",
        "UNITS",
        "DIGITS",
        "WEBHOOKS",
        "DELIVERIES",
        "REQUESTS",
        "SOCKETS",
        "THREADS",
        "COUNT",
        "FAILURES",
        "DECIMALS",
        "MICRO",
        "ADDRESSES",
        "REDIRECTS",
        "HOSTS",
        "STREAMS",
        "KIB",
        "TASKS",
        "ROUNDS",
        "TRANSFERS",
        "PAGES",
        "EVENTS",
        "PAYMENTS",
        "CHECKOUTS",
        "WAITERS",
        "IPS",
        "HEADS",
        "POINTS",
        "EXPANSIONS",
        "LIMIT",
        "TIMES",
        "PER_SECOND",
        "PER_NAME",
        "PER_ADDRESS",
    ];
    let file = root().join("crates/handsel-core/src/limits.rs");
    let parsed = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
    let names = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Const(constant) => Some(constant.ident.to_string()),
        _ => None,
    });
    let mut count = 0;
    for name in names {
        count += 1;
        assert!(UNITS.iter().any(|unit| name.ends_with(unit)), "limits::{name} does not end in a unit");
    }
    assert!(count > 20, "the limits are found");
}

#[test]
fn core_knows_no_float_no_serde_and_no_async() {
    let folder = root().join("crates/handsel-core/src");
    let mut files = Vec::new();
    walk(&folder, &mut files);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in ["f32", "f64", "serde::", "async fn", "std::fs", "std::net::Tcp"] {
                let found = code
                    .match_indices(word)
                    .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
                assert!(!found, "{}:{}: core must not say {word}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn every_dependency_is_at_or_above_its_floor() {
    let metadata = metadata();
    let mut checked = 0;
    for package in &metadata.packages {
        for (name, floor) in FLOORS {
            if package.name.as_str() == *name {
                let v = &package.version;
                assert!((v.major, v.minor, v.patch) >= *floor, "{name} {v} is below {floor:?}");
                checked += 1;
            }
        }
        // Two lines of rand are in use; each has its own fixed version.
        if package.name.as_str() == "rand" {
            let v = &package.version;
            let fine = (v.major, v.minor, v.patch) >= (0, 10, 1) || (v.major, v.minor) < (0, 10);
            assert!(fine, "rand {v} is below 0.10.1");
        }
    }
    assert!(checked >= 6, "the floors meet the lock file");
}

#[test]
fn every_statement_is_used() {
    let file = root().join("crates/handsel-store/src/sql.rs");
    let Ok(text) = fs::read_to_string(&file) else { panic!("{} is the one place for SQL", file.display()) };
    let mut store = Vec::new();
    walk(&root().join("crates/handsel-store/src"), &mut store);
    let others: String = store.iter().filter(|p| **p != file).map(|p| fs::read_to_string(p).unwrap()).collect();
    // Each statement is a line `NAME = "…` inside the table, some after a mark.
    let names = text.lines().filter_map(|line| {
        let (name, rest) = line.trim_start().split_once(" = ")?;
        let name = name.strip_prefix("#[point] ").unwrap_or(name);
        let named = name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
        (named && rest.starts_with('"')).then(|| name.to_owned())
    });
    let mut count = 0;
    for name in names {
        count += 1;
        let used = others.match_indices(&name).any(|(at, _)| {
            let after = others[at + name.len()..].chars().next();
            let before = others[..at].chars().next_back();
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !word(after) && !word(before)
        });
        assert!(used, "sql::{name} is used by nobody");
    }
    assert!(count > 20, "the statements are found");
}

/// Only tests of the binary may be built with defects on purpose (`handsel_core::planted`); no feature leads there.
#[test]
fn defects_are_planted_in_tests_alone() {
    let metadata = metadata();
    let mut asking = Vec::new();
    for package in metadata.workspace_packages() {
        let asks = package.dependencies.iter().filter(|dependency| dependency.features.iter().any(|f| f == "planted"));
        asking.extend(asks.map(|dependency| (package.name.to_string(), dependency.kind)));
        for (feature, enables) in &package.features {
            assert!(!enables.iter().any(|f| f.contains("planted")), "{}: {feature}", package.name);
        }
    }
    assert_eq!(asking, [("handsel".to_owned(), DependencyKind::Development)]);
}
