//! The check of an API key on its hot path: with the rows read from SQLite, and without them (form, checksum, mode and the
//! memory of verified keys), beside a bare HMAC-SHA256.

use crate::report::{Failure, Report, median};
use crate::scene::{CALLER, Scene, refused};
use handsel_core::signature::hmac_sha256;
use std::hint::black_box;
use std::time::Instant;

const SEED: u64 = 0x6861_6e64_7365_6c02;
const CALLS: usize = 20_000;
const CALLS_WITHOUT_ROW: usize = 200_000;
const GOAL_US: f64 = 50.0;
const GOAL_WITHOUT_ROW_US: f64 = 5.0;

/// Measures.
///
/// # Errors
/// When a valid key is refused.
pub(crate) fn run() -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let directory = tempfile::tempdir()?;
    runtime.block_on(async {
        let scene = Scene::new(directory.path(), SEED).await?;
        let mut report = Report::default();
        let row = scene.engine.authenticate(&scene.key, CALLER, None).await.map_err(refused)?.key;

        let (key, digest) = (scene.chance.bytes::<32>(), scene.chance.bytes::<32>());
        let floor = per_call(CALLS_WITHOUT_ROW, || {
            black_box(hmac_sha256(black_box(&key), &[&digest, row.verifier.as_bytes()]));
            Ok(())
        })?;
        let without = per_call(CALLS_WITHOUT_ROW, || {
            let known = scene.engine.recognises(black_box(&scene.key), &row).map_err(refused)?;
            if known { Ok(()) } else { Err(Failure::from("a verified key was not recognised")) }
        })?;
        let mut with = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let started = Instant::now();
            black_box(scene.engine.authenticate(&scene.key, CALLER, None).await.map_err(refused)?);
            with.push(started.elapsed().as_secs_f64() * 1e6);
        }
        report.tell("bare HMAC-SHA256, p50", format!("{floor:.2} us"));
        report.below("key check without the rows, p50", without, GOAL_WITHOUT_ROW_US, " us");
        report.tell("key check without the rows / HMAC-SHA256", format!("{:.1}", without / floor));
        report.below("key check with key and account from SQLite, p50", median(with), GOAL_US, " us");
        scene.store.writer.close().await;
        Ok(report)
    })
}

/// Median of what one call takes, in microseconds, over batches that are long enough for the clock.
fn per_call(calls: usize, mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    const BATCH: usize = 20;
    let mut found = Vec::with_capacity(calls / BATCH);
    for _ in 0..calls / BATCH {
        let started = Instant::now();
        for _ in 0..BATCH {
            call()?;
        }
        found.push(started.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    }
    Ok(median(found))
}
