//! Counting votes.

use core::hash::Hash;
use std::collections::HashMap;

/// Whether what was said so far is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Yes,
    /// It would do; more may make it better, so whoever is nearly there is waited for.
    ButForStragglers,
    No,
}

impl Settled {
    pub(super) const fn yes_if(enough: bool) -> Self {
        if enough { Self::Yes } else { Self::No }
    }
}

/// How often each was said.
pub(super) fn tally<K: Eq + Hash>(votes: impl Iterator<Item = K>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for vote in votes {
        *counts.entry(vote).or_insert(0) += 1;
    }
    counts
}
