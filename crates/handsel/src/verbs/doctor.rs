//! `doctor`: looks at everything that a server needs and says what is wrong and how to mend it.

use crate::config::{Chain, Config, Verb};
use crate::exit::{Code, Failure, Outcome, print};
use crate::system::SystemClock;
use crate::wire;
use clap::Args;
use handsel_core::chain::HeadTag;
use handsel_core::port::{ChainSource, Clock};
use serde_json::json;
use std::path::PathBuf;

const CLOCK_SKEW_MAX_SECONDS: u64 = 60;
/// A head that is older than so many block times is called late.
const LATE_HEAD_BLOCKS: u64 = 20;

#[derive(Debug, Args)]
pub struct Doctor {
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One finding: what was looked at, and what to do about it.
struct Finding {
    what: String,
    verdict: Verdict,
    text: String,
}

fn finding(what: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), verdict, text: text.into() }
}

pub async fn run(doctor: Doctor) -> Outcome {
    let mut findings = Vec::new();
    match super::read_config(Verb::Serve, doctor.config.as_deref()) {
        Err(failure) => findings.push(finding("configuration", Verdict::Fail, failure.message)),
        Ok(config) => {
            findings.push(finding("configuration", Verdict::Ok, "every key is known and fits"));
            findings.push(database(&config, &doctor).await);
            findings.extend(networks(&doctor).await);
            findings.extend(tls(&config));
            for chain in &config.chains {
                findings.extend(look_at_chain(chain).await);
            }
        }
    }
    report(&findings, doctor.json)
}

fn report(findings: &[Finding], json: bool) -> Outcome {
    let name = |verdict| match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    if json {
        let rows = findings.iter().map(|f| json!({"check": f.what, "verdict": name(f.verdict), "detail": f.text}));
        print(json!({"data": rows.collect::<Vec<_>>()}));
    } else {
        findings.iter().for_each(|f| print(format_args!("{:<5} {}: {}", name(f.verdict), f.what, f.text)));
    }
    let failed = findings.iter().filter(|f| f.verdict == Verdict::Fail).count();
    if failed == 0 { Ok(()) } else { Err(Failure::new(Code::CheckFailed, format!("{failed} check(s) failed"))) }
}

async fn database(config: &Config, doctor: &Doctor) -> Finding {
    let what = "database";
    if crate::operator::runs(&doctor.data).await {
        return finding(what, Verdict::Ok, "in use by the running server");
    }
    match wire::open_store(config, &doctor.data).await {
        Ok(store) => {
            store.writer.close().await;
            finding(what, Verdict::Ok, "opens, and its schema is this program's")
        }
        Err(failure) => finding(what, Verdict::Fail, failure.message),
    }
}

/// How the running server's networks stand.
async fn networks(doctor: &Doctor) -> Vec<Finding> {
    let list = crate::operator::ask(&doctor.data, &json!({"verb": "networks.list"})).await;
    let Ok(Some(list)) = list else { return Vec::new() };
    let network = |seen: &serde_json::Value| {
        let text = |name: &str| seen[name].as_str().unwrap_or_default();
        let what = format!("{} as the server sees it", text("network"));
        match (text("state"), text("degraded")) {
            ("halted", _) => {
                let fix = "look at its nodes, then `handsel networks resume`";
                finding(what, Verdict::Fail, format!("halted: {}: {fix}", text("detail")))
            }
            ("delayed", why) => {
                finding(what, Verdict::Warn, format!("payments are seen late: {why} {}", text("detail")))
            }
            (state, "") => finding(what, Verdict::Ok, state),
            (_, why) => finding(what, Verdict::Warn, format!("degraded: {why}")),
        }
    };
    list["data"].as_array().into_iter().flatten().map(network).collect()
}

fn tls(config: &Config) -> Option<Finding> {
    let tls = config.tls.as_ref()?;
    let unreadable = [&tls.cert, &tls.key].into_iter().find(|path| std::fs::read(path).is_err());
    Some(match unreadable {
        Some(path) => finding("tls", Verdict::Fail, format!("{} can't be read", path.display())),
        None => finding("tls", Verdict::Ok, "certificate and key are readable"),
    })
}

async fn look_at_chain(chain: &Chain) -> Vec<Finding> {
    let network = &chain.network;
    let mut findings = Vec::new();
    for (at, url) in chain.rpc_urls.iter().filter(|url| url.expose().starts_with("http")).enumerate() {
        let what = format!("{} node {}", network.name, at + 1);
        let source = match wire::one_node(chain, &[], url.expose()) {
            Ok((_, source)) => source,
            Err(error) => {
                findings.push(finding(what, Verdict::Fail, error.to_string()));
                continue;
            }
        };
        match source.chain_id().await {
            Ok(id) if id == network.chain_id => {}
            Ok(id) => {
                let text =
                    format!("says chain {id}, the configuration says {}: one of them is wrong", network.chain_id);
                findings.push(finding(what, Verdict::Fail, text));
                continue;
            }
            Err(error) => {
                findings.push(finding(what, Verdict::Fail, error.to_string()));
                continue;
            }
        }
        findings.push(head(what, &*source, network.block_time_ms).await);
        for token in &network.tokens {
            let what = format!("{} {}", network.name, token.asset);
            findings.push(match source.token_decimals(token.contract).await {
                Ok(Some(decimals)) if decimals == token.decimals => {
                    finding(what, Verdict::Ok, format!("{decimals} decimals"))
                }
                Ok(Some(decimals)) => {
                    let text = format!("the contract says {decimals} decimals, the configuration {}", token.decimals);
                    finding(what, Verdict::Fail, text)
                }
                Ok(None) => finding(what, Verdict::Fail, "no contract at this address says its decimals"),
                Err(error) => finding(what, Verdict::Fail, format!("decimals() gives nothing: {error}")),
            });
        }
    }
    let nodes = chain.rpc_urls.iter().filter(|url| url.expose().starts_with("http")).count();
    if nodes <= chain.quorum {
        let text = match nodes {
            1 => "one node only: nobody would notice what it leaves out or delays; name three".to_owned(),
            _ => format!("all {nodes} nodes must answer and agree: name one more, so that one may fail"),
        };
        findings.push(finding(format!("{} nodes", network.name), Verdict::Warn, text));
    }
    findings
}

async fn head(what: String, source: &dyn ChainSource, block_time_ms: u64) -> Finding {
    let head = match source.head(HeadTag::Latest).await {
        Ok(Some(head)) => head,
        Ok(None) => return finding(what, Verdict::Fail, "has no head yet"),
        Err(error) => return finding(what, Verdict::Fail, error.to_string()),
    };
    // As the watcher will: a node whose blocks can't be believed brings no payment.
    if let Err(error) = source.transfers(head.hash).await {
        return finding(what, Verdict::Fail, format!("its head {} gives no transfers: {error}", head.number));
    }
    let now = u64::try_from(SystemClock.wall().seconds()).unwrap_or(0);
    if head.time_seconds > now + CLOCK_SKEW_MAX_SECONDS {
        let text = format!("its head is {} s ahead of this machine's clock: set the clock", head.time_seconds - now);
        return finding(what, Verdict::Fail, text);
    }
    let age = now.saturating_sub(head.time_seconds);
    if age > (block_time_ms * LATE_HEAD_BLOCKS / 1000).max(CLOCK_SKEW_MAX_SECONDS) {
        return finding(
            what,
            Verdict::Warn,
            format!("its head {} is {age} s old: it lags, or the network stands", head.number),
        );
    }
    finding(what, Verdict::Ok, format!("at block {}, {age} s old", head.number))
}
