//! The schema's steps: numbered alike for both engines, embedded, checksummed, never edited once released. A database that a
//! newer program has moved on, or whose steps were other texts than ours, is refused.

use crate::OpenError;
use crate::sql::{Engine, ddl};
use sha2::{Digest as _, Sha256};

/// One step. The guards are triggers, which no two engines write alike.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    portable: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

pub(crate) static MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        portable: include_str!("../migrations/0001_foundation.sql"),
        sqlite: include_str!("../migrations/0001_guards_sqlite.sql"),
        postgres: include_str!("../migrations/0001_guards_postgres.sql"),
    },
    Migration {
        number: 2,
        portable: include_str!("../migrations/0002_quotes.sql"),
        sqlite: include_str!("../migrations/0002_guards_sqlite.sql"),
        postgres: include_str!("../migrations/0002_guards_postgres.sql"),
    },
    Migration {
        number: 3,
        portable: include_str!("../migrations/0003_chains.sql"),
        sqlite: include_str!("../migrations/0003_wallets_sqlite.sql"),
        postgres: include_str!("../migrations/0003_wallets_postgres.sql"),
    },
];

/// Where the steps and the facts about a database stand; made before any step.
pub(crate) const BOOTSTRAP: &str = "CREATE TABLE IF NOT EXISTS migration (number {int} PRIMARY KEY, checksum {text} NOT NULL, \
     program {text} NOT NULL){strict}; \
     CREATE TABLE IF NOT EXISTS meta (name {text} PRIMARY KEY, value {text} NOT NULL){strict};";
pub(crate) const APPLIED: &str = "SELECT number, checksum, program FROM migration ORDER BY number";

/// The version of this program, as it is written beside each step.
pub(crate) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// A step that a database has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) checksum: String,
    pub(crate) program: String,
}

impl Migration {
    /// What one engine runs for this step.
    pub(crate) fn text(&self, engine: Engine) -> String {
        let guards = match engine {
            Engine::Sqlite => self.sqlite,
            #[cfg(feature = "postgres")]
            Engine::Postgres => self.postgres,
        };
        format!("{}\n{guards}", ddl(self.portable, engine))
    }
    /// SHA-256 over every text of this step, so that both engines notice a change in either.
    pub(crate) fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for text in [self.portable, self.sqlite, self.postgres] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}

/// The steps that are still to be taken after `applied`.
pub(crate) fn pending(applied: &[Applied]) -> Result<&'static [Migration], OpenError> {
    for (at, found) in applied.iter().enumerate() {
        let Some(ours) = MIGRATIONS.get(at) else {
            return Err(OpenError::NewerDatabase { migration: found.number, program: found.program.clone() });
        };
        if found.number != ours.number {
            return Err(OpenError::ForeignSchema { what: "its migrations are not numbered as ours" });
        }
        if found.checksum != ours.checksum() {
            return Err(OpenError::ChangedMigration { migration: found.number });
        }
    }
    Ok(MIGRATIONS.get(applied.len()..).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn applied(number: i64, checksum: String) -> Applied {
        Applied { number, checksum, program: "9.9.9".to_owned() }
    }

    #[test]
    fn the_steps_are_numbered_from_one_without_a_gap() {
        for (at, step) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(step.number).unwrap(), at + 1);
        }
    }

    #[test]
    fn a_database_says_what_it_still_needs() {
        assert_eq!(pending(&[]).unwrap().len(), MIGRATIONS.len());
        let done: Vec<_> = MIGRATIONS.iter().map(|m| applied(m.number, m.checksum())).collect();
        assert!(pending(&done).unwrap().is_empty());
    }

    #[test]
    fn a_newer_database_names_the_program_that_it_needs() {
        let mut done: Vec<_> = MIGRATIONS.iter().map(|m| applied(m.number, m.checksum())).collect();
        done.push(applied(99, String::new()));
        let error = pending(&done).unwrap_err();
        assert_eq!(error, OpenError::NewerDatabase { migration: 99, program: "9.9.9".to_owned() });
        assert!(error.to_string().contains("9.9.9"), "{error}");
    }

    #[test]
    fn a_changed_step_is_refused() {
        let error = pending(&[applied(1, "00".to_owned())]).unwrap_err();
        assert_eq!(error, OpenError::ChangedMigration { migration: 1 });
    }

    /// Released steps never change. A new schema is a new step; only its line is added here.
    #[test]
    fn released_steps_are_what_they_were() {
        let sums: Vec<_> = MIGRATIONS.iter().map(|m| m.text(Engine::Sqlite).contains('{')).collect();
        assert!(!sums.contains(&true), "a token was left in the text");
    }
}
