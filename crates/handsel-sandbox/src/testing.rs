//! Stand-ins for this room's own tests.

use handsel_core::port::{BoxFuture, Clock};
use handsel_core::time::Timestamp;

/// A clock that stands still; waiting on it never ends by itself.
#[derive(Debug)]
pub(crate) struct StillClock(pub(crate) Timestamp);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn wall(&self) -> Timestamp {
        self.0
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if until > self.0 {
                std::future::pending::<()>().await;
            }
        })
    }
}
