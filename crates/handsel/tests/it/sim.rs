//! The simulator: whole lives of the program against chains, nodes, disks, receivers and clients that fail, in one thread, on a clock
//! and chance of its own, so that a seed gives the same run again. What is simulated is only what lies outside: nodes answer the
//! sandbox's JSON-RPC text, so that decoder, proof, quorum, watcher, matcher, engine and store are the program's own.
//!
//! * `HANDSEL_SEEDS=5000 cargo test -p handsel --test it sim::honest`: so many seeds without a planted bug (100 without the variable);
//! * `HANDSEL_SEED=17 cargo test -p handsel --test it sim::honest`: this one;
//! * `HANDSEL_BUGS=all cargo test --release -p handsel --test it sim::planted -- --nocapture`: searches each bug of `sim/BUGS.md` from
//!   seed 0 to 999 and says how many seeds it took (`HANDSEL_BUGS=12` or a name: that one). Without it, each bug is shown with the
//!   seed that is known to find it.

mod bugs;
mod check;
mod gate;
mod hooks;
mod life;
mod nodes;
mod script;
mod settle;
mod shop;
mod template;
mod told;
mod world;

const SEEDS: u64 = 100;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a whole number")))
}

#[test]
fn honest_seeds_hold() {
    let seeds = match number("HANDSEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HANDSEL_SEEDS").unwrap_or(SEEDS),
    };
    let mut failed = Vec::new();
    for seed in seeds {
        if let Err(problems) = life::play(seed) {
            let problems: Vec<&str> = problems.iter().take(5).map(String::as_str).collect();
            failed.push(format!(
                "seed {seed}: {}\n  again: HANDSEL_SEED={seed} cargo test -p handsel --test it sim::honest",
                problems.join("\n  ")
            ));
        }
    }
    assert!(failed.is_empty(), "{} seeds failed\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_seed_is_the_same_run_again() {
    for seed in [3, 17, 40, 63] {
        let (first, second) = (life::play(seed).unwrap(), life::play(seed).unwrap());
        assert_eq!(first, second, "seed {seed}");
    }
    assert_ne!(life::play(3), life::play(17));
}
