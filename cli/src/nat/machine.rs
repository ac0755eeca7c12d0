//! Gives a machine of `srudp::nat` sockets and time.

use std::time::Duration;

use srudp::nat::{Machine, SocketId};
use srudp::proto::Instant;

use crate::exit::Failure;
use crate::sockets::Sockets;

/// Runs it to its end.
pub(super) fn run<M: Machine>(
    sockets: &mut Sockets,
    machine: &mut M,
    mut look: impl FnMut(&mut M),
) -> Result<(), Failure> {
    loop {
        look(machine);
        while let Some(transmit) = machine.poll_transmit() {
            let socket = usize::from(transmit.socket.number());
            sockets.send(socket, transmit.destination, &transmit.payload);
        }
        let Some(until) = machine.poll_timeout() else { return Ok(()) };
        let until = Duration::from_nanos(until.as_nanos());
        let waited = sockets.wait(Some(until), |sockets, datagram| {
            let number = SocketId::new(u16::try_from(datagram.socket).unwrap_or(u16::MAX));
            let now = Instant::ZERO + sockets.now();
            machine.handle_datagram(now, number, datagram.from, datagram.payload);
        });
        waited.map_err(|error| Failure::of("cannot wait for datagrams", error))?;
        machine.handle_timeout(Instant::ZERO + sockets.now());
    }
}
