//! SQLite's readers: a few threads with a read-only connection each. A question waits for a free one; when too many wait,
//! the next is refused rather than queued without end.

use crate::sql::Statement;
use crate::tx::TxError;
use crate::value::{Row, Value};
use crate::{OpenError, ReadError, sqlite};
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Read connections, each with its thread.
const READ_CONNECTIONS_COUNT: usize = 4;
/// Questions that may wait for them.
const READ_QUEUE_MAX_QUESTIONS: usize = 4_096;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Hands questions to the reading threads, which end when the last clone is gone.
#[derive(Clone)]
pub(crate) struct ReadPool {
    queue: SyncSender<Question>,
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
        Ok(Self { queue })
    }

    /// Asks one question and decodes every row of its answer.
    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        statement: &'static Statement,
        values: Vec<Value<'static>>,
        decode: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            // Nobody there to hear it any more: the caller was dropped.
            let _ = reply.send(sqlite::ask(connection, statement, &values, decode));
        });
        self.queue.try_send(question).map_err(|e| match e {
            TrySendError::Full(_) => ReadError::Unavailable("too many questions wait"),
            TrySendError::Disconnected(_) => ReadError::Unavailable("the store is closed"),
        })?;
        let answer: Result<Vec<T>, TxError> =
            answer.await.map_err(|_| ReadError::Unavailable("the reading thread is gone"))?;
        answer.map_err(ReadError::from)
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
