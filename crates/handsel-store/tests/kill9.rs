//! A writer under load is killed with -9, again and again, on each engine: every Change that it had acknowledged is there
//! whole, there is no half of any other, and the numbers go on without a gap. HANDSEL_KILLS sets how often (20).
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/rig.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod rig;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod support;

use handsel_core::change::{Change, Write};
use handsel_core::event::Kind;
use handsel_core::id::AccountId;
use handsel_store::{Database, Store, StoreConfig};
use rig::Rig;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

const CYCLES_DEFAULT: u32 = 20;
const WRITERS: u32 = 32;
/// A life ends after another number of acknowledgements each time, fewer than this.
const LIFE_MAX_ACKS: usize = 400;

/// The database as the child is told of it: a directory, or a URL.
fn place(config: &StoreConfig) -> String {
    match &config.database {
        Database::Sqlite { directory } => directory.to_str().unwrap().to_owned(),
        #[cfg(feature = "postgres")]
        Database::Postgres(postgres) => postgres.url.expose().to_owned(),
    }
}

fn config(place: &str) -> StoreConfig {
    #[cfg(feature = "postgres")]
    if place.contains("://") {
        return rig::postgres_config(place);
    }
    StoreConfig::sqlite(place)
}

/// Not a test of its own: the process that is killed. It commits as fast as it can and prints the ids of each Change after
/// it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(database), Ok(account)) = (std::env::var("HANDSEL_KILL_DATABASE"), std::env::var("HANDSEL_KILL_ACCOUNT"))
    else {
        return;
    };
    let account = AccountId::parse(&account).unwrap();
    let store = Store::open(config(&database)).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let writer = store.writer.clone();
        tasks.push(tokio::spawn(async move {
            loop {
                let checkout = support::checkout(account);
                let mut change = support::creation(checkout.clone());
                let mut answer = support::answer(account, 0);
                answer.key_hash[..16].copy_from_slice(&checkout.id.bits().to_be_bytes());
                change.answer = Some(answer);
                change.writes.push(Write::InsertPayment(support::payment(account, checkout.id)));
                change.events.push(support::event(account, Kind::PaymentDetected, &checkout.id.to_string()));
                let line = format!(
                    "ack {} {} {} {}\n",
                    checkout.id, change.events[0].id, change.events[1].id, change.audit[0].id
                );
                writer.commit(change).await.unwrap();
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        }));
    }
    // Never comes: the process is killed, or a task panics and the parent finds too little.
    tasks.remove(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_kill_9() {
    rig::tell(async { killed_again_and_again(Rig::sqlite().await).await }).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_kill_9_on_postgres() {
    let Some(server) = rig::server() else { return };
    rig::tell(async move { killed_again_and_again(Rig::postgres(&server).await).await }).await;
}

async fn killed_again_and_again(mut rig: Rig) -> Rig {
    let cycles = std::env::var("HANDSEL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES_DEFAULT);
    let account = rig.account().await;
    rig.write(vec![Write::InsertWebhook(support::webhook(account, &["*"]))]).await.unwrap();
    for cycle in 0..cycles {
        rig.store.writer.close().await;
        let lines = one_life(&rig, account, 1 + cycle as usize * 137 % LIFE_MAX_ACKS);
        survivors_gone(&rig).await;
        rig.store = Store::open(rig.config.clone()).await.unwrap();
        rig.settle().await;
        check(&rig, &lines).await;
        // The numbers go on where they stood.
        rig.commit(Change { audit: vec![support::entry(Some(account))], ..Change::default() }).await.unwrap();
        rig.settle().await;
    }
    if let Database::Sqlite { directory } = &rig.config.database {
        let connection = rusqlite::Connection::open(directory.join("handsel.db")).unwrap();
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }
    rig
}

/// Starts the child, kills it once it has acknowledged `wanted` Changes, and gives all acknowledgements that came out whole.
fn one_life(rig: &Rig, account: AccountId, wanted: usize) -> Vec<Vec<String>> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env("HANDSEL_KILL_DATABASE", place(&rig.config))
        .env("HANDSEL_KILL_ACCOUNT", account.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        let words: Vec<_> = line.split_whitespace().skip_while(|w| *w != "ack").map(str::to_owned).collect();
        if line.ends_with('\n') && words.len() == 5 {
            lines.push(words);
            if lines.len() == wanted {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(lines.len() >= wanted, "the child ended by itself after {} of {wanted}", lines.len());
    lines
}

/// A server may still be at what the dead client sent last, and commit it. SQLite has nobody left to do so.
async fn survivors_gone(rig: &Rig) {
    let sessions =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while !rig.is_sqlite() && rig.number(sessions).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn check(rig: &Rig, lines: &[Vec<String>]) {
    for some in lines.chunks(200) {
        let all = |at: &[usize]| {
            let ids = some.iter().flat_map(|words| at.iter().map(|at| format!("'{}'", words[*at])));
            ids.collect::<Vec<_>>().join(", ")
        };
        let (checkouts, events, entries) = (all(&[1]), all(&[2, 3]), all(&[4]));
        let whole = format!(
            "SELECT (SELECT COUNT(*) FROM checkout WHERE id IN ({checkouts})) \
             + (SELECT COUNT(*) FROM payment WHERE checkout IN ({checkouts})) \
             + (SELECT COUNT(*) FROM event WHERE id IN ({events})) + (SELECT COUNT(*) FROM audit WHERE id IN ({entries})) \
             + (SELECT COUNT(*) FROM delivery WHERE event IN ({events}) AND object IN ({checkouts}) \
                AND webhook = (SELECT id FROM webhook) AND state = 'pending')"
        );
        assert_eq!(rig.number(&whole).await, 7 * some.len() as i64, "all of these were acknowledged: {some:?}");
    }
    let number = async |text: &str| rig.number(text).await;
    let made = number("SELECT COUNT(*) FROM checkout").await;
    assert_eq!(number("SELECT COUNT(*) FROM payment p JOIN checkout c ON c.id = p.checkout").await, made);
    assert_eq!(number("SELECT COUNT(*) FROM event e JOIN checkout c ON c.id = e.object").await, 2 * made);
    assert_eq!(number("SELECT COUNT(*) FROM delivery d JOIN event e ON e.id = d.event").await, 2 * made);
    assert_eq!(number("SELECT COUNT(*) FROM idempotent").await, made);
    assert_eq!(number("SELECT COUNT(*) FROM watch w JOIN checkout c ON c.id = w.checkout").await, made);
    assert_eq!(number("SELECT COUNT(*) FROM event").await, 2 * made);
    assert_eq!(number("SELECT MAX(sequence) FROM event").await, 2 * made, "gap-free");
    assert_eq!(number("SELECT COUNT(DISTINCT sequence) FROM event").await, 2 * made);
    assert_eq!(number("SELECT MAX(endpoint_sequence) FROM delivery").await, 2 * made);
    assert_eq!(number("SELECT COUNT(DISTINCT endpoint_sequence) FROM delivery").await, 2 * made);
    let leaves = number("SELECT COUNT(leaf_index) FROM audit").await;
    assert!(leaves >= made);
    assert_eq!(number("SELECT MAX(leaf_index) + 1 FROM audit").await, leaves);
    let nodes = leaves - i64::from(leaves.count_ones());
    assert_eq!(number("SELECT COUNT(*) FROM audit_node").await, nodes);
}
