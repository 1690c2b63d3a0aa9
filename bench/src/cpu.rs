//! What a piece of work costs: processor time of this thread, and memory of a process. Processor time, because other programs
//! on the same cores must not change a ratio.

use crate::report::Failure;
use std::time::Duration;

/// Processor time of the calling thread so far.
pub(crate) fn of_this_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Seconds of processor time that `work` takes on this thread.
pub(crate) fn seconds_of(work: impl FnOnce()) -> f64 {
    let before = of_this_thread();
    work();
    of_this_thread().saturating_sub(before).as_secs_f64()
}

/// Resident memory of a process in MiB; `self` is this one.
pub(crate) fn resident_mib(process: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
