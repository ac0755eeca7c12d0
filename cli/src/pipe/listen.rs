//! `srudp listen`: waits for diallers, and pipes, one connection after another.

use srudp::{ApplicationCode, Connection, Endpoint, PeerId};

use super::PROTOCOL;
use super::conversation::{Conversation, Part};
use super::input::Input;
use crate::exit::Failure;
use crate::meeting::{AfterBreak, Door, Invitation};
use crate::options::Local;
use crate::path;

/// Wait for a peer that runs `srudp connect`, and connect stdin and stdout to it.
///
/// Prints `listening ADDRESS PEER_ID` on stderr; a dialler needs both, with the address under which it reaches this machine.
/// Connections are served one after another. A terminal as stdin is read only if stdout is one too; without --once, what a
/// connection does not take of stdin is left to the next one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp listen --bind 0.0.0.0:41000 --once > photos.tar
  srudp listen --allow kbq2… --allow 7ydx…      only these two may connect
  srudp listen --once --stun stun.example.net:3478 > photos.tar      from behind a NAT

From behind a NAT, where nobody can dial this side:
  1. listen --stun HOST:PORT prints `ticket TICKET`, good for ten minutes; give it to the peer.
  2. The peer runs srudp connect --stun HOST:PORT TICKET. If the router gave this side a port, or
     both are in one network, they are connected now.
  3. Otherwise connect prints a ticket of its own. Paste it into listen's terminal, or write it to
     the file of --meet: both then look for a way through the NATs.")]
pub(crate) struct Args {
    /// Let only this peer connect; may be given several times [default: everybody]
    #[arg(long, value_name = "PEER_ID")]
    allow: Vec<PeerId>,

    /// Serve one connection; the exit code tells how it ended
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    invitation: Invitation,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let endpoint = self.local.invite(self.builder(), &self.invitation)?;
        eprintln!("listening {} {}", endpoint.local_addr(), endpoint.peer_id());
        let verbose = self.local.verbose;
        let door = Door::open(&endpoint, &self.invitation, AfterBreak::Nothing, verbose)?;
        let input = Input::stdin();
        loop {
            let connection =
                door.accept().map_err(|error| Failure::of("cannot take connections", error))?;
            let result = self.serve(&connection, &input);
            if self.once {
                endpoint.close(ApplicationCode::ZERO, b"");
                return result;
            }
            if let Err(failure) = result {
                // Without a reader of stdout, the next connection would fail as this one did.
                if failure.is_quiet() {
                    return Err(failure);
                }
                failure.print();
            }
        }
    }

    fn builder(&self) -> srudp::EndpointBuilder {
        let builder =
            Endpoint::builder().application_protocol(PROTOCOL).transport(self.local.transport());
        if self.allow.is_empty() { builder } else { builder.allow(self.allow.iter().copied()) }
    }

    fn serve(&self, connection: &Connection, input: &Input) -> Result<(), Failure> {
        if self.local.verbose {
            eprintln!("srudp: {} connected; {}", connection.peer_id(), path::describe(connection));
        }
        Conversation::new(connection, input, self.local.verbose).run(Part::Listener)
    }
}
