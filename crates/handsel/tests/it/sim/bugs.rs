//! The planted bugs of `BUGS.md`, each with the seed that is known to find it.

use super::{life, number as variable};
use handsel_core::planted::{Bug, plant};

/// Seeds that a search tries for each bug.
const SEARCHED: u64 = 1_000;

/// Every bug, and the first seed from 0 that finds it; `None`: not searched to its end yet, the command does that.
pub(super) const BUGS: [(Bug, Option<u64>); 26] = [
    (Bug::GapAfterDowntime, Some(0)),
    (Bug::ErrorIsEmptyBlock, Some(36)),
    (Bug::OneTransferPerTransaction, Some(1)),
    (Bug::OddLogEndsTransaction, Some(0)),
    (Bug::EmptyAnswerBelieved, None),
    (Bug::NoRollback, Some(6)),
    (Bug::RevertedCounts, Some(6)),
    (Bug::CursorFirst, None),
    (Bug::LateIsInvisible, Some(6)),
    (Bug::ConfirmationsOfFirstBlock, Some(7)),
    (Bug::SuccessAtFirstSight, Some(0)),
    (Bug::NewIdPerBlock, Some(7)),
    (Bug::OneDeadStopsAll, Some(11)),
    (Bug::HeadWithoutParents, Some(0)),
    (Bug::FinalityByNumber, Some(0)),
    (Bug::OutboxLater, Some(0)),
    (Bug::DeliveredBeforeSent, Some(0)),
    (Bug::ConflictIsSuccess, None),
    (Bug::NewEventPerRetry, Some(1)),
    (Bug::AnswerLater, Some(19)),
    (Bug::ExpiryByClock, Some(6)),
    (Bug::CompletedTwice, Some(1)),
    (Bug::SixtyFourBits, Some(5)),
    (Bug::TagWithoutCooldown, Some(23)),
    (Bug::BookBeforeRows, Some(36)),
    (Bug::SequenceWithGaps, Some(0)),
];

/// What a seed finds with a bug planted.
fn found(bug: Bug, seed: u64) -> Option<String> {
    plant(Some(bug));
    let played = life::play(seed);
    plant(None);
    played.err().map(|problems| problems.into_iter().next().unwrap_or_default())
}

#[test]
fn planted_bugs_are_found() {
    let wanted = std::env::var("HANDSEL_BUGS").ok();
    let mut missed = Vec::new();
    for (at, (bug, known)) in BUGS.into_iter().enumerate() {
        let name = format!("{bug:?}");
        let number = at + 1;
        let seeds = match (&wanted, known) {
            (None, Some(known)) => known..known + 1,
            (Some(wanted), _) if *wanted == "all" || *wanted == name || *wanted == number.to_string() => {
                0..variable("HANDSEL_SEEDS").unwrap_or(SEARCHED).min(SEARCHED)
            }
            _ => continue,
        };
        let hit = seeds.clone().find_map(|seed| found(bug, seed).map(|problem| (seed, problem)));
        match hit {
            Some((seed, problem)) if wanted.is_some() => {
                let problem: String = problem.chars().take(120).collect();
                eprintln!("{number:2} {name}: {} seeds; {problem}", seed + 1);
            }
            Some(_) => {}
            None => missed.push(format!("{name} in the seeds {seeds:?}")),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
