//! `audit verify|export`: checks the audit log offline, from a data directory or from an export.

use crate::config::Verb;
use crate::exit::{Code, Failure, Outcome, print};
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use handsel_core::audit::Leaf;
use handsel_core::audit::merkle::{Frontier, NodeId, leaf_hash};
use handsel_store::reader::Reader;
use serde_json::{Value, json};
use std::path::PathBuf;

const LEAVES_AT_ONCE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recomputes the tree from its leaves and compares it with what is stored, or with a root that you kept.
    Verify {
        /// An export; without it, the database is read.
        file: Option<PathBuf>,
        /// The root (base64) of a checkpoint that you trust.
        #[arg(long)]
        root: Option<String>,
        /// The size of that checkpoint; without it, the whole log.
        #[arg(long, requires = "root")]
        size: Option<u64>,
        #[command(flatten)]
        place: Place,
    },
    /// Writes every leaf as a line of JSON, oldest first.
    Export {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub struct Place {
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
    /// For a PostgreSQL database.
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// Where leaves come from.
enum Source {
    Rows(Reader),
    Lines(Vec<String>),
}

pub async fn run(audit: Audit) -> Outcome {
    match audit {
        Audit::Verify { file, root, size, place } => {
            let source = match &file {
                Some(path) => Source::Lines(lines(path)?),
                None => Source::Rows(reader(&place).await?),
            };
            verify(&source, root.as_deref(), size, place.json).await
        }
        Audit::Export { place } => export(&reader(&place).await?).await,
    }
}

/// Reads beside a running server.
async fn reader(place: &Place) -> Result<Reader, Failure> {
    match &place.config {
        Some(path) => {
            let config = super::read_config(Verb::Serve, Some(path))?;
            wire::open_reader(&config, &place.data).await
        }
        None => Reader::open_sqlite(&place.data).map_err(Failure::failed),
    }
}

fn lines(path: &std::path::Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::usage(format!("{} can't be read: {}", path.display(), error.kind())))?;
    Ok(text.lines().map(str::to_owned).collect())
}

impl Source {
    async fn leaves(&self, from: u64) -> Result<Vec<Vec<u8>>, Failure> {
        match self {
            Self::Rows(reader) => reader.audit_leaves(from, LEAVES_AT_ONCE).await.map_err(broken),
            Self::Lines(lines) => {
                let skip = usize::try_from(from).unwrap_or(usize::MAX);
                let wanted = lines.iter().enumerate().skip(skip).take(LEAVES_AT_ONCE as usize);
                wanted.map(|(at, line)| parse_line(at, line)).collect()
            }
        }
    }
}

fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(Code::CheckFailed, format!("the audit log does not verify: {what}"))
}

fn parse_line(at: usize, line: &str) -> Result<Vec<u8>, Failure> {
    let value: Value = serde_json::from_str(line).map_err(|_| broken(format_args!("line {} is no JSON", at + 1)))?;
    if value["index"].as_u64() != u64::try_from(at).ok() {
        return Err(broken(format_args!("line {} is not entry {at}: a line is missing or moved", at + 1)));
    }
    let leaf = value["leaf"].as_str().and_then(|text| STANDARD.decode(text).ok());
    leaf.ok_or_else(|| broken(format_args!("line {} holds no leaf", at + 1)))
}

async fn verify(source: &Source, root: Option<&str>, size: Option<u64>, as_json: bool) -> Outcome {
    let mut tree = Frontier::default();
    let mut index: u64 = 0;
    let mut root_at_size = None;
    loop {
        let leaves = source.leaves(index).await?;
        if leaves.is_empty() {
            break;
        }
        for bytes in leaves {
            Leaf::parse(&bytes).map_err(|error| broken(format_args!("entry {index} is no leaf ({error})")))?;
            for (node, hash) in tree.append(leaf_hash(&bytes)) {
                check_node(source, node, &hash).await?;
            }
            index += 1;
            if size == Some(index) {
                root_at_size = Some(tree.root());
            }
        }
    }
    check_size(source, index).await?;
    let found = STANDARD.encode(root_at_size.unwrap_or_else(|| tree.root()));
    if size.is_some_and(|size| size > index) {
        return Err(broken(format_args!("it has {index} entries, the checkpoint has more: its end was cut off")));
    }
    if root.is_some_and(|wanted| wanted != found) {
        return Err(broken(format_args!("its root is {found}: entries were changed since that checkpoint")));
    }
    if as_json {
        print(json!({"valid": true, "size": index, "root": STANDARD.encode(tree.root())}));
    } else {
        print(format_args!("{index} entries verify; root {}", STANDARD.encode(tree.root())));
    }
    Ok(())
}

/// What the database stores of a subtree must be what its leaves give.
async fn check_node(source: &Source, node: NodeId, hash: &[u8; 32]) -> Result<(), Failure> {
    let Source::Rows(reader) = source else { return Ok(()) };
    match reader.audit_node(node.level, node.index).await.map_err(broken)? {
        Some(stored) if stored == *hash => Ok(()),
        Some(_) => Err(broken(format_args!("node {} of level {} differs from its leaves", node.index, node.level))),
        None => Err(broken(format_args!("node {} of level {} is missing", node.index, node.level))),
    }
}

/// A server may append meanwhile, so the stored size may only be larger.
async fn check_size(source: &Source, read: u64) -> Result<(), Failure> {
    let Source::Rows(reader) = source else { return Ok(()) };
    let head = reader.audit_head().await.map_err(broken)?;
    if head.size < read {
        return Err(broken(format_args!("its head says {} entries, {read} are there", head.size)));
    }
    Ok(())
}

async fn export(reader: &Reader) -> Outcome {
    let mut index: u64 = 0;
    loop {
        let leaves = reader.audit_leaves(index, LEAVES_AT_ONCE).await.map_err(Failure::failed)?;
        if leaves.is_empty() {
            return Ok(());
        }
        for leaf in leaves {
            print(json!({"index": index, "leaf": STANDARD.encode(leaf)}));
            index += 1;
        }
    }
}
