//! Defects on purpose, for the simulator that must find them (`crates/handsel/tests/it/sim`). A program that is built for use knows
//! none: without the feature `planted`, which only tests ask for, [`is`] is false as a constant. What each of them does wrong is in
//! `sim/BUGS.md`.

/// The list of `sim/BUGS.md`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    GapAfterDowntime,
    ErrorIsEmptyBlock,
    OneTransferPerTransaction,
    OddLogEndsTransaction,
    EmptyAnswerBelieved,
    NoRollback,
    RevertedCounts,
    CursorFirst,
    LateIsInvisible,
    ConfirmationsOfFirstBlock,
    SuccessAtFirstSight,
    NewIdPerBlock,
    OneDeadStopsAll,
    HeadWithoutParents,
    FinalityByNumber,
    OutboxLater,
    DeliveredBeforeSent,
    ConflictIsSuccess,
    NewEventPerRetry,
    AnswerLater,
    ExpiryByClock,
    CompletedTwice,
    SixtyFourBits,
    TagWithoutCooldown,
    BookBeforeRows,
    SequenceWithGaps,
}

#[cfg(feature = "planted")]
std::thread_local! {
    static NOW: core::cell::Cell<Option<Bug>> = const { core::cell::Cell::new(None) };
}

/// Plants one defect, or none, in this thread.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    NOW.set(bug);
}

/// True where this thread runs with that defect.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    NOW.get() == Some(bug)
}

/// Never: this program has no defects on purpose.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn is(_: Bug) -> bool {
    false
}
