//! The one thread that writes to SQLite. It takes one job and all that already wait, writes them in one transaction with a
//! savepoint each, and answers only after COMMIT: while one group syncs, the next gathers. No timer holds anybody back.
//!
//! It must never answer `Ok` before COMMIT has returned, and never go on after a COMMIT whose outcome is unknown.

use crate::gate::{Fate, Gate};
use crate::sequence::Numbers;
use crate::sql::Statement;
use crate::sqlite::{SqliteTx, fault};
use crate::tx::{TxError, at_once};
use crate::value::Value;
use crate::{ReadError, apply, claim, sql};
use core::time::Duration;
use handsel_core::change::{Change, CommitError, Receipt};
use handsel_core::delivery::Delivery;
use handsel_core::limits::COMMIT_GROUP_MAX_CHANGES;
use handsel_core::time::Timestamp;
use rusqlite::Connection;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use tokio::sync::oneshot;

/// Without work for so long, the log is moved into the database.
const IDLE_BEFORE_CHECKPOINT_MS: u64 = 250;

type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// What the thread is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    Commit {
        change: Box<Change>,
        reply: Reply<Receipt, CommitError>,
    },
    Claim {
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
        reply: Reply<Vec<Delivery>, ReadError>,
    },
    Prune {
        answers_before: Timestamp,
        requests_before: Timestamp,
        reply: Reply<u64, ReadError>,
    },
    Meta {
        name: String,
        value: String,
        reply: Reply<u64, ReadError>,
    },
    /// The last one: what came before it is written, what comes after it is refused.
    Close,
}

/// A job that was done in the open transaction and waits for its COMMIT.
#[derive(Debug)]
enum Done {
    Commit(Result<Receipt, CommitError>, Reply<Receipt, CommitError>),
    Claim(Result<Vec<Delivery>, ReadError>, Reply<Vec<Delivery>, ReadError>),
    Count(Result<u64, ReadError>, Reply<u64, ReadError>),
    Close,
}

impl Done {
    /// Answers. `group`: how the COMMIT went; without it nobody is told that anything was written.
    fn answer(self, group: &Result<(), TxError>) {
        // A caller who is gone hears nothing; the outcome stands all the same.
        match self {
            Self::Commit(result, reply) => {
                let _ = reply.send(group.clone().map_err(CommitError::from).and(result));
            }
            Self::Claim(result, reply) => {
                let _ = reply.send(group.clone().map_err(ReadError::from).and(result));
            }
            Self::Count(result, reply) => {
                let _ = reply.send(group.clone().map_err(ReadError::from).and(result));
            }
            Self::Close => {}
        }
    }
}

/// The thread's own state. `_lock` is held as long as anything may be written.
#[derive(Debug)]
pub(crate) struct WriterThread {
    connection: Connection,
    queue: Receiver<Job>,
    numbers: Numbers,
    /// Set once a COMMIT failed in a way that leaves open what is on disk.
    broken: Option<&'static str>,
    gate: Option<Arc<dyn Gate>>,
    _lock: File,
}

impl WriterThread {
    pub(crate) fn new(connection: Connection, queue: Receiver<Job>, lock: File) -> Self {
        Self { connection, queue, numbers: Numbers::default(), broken: None, gate: None, _lock: lock }
    }

    /// One that a simulation has a hand in.
    pub(crate) fn gated(connection: Connection, queue: Receiver<Job>, lock: File, gate: Arc<dyn Gate>) -> Self {
        Self { gate: Some(gate), ..Self::new(connection, queue, lock) }
    }

    /// Does all that waits, on the caller's thread.
    pub(crate) fn work(&mut self) {
        while let Ok(job) = self.queue.try_recv() {
            self.group(job);
        }
    }

