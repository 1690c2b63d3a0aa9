//! How long each phase took. The one place that reads a clock, and only to measure and to bound.

use core::time::Duration;

use handsel_core::delivery::Timing;
use tokio::time::Instant;

use super::error::Phase;

/// The measurements of one exchange, filled while it runs so that they survive a time limit.
#[derive(Debug)]
pub(super) struct Trace {
    started: Instant,
    phase_started: Instant,
    pub(super) phase: Phase,
    timing: Timing,
}

impl Trace {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, phase_started: now, phase: Phase::Dns, timing: Timing::default() }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_started = Instant::now();
    }

    /// Ends the current phase and notes its time.
    pub(super) fn done(&mut self) {
        let took = Some(millis(self.phase_started.elapsed()));
        match self.phase {
            Phase::Dns => self.timing.dns_ms = took,
            Phase::Connect => self.timing.connect_ms = took,
            Phase::Tls => self.timing.tls_ms = took,
            Phase::FirstByte => self.timing.first_byte_ms = took,
            Phase::Body => {}
        }
    }

    pub(super) fn finish(mut self) -> Timing {
        self.timing.total_ms = millis(self.started.elapsed());
        self.timing
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
