//! SQLite: one connection that writes, a few that only read, and the settings that make both honest. Each setting is read
//! back; a library or a file system that won't have it is refused at boot (06 "Found by trying" 1).

use crate::migrate::{self, APPLIED, Applied, BOOTSTRAP, PROGRAM};
use crate::sql::{self, Engine, Statement, ddl};
use crate::tx::{Judge, Tx, TxError};
use crate::value::{Row, Value};
use crate::{OpenError, ReadError};
use core::future::{Future, ready};
use core::time::Duration;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// The database's file in its directory, and the file whose lock says who writes.
const DATABASE_FILE: &str = "handsel.db";
const LOCK_FILE: &str = "handsel.lock";
/// How long a connection waits for another one's lock: only a checkpoint or a backup ever holds one.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Prepared statements that a connection keeps; there are fewer statements than that.
const STATEMENT_CACHE_MAX_ENTRIES: usize = 256;
/// Pages in the log before a commit runs a checkpoint by itself; the writer runs one earlier when it is idle.
const WAL_AUTOCHECKPOINT_PAGES: i64 = 8_000;

/// The writer's page cache, negative for KiB: a whole group's pages fit, so that none is written twice.
const WRITER_CACHE_SIZE: &str = "-16384";

/// Takes the directory for writing. The lock goes when the file is dropped, also when the process is killed.
pub(crate) fn lock(directory: &Path) -> Result<File, OpenError> {
    // Whoever may read the files reads names and addresses: the owner alone.
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| OpenError::directory(directory, &e))?;
    let path = directory.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
    let file = file.map_err(|e| OpenError::directory(directory, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { directory: directory.display().to_string() }),
        Err(TryLockError::Error(e)) => Err(OpenError::directory(directory, &e)),
    }
}

/// Opens the connection that writes and brings the schema up to date.
pub(crate) fn open_writer(directory: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(directory.join(DATABASE_FILE), flags).map_err(database)?;
    settle(&connection)?;
    set(&connection, "journal_mode", "wal", "wal")?;
    set(&connection, "synchronous", "FULL", "2")?;
    set(&connection, "cache_size", WRITER_CACHE_SIZE, WRITER_CACHE_SIZE)?;
    set(&connection, "wal_autocheckpoint", &WAL_AUTOCHECKPOINT_PAGES.to_string(), "8000")?;
    // The savepoint of each Change keeps the pages as they were: in memory, not in a file of its own.
    set(&connection, "temp_store", "MEMORY", "2")?;
    migrate(&mut connection, directory)?;
    // Nobody else writes here, so whatever is leased was leased by a process that is gone: it is due again.
    connection.execute(sql::LEASES_END.for_sqlite(), []).map_err(database)?;
    connection.authorizer(Some(guard)).map_err(database)?;
    Ok(connection)
}

/// Opens a connection that can only read.
pub(crate) fn open_reader(directory: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(directory.join(DATABASE_FILE), flags).map_err(database)?;
    settle(&connection)?;
    set(&connection, "query_only", "ON", "1")?;
    let found = applied(&connection)?;
    if !migrate::pending(&found)?.is_empty() {
        return Err(OpenError::Unmigrated);
    }
    Ok(connection)
}

/// How long `connection` waits for another one's lock from now on.
pub(crate) fn wait_at_most(connection: &Connection, time: Duration) -> Result<(), OpenError> {
    connection.busy_timeout(time).map_err(database)
}

/// What every connection must have.
fn settle(connection: &Connection) -> Result<(), OpenError> {
    wait_at_most(connection, Duration::from_millis(BUSY_TIMEOUT_MS))?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_MAX_ENTRIES);
    for (config, wanted) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
    ] {
        connection.set_db_config(config, wanted).map_err(database)?;
        if connection.db_config(config).map_err(database)? != wanted {
            return Err(OpenError::Setting { name: "defensive, trusted_schema, foreign_keys", found: String::new() });
        }
    }
    set(connection, "foreign_keys", "ON", "1")?;
    set(connection, "recursive_triggers", "ON", "1")?;
    set(connection, "trusted_schema", "OFF", "0")
}

/// Sets a pragma and reads it back.
fn set(connection: &Connection, name: &'static str, value: &str, wanted: &str) -> Result<(), OpenError> {
    // Some pragmas answer with a row, some with none; both are fine here.
    let mut statement = connection.prepare(&format!("PRAGMA {name} = {value}")).map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    while rows.next().map_err(database)?.is_some() {}
    drop(rows);
    let found = connection.pragma_query_value(None, name, |row| {
        row.get_ref(0).map(|v| match v {
            rusqlite::types::ValueRef::Integer(n) => n.to_string(),
            other => other.as_str().unwrap_or("?").to_owned(),
        })
    });
    let found = found.map_err(database)?;
    if found == wanted { Ok(()) } else { Err(OpenError::Setting { name, found }) }
}

