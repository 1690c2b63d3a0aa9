//! SQLite's readers, of two kinds, each with read-only connections of its own.
//!
//! **Any question** goes to a few threads. It waits there for a free one; when too many wait, the next is refused rather than
//! queued without end.
//!
//! **A point read** (`sql::PointRead`: one row at most, by all of a unique key) is answered where it is asked, on the caller's own
//! thread. The look-up takes a few microseconds; to hand it to a thread and its answer back takes two wake-ups, ten times as
//! long. The price: where the row's pages are not in memory, a thread of the async executor waits for the disk, for as many
//! pages as a tree is high and the row is long. The type bounds who may ask that of it, a test holds each such statement to
//! its query plan, and nothing else is ever waited for here: a connection that is taken is passed over, one that finds the
//! database locked does not wait, and both times the question goes to the threads, which may. A loop of point reads gives way
//! to other tasks, as its answers spend the task's budget.
//!
//! No row is kept from one question to the next, only pages and prepared statements. Each question is a snapshot of its own,
//! taken when it is asked: it sees every commit that was answered before.

use crate::sql::{PointRead, Statement};
use crate::tx::TxError;
use crate::value::{Row, Value};
use crate::{OpenError, ReadError, sqlite};
use core::time::Duration;
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;

/// Read connections, each with its thread.
const READ_CONNECTIONS_COUNT: usize = 4;
/// Questions that may wait for them.
const READ_QUEUE_MAX_QUESTIONS: usize = 4_096;
/// Connections for point reads: so many can be answered at the same moment without a thread.
const POINT_CONNECTIONS_COUNT: usize = 4;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Answers point reads, and hands other questions to the reading threads, which end when the last clone is gone.
#[derive(Clone)]
pub(crate) struct ReadPool {
    /// Nobody, where every question is answered on its asker's thread.
    queue: Option<SyncSender<Question>>,
    points: Arc<[Mutex<Connection>]>,
}

impl core::fmt::Debug for ReadPool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ReadPool")
    }
}

impl ReadPool {
    pub(crate) fn open(directory: &Path) -> Result<Self, OpenError> {
        let (queue, questions) = sync_channel(READ_QUEUE_MAX_QUESTIONS);
        let questions = Arc::new(Mutex::new(questions));
        for _ in 0..READ_CONNECTIONS_COUNT {
            let connection = sqlite::open_reader(directory)?;
            let questions = Arc::clone(&questions);
            let thread = std::thread::Builder::new().name("store-read".to_owned());
            let started = thread.spawn(move || answer(&connection, &questions));
            started.map_err(|e| OpenError::Database { what: format!("no thread for reading: {e}") })?;
        }
        Ok(Self { queue: Some(queue), points: Self::points(directory, POINT_CONNECTIONS_COUNT)? })
    }

    /// Without threads, for simulations.
    pub(crate) fn open_inline(directory: &Path) -> Result<Self, OpenError> {
        Ok(Self { queue: None, points: Self::points(directory, 1)? })
    }

    fn points(directory: &Path, count: usize) -> Result<Arc<[Mutex<Connection>]>, OpenError> {
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            let connection = sqlite::open_reader(directory)?;
            sqlite::wait_at_most(&connection, Duration::ZERO)?;
            points.push(Mutex::new(connection));
        }
        Ok(points.into())
    }

    /// Asks for one row, here and now if that is possible.
    pub(crate) async fn point<T: Send + 'static>(
        &self,
        statement: &'static PointRead,
        values: Vec<Value<'static>>,
        decode: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        consume_budget().await;
        let mut rows = match self.at_once(statement, &values, decode) {
            Some(answer) => answer?,
            None => self.rows(statement, values, decode).await?,
        };
        Ok(rows.pop())
    }

    /// Asks on a connection that is free. `None`: the threads have to be asked.
    fn at_once<T>(
        &self,
        statement: &Statement,
        values: &[Value<'static>],
        decode: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Option<Result<Vec<T>, ReadError>> {
        let connection = self.points.iter().find_map(free)?;
        match sqlite::ask(&connection, statement, values, decode) {
            // Locked, or worse: the threads may wait, and theirs is the last word.
            Err(TxError::Broken(_)) => None,
            answer => Some(answer.map_err(ReadError::from)),
        }
    }

    /// Asks one question and decodes every row of its answer.
    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        statement: &'static Statement,
        values: Vec<Value<'static>>,
        decode: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let Some(queue) = &self.queue else {
            let answer = self.at_once(statement, &values, decode);
            return answer.unwrap_or(Err(ReadError::Unavailable("no connection is free")));
        };
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            // Nobody there to hear it any more: the caller was dropped.
            let _ = reply.send(sqlite::ask(connection, statement, &values, decode));
        });
        queue.try_send(question).map_err(|e| match e {
            TrySendError::Full(_) => ReadError::Unavailable("too many questions wait"),
            TrySendError::Disconnected(_) => ReadError::Unavailable("the store is closed"),
        })?;
        let answer: Result<Vec<T>, TxError> =
            answer.await.map_err(|_| ReadError::Unavailable("the reading thread is gone"))?;
        answer.map_err(ReadError::from)
    }
}

