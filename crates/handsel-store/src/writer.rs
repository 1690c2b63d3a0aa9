//! The one door for writes.

use crate::gate::{Gate, Inline};
use crate::reader::{Claimed, Reader};
use crate::sqlite_writer::{Job, WriterThread};
use crate::{OpenError, ReadError};
use handsel_core::change::{Change, CommitError, Receipt};
use handsel_core::delivery::Delivery;
use handsel_core::limits::COMMIT_QUEUE_MAX_CHANGES;
use handsel_core::time::Timestamp;
use rusqlite::Connection;
use std::fs::File;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Commits Changes: in groups on SQLite, one pipelined transaction each on PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Writer {
    engine: Engine,
    reader: Reader,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(Arc<Door>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<crate::postgres::PostgresWriter>),
}

/// The way to the writing thread. When the last clone goes, what waits is written and the thread is waited for, so that the
/// directory can be opened again at once.
#[derive(Debug)]
struct Door {
    queue: Option<SyncSender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// In place of the thread, in a simulation.
    inline: Option<Inline>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.queue = None;
        self.join();
    }
}

impl Door {
    fn join(&self) {
        let thread = self.thread.lock().ok().and_then(|mut t| t.take());
        if thread.is_some_and(|t| t.join().is_err()) {
            tracing::error!("the writing thread had panicked");
        }
    }

    fn send(&self, job: Job) -> Result<(), CommitError> {
        let queue = self.queue.as_ref().ok_or(CLOSED)?;
        queue.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => CommitError::Overloaded,
            TrySendError::Disconnected(_) => CLOSED,
        })
    }

    /// Where there is no thread: waits for a turn, and does what was sent.
    async fn turn(&self) {
        if let Some(inline) = &self.inline {
            inline.gate.turn().await;
        }
    }
    fn work(&self) {
        if let Some(inline) = &self.inline {
            inline.work();
        }
    }
    async fn survive(&self) {
        if let Some(inline) = &self.inline {
            inline.survive().await;
        }
    }

    async fn commit(&self, change: Change) -> Result<Receipt, CommitError> {
        let seen = self.inline.as_ref().map(|inline| (inline, change.clone()));
        let (reply, answer) = oneshot::channel();
        self.turn().await;
        self.send(Job::Commit { change: Box::new(change), reply })?;
        self.work();
        let written = answer.await.map_err(|_| CommitError::Unavailable("the writing thread is gone"))?;
        if let Some((inline, change)) = seen {
            inline.gate.answered(&change, written.is_ok());
            inline.survive().await;
        }
        written
    }

    /// Sends a job and waits for its answer.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, ReadError>>) -> Job) -> Result<T, ReadError> {
        let (reply, answer) = oneshot::channel();
        self.turn().await;
        self.send(job(reply)).map_err(|e| match e {
            CommitError::Overloaded => ReadError::Unavailable("too many writes wait"),
            _ => ReadError::Unavailable("the store is closed"),
        })?;
        self.work();
        self.survive().await;
        answer.await.map_err(|_| ReadError::Unavailable("the writing thread is gone"))?
    }
}

const CLOSED: CommitError = CommitError::Unavailable("the store is closed");

impl Writer {
    pub(crate) fn sqlite(connection: Connection, lock: File, reader: Reader) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(COMMIT_QUEUE_MAX_CHANGES);
        let writer = WriterThread::new(connection, jobs, lock);
        let thread = std::thread::Builder::new().name("store-write".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|e| OpenError::Database { what: format!("no thread for writing: {e}") })?;
        let door = Door { queue: Some(queue), thread: Mutex::new(Some(thread)), inline: None };
        Ok(Self { engine: Engine::Sqlite(Arc::new(door)), reader })
    }

    /// Without a thread, for simulations.
    pub(crate) fn inline(connection: Connection, lock: File, reader: Reader, gate: Arc<dyn Gate>) -> Self {
        let (queue, jobs) = sync_channel(COMMIT_QUEUE_MAX_CHANGES);
        let inline = Inline::new(Arc::clone(&gate), WriterThread::gated(connection, jobs, lock, gate));
        let door = Door { queue: Some(queue), thread: Mutex::new(None), inline: Some(inline) };
        Self { engine: Engine::Sqlite(Arc::new(door)), reader }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(pool: crate::postgres::Pool, reader: Reader) -> Self {
        Self { engine: Engine::Postgres(Arc::new(crate::postgres::PostgresWriter::start(pool))), reader }
    }

    /// Writes all of `change` or nothing, durably, before it answers.
    pub async fn commit(&self, change: Change) -> Result<Receipt, CommitError> {
        match &self.engine {
            Engine::Sqlite(door) => door.commit(change).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(writer) => writer.commit(&change).await,
        }
    }

    /// Claims up to `limit` pending deliveries that are due, heads of their lanes only (no earlier pending delivery of the same
    /// webhook and object where the webhook is ordered per object), until `lease_until`.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, ReadError> {
        let found: Vec<Delivery> = match &self.engine {
            Engine::Sqlite(door) => door.ask(|reply| Job::Claim { now, lease_until, limit, reply }).await?,
            #[cfg(feature = "postgres")]
            Engine::Postgres(writer) => writer.claim(now, lease_until, limit).await?,
        };
        self.reader.claimed(found).await
    }

    /// Deletes what is past its time: idempotent answers and request rows created before the given times.
    pub async fn prune(&self, answers_before: Timestamp, requests_before: Timestamp) -> Result<u64, ReadError> {
        match &self.engine {
            Engine::Sqlite(door) => door.ask(|reply| Job::Prune { answers_before, requests_before, reply }).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(writer) => writer.prune(answers_before, requests_before).await,
        }
    }

    /// Writes a fact about the database unless it is there.
    pub(crate) async fn set_meta_once(&self, name: &str, value: &str) -> Result<(), ReadError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        match &self.engine {
            Engine::Sqlite(door) => door.ask(|reply| Job::Meta { name, value, reply }).await.map(|_| ()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(writer) => writer.set_meta_once(&name, &value).await,
        }
    }

    /// Writes what waits, then closes the door: whoever comes later is refused. Returns when the directory is free again.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(door) => {
                // Full: the thread is making room, so ask again.
                while door.send(Job::Close) == Err(CommitError::Overloaded) {
                    tokio::task::yield_now().await;
                }
                door.work();
                let door = Arc::clone(door);
                let _ = tokio::task::spawn_blocking(move || door.join()).await;
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(writer) => writer.close(),
        }
    }
}
