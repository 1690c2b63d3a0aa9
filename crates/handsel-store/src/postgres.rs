//! PostgreSQL: a pool, one transaction per Change, work claimed with SKIP LOCKED, and one sequencer at a time for the numbers
//! that must have no gap. Any number of processes may share a database.

use crate::migrate::{self, APPLIED, Applied, BOOTSTRAP, PROGRAM};
use crate::sequence::{self, Numbers};
use crate::sql::{Engine, Statement, ddl};
use crate::tx::{Judge, Tx, TxError};
use crate::value::{Row, Value};
use crate::{OpenError, ReadError, apply, claim, postgres_tls, sql};
use core::future::ready;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use deadpool_postgres::{ManagerConfig, PoolError, RecyclingMethod, Runtime};
use handsel_core::change::{Change, CommitError, Receipt};
use handsel_core::delivery::Delivery;
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// Where the server is and how it is trusted.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host/database`; holds a password.
    pub url: SecretText,
    /// PEM roots for the server's certificate; without, those of the web.
    pub ca_file: Option<PathBuf>,
    /// Connections that this process may hold.
    pub connections: usize,
}

/// How long anybody waits for a connection of the pool, or for a new one.
const CONNECTION_WAIT_MS: u64 = 5_000;
/// The sequencer looks at least that often, for what other processes have committed.
const SEQUENCER_PERIOD_MS: u64 = 100;
/// Advisory locks: one migrator, one sequencer.
const MIGRATION_LOCK: i64 = 0x6861_6e64_7365_6c01;
const SEQUENCER_LOCK: i64 = 0x6861_6e64_7365_6c02;

/// Opens a pool and checks (in the sandbox: updates) the schema.
pub(crate) async fn open(config: &PostgresConfig, live: bool) -> Result<Pool, OpenError> {
    let pool = Pool::new(config)?;
    let mut client = pool.client().await.map_err(|e| OpenError::Database { what: ReadError::from(e).to_string() })?;
    let pending = migrate::pending(&applied(&client).await?)?;
    if !pending.is_empty() {
        if live {
            return Err(OpenError::Unmigrated);
        }
        tracing::warn!("the sandbox migrates its own database; a live server would refuse to");
        migrate(&mut client).await?;
    }
    let owner = "SELECT pg_has_role(tableowner::name, 'USAGE') FROM pg_tables \
        WHERE tablename = 'audit' AND schemaname = current_schema()";
    let owns = client.query_opt(owner, &[]).await.map_err(database)?;
    if owns.is_none_or(|row| row.try_get(0).unwrap_or(true)) {
        if live {
            return Err(OpenError::OwnerRole);
        }
        tracing::warn!("this role owns the tables; a live server would refuse to start");
    }
    Ok(pool)
}

/// Brings the schema up to date with the role of `config`, which then owns the tables, and gives `server_role` what a
/// server needs and no more.
pub async fn run_migrations(config: &PostgresConfig, server_role: Option<&str>) -> Result<(), OpenError> {
    let pool = Pool::new(config)?;
    let mut client = pool.client().await.map_err(|e| OpenError::Database { what: ReadError::from(e).to_string() })?;
    migrate(&mut client).await?;
    if let Some(role) = server_role {
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        let grants = include_str!("../migrations/grants_postgres.sql").replace("{role}", &quoted);
        client.batch_execute(&grants).await.map_err(database)?;
    }
    Ok(())
}

async fn applied(client: &deadpool_postgres::Client) -> Result<Vec<Applied>, OpenError> {
    let there = client.query_one("SELECT to_regclass('migration') IS NOT NULL", &[]).await.map_err(database)?;
    if !there.try_get(0).map_err(database)? {
        return Ok(Vec::new());
    }
    let rows = client.query(APPLIED, &[]).await.map_err(database)?;
    let step = |row: &tokio_postgres::Row| {
        Ok(Applied { number: row.try_get(0)?, checksum: row.try_get(1)?, program: row.try_get(2)? })
    };
    rows.iter().map(step).collect::<Result<_, _>>().map_err(database)
}

async fn migrate(client: &mut deadpool_postgres::Client) -> Result<(), OpenError> {
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.map_err(database)?;
    let done = migrate_locked(client).await;
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await.map_err(database)?;
    done
}

async fn migrate_locked(client: &mut deadpool_postgres::Client) -> Result<(), OpenError> {
    let pending = migrate::pending(&applied(client).await?)?;
    let tx = client.transaction().await.map_err(database)?;
    tx.batch_execute(&ddl(BOOTSTRAP, Engine::Postgres)).await.map_err(database)?;
    for step in pending {
        tx.batch_execute(&step.text(Engine::Postgres)).await.map_err(database)?;
        let insert = "INSERT INTO migration (number, checksum, program) VALUES ($1, $2, $3)";
        tx.execute(insert, &[&step.number, &step.checksum(), &PROGRAM]).await.map_err(database)?;
    }
    tx.commit().await.map_err(database)
}

