//! Opening a store: which engine, which environment, and why not.

use crate::gate::Gate;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{ReadError, sqlite};
use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum Database {
    /// A directory that holds `handsel.db` and `handsel.lock`; made if it isn't there.
    Sqlite { directory: PathBuf },
    /// A PostgreSQL server. TLS with a verified name, but for loopback and Unix sockets.
    #[cfg(feature = "postgres")]
    Postgres(crate::postgres::PostgresConfig),
}

/// What `Store::open` needs to know.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub database: Database,
    /// A database is live or sandbox from its first opening on and never the other.
    pub live: bool,
}

impl StoreConfig {
    /// A sandbox on SQLite in `directory`.
    pub fn sqlite(directory: impl Into<PathBuf>) -> Self {
        Self { database: Database::Sqlite { directory: directory.into() }, live: false }
    }
}

/// An open database: questions and the one door for writes.
#[derive(Debug, Clone)]
pub struct Store {
    pub reader: Reader,
    pub writer: Writer,
}

impl Store {
    /// Opens, migrates where that is this role's to do (SQLite, and PostgreSQL in the sandbox), and checks. Refuses rather than guesses.
    pub async fn open(config: StoreConfig) -> Result<Self, OpenError> {
        let store = match &config.database {
            Database::Sqlite { directory } => Self::open_sqlite(directory)?,
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => {
                let pool = crate::postgres::open(postgres, config.live).await?;
                let reader = Reader::postgres(pool.clone());
                Self { writer: Writer::postgres(pool, reader.clone()), reader }
            }
        };
        store.of_environment(config.live).await
    }

    /// Opens a sandbox on SQLite that has no threads: for simulations, see [`crate::gate`].
    pub async fn open_inline(directory: &Path, gate: Arc<dyn Gate>) -> Result<Self, OpenError> {
        let lock = sqlite::lock(directory)?;
        let connection = sqlite::open_writer(directory)?;
        let reader = Reader::sqlite_inline(directory)?;
        let writer = Writer::inline(connection, lock, reader.clone(), gate);
        Self { reader, writer }.of_environment(false).await
    }

    async fn of_environment(self, live: bool) -> Result<Self, OpenError> {
        let wanted = if live { "live" } else { "sandbox" };
        let found = self.set_meta_once("environment", wanted).await.map_err(OpenError::from)?;
        if found != wanted {
            self.writer.close().await;
            return Err(OpenError::WrongEnvironment { found, wanted });
        }
        Ok(self)
    }

    fn open_sqlite(directory: &Path) -> Result<Self, OpenError> {
        let lock = sqlite::lock(directory)?;
        let connection = sqlite::open_writer(directory)?;
        let reader = Reader::sqlite(directory)?;
        let writer = Writer::sqlite(connection, lock, reader.clone())?;
        Ok(Self { reader, writer })
    }

    /// A fact about this database, such as the check value of its encryption key.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.reader.meta(name).await
    }

    /// Writes a fact unless it is there, and gives the one that holds now.
    pub async fn set_meta_once(&self, name: &str, value: &str) -> Result<String, ReadError> {
        self.writer.set_meta_once(name, value).await?;
        let found = self.reader.meta(name).await?;
        found.ok_or(ReadError::Unavailable("what was just written is not there"))
    }
}

/// Why a database was not opened. Every text names the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Another process writes to the directory.
    Locked {
        directory: String,
    },
    /// The directory or a file in it can't be made or opened.
    Directory {
        directory: String,
        why: String,
    },
    NewerDatabase {
        migration: i64,
        program: String,
    },
    ChangedMigration {
        migration: i64,
    },
    ForeignSchema {
        what: &'static str,
    },
    /// Only readers were wanted, or this role may not migrate, and the schema is old.
    Unmigrated,
    WrongEnvironment {
        found: String,
        wanted: &'static str,
    },
    /// A setting that durability or safety rests on doesn't hold.
    Setting {
        name: &'static str,
        found: String,
    },
    /// A live server must not own the tables that it writes to.
    OwnerRole,
    /// The connection would be readable by others.
    Plaintext {
        host: String,
    },
    Database {
        what: String,
    },
}

impl OpenError {
    pub(crate) fn directory(directory: &Path, why: &std::io::Error) -> Self {
        Self::Directory { directory: directory.display().to_string(), why: why.to_string() }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        Self::Database { what: error.to_string() }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { directory } => write!(
                f,
                "another handsel process has {directory} open for writing: stop it, or use another data directory"
            ),
            Self::Directory { directory, why } => {
                write!(f, "the data directory {directory} can't be used ({why}): check that it exists and is yours")
            }
            Self::NewerDatabase { migration, program } => write!(
                f,
                "the database was migrated by handsel {program} (step {migration}), which this program is older than: \
                 start handsel {program} or newer, or restore a backup from before"
            ),
            Self::ChangedMigration { migration } => write!(
                f,
                "step {migration} of the schema is not the one that this database was made with: use a released program"
            ),
            Self::ForeignSchema { what } => write!(f, "this is not a database of handsel ({what}): name another one"),
            Self::Unmigrated => f.write_str("the database has an older schema: run `handsel migrate` first"),
            Self::WrongEnvironment { found, wanted } => write!(
                f,
                "this is a {found} database and the server runs as {wanted}: sandbox and live never share one, \
                 so name another data directory or database"
            ),
            Self::Setting { name, found } => {
                write!(f, "the database does not keep its setting {name} (it says {found:?}): use a local file system")
            }
            Self::OwnerRole => f.write_str(
                "this database role owns the tables, so it could rewrite the audit log: let another role own them \
                 (`handsel migrate` with database.migrate_url), and give the server's role its grants",
            ),
            Self::Plaintext { host } => write!(
                f,
                "the connection to {host} would not be encrypted: leave sslmode=disable out (only loopback and Unix \
                 sockets go without TLS)"
            ),
            Self::Database { what } => write!(f, "the database can't be opened: {what}"),
        }
    }
}
impl std::error::Error for OpenError {}
