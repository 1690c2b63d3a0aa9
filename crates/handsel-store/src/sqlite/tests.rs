#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// What durability and the guards rest on. Whoever "optimises" one of these finds this test.
#[test]
fn the_settings_hold() {
    let directory = tempfile::tempdir().unwrap();
    let writer = open_writer(directory.path()).unwrap();
    let reader = open_reader(directory.path()).unwrap();
    let asked =
        |connection: &Connection, name| connection.pragma_query_value(None, name, |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!(asked(&writer, "synchronous"), 2, "FULL: NORMAL loses acknowledged commits when power fails");
    for connection in [&writer, &reader] {
        assert_eq!(asked(connection, "foreign_keys"), 1);
        assert_eq!(asked(connection, "recursive_triggers"), 1, "REPLACE walks through the guards without");
        assert_eq!(asked(connection, "trusted_schema"), 0);
        assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap());
        let mode: String = connection.pragma_query_value(None, "journal_mode", |r| r.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
    assert_eq!(asked(&reader, "query_only"), 1);
    reader.execute("DELETE FROM account", []).unwrap_err();
}

#[test]
fn a_setting_that_does_not_hold_is_refused() {
    let connection = Connection::open_in_memory().unwrap();
    let error = set(&connection, "synchronous", "NORMAL", "2").unwrap_err();
    assert_eq!(error, OpenError::Setting { name: "synchronous", found: "1".to_owned() });
    // No log beside a database in memory.
    let error = set(&connection, "journal_mode", "wal", "wal").unwrap_err();
    assert_eq!(error, OpenError::Setting { name: "journal_mode", found: "memory".to_owned() });
}

#[test]
fn the_writer_itself_can_not_break_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let writer = open_writer(directory.path()).unwrap();
    for text in [
        "DELETE FROM audit",
        "DELETE FROM event",
        "DELETE FROM api_key",
        "UPDATE audit SET bytes = x'00'",
        "UPDATE audit_node SET hash = x'00'",
        "DROP TABLE audit",
        "DROP TRIGGER audit_kept_update",
        "ALTER TABLE audit RENAME TO gone",
    ] {
        assert!(writer.prepare(text).is_err(), "{text}");
    }
}

#[test]
fn a_schema_that_moves_on_leaves_a_copy() {
    let directory = tempfile::tempdir().unwrap();
    drop(open_writer(directory.path()).unwrap());
    let names = || {
        let entries =
            std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        entries.filter(|n| n.contains("before")).collect::<Vec<_>>()
    };
    assert!(names().is_empty(), "nothing was there to copy");
    let connection = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    copy(&connection, directory.path(), 1).unwrap();
    assert_eq!(names(), ["handsel.before-step-2.db"]);
    copy(&connection, directory.path(), 1).unwrap();
    assert_eq!(names().len(), 1, "the first copy is kept");
}
