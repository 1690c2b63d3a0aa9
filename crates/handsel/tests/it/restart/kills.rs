//! The real program is killed with -9, again and again, also while it starts: whatever it had answered is there afterwards, and every
//! payment that it had acknowledged is credited once. HANDSEL_KILLS sets how often (20).

use crate::harness::{Chance, Http, Reply, directory, field, listed, runtime, seed, told, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const CYCLES_DEFAULT: u64 = 20;
/// How many sell at the same time: a single one dies with its very last answer.
const MERCHANTS_MAX: u64 = 3;
const ORDERS_PER_BLOCK: u64 = 3;
/// A life ends after so many acknowledgements, at once or so many milliseconds later, or, one in so many, before it has begun.
const ACKNOWLEDGED_MAX: u64 = 24;
const LATER_MAX_MS: u64 = 20;
const UNBORN_ONE_IN: u64 = 4;
const START_MAX_MS: u64 = 400;
/// A machine under load may take long for anything; a server that does nothing must not hang the test.
const PATIENCE: Duration = Duration::from_secs(120);
const MINE: &str = "/v1/test/networks/sandbox-evm/mine";

/// A process of the program under test. It does not outlive its test.
struct Program {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

/// The program with these arguments, and nothing of ours in its environment.
fn handsel(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handsel"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HANDSEL_")) {
        command.env_remove(name);
    }
    command.args(arguments).arg("--data").arg(data).arg("--json").stderr(Stdio::null());
    command
}

impl Program {
    fn start(data: &Path) -> Self {
        let mut command = handsel(&["dev", "--port", "0", "--block-time", "0"], data);
        command.env("HANDSEL_LIMITS__WRITES_PER_SECOND", "100000").env("HANDSEL_LIMITS__READS_PER_SECOND", "100000");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// Waits until it says that it is ready.
    async fn ready(&mut self) -> Http {
        let mut output = self.output.take().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            line
        });
        let line = tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it did not start: {line:?}"));
        let address = field(&said, "base_url").strip_prefix("http://").unwrap().parse().unwrap();
        Http { address, key: Some(field(&said, "secret_key")) }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    async fn end(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        until("it ends when it is told to", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the merchants know.
#[derive(Debug, Default)]
struct Books {
    /// Acknowledged checkouts by their idempotency key, as they were answered.
    created: BTreeMap<String, Reply>,
    /// Ids of checkouts whose payment was asked for, and of those where it was acknowledged.
    asked: BTreeSet<String>,
    paid: BTreeSet<String>,
    keys: u64,
}

type Shared = Arc<Mutex<Books>>;

fn order() -> Value {
    json!({"amount": "5.00", "currency": "USD", "expires_in": 2_592_000})
}

async fn create(http: &Http, key: &str) -> Option<Reply> {
    http.request("POST", "/v1/checkouts").idempotent(key).json(&order()).attempt().await
}

async fn post(http: &Http, path: &str) -> Option<Reply> {
    http.request("POST", path).json(&json!({})).attempt().await
}

/// Sells until the server dies; one permit for each acknowledgement.
async fn merchant(http: Http, books: Shared, acknowledged: Arc<Semaphore>) {
    loop {
        let number = {
            let mut books = books.lock().unwrap();
            books.keys += 1;
            books.keys
        };
        let key = format!("order-{number}");
        let Some(created) = create(&http, &key).await else { return };
        let id = field(&created.ok(), "id");
        {
            let mut books = books.lock().unwrap();
            books.created.insert(key, created);
            books.asked.insert(id.clone());
        }
        acknowledged.add_permits(1);
        let Some(paid) = post(&http, &format!("/v1/test/checkouts/{id}/pay")).await else { return };
        paid.ok();
        books.lock().unwrap().paid.insert(id);
        acknowledged.add_permits(1);
        if number % ORDERS_PER_BLOCK != 0 {
            continue;
        }
        let Some(mined) = post(&http, MINE).await else { return };
        mined.ok();
    }
}

/// One life of the server, ended at a moment that `chance` chose.
async fn life(data: &Path, chance: &Chance, books: &Shared) {
    let mut program = Program::start(data);
    if chance.below(UNBORN_ONE_IN) == 0 {
        tokio::time::sleep(Duration::from_millis(chance.below(START_MAX_MS))).await;
        return program.kill();
    }
    let http = program.ready().await;
    let acknowledged = Arc::new(Semaphore::new(0));
    let mut merchants = JoinSet::new();
    for _ in 0..1 + chance.below(MERCHANTS_MAX) {
        merchants.spawn(merchant(http.clone(), Arc::clone(books), Arc::clone(&acknowledged)));
    }
    let (wanted, at_once) = (1 + chance.below(ACKNOWLEDGED_MAX), chance.below(2) == 0);
    let later = chance.below(LATER_MAX_MS);
    let death = async {
        let _ = acknowledged.acquire_many(u32::try_from(wanted).unwrap()).await.unwrap();
        if !at_once {
            tokio::time::sleep(Duration::from_millis(later)).await;
        }
    };
    tokio::select! {
        done = tokio::time::timeout(PATIENCE, death) => done.unwrap(),
        ended = merchants.join_next() => panic!("a merchant ended before the server: {ended:?}"),
    }
    program.kill();
    while let Some(ended) = merchants.join_next().await {
        ended.unwrap();
    }
}

/// Every object of a list.
async fn all(http: &Http, path: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let after = found.last().map(|last| format!("&starting_after={}", field(last, "id"))).unwrap_or_default();
        let page = http.get(&format!("{path}?limit=100{after}")).await;
        found.extend(listed(&page));
        if page.json()["has_more"] == false {
            return found;
        }
    }
}

/// Every event by its number, without a gap.
async fn events(http: &Http) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let page = http.get(&format!("/v1/events?after_sequence={}&limit=100", found.len())).await;
        for event in listed(&page) {
            assert_eq!(event["sequence"].as_u64(), Some(found.len() as u64 + 1), "a gap in the events");
            found.push(event);
        }
        if page.json()["has_more"] == false {
            return found;
        }
    }
}

