//! Where a server's rows are: a directory, with a database of PostgreSQL beside it where the test wants that. Both outlive a server
//! and go with the last one.

use super::chance::{self, Chance};
#[cfg(feature = "postgres")]
use super::postgres::Database;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

const MEMORY: &str = "/dev/shm";

/// Which database a house stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

#[derive(Debug, Clone)]
pub(crate) struct Data(Arc<Place>);

#[derive(Debug)]
struct Place {
    directory: TempDir,
    #[cfg(feature = "postgres")]
    database: Option<Database>,
    seed: u64,
    starts: AtomicU64,
}

/// A directory in memory where there is such a place: what a sync costs is the benchmarks' matter.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

impl Data {
    /// `None`: the test is for a server of PostgreSQL, and none is named.
    pub(crate) async fn on(base: Base) -> Option<Self> {
        Self::seeded(base, chance::seed()).await
    }
    pub(crate) async fn seeded(base: Base, seed: u64) -> Option<Self> {
        #[cfg(feature = "postgres")]
        let database = match base {
            Base::Sqlite => None,
            Base::Postgres => Some(Database::make().await?),
        };
        #[cfg(not(feature = "postgres"))]
        let Base::Sqlite = base;
        Some(Self(Arc::new(Place {
            directory: directory(),
            #[cfg(feature = "postgres")]
            database,
            seed,
            starts: AtomicU64::new(0),
        })))
    }
    pub(crate) fn path(&self) -> &Path {
        self.0.directory.path()
    }
    pub(super) fn seed(&self) -> u64 {
        self.0.seed
    }
    /// The chance of the next server on this data: another one each time, as the machine's would be.
    pub(super) fn chance(&self) -> Chance {
        Chance::branch(self.0.seed, self.0.starts.fetch_add(1, Ordering::Relaxed))
    }

    #[cfg(feature = "postgres")]
    pub(super) fn url(&self) -> Option<String> {
        self.0.database.as_ref().map(Database::url)
    }
    #[cfg(not(feature = "postgres"))]
    pub(super) fn url(&self) -> Option<String> {
        None
    }

    /// Committed rows without their number; SQLite gives the numbers in the commit.
    #[cfg(feature = "postgres")]
    pub(super) async fn unnumbered(&self) -> i64 {
        match &self.0.database {
            Some(database) => database.waiting().await,
            None => 0,
        }
    }
    #[cfg(not(feature = "postgres"))]
    pub(super) async fn unnumbered(&self) -> i64 {
        0
    }

    /// Runs statements behind the store's back.
    #[cfg(feature = "postgres")]
    pub(crate) async fn behind(&self, text: &str) {
        self.0.database.as_ref().unwrap().run(text).await;
    }
}