    pub(crate) fn run(mut self) {
        let mut dirty = false;
        loop {
            let first = if dirty {
                match self.queue.recv_timeout(Duration::from_millis(IDLE_BEFORE_CHECKPOINT_MS)) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => {
                        self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
                        dirty = false;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match self.queue.recv() {
                    Ok(job) => job,
                    Err(_) => break,
                }
            };
            dirty = true;
            if self.group(first) {
                break;
            }
        }
        self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Moves the log into the database. A reader may be in the way; then it is moved another time.
    fn checkpoint(&self, pragma: &str) {
        if let Err(error) = self.connection.query_row(pragma, [], |_| Ok(())) {
            tracing::debug!(%error, "no checkpoint this time");
        }
    }

    /// Writes one group; true where it ended with `Close`.
    fn group(&mut self, first: Job) -> bool {
        if let Some(why) = self.broken {
            return self.refuse(first, why);
        }
        let mut done = Vec::new();
        let mut outcome = self.statement(&sql::BEGIN);
        let mut next = Some(first);
        let mut closing = false;
        while let Some(job) = next {
            closing = matches!(job, Job::Close);
            let (answer, fatal) = self.job(job, outcome.is_ok());
            done.push(answer);
            if let Some(error) = fatal {
                outcome = Err(error);
            }
            next = if done.len() < COMMIT_GROUP_MAX_CHANGES && !closing { self.queue.try_recv().ok() } else { None };
        }
        if outcome.is_ok() {
            outcome = self.commit();
            if let Err(TxError::Broken(why)) = outcome {
                self.broken = Some(why);
            }
        }
        if outcome.is_err() {
            self.numbers.forget();
            if !self.connection.is_autocommit() {
                // What can't be rolled back is broken; the next BEGIN would say so too.
                if let Err(TxError::Broken(why)) = self.statement(&sql::ROLLBACK) {
                    self.broken = Some(why);
                }
            }
        }
        for one in done {
            one.answer(&outcome);
        }
        closing
    }

    fn refuse(&self, job: Job, why: &'static str) -> bool {
        let closing = matches!(job, Job::Close);
        let answer = match job {
            Job::Commit { reply, .. } => Done::Commit(Err(CommitError::Unavailable(why)), reply),
            Job::Claim { reply, .. } => Done::Claim(Err(ReadError::Unavailable(why)), reply),
            Job::Prune { reply, .. } | Job::Meta { reply, .. } => Done::Count(Err(ReadError::Unavailable(why)), reply),
            Job::Close => Done::Close,
        };
        answer.answer(&Err(TxError::Broken(why)));
        closing
    }

    /// Does one job inside its savepoint. The second answer is an error that ends the whole group.
    fn job(&mut self, job: Job, open: bool) -> (Done, Option<TxError>) {
        match job {
            Job::Commit { change, reply } => {
                let numbers = &mut self.numbers;
                let work = |tx: &mut SqliteTx<'_>| at_once(apply::apply(tx, &change, Some(numbers)));
                let (result, fatal) = within(&mut self.connection, open, work);
                match &result {
                    Ok(_) => self.numbers.settle(),
                    Err(_) => self.numbers.revert(),
                }
                (Done::Commit(result.map_err(CommitError::from), reply), fatal)
            }
            Job::Claim { now, lease_until, limit, reply } => {
                let work = |tx: &mut SqliteTx<'_>| at_once(claim::deliveries(tx, now, lease_until, limit));
                let (result, fatal) = within(&mut self.connection, open, work);
                (Done::Claim(result.map_err(ReadError::from), reply), fatal)
            }
            Job::Prune { answers_before, requests_before, reply } => {
                let work = |tx: &mut SqliteTx<'_>| at_once(claim::prune(tx, answers_before, requests_before));
                let (result, fatal) = within(&mut self.connection, open, work);
                (Done::Count(result.map_err(ReadError::from), reply), fatal)
            }
            Job::Meta { name, value, reply } => {
                let row = [Value::Text(&name), Value::Text(&value)];
                let work = |tx: &mut SqliteTx<'_>| at_once(crate::tx::Tx::execute(tx, &sql::META_INSERT, &row));
                let (result, fatal) = within(&mut self.connection, open, work);
                (Done::Count(result.map_err(ReadError::from), reply), fatal)
            }
            Job::Close => (Done::Close, None),
        }
    }

    fn commit(&self) -> Result<(), TxError> {
        const FAILED: TxError = TxError::Broken("the simulated disk failed");
        match self.gate.as_ref().map_or(Fate::Written, |gate| gate.fate()) {
            Fate::Written => self.statement(&sql::COMMIT),
            Fate::Full => Err(TxError::StorageFull),
            Fate::Failed => Err(FAILED),
            Fate::Unknown => self.statement(&sql::COMMIT).and(Err(FAILED)),
        }
    }

    fn statement(&self, statement: &Statement) -> Result<(), TxError> {
        plain(&self.connection, statement)
    }
}

fn plain(connection: &Connection, statement: &Statement) -> Result<(), TxError> {
    let mut prepared = connection.prepare_cached(statement.for_sqlite()).map_err(|e| fault(statement, &e))?;
    prepared.execute([]).map(|_| ()).map_err(|e| fault(statement, &e))
}

/// Runs `work` in a savepoint. A refusal undoes it alone; an error of the database itself ends the group.
fn within<T>(
    connection: &mut Connection,
    open: bool,
    work: impl FnOnce(&mut SqliteTx<'_>) -> Result<T, TxError>,
) -> (Result<T, TxError>, Option<TxError>) {
    if !open {
        let gone = TxError::Broken("the group that this belonged to failed");
        return (Err(gone), None);
    }
    if let Err(error) = plain(connection, &sql::SAVEPOINT) {
        return (Err(error.clone()), Some(error));
    }
    let result = work(&mut SqliteTx::new(connection));
    let after = match &result {
        Ok(_) => plain(connection, &sql::RELEASE),
        Err(TxError::Conflict | TxError::Taken | TxError::Corrupt(_)) => {
            plain(connection, &sql::ROLLBACK_TO).and_then(|()| plain(connection, &sql::RELEASE))
        }
        Err(error) => Err(error.clone()),
    };
    match after {
        Ok(()) => (result, None),
        Err(error) => (Err(error.clone()), Some(error)),
    }
}

#[cfg(test)]
mod tests;