/// The server's own words are for the operator, who reads them at start; they name no data of anybody.
fn database(error: tokio_postgres::Error) -> OpenError {
    let what = error.as_db_error().map_or_else(|| error.to_string(), |e| e.message().to_owned());
    OpenError::Database { what }
}

/// Connections to one database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    inner: deadpool_postgres::Pool,
}

impl Pool {
    fn new(config: &PostgresConfig) -> Result<Self, OpenError> {
        let parsed = postgres_tls::parse(config)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if parsed.get_ssl_mode() == SslMode::Disable {
            deadpool_postgres::Manager::from_config(parsed, NoTls, recycling)
        } else {
            deadpool_postgres::Manager::from_config(parsed, postgres_tls::connector(config)?, recycling)
        };
        let wait = Some(Duration::from_millis(CONNECTION_WAIT_MS));
        // One is the sequencer's.
        let builder = deadpool_postgres::Pool::builder(manager).max_size(config.connections.max(2));
        let built = builder.runtime(Runtime::Tokio1).wait_timeout(wait).create_timeout(wait).build();
        let inner = built.map_err(|e| OpenError::Database { what: e.to_string() })?;
        Ok(Self { inner })
    }

    async fn client(&self) -> Result<deadpool_postgres::Client, TxError> {
        self.inner.get().await.map_err(|error| {
            tracing::warn!(%error, "no connection to the database");
            match error {
                PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => TxError::Broken(BUSY),
                _ => TxError::Broken("the database server can't be reached"),
            }
        })
    }

    /// Asks one question outside of any transaction.
    pub(crate) async fn rows<T: Send>(
        &self,
        statement: &'static Statement,
        values: &[Value<'static>],
        decode: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let client = self.client().await?;
        let prepared = client.prepare_cached(statement.for_postgres()).await.map_err(|e| fault(statement, &e))?;
        let rows = client.query(&prepared, &references(values)).await.map_err(|e| fault(statement, &e))?;
        rows.iter().map(|row| decode(&Row::postgres(row))).collect()
    }

    /// Runs `work` in a transaction of its own and commits it.
    async fn within<T, W>(&self, work: W) -> Result<T, TxError>
    where
        W: AsyncFnOnce(&mut PostgresTx<'_>) -> Result<T, TxError>,
    {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(|e| fault(&sql::BEGIN, &e))?;
        let mut open = PostgresTx { tx: &tx, sent: Vec::new() };
        let done = work(&mut open).await?;
        open.hear().await?;
        drop(open);
        tx.commit().await.map_err(|e| fault(&sql::COMMIT, &e))?;
        Ok(done)
    }
}

const BUSY: &str = "every connection to the database is busy";

fn references<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

/// One open transaction. Dropped without `commit`, it is rolled back.
///
/// A round trip for each of a Change's dozen statements would be nearly all of its time, so a statement is sent without
/// waiting for the one before. The server runs them in their order, and refuses all that come after one it refused. Nothing
/// is committed before every answer is heard.
struct PostgresTx<'t> {
    tx: &'t deadpool_postgres::Transaction<'t>,
    /// Answers that are still out, in the order of their statements.
    sent: Vec<Answer<'t>>,
}

type Answer<'t> = Pin<Box<dyn Future<Output = Result<(), TxError>> + Send + 't>>;

impl PostgresTx<'_> {
    /// Hears all answers that are out. The first refusal is the reason; those after it only follow from it.
    async fn hear(&mut self) -> Result<(), TxError> {
        for answer in std::mem::take(&mut self.sent) {
            answer.await?;
        }
        Ok(())
    }

    async fn prepared(&mut self, statement: &'static Statement) -> Result<tokio_postgres::Statement, TxError> {
        match self.tx.prepare_cached(statement.for_postgres()).await {
            Ok(prepared) => Ok(prepared),
            Err(error) => {
                self.hear().await?;
                Err(fault(statement, &error))
            }
        }
    }
}

