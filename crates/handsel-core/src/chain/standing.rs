//! When a network counts as degraded: payments on it may be seen late, and its accounts should know. It is judged from what its watcher
//! noticed, and told once when it begins and once when it ends; checkouts stay payable all the while (03 b.3).

use crate::id::AccountId;
use crate::limits::{
    FINALITY_NORMAL_MAX_BLOCKS, FINALITY_STALLED_TIMES, NETWORK_BAN_TOLD_SECONDS, NETWORK_DISAGREED_AFTER_SECONDS,
    NETWORK_SILENT_AFTER_SECONDS,
};
use crate::time::Timestamp;
use core::time::Duration;

/// Why a network is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is credited until its operator has named a block.
    Halted,
    /// Its nodes contradict each other, so that nothing is believed.
    NodesDisagree,
    /// None of its nodes gave a usable answer for a while.
    NodesSilent,
    /// A node was found lying, and is not asked again.
    NodeBanned,
    /// Blocks come, but none becomes final.
    FinalityStalled,
}

impl Reason {
    pub const ALL: [Self; 5] =
        [Self::Halted, Self::NodesDisagree, Self::NodesSilent, Self::NodeBanned, Self::FinalityStalled];

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Halted => "halted",
            Self::NodesDisagree => "nodes_disagree",
            Self::NodesSilent => "nodes_silent",
            Self::NodeBanned => "node_banned",
            Self::FinalityStalled => "finality_stalled",
        }
    }
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
    /// True where payments are seen late or not at all.
    pub const fn delays_detection(self) -> bool {
        matches!(self, Self::Halted | Self::NodesDisagree | Self::NodesSilent)
    }
}

/// What a network's watcher noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noticed {
    /// A round succeeded since its watching began.
    pub answered: bool,
    pub halted: bool,
    /// Since when every round has failed.
    pub failing_since: Option<Timestamp>,
    /// The last failure was one of nodes that contradict each other.
    pub disagreed: bool,
    /// When a node was banned last.
    pub banned_at: Option<Timestamp>,
    /// How many blocks the finalized one is behind the tip.
    pub unfinalized_blocks: u64,
}

/// What is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was heard yet.
    Unknown,
    Well,
    Degraded(Reason),
}

impl Noticed {
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        match self.judge(now) {
            Some(reason) => Verdict::Degraded(reason),
            None if self.answered => Verdict::Well,
            None => Verdict::Unknown,
        }
    }

    /// The gravest reason why the network is degraded at `now`, if it is.
    pub fn judge(&self, now: Timestamp) -> Option<Reason> {
        let failing = |seconds| self.failing_since.is_some_and(|since| now >= since.plus(Duration::from_secs(seconds)));
        let banned = self.banned_at.is_some_and(|at| now < at.plus(Duration::from_secs(NETWORK_BAN_TOLD_SECONDS)));
        let stalled = self.unfinalized_blocks > FINALITY_NORMAL_MAX_BLOCKS * FINALITY_STALLED_TIMES;
        let found = [
            (self.halted, Reason::Halted),
            (self.disagreed && failing(NETWORK_DISAGREED_AFTER_SECONDS), Reason::NodesDisagree),
            (failing(NETWORK_SILENT_AFTER_SECONDS), Reason::NodesSilent),
            (banned, Reason::NodeBanned),
            (stalled, Reason::FinalityStalled),
        ];
        found.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
    }
}

/// How a network stands, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub network: String,
    /// Rises with every write.
    pub version: u64,
    /// `None`: all is well.
    pub reason: Option<Reason>,
    pub since: Timestamp,
    pub told: Told,
}

/// Who has been told of a standing. Accounts are told in the order of their ids, a bounded number in each Change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Nobody,
    /// Up to this one.
    UpTo(AccountId),
    All,
}

impl Standing {
    /// How it stands where nobody wrote anything yet.
    pub fn unwritten(network: &str, now: Timestamp) -> Self {
        Self { network: network.to_owned(), version: 0, reason: None, since: now, told: Told::All }
    }

