//! How a payment changes, and what makes two observations the same payment (13 sections 3 and 5).
//!
//! ```text
//! Detected -> Confirming -> Succeeded | Rejected      Rejected -> Succeeded (accepted by an operator)
//!     any of them -> Reversed (the chain took it back) -> Detected (included again: same payment, next version)
//! ```
//! What was marked finalized is never reversed here: a fork below finality halts its chain instead.

use super::{Inclusion, Outcome, Payment, State};
use crate::chain::Transfer;
use crate::checkout::Ruling;
use crate::event::Kind;
use crate::id::{AccountId, PaymentId};
use crate::planted::{self, Bug};
use crate::time::Timestamp;
use core::fmt;
use sha2::{Digest, Sha256};

/// Confirmations at which `confirming` begins.
const CONFIRMING_AT: u64 = 2;

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A block of the canonical chain holds it again; `wrong` says why no option explains it.
    Included { block: Inclusion, wrong: Option<Outcome> },
    /// The canonical chain's tip is here.
    Tip { number: u64 },
    /// Final by its policy; what its checkout made of it. Also an operator's acceptance of a rejected one.
    Ruled { ruling: Ruling, finalized: bool },
    /// Its block left the canonical chain.
    Orphaned,
    /// The chain's finality covers its block.
    Finalized,
}

/// One decision: the new payment (its version raised by one) and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub payment: Payment,
    pub event: Option<Kind>,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The payment knows that already, or the command is about another state.
    OldNews,
    /// It is finalized and its block was orphaned: never decided here, the chain must halt.
    BelowFinality,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldNews => f.write_str("the payment knows that already"),
            Self::BelowFinality => {
                f.write_str("a finalized payment lost its block: stop this chain and look at its node")
            }
        }
    }
}
impl std::error::Error for Refused {}

impl Payment {
    /// Decides one command at `now`.
    pub fn apply(mut self, command: Command, now: Timestamp) -> Result<Step, Refused> {
        let event = match (self.state, command) {
            (State::Reversed { was, .. }, Command::Included { block, wrong }) => {
                let first = planted::is(Bug::ConfirmationsOfFirstBlock);
                let block = if first { Inclusion { number: was.number, ..block } } else { block };
                self.state = State::Detected { block };
                self.outcome = wrong;
                Some(Kind::PaymentDetected)
            }
            (State::Detected { block }, Command::Tip { number })
                if number.saturating_add(1).saturating_sub(block.number) >= CONFIRMING_AT =>
            {
                self.state = State::Confirming { block };
                Some(Kind::PaymentConfirming)
            }
            (State::Detected { block } | State::Confirming { block }, Command::Ruled { ruling, finalized }) => {
                Some(self.ruled(block, &ruling, finalized, now))
            }
            (State::Rejected { block, finalized, .. }, Command::Ruled { ruling, .. }) if ruling.applied > 0 => {
                Some(self.ruled(block, &ruling, finalized, now))
            }
            (State::Succeeded { finalized: true, .. } | State::Rejected { finalized: true, .. }, Command::Orphaned) => {
                return Err(Refused::BelowFinality);
            }
            (
                State::Detected { block }
                | State::Confirming { block }
                | State::Succeeded { block, .. }
                | State::Rejected { block, .. },
                Command::Orphaned,
            ) => {
                self.state = State::Reversed { was: block, at: now };
                self.outcome = Some(Outcome::Reversed);
                (self.applied, self.value_micro) = (0, 0);
                Some(Kind::PaymentReversed)
            }
            (State::Succeeded { block, at, finalized: false }, Command::Finalized) => {
                self.state = State::Succeeded { block, at, finalized: true };
                None
            }
            (State::Rejected { block, at, finalized: false }, Command::Finalized) => {
                self.state = State::Rejected { block, at, finalized: true };
                None
            }
            _ => return Err(Refused::OldNews),
        };
        self.version = self.version.saturating_add(1);
        Ok(Step { payment: self, event })
    }

    fn ruled(&mut self, block: Inclusion, ruling: &Ruling, finalized: bool, now: Timestamp) -> Kind {
        self.outcome = Some(ruling.outcome);
        self.applied = ruling.applied;
        self.value_micro = ruling.value_micro;
        if ruling.applied > 0 {
            self.state = State::Succeeded { block, at: now, finalized };
            Kind::PaymentSucceeded
        } else {
            self.state = State::Rejected { block, at: now, finalized };
            Kind::PaymentRejected
        }
    }

    /// What is known of the transfer before it settles: why no option explains it.
    pub const fn wrong(&self) -> Option<Outcome> {
        match self.outcome {
            Some(known @ (Outcome::WrongAsset | Outcome::WrongNetwork | Outcome::Unmatched)) => Some(known),
            _ => None,
        }
    }
}

/// The id of a payment: the first 128 bits of SHA-256 over the length-prefixed (32 bits, big-endian) members "handsel/pay/1",
/// livemode, account, CAIP-2, transaction hash, position among the transaction's transfers, token, to and value. Neither the
/// block nor the block-wide log index is part of it, so a re-inclusion is the same payment.
pub fn identity(live: bool, account: AccountId, caip2: &str, transfer: &Transfer) -> PaymentId {
    let account = account.to_string();
    let position = transfer.tx_position.to_be_bytes();
    let members: [&[u8]; 9] = [
        b"handsel/pay/1",
        if live { b"live" } else { b"test" },
        account.as_bytes(),
        caip2.as_bytes(),
        &transfer.tx.0,
        &position,
        &transfer.token.0,
        &transfer.to.0,
        &transfer.value,
    ];
    let mut digest = Sha256::new();
    for member in members {
        // No member is longer than 4 GiB.
        digest.update(u32::try_from(member.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(member);
    }
    PaymentId::from_digest(&digest.finalize().into())
}
