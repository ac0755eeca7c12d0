//! The conversation with the runner, over standard input and output.

use std::io::{self, BufRead, Write};
use std::process;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use super::gate::Gate;
use super::meter::Meter;
use super::usage;
use crate::order::{GO, SAMPLE, Sample, Say};

/// Tells the runner. A runner that is gone needs no telling.
pub(super) fn say(what: &Say) {
    if let Ok(line) = serde_json::to_string(what) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// Listens to the runner in a thread of its own, and ends the process when the runner has nothing more to say.
pub(super) fn start(meter: Arc<Meter>) -> Gate {
    let (go, gone) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match line.as_str() {
                GO => drop(go.send(())),
                SAMPLE => say(&Say::Sample(sample(&meter))),
                _ => say(&Say::Failed(format!("what is {line:?}?"))),
            }
        }
        process::exit(0);
    });
    Gate::new(gone)
}

fn sample(meter: &Meter) -> Sample {
    Sample {
        cpu_seconds: usage::cpu_seconds(),
        resident_kb: usage::resident_kb(),
        peak_kb: usage::peak_kb(),
        received: meter.received(),
    }
}
