//! What the watcher looks for, read on from where it was read to, so that no row is ever missed.
//!
//! SQLite has one writer: rows become visible in the order of their marks. PostgreSQL gives a mark when a row is written, and
//! shows the row when its transaction ends, which may be after a later mark was read. So marks count as read there only once
//! every transaction that could have written below them has ended; until then the rows above the last such mark are given again.

use super::{Decode, Engine, Reader, Watched, WatchedWallet, number};
use crate::ReadError;
use crate::rows::{checkout, wallet};
use crate::sql::{self, Statement};
use crate::value::Value;

/// How far the watched options of one network were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchPlace {
    /// Every option up to this mark was given.
    read: i64,
    /// The next such mark, once every transaction before the second number has ended.
    next: Option<(i64, i64)>,
}

/// What a list of marks is read by.
#[derive(Debug)]
struct List {
    after: &'static Statement,
    #[cfg(feature = "postgres")]
    head: &'static Statement,
    /// What both ask for first.
    key: Vec<Value<'static>>,
}

impl Reader {
    /// Gives `take` every option that was written since `place`, oldest first, `rows_at_once` at a time; some may be given again.
    /// Answers where to go on.
    pub async fn watched_since(
        &self,
        network: &str,
        place: WatchPlace,
        rows_at_once: u32,
        take: impl FnMut(Vec<Watched>),
    ) -> Result<WatchPlace, ReadError> {
        let list = List {
            after: &sql::WATCHED_AFTER,
            #[cfg(feature = "postgres")]
            head: &sql::waiting::WATCH_HEAD,
            key: vec![Value::Owned(network.to_owned())],
        };
        self.since(list, place, rows_at_once, (checkout::decode_watched, |row: &Watched| row.mark), take).await
    }

    /// The same for the wallets' own addresses, on whatever network.
    pub async fn wallets_watched_since(
        &self,
        place: WatchPlace,
        rows_at_once: u32,
        take: impl FnMut(Vec<WatchedWallet>),
    ) -> Result<WatchPlace, ReadError> {
        let list = List {
            after: &sql::WALLETS_WATCHED_AFTER,
            #[cfg(feature = "postgres")]
            head: &sql::waiting::WALLET_WATCH_HEAD,
            key: Vec::new(),
        };
        self.since(list, place, rows_at_once, (wallet::decode_watched, |row: &WatchedWallet| row.mark), take).await
    }

    async fn since<T: Send + 'static>(
        &self,
        list: List,
        place: WatchPlace,
        rows_at_once: u32,
        (decode, mark): (Decode<T>, fn(&T) -> i64),
        mut take: impl FnMut(Vec<T>),
    ) -> Result<WatchPlace, ReadError> {
        // Where to go on after this reading; nothing: from where it ends.
        let safe = match &self.engine {
            Engine::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Some(self.safe_place(&list, place).await?),
        };
        let mut last = place.read;
        loop {
            let mut key = list.key.clone();
            key.extend([Value::Int(last), number(rows_at_once)]);
            let rows = self.rows(list.after, key, decode).await?;
            let Some(end) = rows.last().map(mark) else { break };
            last = end;
            take(rows);
        }
        Ok(safe.unwrap_or(WatchPlace { read: last, next: None }))
    }

    #[cfg(feature = "postgres")]
    async fn safe_place(&self, list: &List, place: WatchPlace) -> Result<WatchPlace, ReadError> {
        let head = self.row(list.head, list.key.clone(), |r| Ok((r.int(0)?, r.int(1)?))).await?;
        let Some((mark, oldest_running)) = head.filter(|(mark, _)| *mark > place.read) else { return Ok(place) };
        let (mark, before) = match place.next {
            Some(next) => next,
            // Whoever wrote a row below that mark wrote its checkout or wallet first, so it had its number before this one is given.
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
