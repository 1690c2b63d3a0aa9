//! Counting votes.

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

/// What was said most often, and at least `quorum` times; of two that were said equally often the one that was said first.
pub(super) fn winner<K: PartialEq>(votes: impl Iterator<Item = K>, quorum: usize) -> Option<K> {
    let mut counts: Vec<(K, usize)> = Vec::new();
    for vote in votes {
        match counts.iter_mut().find(|(known, _)| *known == vote) {
            Some((_, count)) => *count += 1,
            None => counts.push((vote, 1)),
        }
    }
    let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    best.filter(|(_, count)| *count >= quorum).map(|(vote, _)| vote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_votes_win_and_of_equals_the_first() {
        assert_eq!(winner([1, 2, 2].into_iter(), 2), Some(2));
        assert_eq!(winner([1, 2, 3].into_iter(), 2), None);
        assert_eq!(winner([1, 2, 2, 1].into_iter(), 1), Some(1));
        assert_eq!(winner([3, 1, 1].into_iter(), 1), Some(1));
        assert_eq!(winner(core::iter::empty::<u8>(), 1), None);
    }
}
