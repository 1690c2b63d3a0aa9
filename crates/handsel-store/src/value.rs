//! What goes into a statement and what comes out of it, the same for both engines.

use crate::ReadError;
use core::fmt::{self, Write as _};

/// One bound value.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Id(Short),
    Owned(String),
    Blob(&'a [u8]),
    Word([u8; 16]),
    Hash([u8; 32]),
    Bytes(Vec<u8>),
}

/// Up to 32 bytes of text without an allocation: ids are 30.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    len: u8,
    bytes: [u8; 32],
}

impl Short {
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = start + text.len();
        self.bytes.get_mut(start..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl<'a> Value<'a> {
    /// An id (or anything short) in its text form.
    pub(crate) fn id(id: impl fmt::Display) -> Value<'a> {
        let mut short = Short { len: 0, bytes: [0; 32] };
        match write!(short, "{id}") {
            Ok(()) => Value::Id(short),
            Err(_) => Value::Owned(id.to_string()),
        }
    }
    pub(crate) fn maybe_id(id: Option<impl fmt::Display>) -> Value<'a> {
        id.map_or(Value::Null, Value::id)
    }
    /// A count; both engines hold 63 bits, and nothing counts that far.
    pub(crate) fn count(n: u64) -> Value<'a> {
        Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
    pub(crate) fn flag(b: bool) -> Value<'a> {
        Value::Int(i64::from(b))
    }
    pub(crate) fn maybe_int(n: Option<i64>) -> Value<'a> {
        n.map_or(Value::Null, Value::Int)
    }
    pub(crate) fn maybe_text(text: Option<&'a str>) -> Value<'a> {
        text.map_or(Value::Null, Value::Text)
    }
    /// The same, to be kept longer than what it was made of.
    #[cfg(feature = "postgres")]
    pub(crate) fn owned(&self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Int(n) => Value::Int(*n),
            Value::Text(t) => Value::Owned((*t).to_owned()),
            Value::Id(s) => Value::Id(*s),
            Value::Owned(t) => Value::Owned(t.clone()),
            Value::Blob(b) => Value::Bytes(b.to_vec()),
            Value::Word(w) => Value::Word(*w),
            Value::Hash(h) => Value::Hash(*h),
            Value::Bytes(b) => Value::Bytes(b.clone()),
        }
    }
    /// An amount: 16 bytes, big-endian, so that byte order is number order.
    pub(crate) const fn amount(n: u128) -> Value<'a> {
        Value::Word(n.to_be_bytes())
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Text(t) => ValueRef::Text(t.as_bytes()),
            Value::Id(s) => ValueRef::Text(s.as_str().as_bytes()),
            Value::Owned(t) => ValueRef::Text(t.as_bytes()),
            Value::Blob(b) => ValueRef::Blob(b),
            Value::Word(w) => ValueRef::Blob(w),
            Value::Hash(h) => ValueRef::Blob(h),
            Value::Bytes(b) => ValueRef::Blob(b),
        }))
    }
}

#[cfg(feature = "postgres")]
impl tokio_postgres::types::ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &tokio_postgres::types::Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(tokio_postgres::types::IsNull::Yes),
            Value::Int(n) => n.to_sql(kind, out),
            Value::Text(t) => t.to_sql(kind, out),
            Value::Id(s) => s.as_str().to_sql(kind, out),
            Value::Owned(t) => t.to_sql(kind, out),
            Value::Blob(b) => b.to_sql(kind, out),
            Value::Word(w) => w.as_slice().to_sql(kind, out),
            Value::Hash(h) => h.as_slice().to_sql(kind, out),
            Value::Bytes(b) => b.to_sql(kind, out),
        }
    }
    fn accepts(kind: &tokio_postgres::types::Type) -> bool {
        use tokio_postgres::types::Type;
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }
    tokio_postgres::types::to_sql_checked!();
}

#[derive(Debug, Clone, Copy)]
enum Inner<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    #[cfg(feature = "postgres")]
    Postgres(&'a tokio_postgres::Row),
}

/// One row of an answer; every getter tells an impossible value as `Corrupt`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    inner: Inner<'a>,
    table: &'static str,
    /// Columns before the first one.
    skipped: usize,
}