/// What holds of payments by checkout, whatever was cut off in the middle.
async fn credited_once(http: &Http, books: &Books) {
    let mut credits: BTreeMap<String, u32> = BTreeMap::new();
    let mut places = BTreeSet::new();
    for payment in all(http, "/v1/payments").await {
        assert_eq!((&payment["outcome"], &payment["status"]), (&json!("exact"), &json!("succeeded")), "{payment}");
        assert!(places.insert((field(&payment["transaction"], "hash"), payment["transaction"]["log_index"].as_u64())));
        *credits.entry(field(&payment, "checkout")).or_default() += 1;
    }
    assert!(credits.values().all(|credits| *credits == 1), "{credits:?}");
    assert!(books.paid.iter().all(|id| credits.contains_key(id)), "an acknowledged payment is lost");
    assert!(credits.keys().all(|id| books.asked.contains(id)), "nobody paid that");
    let mut completed: BTreeMap<String, u32> = BTreeMap::new();
    for event in events(http).await.iter().filter(|event| event["type"] == "checkout.completed") {
        *completed.entry(field(&event["data"]["object"], "id")).or_default() += 1;
    }
    assert_eq!(completed, credits, "each is told once");
}

/// Every acknowledged checkout is there, and is answered as it was.
async fn kept(http: &Http, books: &Books) {
    let mut there = BTreeMap::new();
    for checkout in all(http, "/v1/checkouts").await {
        there.insert(field(&checkout, "id"), checkout);
    }
    for (key, first) in &books.created {
        let answered = first.json();
        let now = &there[&field(&answered, "id")];
        assert_eq!(now["payment_options"], answered["payment_options"]);
        assert!(now["status"] == "complete" || !books.paid.contains(&field(&answered, "id")), "was paid: {now}");
        let again = create(http, key).await.unwrap();
        assert_eq!((again.header("idempotent-replayed"), &again.body), (Some("true"), &first.body));
    }
    let addresses: BTreeSet<_> = there.values().map(super::address).collect();
    assert_eq!(addresses.len(), there.len(), "no address is given twice");
}

#[test]
fn what_was_answered_survives_kill_9() {
    let seed = seed();
    eprintln!("{}", told(seed));
    let cycles = std::env::var("HANDSEL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES_DEFAULT);
    let directory = directory();
    let data = directory.path();
    runtime().block_on(async {
        let (chance, books) = (Chance::new(seed), Shared::default());
        for _ in 0..cycles {
            life(data, &chance, &books).await;
        }
        let books = Arc::try_unwrap(books).unwrap().into_inner().unwrap();
        assert!(books.paid.len() as u64 >= cycles / 4, "too little happened: {} payments", books.paid.len());
        let mut program = Program::start(data);
        let http = program.ready().await;
        http.post("/v1/test/networks/sandbox-evm/finalize", json!({})).await.ok();
        until("all that was paid is credited", async || {
            let open = all(&http, "/v1/payments").await;
            open.iter().all(|payment| payment["status"] == "succeeded").then_some(())
        })
        .await;
        kept(&http, &books).await;
        credited_once(&http, &books).await;
        assert!(program.end().await.success());
        let verified = handsel(&["audit", "verify"], data).output().unwrap();
        let said: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!((verified.status.code(), &said["valid"]), (Some(0), &json!(true)), "{said}");
        assert!(said["size"].as_u64().unwrap() >= (books.created.len() + books.paid.len()) as u64);
    });
}
