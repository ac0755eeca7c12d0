//! Gives a machine of `srudp::nat` sockets and time.

use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::{Discovery, LifetimeProbe, SocketId, Transmit};
use srudp::proto::Instant;

use crate::exit::Failure;
use crate::sockets::Sockets;

/// What the two machines have in common.
pub(super) trait Machine {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &[u8]);
    fn tick(&mut self, now: Instant);
    fn transmit(&mut self) -> Option<Transmit>;
    fn timeout(&self) -> Option<Instant>;
}

impl Machine for Discovery {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        self.handle_datagram(now, socket, from, datagram);
    }

    fn tick(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }

    fn timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }
}

impl Machine for LifetimeProbe {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        self.handle_datagram(now, socket, from, datagram);
    }

    fn tick(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }

    fn timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }
}

/// Runs it to its end.
pub(super) fn run<M: Machine>(
    sockets: &mut Sockets,
    machine: &mut M,
    mut look: impl FnMut(&mut M),
) -> Result<(), Failure> {
    loop {
        look(machine);
        while let Some(transmit) = machine.transmit() {
            let socket = usize::from(transmit.socket.number());
            sockets.send(socket, transmit.destination, &transmit.payload);
        }
        let Some(until) = machine.timeout() else { return Ok(()) };
        let until = Duration::from_nanos(until.as_nanos());
        let waited = sockets.wait(Some(until), |sockets, datagram| {
            let number = SocketId::new(u16::try_from(datagram.socket).unwrap_or(u16::MAX));
            let now = Instant::ZERO + sockets.now();
            machine.receive(now, number, datagram.from, datagram.payload);
        });
        waited.map_err(|error| Failure::of("cannot wait for datagrams", error))?;
        machine.tick(Instant::ZERO + sockets.now());
    }
}
