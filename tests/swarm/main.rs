//! Random endpoints do random things over random bad networks, and what must hold always holds.
//!
//! ```text
//!  seed ─▶ options ─▶ chaos: applications act, faults come and go ─▶ quiet: a good network, everything must finish
//!                                                                      │
//!                                   everybody leaves, nothing stays ◀──┘
//! ```
//!
//! A failing seed prints the line that replays it. `SRUDP_SEEDS` sets how many seeds run, `SRUDP_SEED` runs one alone and
//! tells what happens in it.

mod application;
mod endings;
mod faults;
mod figures;
mod options;
mod truth;
mod world;

#[path = "../sim/mod.rs"]
mod sim;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use world::{Outcome, World};

/// Seeds that run at once.
const THREADS: usize = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(seed: u64) -> Outcome {
    World::new(seed).run()
}

/// What came of all of them, and the seeds that failed.
fn run_all(seeds: Range<u64>, talkative: bool) -> (Outcome, Vec<u64>) {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let (mut total, mut failed) = (Outcome::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return (total, failed);
            }
            match catch_unwind(AssertUnwindSafe(|| World::new(seed).talkative(talkative).run())) {
                Ok(outcome) => total.add(&outcome),
                Err(_) => {
                    eprintln!("replay with: SRUDP_SEED={seed} cargo test --test swarm promises");
                    failed.push(seed);
                }
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let mut sum = (Outcome::default(), Vec::new());
        for worker in workers {
            let (total, failed) = worker.join().unwrap();
            sum.0.add(&total);
            sum.1.extend(failed);
        }
        sum
    })
}

#[test]
fn whatever_happens_the_promises_hold() {
    let alone = number("SRUDP_SEED");
    let seeds = match alone {
        Some(seed) => seed..seed + 1,
        None => 0..number("SRUDP_SEEDS").unwrap_or(100),
    };
    let (total, failed) = run_all(seeds, alone.is_some());
    println!("{total:?}");
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3] {
        assert_eq!(run(seed).trace, run(seed).trace, "seed {seed}");
    }
    assert_ne!(run(1).trace, run(2).trace);
}
