//! `selftest …`: what this program decides, to be checked from outside (06). JSON lines in, one JSON verdict a line out; no network, no
//! state, no configuration. The answers come from the same functions that the server uses.

pub mod crypto;

use crate::exit::{Code, Failure, Outcome, print};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use handsel_core::audit::merkle::{leaf_hash, verify_consistency, verify_inclusion};
use handsel_core::egress_rules::address::{AddressPolicy, Verdict};
use handsel_core::egress_rules::{UrlKind, UrlPolicy, UrlRefusal, WebUrl};
use handsel_core::secret::SecretText;
use handsel_core::signature;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, Read};

/// Longest line, and longest file of vectors.
const INPUT_MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Selftest {
    /// `{"ip":"…"}`: may a webhook connect there? Any notation.
    ClassifyIp,
    /// `{"url":"…","kind":"webhook|redirect"}`, live mode; `"live":false` and `"allow_http":true` for a sandbox's rules.
    CheckUrl,
    /// Proofs of the audit log's kind (RFC 6962): `{"leaf","index","size","hashes","root"}` or `{"from","from_root","to","to_root",
    /// "hashes"}`, bytes in base64; `leaf_hash` in place of `leaf` where the leaf is hashed already.
    Merkle,
    /// `{"secret","header","body","at"}`: does the signature fit? Without a header: the one that we would send.
    WebhookSignature,
    /// A file of Wycheproof vectors on stdin.
    Crypto { primitive: crypto::Primitive },
}

pub fn run(selftest: Selftest) -> Outcome {
    let stdin = std::io::stdin().lock().take(INPUT_MAX_BYTES);
    let mut understood = true;
    match selftest {
        Selftest::Crypto { primitive } => {
            let verdicts = crypto::verdicts(primitive, stdin).map_err(Failure::usage)?;
            verdicts.into_iter().for_each(print);
        }
        lines => {
            for line in stdin.lines() {
                let line = line.map_err(|error| Failure::failed(format!("stdin can't be read: {}", error.kind())))?;
                if line.trim().is_empty() {
                    continue;
                }
                let verdict = verdict(lines, &line);
                understood &= verdict.is_ok();
                print(verdict.unwrap_or_else(|why| json!({"error": why})));
            }
        }
    }
    if understood { Ok(()) } else { Err(Failure::new(Code::Usage, "some lines were not understood")) }
}

/// The verdict on one line, or why it can't be understood.
pub fn verdict(selftest: Selftest, line: &str) -> Result<Value, String> {
    match selftest {
        Selftest::ClassifyIp => Ok(classify(&read(line)?)),
        Selftest::CheckUrl => check_url(&read(line)?),
        Selftest::Merkle => read(line).and_then(|proof| merkle(&proof)),
        Selftest::WebhookSignature => Ok(webhook_signature(read(line)?)),
        Selftest::Crypto { .. } => Err("crypto reads a file of vectors, not lines".to_owned()),
    }
}

fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ip {
    ip: String,
}

fn classify(given: &Ip) -> Value {
    let judged = AddressPolicy::default().judge_text(&given.ip);
    json!({"ip": given.ip, "verdict": judged.verdict.as_str(), "class": judged.class.as_str()})
}

const fn live_by_default() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckUrl {
    url: String,
    kind: String,
    #[serde(default = "live_by_default")]
    live: bool,
    #[serde(default)]
    allow_http: bool,
}

fn check_url(given: &CheckUrl) -> Result<Value, String> {
    let kind = match given.kind.as_str() {
        "webhook" => UrlKind::Webhook,
        "redirect" => UrlKind::Redirect,
        _ => return Err("kind is webhook or redirect".to_owned()),
    };
    let policy = UrlPolicy { live: given.live, allow_http: given.allow_http, ..UrlPolicy::default() };
    let refused: Option<UrlRefusal> = WebUrl::check(&given.url, kind, &policy).err();
    let verdict = if refused.is_some() { Verdict::Block } else { Verdict::Allow };
    Ok(json!({
        "url": given.url, "kind": given.kind, "verdict": verdict.as_str(),
        "reason": refused.map(UrlRefusal::code), "detail": refused.map(|why| why.to_string()),
    }))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Proof {
    Inclusion {
        leaf: Option<String>,
        leaf_hash: Option<String>,
        index: u64,
        size: u64,
        hashes: Vec<String>,
        root: String,
    },
    Consistency {
        from: u64,
        from_root: String,
        to: u64,
        to_root: String,
        hashes: Vec<String>,
    },
}

fn merkle(proof: &Proof) -> Result<Value, String> {
    let valid = match proof {
        Proof::Inclusion { leaf, leaf_hash: hash, index, size, hashes, root } => {
            let leaf = match (leaf, hash) {
                (Some(leaf), None) => leaf_hash(&bytes(leaf)?),
                (None, Some(hash)) => sized(hash)?,
                _ => return Err("send leaf or leaf_hash".to_owned()),
            };
            verify_inclusion(&leaf, *index, *size, &all(hashes)?, &sized(root)?)
        }
        Proof::Consistency { from, from_root, to, to_root, hashes } => {
            verify_consistency(*from, &sized(from_root)?, *to, &sized(to_root)?, &all(hashes)?)
        }
    };
    Ok(json!({"result": word(valid)}))
}

fn bytes(base64: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(base64).map_err(|error| format!("no base64: {error}"))
}

fn sized(base64: &str) -> Result<[u8; 32], String> {
    bytes(base64)?.try_into().map_err(|_| "a hash has 32 bytes".to_owned())
}

fn all(hashes: &[String]) -> Result<Vec<[u8; 32]>, String> {
    hashes.iter().map(|hash| sized(hash)).collect()
}

const fn word(valid: bool) -> &'static str {
    if valid { "valid" } else { "invalid" }
}

const fn five_minutes() -> u64 {
    300
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    secret: String,
    header: Option<String>,
    body: String,
    at: i64,
    #[serde(default = "five_minutes")]
    tolerance: u64,
}

fn webhook_signature(given: Signed) -> Value {
    let secret = SecretText::new(given.secret);
    let body = given.body.as_bytes();
    match given.header {
        Some(header) => {
            let verdict = signature::verify(&secret, &header, body, given.at, given.tolerance);
            json!({"result": word(verdict.is_ok()), "reason": verdict.err().map(|why| why.to_string())})
        }
        None => json!({"header": signature::handsel(&[secret], given.at, body)}),
    }
}
