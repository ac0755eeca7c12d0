//! `srudp connect`: dials, and pipes.

use srudp::{ApplicationCode, Endpoint};

use super::PROTOCOL;
use super::conversation::{Conversation, Part};
use super::input::Input;
use crate::exit::Failure;
use crate::options::{Local, Target};
use crate::path;

/// Connect stdin and stdout to a peer that runs `srudp listen`.
///
/// The end of stdin ends this side's direction; what the peer sends is read until its end. Ends with code 0 only if the peer
/// has acknowledged everything and finished cleanly. When the peer closes, connect ends, even if stdin goes on. A terminal
/// as stdin is read only if stdout is one too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tar c photos | srudp connect kbq2…@192.0.2.7:41000
  srudp connect kbq2…@[2001:db8::7]:41000 < question > answer")]
pub(crate) struct Args {
    /// The peer's id and UDP address, as listen prints them; the host may be a name
    #[arg(value_name = "PEER_ID@HOST:PORT")]
    target: Target,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let builder =
            Endpoint::builder().application_protocol(PROTOCOL).transport(self.local.transport());
        let (endpoint, connection) = self.local.dial(builder, &self.target)?;
        if self.local.verbose {
            eprintln!("srudp: connected; {}", path::describe(&connection));
        }
        let input = Input::stdin();
        let result = Conversation::new(&connection, &input, self.local.verbose).run(Part::Dialler);
        endpoint.close(ApplicationCode::ZERO, b"");
        result
    }
}