/// Forbids what no statement of ours does: a second guard beside the triggers, for this process's own mistakes.
fn guard(context: AuthContext<'_>) -> Authorization {
    let kept = |table: &str| matches!(table, "audit" | "audit_node" | "event" | "attempt" | "payment" | "api_key");
    match context.action {
        AuthAction::DropTable { .. } | AuthAction::DropTrigger { .. } | AuthAction::AlterTable { .. } => {
            Authorization::Deny
        }
        AuthAction::Delete { table_name } if kept(table_name) => Authorization::Deny,
        AuthAction::Update { table_name: "audit", column_name } if column_name != "leaf_index" => Authorization::Deny,
        AuthAction::Update { table_name: "audit_node" | "attempt", .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

fn applied(connection: &Connection) -> Result<Vec<Applied>, OpenError> {
    let mut statement = connection.prepare(APPLIED).map_err(database)?;
    let rows =
        statement.query_map([], |row| Ok(Applied { number: row.get(0)?, checksum: row.get(1)?, program: row.get(2)? }));
    rows.map_err(database)?.collect::<Result<_, _>>().map_err(database)
}

/// A copy of the database as it is at step `number`, before it moves on; one that is there already is kept.
fn copy(connection: &Connection, directory: &Path, number: i64) -> Result<(), OpenError> {
    let path = directory.join(format!("handsel.before-step-{}.db", number + 1));
    if path.exists() {
        return Ok(());
    }
    let path = path.to_str().ok_or(OpenError::ForeignSchema { what: "its directory's name is not UTF-8" })?;
    connection.execute("VACUUM INTO ?1", [path]).map(|_| ()).map_err(database)
}

/// Takes the steps that are missing, all in one transaction; a database that holds something is copied first.
fn migrate(connection: &mut Connection, directory: &Path) -> Result<(), OpenError> {
    connection.execute_batch(&ddl(BOOTSTRAP, Engine::Sqlite)).map_err(database)?;
    let done = applied(connection)?;
    if let (Some(last), false) = (done.last(), migrate::pending(&done)?.is_empty()) {
        copy(connection, directory, last.number)?;
    }
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).map_err(database)?;
    for step in migrate::pending(&applied(&tx)?)? {
        tx.execute_batch(&step.text(Engine::Sqlite)).map_err(database)?;
        let row = (step.number, step.checksum(), PROGRAM);
        tx.execute("INSERT INTO migration (number, checksum, program) VALUES (?1, ?2, ?3)", row).map_err(database)?;
    }
    tx.commit().map_err(database)
}

fn database(error: rusqlite::Error) -> OpenError {
    OpenError::Database { what: error.to_string() }
}

/// A transaction on the writing connection, or a reading connection.
#[derive(Debug)]
pub(crate) struct SqliteTx<'c> {
    connection: &'c mut Connection,
}

impl<'c> SqliteTx<'c> {
    pub(crate) const fn new(connection: &'c mut Connection) -> Self {
        Self { connection }
    }
    fn run(&self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, TxError> {
        let mut prepared = self.connection.prepare_cached(statement.for_sqlite()).map_err(|e| fault(statement, &e))?;
        let touched = prepared.execute(rusqlite::params_from_iter(values)).map_err(|e| fault(statement, &e))?;
        Ok(touched as u64)
    }
}

/// Asks on any connection.
pub(crate) fn ask<T>(
    connection: &Connection,
    statement: &Statement,
    values: &[Value<'_>],
    mut decode: impl FnMut(&Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, TxError> {
    let mut prepared = connection.prepare_cached(statement.for_sqlite()).map_err(|e| fault(statement, &e))?;
    let mut rows = prepared.query(rusqlite::params_from_iter(values)).map_err(|e| fault(statement, &e))?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next().map_err(|e| fault(statement, &e))? {
        answer.push(decode(&Row::sqlite(row)).map_err(TxError::Corrupt)?);
    }
    Ok(answer)
}

impl Tx for SqliteTx<'_> {
    fn send(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
        judge: Judge,
    ) -> impl Future<Output = Result<(), TxError>> + Send {
        ready(self.run(statement, values).and_then(judge))
    }
    fn execute(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, TxError>> + Send {
        ready(self.run(statement, values))
    }
    fn query<T: Send>(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
        decode: impl FnMut(&Row<'_>) -> Result<T, ReadError> + Send,
    ) -> impl Future<Output = Result<Vec<T>, TxError>> + Send {
        ready(ask(self.connection, statement, values, decode))
    }
}

/// What SQLite's refusal means to the one who asked. Its own words stay in the log.
pub(crate) fn fault(statement: &Statement, error: &rusqlite::Error) -> TxError {
    let code = error.sqlite_error_code();
    match code {
        Some(ErrorCode::ConstraintViolation) => {
            let unique = [rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
            let expected = error.sqlite_error().is_some_and(|e| unique.contains(&e.extended_code));
            if !expected {
                tracing::warn!(statement = statement.name, %error, "the schema refused a write");
            }
            TxError::Conflict
        }
        Some(ErrorCode::DiskFull) => TxError::StorageFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            TxError::Broken("the database is locked by another program")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            tracing::error!(statement = statement.name, %error, "the database file is damaged");
            TxError::Broken("the database file is damaged: restore a backup")
        }
        _ => {
            tracing::error!(statement = statement.name, %error, "a statement failed");
            TxError::Broken("a statement failed; see the log")
        }
    }
}

#[cfg(test)]
mod tests;
