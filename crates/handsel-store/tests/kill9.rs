//! A writer under load is killed with -9, again and again: every Change that it had acknowledged is there whole, and no half
//! of any other. HANDSEL_KILLS sets how often (20).
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod support;

use handsel_core::change::Write;
use handsel_core::event::Kind;
use handsel_core::id::AccountId;
use handsel_store::{Store, StoreConfig};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const CYCLES_DEFAULT: u32 = 20;
const WRITERS: u32 = 32;

/// Not a test of its own: the process that is killed. It commits as fast as it can and prints the ids of each Change after
/// it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(directory), Ok(account)) = (std::env::var("HANDSEL_KILL_DIR"), std::env::var("HANDSEL_KILL_ACCOUNT"))
    else {
        return;
    };
    let account = AccountId::parse(&account).unwrap();
    let store = Store::open(StoreConfig::sqlite(directory)).await.unwrap();
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
    let cycles = std::env::var("HANDSEL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES_DEFAULT);
    let directory = tempfile::tempdir().unwrap();
    let account = support::account();
    let store = Store::open(StoreConfig::sqlite(directory.path())).await.unwrap();
    let setup = vec![Write::InsertAccount(account.clone()), Write::InsertWebhook(support::webhook(account.id, &["*"]))];
    store.writer.commit(handsel_core::change::Change { writes: setup, ..Default::default() }).await.unwrap();
    store.writer.close().await;
    drop(store);
    let mut acknowledged = 0;
    for cycle in 0..cycles {
        let lines = one_life(directory.path(), account.id, cycle);
        assert!(!lines.is_empty(), "cycle {cycle}: killed before anything was acknowledged");
        acknowledged += lines.len();
        let store = Store::open(StoreConfig::sqlite(directory.path())).await.unwrap();
        check(directory.path(), &lines);
        // The numbers go on where they stood.
        let change = support::entry(Some(account.id));
        store.writer.commit(handsel_core::change::Change { audit: vec![change], ..Default::default() }).await.unwrap();
        store.writer.close().await;
    }
    let connection = rusqlite::Connection::open(directory.path().join("handsel.db")).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    assert!(acknowledged > cycles as usize);
}

/// Starts the child, lets it live for a moment, kills it, and gives the acknowledgements that were read whole.
fn one_life(directory: &Path, account: AccountId, cycle: u32) -> Vec<Vec<String>> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env("HANDSEL_KILL_DIR", directory)
        .env("HANDSEL_KILL_ACCOUNT", account.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            let words: Vec<_> = line.split_whitespace().skip_while(|w| *w != "ack").map(str::to_owned).collect();
            if line.ends_with('\n') && words.len() == 5 {
                lines.push(words);
            }
            line.clear();
        }
        lines
    });
    // A different moment each time; the first ones fall into the opening itself when the machine is slow.
    #[expect(clippy::disallowed_methods, reason = "another process runs in real time")]
    std::thread::sleep(Duration::from_millis(300 + u64::from(cycle * 37 % 200)));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn check(directory: &Path, lines: &[Vec<String>]) {
    let connection = rusqlite::Connection::open(directory.join("handsel.db")).unwrap();
    let number = |text: &str| connection.query_row(text, [], |r| r.get::<_, i64>(0)).unwrap();
    let mut find = connection
        .prepare(
            "SELECT (SELECT COUNT(*) FROM checkout WHERE id = ?1) + (SELECT COUNT(*) FROM payment WHERE checkout = ?1) \
             + (SELECT COUNT(*) FROM event WHERE id IN (?2, ?3)) + (SELECT COUNT(*) FROM audit WHERE id = ?4) \
             + (SELECT COUNT(*) FROM delivery WHERE object = ?1 AND webhook = (SELECT id FROM webhook) \
                AND event IN (?2, ?3) AND state = 'pending')",
        )
        .unwrap();
    for words in lines {
        let found: i64 = find.query_row([&words[1], &words[2], &words[3], &words[4]], |r| r.get(0)).unwrap();
        assert_eq!(found, 7, "{words:?} was acknowledged");
    }
    let made = number("SELECT COUNT(*) FROM checkout");
    assert_eq!(number("SELECT COUNT(*) FROM payment p JOIN checkout c ON c.id = p.checkout"), made);
    assert_eq!(number("SELECT COUNT(*) FROM event e JOIN checkout c ON c.id = e.object"), 2 * made);
    assert_eq!(number("SELECT COUNT(*) FROM delivery d JOIN event e ON e.id = d.event"), 2 * made);
    assert_eq!(number("SELECT COUNT(*) FROM idempotent"), made);
    assert_eq!(number("SELECT COUNT(*) FROM watch w JOIN checkout c ON c.id = w.checkout"), made);
    assert_eq!(number("SELECT COUNT(*) FROM event"), 2 * made);
    assert_eq!(number("SELECT MAX(sequence) FROM event"), 2 * made, "gap-free");
    assert_eq!(number("SELECT COUNT(DISTINCT sequence) FROM event"), 2 * made);
    assert_eq!(number("SELECT MAX(endpoint_sequence) FROM delivery"), 2 * made);
    assert_eq!(number("SELECT COUNT(DISTINCT endpoint_sequence) FROM delivery"), 2 * made);
    let leaves = number("SELECT COUNT(leaf_index) FROM audit");
    assert!(leaves >= made);
    assert_eq!(number("SELECT MAX(leaf_index) + 1 FROM audit"), leaves);
    let nodes = leaves - i64::from(leaves.count_ones());
    assert_eq!(number("SELECT COUNT(*) FROM audit_node"), nodes);
}
