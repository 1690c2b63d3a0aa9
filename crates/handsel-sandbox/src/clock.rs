//! The one clock of a test server: the wall's time plus an offset that only grows. Whoever waits for a point in time is
//! woken when the clock is moved past it. The offset is on the disk before a move is answered.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handsel_core::port::{BoxFuture, Clock};
use handsel_core::time::Timestamp;
use tokio::sync::watch;

use crate::limits;

const NAME: &str = "clock.offset";
const NEXT_NAME: &str = "clock.offset.next";
/// Longest single wait on the wall clock: a computer that slept or was set anew is noticed after this time.
const NAP: Duration = Duration::from_secs(60);

/// Why the clock was not moved, or could not be opened.
#[derive(Debug)]
pub enum ClockError {
    /// The disk refused.
    Io(io::Error),
    /// The file holds something other than a number.
    Corrupt,
    /// The clock only moves forward; it stands at this time.
    Backwards {
        /// The time now.
        now: Timestamp,
    },
    /// Further than `CLOCK_ADVANCE_SECONDS` in one move or than `CLOCK_LATEST_UNIX_SECONDS` in all.
    TooFar,
}

impl std::fmt::Display for ClockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the sandbox clock: {error}; check the data directory's space and rights"),
            Self::Corrupt => {
                f.write_str("the sandbox clock's file is damaged; remove it to go back to the wall's time")
            }
            Self::Backwards { now } => {
                write!(f, "the sandbox clock only moves forward; give a time after {}", now.seconds())
            }
            Self::TooFar => write!(
                f,
                "move the sandbox clock by at most {} seconds and not beyond {}",
                limits::CLOCK_ADVANCE_SECONDS,
                limits::CLOCK_LATEST_UNIX_SECONDS
            ),
        }
    }
}

impl std::error::Error for ClockError {}

impl From<io::Error> for ClockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The clock of a test server.
#[derive(Debug)]
pub struct SandboxClock {
    system: Arc<dyn Clock>,
    directory: PathBuf,
    offset_millis: watch::Sender<i64>,
    moving: Mutex<()>,
}

impl SandboxClock {
    /// Opens the clock of a directory over the system's clock. Blocking: reads the disk.
    pub fn open(directory: &Path, system: Arc<dyn Clock>) -> Result<Self, ClockError> {
        fs::create_dir_all(directory)?;
        let offset = match fs::read_to_string(directory.join(NAME)) {
            Ok(text) => text.trim().parse::<i64>().ok().filter(|offset| *offset >= 0).ok_or(ClockError::Corrupt)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        };
        let (offset_millis, _) = watch::channel(offset);
        Ok(Self { system, directory: directory.to_owned(), offset_millis, moving: Mutex::new(()) })
    }

    /// Moves forward by so many seconds; gives the new time. Blocking: writes the disk.
    pub fn advance(&self, seconds: u64) -> Result<Timestamp, ClockError> {
        self.shift(|_| Ok(Duration::from_secs(seconds)))
    }

    /// Moves forward to a point in time; gives the new time. Blocking: writes the disk.
    pub fn set(&self, to: Timestamp) -> Result<Timestamp, ClockError> {
        self.shift(|now| if to < now { Err(ClockError::Backwards { now }) } else { Ok(to.since(now)) })
    }

    fn shift(&self, by: impl FnOnce(Timestamp) -> Result<Duration, ClockError>) -> Result<Timestamp, ClockError> {
        let _turn = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let span = by(now)?;
        let latest = i64::try_from(limits::CLOCK_LATEST_UNIX_SECONDS).unwrap_or(i64::MAX);
        if span > Duration::from_secs(limits::CLOCK_ADVANCE_SECONDS) || now.plus(span) > Timestamp::from_seconds(latest)
        {
            return Err(ClockError::TooFar);
        }
        let offset = Timestamp::from_millis(*self.offset_millis.borrow()).plus(span).millis();
        self.persist(offset)?;
        self.offset_millis.send_replace(offset);
        Ok(self.now())
    }

    fn persist(&self, offset_millis: i64) -> io::Result<()> {
        let next = self.directory.join(NEXT_NAME);
        let mut file = File::create(&next)?;
        file.write_all(offset_millis.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, self.directory.join(NAME))?;
        File::open(&self.directory)?.sync_all()
    }

    /// The chain's view of `now()`: whole seconds since the epoch.
    pub(crate) fn unix_seconds(&self) -> u64 {
        u64::try_from(self.now().seconds()).unwrap_or(0)
    }

    /// Ends after so much real time, whatever happens to the clock.
    pub(crate) async fn real_pause(&self, span: Duration) {
        self.system.sleep_until(self.system.now().plus(span)).await;
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        let offset = u64::try_from(*self.offset_millis.borrow()).unwrap_or(0);
        self.system.now().plus(Duration::from_millis(offset))
    }

    fn wall(&self) -> Timestamp {
        self.system.wall()
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        let mut moved = self.offset_millis.subscribe();
        Box::pin(async move {
            loop {
                let left = until.since(self.now());
                if left.is_zero() {
                    return;
                }
                let nap_end = self.system.now().plus(left.min(NAP));
                tokio::select! {
                    () = self.system.sleep_until(nap_end) => {}
                    // The sender lives in `self`, so this can't end for want of a sender.
                    _ = moved.changed() => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::StillClock;

    fn clock(directory: &Path) -> SandboxClock {
        SandboxClock::open(directory, Arc::new(StillClock(Timestamp::from_seconds(1_000)))).unwrap()
    }

    #[test]
    fn moves_add_up_and_survive_a_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let first = clock(directory.path());
        assert_eq!(first.advance(10).unwrap(), Timestamp::from_seconds(1_010));
        assert_eq!(first.set(Timestamp::from_seconds(2_000)).unwrap(), Timestamp::from_seconds(2_000));
        assert_eq!(first.wall(), Timestamp::from_seconds(1_000), "signatures follow the wall");
        drop(first);
        assert_eq!(clock(directory.path()).now(), Timestamp::from_seconds(2_000));
    }

    #[test]
    fn it_never_moves_backwards_or_absurdly_far() {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock(directory.path());
        assert!(matches!(clock.set(Timestamp::from_seconds(999)), Err(ClockError::Backwards { .. })));
        assert!(matches!(clock.advance(u64::MAX), Err(ClockError::TooFar)));
        assert!(matches!(clock.set(Timestamp::MAX), Err(ClockError::TooFar)));
        assert_eq!(clock.now(), Timestamp::from_seconds(1_000));
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        for nonsense in ["", "-5", "soon"] {
            fs::write(directory.path().join(NAME), nonsense).unwrap();
            let opened = SandboxClock::open(directory.path(), Arc::new(StillClock(Timestamp::EPOCH)));
            assert!(matches!(opened, Err(ClockError::Corrupt)));
        }
    }

    #[tokio::test]
    async fn a_move_wakes_those_who_wait_for_a_time_before_it_and_no_others() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(clock(directory.path()));
        let sleeper = |seconds| {
            let clock = Arc::clone(&clock);
            tokio::spawn(async move { clock.sleep_until(Timestamp::from_seconds(seconds)).await })
        };
        let (soon, late) = (sleeper(1_100), sleeper(9_000));
        tokio::task::yield_now().await;
        clock.advance(100).unwrap();
        soon.await.unwrap();
        assert!(!late.is_finished());
        clock.advance(7_900).unwrap();
        late.await.unwrap();
        clock.sleep_until(Timestamp::from_seconds(5)).await;
    }
}
