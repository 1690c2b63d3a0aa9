//! What goes wrong with the node on command, and until when. Times follow the sandbox clock.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handsel_core::time::Timestamp;

use crate::limits;

/// One way in which a node fails its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every request is answered 503.
    Outage,
    /// The head stays where it was, as on a node that fell behind.
    Lag,
    /// Logs and receipts are answered as empty, although the headers say otherwise.
    EmptyLogs,
    /// The node says that it is on another chain.
    WrongChain,
    /// Every request is answered by an HTML page.
    Garbage,
    /// Every answer is late.
    Slow,
}

const ALL: [(Fault, &str); 6] = [
    (Fault::Outage, "outage"),
    (Fault::Lag, "lag"),
    (Fault::EmptyLogs, "empty_logs"),
    (Fault::WrongChain, "wrong_chain"),
    (Fault::Garbage, "garbage"),
    (Fault::Slow, "slow"),
];

impl Fault {
    /// The names that the API uses, for people.
    pub(crate) const NAMES: &'static str = "outage, lag, empty_logs, wrong_chain, garbage or slow";

    /// Reads the name that the API uses.
    pub fn parse(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }
}

/// One fault in force.
#[derive(Debug, Clone, Copy)]
struct Active {
    fault: Fault,
    until: Timestamp,
    head: u64,
}

/// Faults of one node.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Active>>);

/// What is wrong at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Symptoms {
    pub(crate) outage: bool,
    pub(crate) garbage: bool,
    pub(crate) slow: bool,
    pub(crate) empty_logs: bool,
    pub(crate) wrong_chain: bool,
    /// The head that is shown instead of the true one.
    pub(crate) stuck_head: Option<u64>,
}

impl Faults {
    /// Puts a fault in force for so many seconds from `now`, in place of an earlier one of its kind; 0 ends it.
    pub(crate) fn set(&self, fault: Fault, seconds: u64, now: Timestamp, head: u64) {
        let span = Duration::from_secs(seconds.min(limits::FAULT_SECONDS));
        let mut active = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        active.retain(|one| one.fault != fault && one.until > now);
        if !span.is_zero() {
            active.push(Active { fault, until: now.plus(span), head });
        }
    }

    pub(crate) fn at(&self, now: Timestamp) -> Symptoms {
        let mut symptoms = Symptoms::default();
        for active in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|one| one.until > now) {
            match active.fault {
                Fault::Outage => symptoms.outage = true,
                Fault::Lag => symptoms.stuck_head = Some(active.head),
                Fault::EmptyLogs => symptoms.empty_logs = true,
                Fault::WrongChain => symptoms.wrong_chain = true,
                Fault::Garbage => symptoms.garbage = true,
                Fault::Slow => symptoms.slow = true,
            }
        }
        symptoms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_fault_lasts_for_its_time_and_others_run_beside_it() {
        let faults = Faults::default();
        faults.set(Fault::Outage, 10, second(100), 7);
        faults.set(Fault::Lag, 20, second(100), 7);
        assert!(faults.at(second(109)).outage);
        assert_eq!(faults.at(second(110)), Symptoms { stuck_head: Some(7), ..Symptoms::default() });
        assert_eq!(faults.at(second(120)), Symptoms::default());
    }

    #[test]
    fn a_new_one_of_a_kind_replaces_the_old_and_zero_ends_it() {
        let faults = Faults::default();
        faults.set(Fault::Lag, 10, second(0), 7);
        faults.set(Fault::Lag, 10, second(5), 9);
        assert_eq!(faults.at(second(12)).stuck_head, Some(9));
        faults.set(Fault::Lag, 0, second(12), 9);
        assert_eq!(faults.at(second(12)), Symptoms::default());
    }

    #[test]
    fn names_are_those_of_the_api() {
        for (fault, name) in ALL {
            assert_eq!(Fault::parse(name), Some(fault));
        }
        assert_eq!(Fault::parse("Outage"), None);
        let listed: Vec<&str> = Fault::NAMES.split([',', ' ']).filter(|word| !matches!(*word, "" | "or")).collect();
        assert_eq!(listed, ALL.map(|(_, name)| name));
    }
}
