//! The operator's door: a Unix socket in the data directory while the server runs. One JSON line asks, one answers. Whoever may
//! open the socket (mode 0600) is the operator; no network leads here.

use crate::exit::{Code, Failure};
use handsel_core::account::{Accept, Region, Tier};
use handsel_core::chain::standing::Reason;
use handsel_core::chain::{BlockHash, Network};
use handsel_core::port::ChainSource;
use handsel_engine::accounts::NewAccount;
use handsel_engine::{Engine, Health};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

const LINE_MAX_BYTES: u64 = 64 * 1024;

fn socket(data: &Path) -> PathBuf {
    data.join("operator.sock")
}

/// Answers the operator until the task is dropped.
pub fn listen(data: &Path, engine: Engine) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let path = socket(data);
    // The data directory is locked by us, so a socket that is there belongs to a server that is gone.
    let _ = std::fs::remove_file(&path);
    let cannot = |error: std::io::Error| Failure::failed(format!("the operator's socket {}: {error}", path.display()));
    let listener = UnixListener::bind(&path).map_err(cannot)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let engine = engine.clone();
            tokio::spawn(async move {
                if let Err(error) = serve(stream, &engine).await {
                    tracing::warn!(%error, "the operator's line broke");
                }
            });
        }
    }))
}

async fn serve(stream: UnixStream, engine: &Engine) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LINE_MAX_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Value>(&line) {
        Ok(ask) => answer(engine, &[], &ask).await,
        Err(_) => json!({"error": "not one line of JSON"}),
    };
    write.write_all(format!("{answer}\n").as_bytes()).await
}

/// The nodes of networks, where the asker has them.
type Nodes = [(Network, Arc<dyn ChainSource>)];

/// What the operator may ask; the same function serves a server that isn't running. `nodes`: those of all networks, where nobody
/// watches them; a running server's watchers have their own.
pub async fn answer(engine: &Engine, nodes: &Nodes, ask: &Value) -> Value {
    let answer = match ask["verb"].as_str() {
        Some("accounts.create") => create(engine, ask).await,
        Some("accounts.list") => list(engine).await,
        Some("networks.list") => networks(engine).await,
        Some("networks.resume") => resume(engine, nodes, ask).await,
        _ => Err("an unknown verb: is the server of another version?".to_owned()),
    };
    answer.unwrap_or_else(|error| json!({"error": error}))
}

async fn create(engine: &Engine, ask: &Value) -> Result<Value, String> {
    let text = |name: &str| ask[name].as_str().unwrap_or_default().to_owned();
    let accept = ask["accept"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|pair| {
        let (network, asset) = pair.split_once(':').ok_or_else(|| format!("--accept {pair} is no network:ASSET"))?;
        Ok(Accept { network: network.to_owned(), asset: asset.to_owned() })
    });
    let new = NewAccount {
        name: text("name"),
        email: text("email"),
        region: match ask["region"].as_str() {
            Some("us") => Region::Us,
            Some("apac") => Region::Apac,
            Some("eu") => Region::Eu,
            None => engine.settings().region,
            Some(_) => return Err("--region must be us, eu or apac".to_owned()),
        },
        tier: match ask["tier"].as_str() {
            None | Some("standard") => Tier::Standard,
            Some("scale") => Tier::Scale,
            Some("enterprise") => Tier::Enterprise,
            Some(_) => return Err("--tier must be standard, scale or enterprise".to_owned()),
        },
        default_accept: accept.collect::<Result<_, String>>()?,
    };
    let created = engine.create_account(new).await.map_err(|refusal| refusal.detail.into_owned())?;
    Ok(json!({"id": created.id.to_string(), "secret_key": created.secret_key.expose()}))
}

async fn list(engine: &Engine) -> Result<Value, String> {
    let accounts = engine.accounts().await.map_err(|refusal| refusal.detail.into_owned())?;
    let rows = accounts.iter().map(|a| {
        json!({"id": a.id.to_string(), "name": a.name, "created": a.created.seconds(),
            "status": handsel_view::account_status(&a.status)})
    });
    Ok(json!({"data": rows.collect::<Vec<_>>()}))
}

async fn networks(engine: &Engine) -> Result<Value, String> {
    let places = engine.network_places().await.map_err(|refusal| refusal.detail.into_owned())?;
    let health = engine.network_health();
    let rows = places.iter().map(|place| {
        let seen = health.iter().find(|seen| seen.network == place.network);
        let degraded = seen.and_then(|seen| seen.degraded).map(Reason::name);
        let (state, detail) = match seen.map(|seen| &seen.health) {
            Some(Health::Halted { why }) => ("halted", Some(why.as_str())),
            _ if place.halted => ("halted", None),
            Some(Health::Delayed { why }) => ("delayed", Some(why.as_str())),
            Some(Health::Current) => ("current", None),
            Some(Health::Starting) => ("starting", None),
            None => ("stopped", None),
        };
        json!({"network": place.network, "chain_id": place.chain_id, "state": state, "detail": detail, "degraded": degraded,
            "block_number": place.tip.map(|tip| tip.number), "block_hash": place.tip.map(|tip| tip.hash.to_string()),
            "block_time": place.tip.map(|tip| tip.time_seconds), "finalized": place.finalized})
    });
    Ok(json!({"data": rows.collect::<Vec<_>>()}))
}

async fn resume(engine: &Engine, nodes: &Nodes, ask: &Value) -> Result<Value, String> {
    let name = ask["network"].as_str().unwrap_or_default();
    let from = BlockHash::parse(ask["from_block"].as_str().unwrap_or_default());
    let from = from.ok_or("--from-block must be a block's hash: 0x and 64 hex digits")?;
    let source = nodes.iter().find(|(network, _)| network.name == name).map(|(_, source)| &**source);
    let resumed = engine.resume_network(name, from, source).await.map_err(|refusal| refusal.detail.into_owned())?;
    Ok(json!({"network": name, "block_number": resumed.from.number, "block_hash": resumed.from.hash.to_string(),
        "taken_back": resumed.taken_back, "added": resumed.added}))
}

/// Asks the server that runs on `data`; `None` where none runs.
pub async fn ask(data: &Path, ask: &Value) -> Result<Option<Value>, Failure> {
    let Ok(mut stream) = UnixStream::connect(socket(data)).await else { return Ok(None) };
    let broke = |error: std::io::Error| Failure::new(Code::Network, format!("the operator's socket broke: {error}"));
    stream.write_all(format!("{ask}\n").as_bytes()).await.map_err(broke)?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_MAX_BYTES * 16)).read_line(&mut line).await.map_err(broke)?;
    let value = serde_json::from_str(&line);
    value
        .map(Some)
        .map_err(|_| Failure::new(Code::Network, "the server closed the operator's socket without an answer"))
}

/// True where a server runs on `data`.
pub async fn runs(data: &Path) -> bool {
    UnixStream::connect(socket(data)).await.is_ok()
}
