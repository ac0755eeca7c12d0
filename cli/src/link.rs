//! `srudp link`: a UDP proxy that behaves like a bad network.
//!
//! ```text
//!  client ─▶ listen ─▶ Link up   ─▶ a socket for each client ─▶ to
//!  client ◀─ listen ◀─ Link down ◀─ a socket for each client ◀─ to
//! ```
//!
//! Both directions are one link each, shared by all clients as a real bottleneck would be. A rebind gives each client
//! a new socket toward the far side, and so a new source port: what a NAT does when it forgets a mapping.

mod args;
mod clients;
mod control;
mod options;
mod parse;
mod proxy;
mod report;
mod socket;

use std::sync::Arc;

pub(crate) use args::Args;
pub(crate) use control::Control;
pub(crate) use options::LinkOptions;
pub(crate) use proxy::run;
pub(crate) use report::LinkReport;

use crate::exit::{Code, Failure};
use crate::interrupt::on_interrupt;

impl Args {
    /// Runs the proxy until Ctrl-C or the end of `--duration`, then prints what became of the packets.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let options = self.options();
        let control = Arc::new(Control::default());
        let handle = Arc::clone(&control);
        on_interrupt(move || handle.stop())?;
        let ready = |listen| eprintln!("link {listen} -> {}", options.to);
        let report = run(&options, ready, &control)
            .map_err(|error| Failure::new(Code::Here, error.to_string()))?;
        print!("{report}");
        Ok(())
    }
}
