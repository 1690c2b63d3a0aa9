//! What a transaction offers to those who write through it, the same for both engines. SQLite answers at once, PostgreSQL
//! after a round trip, which most writes don't wait for; the code above is one.

use crate::ReadError;
use crate::sql::Statement;
use crate::value::{Row, Value};
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use handsel_core::change::CommitError;

/// Why a statement, and with it its Change, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TxError {
    /// A version, a uniqueness, a guard of the schema or a serialization failure said no.
    Conflict,
    /// An answer under the idempotency key is there already.
    Taken,
    StorageFull,
    /// The transaction can't go on; on SQLite that is the end of the whole group.
    Broken(&'static str),
    Corrupt(ReadError),
}

impl From<TxError> for CommitError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Conflict => Self::Conflict,
            TxError::Taken => Self::IdempotencyTaken,
            TxError::StorageFull => Self::StorageFull,
            TxError::Broken(why) => Self::Unavailable(why),
            TxError::Corrupt(_) => Self::Unavailable("a row is corrupt; see the log"),
        }
    }
}

impl From<TxError> for ReadError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Conflict | TxError::Taken => Self::Unavailable("something else changed first"),
            TxError::StorageFull => Self::Unavailable("the disk is full"),
            TxError::Broken(why) => Self::Unavailable(why),
            TxError::Corrupt(error) => error,
        }
    }
}

/// What a number of touched rows means.
pub(crate) type Judge = fn(u64) -> Result<(), TxError>;

/// One open transaction.
pub(crate) trait Tx: Send {
    /// Runs a statement whose answer is not needed to go on. Its verdict may come after this has returned, but before
    /// anything that is asked later is answered, and before the transaction is committed.
    fn send(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
        judge: Judge,
    ) -> impl Future<Output = Result<(), TxError>> + Send;

    /// Runs a statement and tells how many rows it touched.
    fn execute(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, TxError>> + Send;

    /// Runs a question and decodes each row of the answer.
    fn query<T: Send>(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
        decode: impl FnMut(&Row<'_>) -> Result<T, ReadError> + Send,
    ) -> impl Future<Output = Result<Vec<T>, TxError>> + Send;
}

/// One row touched, or a `Conflict`.
pub(crate) async fn one<T: Tx>(tx: &mut T, statement: &'static Statement, values: &[Value<'_>]) -> Result<(), TxError> {
    tx.send(statement, values, |touched| if touched == 1 { Ok(()) } else { Err(TxError::Conflict) }).await
}

/// As many rows as there are.
pub(crate) async fn any<T: Tx>(tx: &mut T, statement: &'static Statement, values: &[Value<'_>]) -> Result<(), TxError> {
    tx.send(statement, values, |_| Ok(())).await
}

/// Drives a future that never waits, as those over SQLite are.
pub(crate) fn at_once<T>(future: impl Future<Output = Result<T, TxError>>) -> Result<T, TxError> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(TxError::Broken("a statement waited where none may")),
    }
}
