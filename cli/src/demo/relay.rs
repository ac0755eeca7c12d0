//! The bad link with a NAT box at its near end: `srudp link` in a thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use srudp_links::LinkConfig;

use crate::link::{self, Control, LinkOptions, LinkReport};

/// The running relay; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    control: Arc<Control>,
    thread: Option<JoinHandle<io::Result<LinkReport>>>,
}

impl Relay {
    /// Starts a relay to the server; both directions are as bad as `config` says.
    pub(super) fn start(server: SocketAddr, config: LinkConfig, seed: u64) -> io::Result<Self> {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let options = LinkOptions { seed, ..LinkOptions::new(listen, server, config) };
        let control = Arc::new(Control::default());
        let steered = Arc::clone(&control);
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            // Whoever asked is still there: it waits.
            let ready = move |address| {
                // Whoever asked is still there: it waits.
                let _ = tell.send(address);
            };
            link::run(&options, ready, &steered)
        });
        match told.recv() {
            Ok(address) => Ok(Self { address, control, thread: Some(thread) }),
            Err(_) => {
                Err(end(thread).err().unwrap_or_else(|| io::Error::other("it ended at once")))
            }
        }
    }

    /// The address to dial instead of the server's.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The NAT box forgets its mapping: soon the server sees another address, and what it sends to the old one is lost.
    pub(super) fn rebind(&self) {
        self.control.rebind();
    }

    /// Ends it, and says what became of the packets.
    pub(super) fn stop(mut self) -> io::Result<LinkReport> {
        self.control.stop();
        self.thread.take().map_or_else(|| Ok(LinkReport::default()), end)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take() {
            // Nobody is left who wants to know.
            let _ = end(thread);
        }
    }
}

fn end(thread: JoinHandle<io::Result<LinkReport>>) -> io::Result<LinkReport> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread panicked")))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    #[test]
    fn packets_pass_both_ways_and_the_report_counts_them() {
        let (client, server) = (socket(), socket());
        let server_address = server.local_addr().unwrap();
        let relay = Relay::start(server_address, LinkConfig::default(), 1).unwrap();
        client.send_to(b"ping", relay.address()).unwrap();
        let mut buffer = [0; 16];
        let (length, seen) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"ping");
        server.send_to(b"pong", seen).unwrap();
        assert_eq!(client.recv_from(&mut buffer).unwrap(), (4, relay.address()));
        let report = relay.stop().unwrap();
        assert_eq!((report.up.delivered, report.down.delivered), (1, 1));
    }
}