impl<'a> Row<'a> {
    pub(crate) const fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self { inner: Inner::Sqlite(row), table: "?", skipped: 0 }
    }
    #[cfg(feature = "postgres")]
    pub(crate) const fn postgres(row: &'a tokio_postgres::Row) -> Self {
        Self { inner: Inner::Postgres(row), table: "?", skipped: 0 }
    }
    /// The same row, to be named `table` in complaints.
    pub(crate) const fn of(self, table: &'static str) -> Self {
        Self { table, ..self }
    }
    /// What follows the first `columns` of this row, as a row of its own: the other half of a join.
    pub(crate) const fn after(self, columns: usize) -> Self {
        Self { skipped: self.skipped + columns, ..self }
    }
    /// A complaint about this row, with its key.
    pub(crate) fn corrupt(&self, what: &str) -> ReadError {
        let key = self.maybe_text(0).ok().flatten().unwrap_or("?");
        ReadError::Corrupt { table: self.table, what: format!("{key}: {what}") }
    }
    fn misshapen(&self, column: usize) -> ReadError {
        ReadError::Corrupt { table: self.table, what: format!("column {column} has another type") }
    }

    pub(crate) fn maybe_int(&self, column: usize) -> Result<Option<i64>, ReadError> {
        match self.inner {
            Inner::Sqlite(row) => row
                .get_ref(self.skipped + column)
                .ok()
                .and_then(|v| v.as_i64_or_null().ok())
                .ok_or_else(|| self.misshapen(column)),
            #[cfg(feature = "postgres")]
            Inner::Postgres(row) => row.try_get(self.skipped + column).map_err(|_| self.misshapen(column)),
        }
    }
    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<&'a str>, ReadError> {
        match self.inner {
            Inner::Sqlite(row) => row
                .get_ref(self.skipped + column)
                .ok()
                .and_then(|v| v.as_str_or_null().ok())
                .ok_or_else(|| self.misshapen(column)),
            #[cfg(feature = "postgres")]
            Inner::Postgres(row) => row.try_get(self.skipped + column).map_err(|_| self.misshapen(column)),
        }
    }
    pub(crate) fn maybe_blob(&self, column: usize) -> Result<Option<&'a [u8]>, ReadError> {
        match self.inner {
            Inner::Sqlite(row) => row
                .get_ref(self.skipped + column)
                .ok()
                .and_then(|v| v.as_blob_or_null().ok())
                .ok_or_else(|| self.misshapen(column)),
            #[cfg(feature = "postgres")]
            Inner::Postgres(row) => row.try_get(self.skipped + column).map_err(|_| self.misshapen(column)),
        }
    }
    pub(crate) fn int(&self, column: usize) -> Result<i64, ReadError> {
        self.maybe_int(column)?.ok_or_else(|| self.misshapen(column))
    }
    pub(crate) fn text(&self, column: usize) -> Result<&'a str, ReadError> {
        self.maybe_text(column)?.ok_or_else(|| self.misshapen(column))
    }
    pub(crate) fn blob(&self, column: usize) -> Result<&'a [u8], ReadError> {
        self.maybe_blob(column)?.ok_or_else(|| self.misshapen(column))
    }
    /// A count that can't be negative and fits `T`.
    pub(crate) fn count<T: TryFrom<i64>>(&self, column: usize) -> Result<T, ReadError> {
        T::try_from(self.int(column)?).map_err(|_| self.corrupt("a count is out of range"))
    }
    pub(crate) fn flag(&self, column: usize) -> Result<bool, ReadError> {
        Ok(self.int(column)? != 0)
    }
    pub(crate) fn bytes<const N: usize>(&self, column: usize) -> Result<[u8; N], ReadError> {
        self.blob(column)?.try_into().map_err(|_| self.corrupt("bytes of another length"))
    }
    pub(crate) fn amount(&self, column: usize) -> Result<u128, ReadError> {
        Ok(u128::from_be_bytes(self.bytes(column)?))
    }
    /// Parses a text column; `None` from `parse` is corruption.
    pub(crate) fn parsed<T>(&self, column: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ReadError> {
        parse(self.text(column)?).ok_or_else(|| self.corrupt("a word that means nothing"))
    }
    pub(crate) fn maybe_parsed<T>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| self.corrupt("a word that means nothing"))
    }
    /// The opaque JSON of a row.
    pub(crate) fn json<T: serde::Deserialize<'a>>(&self, column: usize) -> Result<T, ReadError> {
        serde_json::from_str(self.text(column)?).map_err(|_| self.corrupt("its JSON has another shape"))
    }
}