impl Tx for PostgresTx<'_> {
    async fn send(&mut self, statement: &'static Statement, values: &[Value<'_>], judge: Judge) -> Result<(), TxError> {
        let prepared = self.prepared(statement).await?;
        let (tx, values) = (self.tx, values.iter().map(Value::owned).collect::<Vec<_>>());
        let mut answer: Answer<'_> = Box::pin(async move {
            let touched = tx.execute(&prepared, &references(&values)).await.map_err(|e| fault(statement, &e))?;
            judge(touched)
        });
        // The first look sends it.
        let looked = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.sent.push(match looked {
            Poll::Ready(answer) => Box::pin(ready(answer)),
            Poll::Pending => answer,
        });
        Ok(())
    }

    async fn execute(&mut self, statement: &'static Statement, values: &[Value<'_>]) -> Result<u64, TxError> {
        let prepared = self.prepared(statement).await?;
        let (tx, values) = (self.tx, references(values));
        let (heard, touched) = tokio::join!(self.hear(), tx.execute(&prepared, &values));
        heard?;
        touched.map_err(|e| fault(statement, &e))
    }

    async fn query<T: Send>(
        &mut self,
        statement: &'static Statement,
        values: &[Value<'_>],
        mut decode: impl FnMut(&Row<'_>) -> Result<T, ReadError> + Send,
    ) -> Result<Vec<T>, TxError> {
        let prepared = self.prepared(statement).await?;
        let (tx, values) = (self.tx, references(values));
        let (heard, rows) = tokio::join!(self.hear(), tx.query(&prepared, &values));
        heard?;
        let rows = rows.map_err(|e| fault(statement, &e))?;
        rows.iter().map(|row| decode(&Row::postgres(row)).map_err(TxError::Corrupt)).collect()
    }
}

/// What the server's refusal means to the one who asked. Its own words stay in the log.
fn fault(statement: &Statement, error: &tokio_postgres::Error) -> TxError {
    let Some(code) = error.code() else {
        tracing::warn!(statement = statement.name, %error, "the database server can't be reached");
        return TxError::Broken("the database server can't be reached");
    };
    let conflicts = [SqlState::UNIQUE_VIOLATION, SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    if conflicts.contains(code) {
        return TxError::Conflict;
    }
    // Class 23: a rule of the schema; HS001: one of its guards.
    if code.code().starts_with("23") || code.code() == "HS001" {
        tracing::warn!(statement = statement.name, code = code.code(), "the schema refused a write");
        return TxError::Conflict;
    }
    if *code == SqlState::DISK_FULL {
        return TxError::StorageFull;
    }
    tracing::error!(statement = statement.name, code = code.code(), %error, "a statement failed");
    TxError::Broken("a statement failed; see the log")
}

/// Writes, claims and numbers. The sequencer ends with it.
#[derive(Debug)]
pub(crate) struct PostgresWriter {
    pool: Pool,
    wake: Arc<Notify>,
    sequencer: JoinHandle<()>,
}

impl Drop for PostgresWriter {
    fn drop(&mut self) {
        self.sequencer.abort();
    }
}

impl PostgresWriter {
    pub(crate) fn start(pool: Pool) -> Self {
        let wake = Arc::new(Notify::new());
        let sequencer = tokio::spawn(sequence_for_ever(pool.clone(), Arc::clone(&wake)));
        Self { pool, wake, sequencer }
    }

    pub(crate) async fn commit(&self, change: &Change) -> Result<Receipt, CommitError> {
        let done = self.pool.within(async |tx| apply::apply(tx, change, None).await).await;
        let receipt = done.map_err(|error| match error {
            TxError::Broken(BUSY) => CommitError::Overloaded,
            error => error.into(),
        })?;
        if !change.events.is_empty() || !change.audit.is_empty() {
            self.wake.notify_one();
        }
        Ok(receipt)
    }

    pub(crate) async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, ReadError> {
        // What was just committed gets its numbers first, so that whoever was woken by the commit finds it.
        while sequence_once(&self.pool).await? {}
        Ok(self.pool.within(async |tx| claim::deliveries(tx, now, lease_until, limit).await).await?)
    }

    pub(crate) async fn prune(&self, answers: Timestamp, requests: Timestamp) -> Result<u64, ReadError> {
        Ok(self.pool.within(async |tx| claim::prune(tx, answers, requests).await).await?)
    }

    pub(crate) async fn set_meta_once(&self, name: &str, value: &str) -> Result<(), ReadError> {
        let row = [Value::Text(name), Value::Text(value)];
        Ok(self.pool.within(async |tx| tx.execute(&sql::META_INSERT, &row).await.map(|_| ())).await?)
    }

    pub(crate) fn close(&self) {
        self.sequencer.abort();
        self.pool.inner.close();
    }
}

/// One of all processes numbers what was committed: right after a commit of this process, and at a slow beat for the others'.
/// No NOTIFY: it would serialise every commit of the server.
async fn sequence_for_ever(pool: Pool, wake: Arc<Notify>) {
    let period = Duration::from_millis(SEQUENCER_PERIOD_MS);
    loop {
        // Both outcomes mean the same: look.
        let _ = tokio::time::timeout(period, wake.notified()).await;
        loop {
            match sequence_once(&pool).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(?error, "no numbers were given this time");
                    break;
                }
            }
        }
    }
}

/// Numbers one batch if nobody else is at it; true where more may wait.
async fn sequence_once(pool: &Pool) -> Result<bool, TxError> {
    pool.within(async |tx| {
        let lock = tx.tx.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&SEQUENCER_LOCK]).await;
        let locked = lock.map_err(|e| fault(&sql::BEGIN, &e))?.try_get(0).unwrap_or(false);
        if !locked {
            return Ok(false);
        }
        // Another process may have had the lock meanwhile: begin from what is stored.
        sequence::place_waiting(tx, &mut Numbers::default()).await
    })
    .await
}

/// The role that a URL connects as, where it names one.
pub fn role_of(url: &SecretText) -> Option<String> {
    let config: tokio_postgres::Config = url.expose().parse().ok()?;
    config.get_user().map(str::to_owned)
}
