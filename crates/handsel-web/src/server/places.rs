//! Places for connections: so many in all, and so many for one address (IPv6: one /64).

use super::Bounds;
use crate::client::Peer;
use crate::limit::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
    total: usize,
    per_address: usize,
}

/// One taken place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: Option<IpAddr>,
}

impl Places {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { taken: Arc::default(), total: bounds.connections, per_address: bounds.per_address }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, peer: Peer) -> Option<Place> {
        let address = match peer {
            Peer::Tcp(ip) => Some(network(ip)),
            Peer::Unix => None,
        };
        let mut taken = self.taken();
        if taken.total >= self.total {
            return None;
        }
        if let Some(address) = address {
            let share = taken.by_address.entry(address).or_insert(0);
            if *share >= self.per_address {
                return None;
            }
            *share += 1;
        }
        taken.total += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.total = taken.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(share) = taken.by_address.get_mut(&address) {
            *share = share.saturating_sub(1);
            if *share == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let places = Places::new(Bounds::default());
        let peer = Peer::Tcp(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)));
        let held: Vec<Place> = (0..Bounds::default().per_address).filter_map(|_| places.take(peer)).collect();
        assert_eq!(held.len(), Bounds::default().per_address);
        assert!(places.take(peer).is_none());
        assert!(places.take(Peer::Unix).is_some(), "others are not hurt");
        drop(held);
        assert!(places.take(peer).is_some());
        assert!(places.taken().by_address.is_empty());
    }
}
