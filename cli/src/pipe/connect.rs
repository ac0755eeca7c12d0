//! `srudp connect`: dials, and pipes.

use srudp::{ApplicationCode, Endpoint};

use super::PROTOCOL;
use super::conversation::{Conversation, Part};
use super::input::Input;
use crate::exit::Failure;
use crate::meeting::Approach;
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
  srudp connect kbq2…@[2001:db8::7]:41000 < question > answer
  srudp connect --stun stun.example.net:3478 srudp:aeah…      a ticket, from behind a NAT

With a ticket, as listen prints it, its addresses are dialled. If none answers, connect prints
`ticket TICKET`, one of its own: give it to the listener, on its terminal or in its --meet file.
Both then look for a way through the NATs, for five minutes.")]
pub(crate) struct Args {
    /// The peer's id and UDP address, as listen prints them, where the host may be a name; or its ticket
    #[arg(value_name = "PEER_ID@HOST:PORT|TICKET")]
    target: Target,

    #[command(flatten)]
    approach: Approach,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let builder =
            Endpoint::builder().application_protocol(PROTOCOL).transport(self.local.transport());
        let builder = self.approach.servers().tell(builder)?;
        let endpoint = self.local.endpoint_for(builder, &self.target)?;
        let connection = self.local.reach(&endpoint, &self.target, &self.approach)?;
        if self.local.verbose {
            eprintln!("srudp: connected; {}", path::describe(&connection));
        }
        let input = Input::stdin();
        let result = Conversation::new(&connection, &input, self.local.verbose).run(Part::Dialler);
        endpoint.close(ApplicationCode::ZERO, b"");
        result
    }
}
