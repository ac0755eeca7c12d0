//! Ctrl-C, and the signals that ask a program to end.

use crate::exit::{Code, Failure};

/// Calls `stop` when the user asks the program to end. At most once in a run of the program.
pub(crate) fn on_interrupt(stop: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(stop)
        .map_err(|error| Failure::new(Code::Here, format!("cannot listen for Ctrl-C: {error}")))
}
