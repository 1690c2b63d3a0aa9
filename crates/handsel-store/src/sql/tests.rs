#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use rusqlite::Connection;

fn database() -> (tempfile::TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let connection = crate::sqlite::open_writer(directory.path()).unwrap();
    (directory, connection)
}

#[test]
fn every_statement_prepares() {
    let (_directory, connection) = database();
    for statement in ALL {
        if let Err(error) = connection.prepare(statement.for_sqlite()) {
            panic!("{}: {error}", statement.name);
        }
    }
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn every_statement_prepares_on_postgres() {
    let Some(server) = std::env::var("HANDSEL_TEST_PG").ok().filter(|url| !url.is_empty()) else { return };
    let name = format!("handsel_test_prepare_{}", std::process::id());
    let connect = async |database: &str| {
        let url = format!("{server}/{database}");
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let admin = connect("postgres").await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let config = crate::postgres::PostgresConfig {
        url: handsel_core::secret::SecretText::new(format!("{server}/{name}")),
        ca_file: None,
        connections: 2,
    };
    drop(crate::postgres::open(&config, false).await.unwrap());
    let client = connect(&name).await;
    let mut refused = Vec::new();
    for statement in ALL.iter().chain(waiting::ALL) {
        if let Err(error) = client.prepare(statement.for_postgres()).await {
            refused.push(format!("{}: {:?}", statement.name, error.as_db_error()));
        }
    }
    drop(client);
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn placeholders_are_turned_one_way() {
    for statement in ALL {
        assert!(!statement.text.contains('$'), "{}", statement.name);
    }
    #[cfg(feature = "postgres")]
    {
        assert_eq!(META_INSERT.for_postgres(), "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        assert!(DELIVERIES_CLAIMABLE.for_postgres().ends_with("SKIP LOCKED"));
    }
}

#[test]
fn every_statement_is_used() {
    let mut source = String::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                source.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for statement in ALL {
        let word = format!("sql::{}", statement.name);
        let used = source
            .match_indices(&word)
            .any(|(at, _)| !source[at + word.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        assert!(used, "{} is used by nobody", statement.name);
    }
}

/// Statements that may walk a table: the operator's, and those whose table holds a handful of rows.
const MAY_SCAN: [&str; 1] = ["ACCOUNTS"];

/// No statement reads a whole table, however large it grows; sorting in memory is refused where a page is read.
#[test]
fn no_statement_scans_a_table() {
    let (_directory, connection) = database();
    let mut plans = String::new();
    for statement in ALL.iter().filter(|s| !MAY_SCAN.contains(&s.name)) {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.for_sqlite())).unwrap();
        let values = vec![rusqlite::types::Value::Null; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        for step in steps {
            let step = step.unwrap();
            assert!(!step.starts_with("SCAN") || step.contains("USING INDEX"), "{}: {step}", statement.name);
            plans.push_str(&format!("{}: {step}\n", statement.name));
        }
        assert!(
            !(statement.name.ends_with("EST") && plans.ends_with("TEMP B-TREE FOR ORDER BY\n")),
            "{}",
            statement.name
        );
    }
    same_as_recorded(&plans);
}

/// A point read is answered on its asker's own thread: it may only go straight to rows that whole unique keys name.
#[test]
fn a_point_read_searches_by_whole_unique_keys() {
    let (_directory, connection) = database();
    let points: Vec<_> = POINTS.iter().copied().flatten().collect();
    assert!(points.len() > 20, "the marks are read");
    for statement in points {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.for_sqlite())).unwrap();
        let values = vec![rusqlite::types::Value::Null; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        for step in steps {
            let step = step.unwrap();
            assert!(by_whole_key(&connection, &step), "{}: {step}", statement.name);
        }
    }
    let not = "SEARCH event USING INDEX event_sequence (account=?)";
    assert!(!by_whole_key(&connection, not), "half a key names many rows");
}

/// `SEARCH t USING INDEX i (a=? AND b=?)` with a unique index of no other columns, or the same of a `PRIMARY KEY`.
fn by_whole_key(connection: &Connection, step: &str) -> bool {
    let Some((by, terms)) = step.trim_end_matches(')').split_once(" (") else { return false };
    let words: Vec<_> = by.split(' ').collect();
    let ["SEARCH", table, "USING", .., index] = words[..] else { return false };
    let wanted: i64 = if by.ends_with("USING PRIMARY KEY") {
        let columns = "SELECT COUNT(*) FROM pragma_table_info(?1) WHERE pk > 0";
        connection.query_row(columns, [table], |r| r.get(0)).unwrap()
    } else {
        let columns = "SELECT COUNT(*) FROM sqlite_schema s, pragma_index_list(s.name) l, pragma_index_info(l.name) \
            WHERE s.type = 'table' AND l.name = ?1 AND l.\"unique\" = 1 AND l.partial = 0";
        connection.query_row(columns, [index], |r| r.get(0)).unwrap()
    };
    let terms: Vec<_> = terms.split(" AND ").collect();
    terms.iter().all(|term| term.ends_with("=?")) && terms.len() as i64 == wanted
}

/// The recorded plans. HANDSEL_RECORD=1 writes them anew, for a reviewer to read.
fn same_as_recorded(plans: &str) {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/sql/plans.txt");
    if std::env::var_os("HANDSEL_RECORD").is_some() {
        std::fs::write(&path, plans).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<_> = plans.lines().filter(|l| !recorded.contains(l)).collect();
    assert!(recorded == plans, "query plans changed (HANDSEL_RECORD=1 records them): {changed:#?}");
}
