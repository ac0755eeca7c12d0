//! A child process: one end of one measurement.
//!
//! ```text
//!   runner ── order (an argument) ──▶ child
//!          ◀── Listening / Ready ────
//!          ── "sample", "go" ───────▶ control thread, gate
//!          ◀── Sample / Done / Failed
//!          ── end of input ─────────▶ the process ends
//! ```

mod control;
mod gate;
mod meter;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
pub(crate) use gate::{Gate, Never};
pub(crate) use meter::{Counter, Meter};

use crate::order::{Order, Say};
use crate::stacks;

/// Runs until the runner closes the standard input.
pub(crate) fn run(order: &str) -> ExitCode {
    let Err(error) = obey(order);
    control::say(&Say::Failed(format!("{error:#}")));
    ExitCode::FAILURE
}

fn obey(order: &str) -> Result<Never> {
    let order: Order = serde_json::from_str(order).context("an order that makes no sense")?;
    usage::prepare(order.core)?;
    let stack = stacks::by_name(&order.stack)
        .with_context(|| format!("this program was built without {}", order.stack))?;
    let meter = Arc::new(Meter::default());
    let gate = control::start(Arc::clone(&meter));
    match &order.target {
        Some(target) => stack.run(&order.setup, order.job, target, &gate),
        None => {
            let target = stack.serve(&order.setup, order.job, meter)?;
            control::say(&Say::Listening(target));
            gate::wait_forever()
        }
    }
}
