//! Connections kept for reuse, each under the address it was judged for. Bounded in number and in idle time.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use handsel_core::limits::{POOL_IDLE_MS, POOL_MAX_CONNECTIONS, POOL_MAX_PER_ADDRESS};
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// One open connection and the task that drives it. Dropping it closes the socket at once.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    pub(super) const fn new(sender: SendRequest<Full<Bytes>>, driver: JoinHandle<()>) -> Self {
        Self { sender, driver }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What a connection may be reused for: the same scheme, host, port and address, nothing less.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    pub(super) https: bool,
    pub(super) host: String,
    pub(super) address: SocketAddr,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

#[derive(Debug, Default)]
struct Shelf {
    idle: HashMap<PoolKey, Vec<Idle>>,
    count: usize,
    sweeping: bool,
}

/// The shelf of idle connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    shelf: Arc<Mutex<Shelf>>,
}

const IDLE: Duration = Duration::from_millis(POOL_IDLE_MS);

impl Pool {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No code panics while it holds the lock; if one did, the shelf would still be a valid one.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an open connection, the one used last.
    pub(super) fn take(&self, key: &PoolKey) -> Option<Connection> {
        let mut shelf = self.shelf();
        let shelf = &mut *shelf;
        let waiting = shelf.idle.get_mut(key)?;
        let mut found = None;
        while let Some(idle) = waiting.pop() {
            shelf.count = shelf.count.saturating_sub(1);
            if idle.since.elapsed() < IDLE && !idle.connection.sender.is_closed() {
                found = Some(idle.connection);
                break;
            }
        }
        if waiting.is_empty() {
            shelf.idle.remove(key);
        }
        found
    }

    /// Keeps a connection whose answer was read to the end; closes it when there is no room.
    pub(super) fn put(&self, key: PoolKey, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut shelf = self.shelf();
        if shelf.count >= POOL_MAX_CONNECTIONS {
            return;
        }
        let waiting = shelf.idle.entry(key).or_default();
        if waiting.len() >= POOL_MAX_PER_ADDRESS {
            return;
        }
        waiting.push(Idle { connection, since: Instant::now() });
        shelf.count = shelf.count.saturating_add(1);
        if !shelf.sweeping {
            shelf.sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(&self.shelf)));
        }
    }
}

/// Closes what was idle too long, until nothing is left. One such task runs at a time.
async fn sweep(shelf: std::sync::Weak<Mutex<Shelf>>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(shelf) = shelf.upgrade() else { return };
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.idle.retain(|_, waiting| {
            waiting.retain(|idle| idle.since.elapsed() < IDLE && !idle.connection.sender.is_closed());
            !waiting.is_empty()
        });
        shelf.count = shelf.idle.values().map(Vec::len).sum();
        if shelf.count == 0 {
            shelf.sweeping = false;
            return;
        }
    }
}