    /// The next standing where it is news. A reason that only turns into another one is none: it began when it began.
    #[must_use]
    pub fn turned(&self, verdict: Verdict, now: Timestamp) -> Option<Self> {
        let reason = match verdict {
            Verdict::Unknown => return None,
            Verdict::Well => None,
            Verdict::Degraded(reason) => Some(reason),
        };
        if self.reason.is_some() == reason.is_some() {
            return None;
        }
        let network = self.network.clone();
        Some(Self { network, version: self.version.saturating_add(1), reason, since: now, told: Told::Nobody })
    }

    /// Some more have been told.
    #[must_use]
    pub fn told(&self, told: Told) -> Self {
        Self { version: self.version.saturating_add(1), told, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn failures_degrade_a_network_after_their_limits_only() {
        let silent = Noticed { failing_since: Some(NOW), ..Noticed::default() };
        assert_eq!(silent.judge(later(NETWORK_SILENT_AFTER_SECONDS - 1)), None);
        assert_eq!(silent.judge(later(NETWORK_SILENT_AFTER_SECONDS)), Some(Reason::NodesSilent));
        let disagreed = Noticed { disagreed: true, ..silent };
        assert_eq!(disagreed.judge(later(NETWORK_DISAGREED_AFTER_SECONDS - 1)), None);
        assert_eq!(disagreed.judge(later(NETWORK_DISAGREED_AFTER_SECONDS)), Some(Reason::NodesDisagree));
        assert_eq!(Noticed { halted: true, ..disagreed }.judge(NOW), Some(Reason::Halted));
    }

    #[test]
    fn a_ban_is_told_for_a_while_and_a_stall_for_as_long_as_it_lasts() {
        let banned = Noticed { banned_at: Some(NOW), ..Noticed::default() };
        assert_eq!(banned.judge(NOW), Some(Reason::NodeBanned));
        assert_eq!(banned.judge(later(NETWORK_BAN_TOLD_SECONDS)), None);
        let limit = FINALITY_NORMAL_MAX_BLOCKS * FINALITY_STALLED_TIMES;
        let behind = |blocks| Noticed { unfinalized_blocks: blocks, ..Noticed::default() };
        assert_eq!(behind(limit).judge(NOW), None);
        assert_eq!(behind(limit + 1).judge(NOW), Some(Reason::FinalityStalled));
    }

    #[test]
    fn a_standing_is_told_when_it_begins_and_when_it_ends() {
        let well = Standing::unwritten("one", NOW);
        assert_eq!(well.turned(Verdict::Well, NOW), None);
        let bad = well.turned(Verdict::Degraded(Reason::NodesSilent), later(1)).unwrap();
        assert_eq!((bad.version, bad.since, bad.told), (1, later(1), Told::Nobody));
        assert_eq!(bad.turned(Verdict::Degraded(Reason::Halted), later(2)), None, "it has begun already");
        assert_eq!(bad.turned(Verdict::Unknown, later(2)), None, "nobody has heard that it ended");
        let account = AccountId::from_bits(7);
        let some = bad.told(Told::UpTo(account));
        assert_eq!((some.version, some.since, some.told), (2, later(1), Told::UpTo(account)));
        let again = some.turned(Verdict::Well, later(3)).unwrap();
        assert_eq!((again.version, again.reason, again.told), (3, None, Told::Nobody));
    }

    #[test]
    fn silence_is_no_sign_of_health() {
        assert_eq!(Noticed::default().verdict(NOW), Verdict::Unknown);
        assert_eq!(Noticed { answered: true, ..Noticed::default() }.verdict(NOW), Verdict::Well);
        let halted = Noticed { halted: true, ..Noticed::default() };
        assert_eq!(halted.verdict(NOW), Verdict::Degraded(Reason::Halted));
    }

    #[test]
    fn names_are_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(reason));
        }
        assert_eq!(Reason::parse("x"), None);
    }
}
