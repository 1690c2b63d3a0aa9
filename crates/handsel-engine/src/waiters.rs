//! Who waits for which checkout to change, in this process. A wake-up is a hint: whoever is woken reads again.

use handsel_core::change::{Change, Write};
use handsel_core::id::CheckoutId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<HashMap<CheckoutId, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    notify: Arc<Notify>,
}

/// One waiter's place; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    waiters: &'a Waiters,
    id: CheckoutId,
    pub(crate) notify: Arc<Notify>,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, HashMap<CheckoutId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn enter(&self, id: CheckoutId) -> Place<'_> {
        let mut waiting = self.lock();
        let slot = waiting.entry(id).or_default();
        slot.count += 1;
        Place { waiters: self, id, notify: Arc::clone(&slot.notify) }
    }
    pub(crate) fn wake(&self, ids: &[CheckoutId]) {
        let waiting = self.lock();
        for slot in ids.iter().filter_map(|id| waiting.get(id)) {
            slot.notify.notify_waiters();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        if let Some(slot) = waiting.get_mut(&self.id) {
            slot.count -= 1;
            if slot.count == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}

/// The checkouts whose page would look different after this Change.
pub(crate) fn touched(change: &Change) -> Vec<CheckoutId> {
    let ids = change.writes.iter().filter_map(|write| match write {
        Write::UpdateCheckout(checkout) => Some(checkout.id),
        Write::InsertPayment(payment) | Write::UpdatePayment(payment) => payment.checkout,
        _ => None,
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_kept_after_leaving() {
        let waiters = Waiters::default();
        let first = waiters.enter(CheckoutId::from_bits(1));
        let second = waiters.enter(CheckoutId::from_bits(1));
        drop(first);
        assert_eq!(waiters.lock().len(), 1);
        drop(second);
        assert!(waiters.lock().is_empty());
    }
}