/// The connection, unless somebody has it.
fn free(connection: &Mutex<Connection>) -> Option<MutexGuard<'_, Connection>> {
    match connection.try_lock() {
        Ok(connection) => Some(connection),
        // Whoever panicked was reading: his statement was reset, the connection is as it was.
        Err(TryLockError::Poisoned(connection)) => Some(connection.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn answer(connection: &Connection, questions: &Mutex<Receiver<Question>>) {
    loop {
        let next = match questions.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        match next {
            Ok(question) => question(connection),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::sql;

    fn pool() -> (tempfile::TempDir, Connection, ReadPool) {
        let directory = tempfile::tempdir().unwrap();
        let writer = sqlite::open_writer(directory.path()).unwrap();
        writer.execute(sql::META_INSERT.for_sqlite(), ["name", "value"]).unwrap();
        let pool = ReadPool::open(directory.path()).unwrap();
        (directory, writer, pool)
    }

    fn text(row: &Row<'_>) -> Result<String, ReadError> {
        Ok(row.text(0)?.to_owned())
    }

    fn name() -> Vec<Value<'static>> {
        vec![Value::Text("name")]
    }

    #[tokio::test]
    async fn where_all_connections_are_taken_a_thread_answers() {
        let (_directory, _writer, pool) = pool();
        let wanted = Some("value".to_owned());
        assert_eq!(pool.at_once(&sql::META_GET, &name(), text), Some(Ok(vec!["value".to_owned()])));
        let taken: Vec<_> = pool.points.iter().map(|point| point.lock().unwrap()).collect();
        assert_eq!(pool.at_once(&sql::META_GET, &name(), text), None);
        assert_eq!(pool.clone().point(&sql::META_GET, name(), text).await, Ok(wanted));
        drop(taken);
    }

    #[test]
    fn the_next_question_sees_what_was_committed_since_the_last() {
        let (_directory, writer, pool) = pool();
        for n in 0..3 {
            writer.execute("UPDATE meta SET value = ?1", [n.to_string()]).unwrap();
            for point in pool.points.iter() {
                assert_eq!(sqlite::ask(&point.lock().unwrap(), &sql::META_GET, &name(), text), Ok(vec![n.to_string()]));
            }
        }
    }

    #[test]
    fn a_connection_that_somebody_panicked_with_still_answers() {
        let (_directory, _writer, pool) = pool();
        for _ in 0..POINT_CONNECTIONS_COUNT {
            let other = pool.clone();
            let panicked =
                std::thread::spawn(move || other.at_once::<()>(&sql::META_GET, &name(), |_| panic!("on purpose")));
            panicked.join().unwrap_err();
        }
        assert_eq!(pool.at_once(&sql::META_GET, &name(), text), Some(Ok(vec!["value".to_owned()])));
    }

    #[tokio::test]
    async fn a_loop_of_point_reads_gives_way_to_others() {
        let (_directory, _writer, pool) = pool();
        let other = tokio::spawn(async {});
        for _ in 0..10_000 {
            pool.point(&sql::META_GET, name(), text).await.unwrap();
            if other.is_finished() {
                return;
            }
        }
        panic!("nobody else had a turn");
    }
}
