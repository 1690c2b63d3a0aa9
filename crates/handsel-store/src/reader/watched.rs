//! What the watcher looks for, read on from where it was read to, so that no row is ever missed.
//!
//! SQLite has one writer: rows become visible in the order of their marks. PostgreSQL gives a mark when a row is written, and
//! shows the row when its transaction ends, which may be after a later mark was read. So marks count as read there only once
//! every transaction that could have written below them has ended; until then the rows above the last such mark are given again.

use super::{Engine, Reader, Watched, number};
use crate::ReadError;
use crate::rows::checkout;
use crate::sql;
use crate::value::Value;

/// How far the watched options of one network were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchPlace {
    /// Every option up to this mark was given.
    read: i64,
    /// The next such mark, once every transaction before the second number has ended.
    next: Option<(i64, i64)>,
}

impl Reader {
    /// Gives `take` every option that was written since `place`, oldest first, `rows_at_once` at a time; some may be given again.
    /// Answers where to go on.
    pub async fn watched_since(
        &self,
        network: &str,
        place: WatchPlace,
        rows_at_once: u32,
        mut take: impl FnMut(Vec<Watched>),
    ) -> Result<WatchPlace, ReadError> {
        // Where to go on after this reading; nothing: from where it ends.
        let safe = match &self.engine {
            Engine::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Some(self.safe_place(network, place).await?),
        };
        let mut last = place.read;
        loop {
            let key = vec![Value::Owned(network.to_owned()), Value::Int(last), number(rows_at_once)];
            let rows = self.rows(&sql::WATCHED_AFTER, key, checkout::decode_watched).await?;
            let Some(end) = rows.last().map(|row| row.mark) else { break };
            last = end;
            take(rows);
        }
        Ok(safe.unwrap_or(WatchPlace { read: last, next: None }))
    }

    #[cfg(feature = "postgres")]
    async fn safe_place(&self, network: &str, place: WatchPlace) -> Result<WatchPlace, ReadError> {
        let key = vec![Value::Owned(network.to_owned())];
        let head = self.row(&sql::waiting::WATCH_HEAD, key, |r| Ok((r.int(0)?, r.int(1)?))).await?;
        let Some((mark, oldest_running)) = head.filter(|(mark, _)| *mark > place.read) else { return Ok(place) };
        let (mark, before) = match place.next {
            Some(next) => next,
            // Whoever wrote a row below that mark wrote its checkout first, so it had its number before this one is given.
            None => {
                let number = self.row(&sql::waiting::NEXT_TRANSACTION, Vec::new(), |r| r.int(0)).await?;
                (mark, number.unwrap_or(i64::MAX))
            }
        };
        Ok(if oldest_running >= before {
            WatchPlace { read: mark, next: None }
        } else {
            WatchPlace { read: place.read, next: Some((mark, before)) }
        })
    }
}
