//! Changes of checkout creation through `Writer::commit`, many at once against one after the other, on the disk as it is and on
//! one where each sync costs 2 ms. Each loop runs in a process of its own, so that the slow disk is slow for it alone.

use crate::changes::Template;
use crate::report::{Failure, Report};
use crate::scene::Scene;
use crate::shim::Shim;
use handsel_core::change::Change;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const SEED: u64 = 0x6861_6e64_7365_6c01;
pub(crate) const CONCURRENCY: usize = 64;
const GOAL: f64 = 10.0;
/// How many Changes each loop commits.
const ONE_AT_A_TIME: usize = 1_000;
const MANY_AT_ONCE: usize = 24_000;
/// Syncs of the slow disk take at least so long, or it is not slow.
const SLOW_SYNC_SECONDS: f64 = 0.002;

/// What one loop found, as its process tells it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Loop {
    pub(crate) per_second: f64,
    sync_seconds: f64,
    deliveries: u64,
}

/// Measures.
///
/// # Errors
/// When a loop fails.
pub(crate) fn run() -> Result<Report, Failure> {
    let directory = tempfile::tempdir()?;
    let shim = Shim::compile(directory.path())?;
    let mut report = Report::default();
    let plain_one = measure(None, 1, ONE_AT_A_TIME)?;
    let plain_many = measure(None, CONCURRENCY, MANY_AT_ONCE)?;
    let slow_one = measure(Some(&shim), 1, ONE_AT_A_TIME)?;
    let syncs = shim.count()?;
    let slow_many = measure(Some(&shim), CONCURRENCY, MANY_AT_ONCE)?;
    report.tell("disk as it is, one Change per commit", rate(plain_one));
    report.tell("disk as it is, 64 at once", rate(plain_many));
    report.tell("disk as it is, ratio", format!("{:.1}", plain_many.per_second / plain_one.per_second));
    report.tell("2 ms per sync, one Change per commit", rate(slow_one));
    report.tell("2 ms per sync, 64 at once", rate(slow_many));
    // With synchronous=FULL each commit syncs before it is answered; a weaker setting would show here.
    report.at_least("2 ms per sync, syncs per commit", syncs as f64 / ONE_AT_A_TIME as f64, 1.0, "");
    report.at_least("2 ms per sync, 64 at once / one", slow_many.per_second / slow_one.per_second, GOAL, "");
    Ok(report)
}

fn rate(of: Loop) -> String {
    format!("{:.0} Changes/s", of.per_second)
}

/// Runs one loop in a process of its own.
///
/// # Errors
/// When it fails, or the slow disk is not slow.
pub(crate) fn measure(shim: Option<&Shim>, concurrency: usize, changes: usize) -> Result<Loop, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["commit-loop", &concurrency.to_string(), &changes.to_string()]).stderr(Stdio::inherit());
    if let Some(shim) = shim {
        shim.slow(&mut command);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(Failure::from("a loop of commits failed"));
    }
    let found: Loop = serde_json::from_slice(&output.stdout)?;
    if shim.is_some() && found.sync_seconds < SLOW_SYNC_SECONDS {
        return Err(Failure::from("the slow disk is not slow: LD_PRELOAD has no effect here"));
    }
    if found.deliveries != changes as u64 {
        return Err(Failure::from("not every Change made its delivery"));
    }
    Ok(found)
}

/// `commit-loop <concurrency> <changes>`: the loop itself, told as JSON.
///
/// # Errors
/// When a commit fails.
pub(crate) fn run_loop(arguments: &[String]) -> Result<String, Failure> {
    let mut numbers = arguments.iter().map(|text| text.parse::<usize>());
    let concurrency = numbers.next().ok_or("commit-loop <concurrency> <changes>")??;
    let changes = numbers.next().ok_or("commit-loop <concurrency> <changes>")??;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let directory = tempfile::tempdir()?;
    let found = runtime.block_on(committed(directory.path(), concurrency.max(1), changes))?;
    Ok(serde_json::to_string(&found)?)
}

async fn committed(directory: &Path, concurrency: usize, changes: usize) -> Result<Loop, Failure> {
    let sync_seconds = sync_seconds(directory)?;
    let scene = Arc::new(Scene::new(directory, SEED).await?);
    let template = Template::of(&scene).await?;
    // Made before the time is taken: only the commits count.
    let mut shares: Vec<Vec<Change>> = std::iter::repeat_with(Vec::new).take(concurrency).collect();
    for at in 0..changes {
        let share = shares.get_mut(at % concurrency).ok_or("no share")?;
        share.push(template.change(&scene));
    }
    let started = Instant::now();
    let mut tasks = Vec::with_capacity(concurrency);
    for share in shares {
        let writer = scene.store.writer.clone();
        tasks.push(tokio::spawn(async move {
            let mut deliveries = 0;
            for change in share {
                deliveries += u64::from(writer.commit(change).await?.deliveries);
            }
            Ok::<u64, handsel_core::change::CommitError>(deliveries)
        }));
    }
    let mut deliveries = 0;
    for task in tasks {
        deliveries += task.await??;
    }
    let per_second = changes as f64 / started.elapsed().as_secs_f64();
    scene.store.writer.close().await;
    Ok(Loop { per_second, sync_seconds, deliveries })
}

/// What one sync costs here.
fn sync_seconds(directory: &Path) -> Result<f64, Failure> {
    let file = File::create(directory.join("sync"))?;
    let started = Instant::now();
    file.sync_data()?;
    Ok(started.elapsed().as_secs_f64())
}
