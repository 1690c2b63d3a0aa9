//! A process that pays, mines and reorganises is killed in the middle, again and again on one directory: whatever it had
//! been answered is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use handsel_sandbox::{Chain, Order, Reorg, TOKENS, Transfer, parse_hex};

use crate::support::{SHOP, hex};

const DIRECTORY: &str = "HANDSEL_SANDBOX_TEST_DIRECTORY";
const ROUNDS: usize = 5;
const PAYMENTS_PER_ROUND: usize = 40;

/// Tells each transaction on its standard output after it was answered; never returns.
fn pay_for_ever(directory: &Path) -> ! {
    let chain = Chain::open(directory, [7; 32], 1_000).unwrap();
    let mut out = std::io::stdout();
    for amount in 1_u128.. {
        let transfer = Transfer { token: TOKENS[0].address, from: [9; 20], to: SHOP, amount };
        let hash = chain.broadcast(Order::transfer(transfer)).unwrap();
        writeln!(out, "paid {}", hex(&hash)).unwrap();
        out.flush().unwrap();
        if amount % 3 == 0 {
            chain.mine(1, 1_000).unwrap();
        }
        if amount % 7 == 0 {
            chain.reorg(&Reorg { depth: 1, ..Reorg::default() }, 1_000).unwrap();
        }
    }
    unreachable!("amounts don't run out")
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        pay_for_ever(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut answered = Vec::new();
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_kill_loses_nothing_that_was_answered", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let paid = lines.filter_map(|line| line.split_once("paid ").and_then(|(_, hash)| parse_hex::<32>(hash)));
        answered.extend(paid.take(PAYMENTS_PER_ROUND));
        child.kill().unwrap();
        child.wait().unwrap();
        let chain = Chain::open(directory.path(), [8; 32], 2_000).unwrap();
        for hash in &answered {
            assert!(chain.block_of(hash).is_some() || chain.is_pending(hash), "{} is lost", hex(hash));
        }
    }
    assert_eq!(answered.len(), ROUNDS * PAYMENTS_PER_ROUND);
}
