#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod support;

use super::*;
use handsel_core::change::Write;
use std::sync::mpsc::{SyncSender, sync_channel};

struct Bench {
    thread: WriterThread,
    queue: SyncSender<Job>,
    _directory: tempfile::TempDir,
}

type Waiting = oneshot::Receiver<Result<Receipt, CommitError>>;

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let lock = crate::sqlite::lock(directory.path()).unwrap();
    let connection = crate::sqlite::open_writer(directory.path()).unwrap();
    let (queue, jobs) = sync_channel(1000);
    Bench { thread: WriterThread::new(connection, jobs, lock), queue, _directory: directory }
}

fn job(change: Change) -> (Job, Waiting) {
    let (reply, waiting) = oneshot::channel();
    (Job::Commit { change: Box::new(change), reply }, waiting)
}

impl Bench {
    /// Commits in one group, as if all had waited.
    fn together(&mut self, changes: Vec<Change>) -> Vec<Result<Receipt, CommitError>> {
        let (mut first, mut waiting) = (None, Vec::new());
        for change in changes {
            let (job, answer) = job(change);
            waiting.push(answer);
            match first {
                None => first = Some(job),
                Some(_) => self.queue.send(job).unwrap(),
            }
        }
        self.thread.group(first.unwrap());
        waiting.iter_mut().map(|w| w.try_recv().unwrap()).collect()
    }
    fn account(&mut self) -> handsel_core::id::AccountId {
        let account = support::account();
        let change = Change { writes: vec![Write::InsertAccount(account.clone())], ..Change::default() };
        assert!(self.together(vec![change])[0].is_ok());
        account.id
    }
    fn number(&self, text: &str) -> i64 {
        self.thread.connection.query_row(text, [], |r| r.get(0)).unwrap()
    }
}

#[test]
fn a_group_is_one_commit_and_refuses_one_by_one() {
    let mut bench = bench();
    let account = bench.account();
    let bad = support::creation(support::checkout(handsel_core::id::AccountId::from_bits(1)));
    let good = || support::creation(support::checkout(account));
    let answers = bench.together(vec![good(), bad, good()]);
    let sequences: Vec<_> = answers.iter().map(|a| a.as_ref().map(|r| r.sequences.clone())).collect();
    assert_eq!(sequences, [Ok(vec![1]), Err(&CommitError::Conflict), Ok(vec![2])]);
}

#[test]
fn a_failed_commit_acknowledges_nobody() {
    let mut bench = bench();
    let account = bench.account();
    let good = || support::creation(support::checkout(account));
    bench.thread.connection.commit_hook(Some(|| true)).unwrap();
    let answers = bench.together(vec![good(), good()]);
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    bench.thread.connection.commit_hook(None::<fn() -> bool>).unwrap();
    assert_eq!(bench.number("SELECT COUNT(*) FROM checkout"), 0);
    let answers = bench.together(vec![good()]);
    assert_eq!(answers[0].as_ref().unwrap().sequences, [1], "the lost numbers are given again");
    assert_eq!(bench.number("SELECT MAX(leaf_index) FROM audit"), 0);
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let mut bench = bench();
    let account = bench.account();
    let good = || support::creation(support::checkout(account));
    let pages = bench.number("PRAGMA page_count");
    bench.thread.connection.pragma_update(None, "max_page_count", pages + 8).unwrap();
    let mut written = 0;
    let refused = loop {
        let answers = bench.together((0..5).map(|_| good()).collect());
        if answers.iter().all(Result::is_ok) {
            written += 5;
            continue;
        }
        break answers;
    };
    assert!(refused.iter().all(|a| *a == Err(CommitError::StorageFull)), "the whole group: {refused:?}");
    assert_eq!(bench.number("SELECT COUNT(*) FROM checkout"), written);
    bench.thread.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    let answers = bench.together(vec![good()]);
    assert_eq!(answers[0].as_ref().unwrap().sequences, [u64::try_from(written).unwrap() + 1]);
    assert_eq!(bench.number("SELECT MAX(leaf_index) FROM audit"), written);
}

#[test]
fn a_broken_writer_refuses_everything() {
    let mut bench = bench();
    let account = bench.account();
    bench.thread.broken = Some("the database file is damaged");
    let answers = bench.together(vec![support::creation(support::checkout(account))]);
    assert_eq!(answers[0], Err(CommitError::Unavailable("the database file is damaged")));
}

#[test]
fn closing_ends_the_group_and_what_came_before_is_written() {
    let mut bench = bench();
    let account = bench.account();
    let (first, mut answer) = job(support::creation(support::checkout(account)));
    bench.queue.send(Job::Close).unwrap();
    let (late, mut unheard) = job(support::creation(support::checkout(account)));
    bench.queue.send(late).unwrap();
    assert!(bench.thread.group(first));
    assert!(answer.try_recv().unwrap().is_ok());
    assert!(unheard.try_recv().is_err(), "never acknowledged");
    assert_eq!(bench.number("SELECT COUNT(*) FROM checkout"), 1);
}
