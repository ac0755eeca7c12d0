//! A bad link with a NAT box at its near end, between two UDP sockets of this machine.
//!
//! ```text
//!            near socket                                far socket, exchanged by `rebind`
//!  client ◀──────────────▶ Link up ═══▶   ═══▶ server sees the far socket's address
//!                          Link down ◀═══   ◀═══
//! ```
//!
//! One thread reads each socket, one delivers what each direction's model lets through.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use srudp_links::{Link, LinkConfig, Packet};

use crate::clock;

/// How soon a reading thread notices that its socket was exchanged or the relay is dropped.
const GLANCE: Duration = Duration::from_millis(10);

/// No UDP datagram is larger.
const DATAGRAM_MAX: usize = 65_535;

/// The running relay; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    inside: Arc<Inside>,
    threads: Vec<JoinHandle<()>>,
}

/// What became of the packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) lost: u64,
}

#[derive(Debug)]
struct Inside {
    begin: Instant,
    near: UdpSocket,
    far: RwLock<Arc<UdpSocket>>,
    server: SocketAddr,
    /// Where the client was heard last.
    client: Mutex<SocketAddr>,
    up: Wire,
    down: Wire,
    is_over: AtomicBool,
}

/// One direction.
#[derive(Debug)]
struct Wire {
    link: Mutex<Link>,
    filled: Condvar,
}

impl Relay {
    /// Starts a relay to the server; both directions are as bad as `config` says.
    pub(super) fn start(server: SocketAddr, config: &LinkConfig, seed: u64) -> io::Result<Self> {
        let inside = Arc::new(Inside {
            begin: clock::now(),
            near: socket()?,
            far: RwLock::new(Arc::new(socket()?)),
            server,
            client: Mutex::new((Ipv4Addr::LOCALHOST, 0).into()),
            up: Wire::new(config, seed),
            down: Wire::new(config, seed.wrapping_add(1)),
            is_over: AtomicBool::new(false),
        });
        let jobs = [Inside::read_near, Inside::read_far, Inside::deliver_up, Inside::deliver_down];
        let threads = jobs
            .into_iter()
            .map(|job| {
                let inside = Arc::clone(&inside);
                thread::spawn(move || job(&inside))
            })
            .collect();
        Ok(Self { inside, threads })
    }

    /// The address to dial instead of the server's.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.inside.near.local_addr()
    }

    /// The NAT box forgets its mapping: from now on the server sees another address, and what it sends to the old one is lost.
    pub(super) fn rebind(&self) -> io::Result<()> {
        let fresh = Arc::new(socket()?);
        *self.inside.far.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Both directions together.
    pub(super) fn tally(&self) -> Tally {
        let (up, down) = (self.inside.up.lock().stats(), self.inside.down.lock().stats());
        Tally { sent: up.sent + down.sent, lost: up.lost + down.lost }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.inside.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It has nothing to say, even if it panicked.
            let _ = thread.join();
        }
    }
}

impl Inside {
    fn read_near(&self) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        while self.is_running() {
            if let Ok((length, from)) = self.near.recv_from(&mut buffer) {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = from;
                self.carry(&self.up, from, buffer.get(..length));
            }
        }
    }

    fn read_far(&self) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        while self.is_running() {
            if let Ok((length, from)) = self.far().recv_from(&mut buffer) {
                self.carry(&self.down, from, buffer.get(..length));
            }
        }
    }

    /// The models do not look at addresses: what comes out goes to whoever is at the other end then.
    fn carry(&self, wire: &Wire, from: SocketAddr, payload: Option<&[u8]>) {
        let packet = Packet::new(from, self.server, payload.unwrap_or_default().to_vec());
        wire.lock().send(self.now(), packet);
        wire.filled.notify_one();
    }

    fn deliver_up(&self) {
        self.deliver(&self.up, |payload| self.far().send_to(payload, self.server));
    }

    fn deliver_down(&self) {
        self.deliver(&self.down, |payload| {
            let client = *self.client.lock().unwrap_or_else(PoisonError::into_inner);
            self.near.send_to(payload, client)
        });
    }

    fn deliver(&self, wire: &Wire, send: impl Fn(&[u8]) -> io::Result<usize>) {
        while self.is_running() {
            for packet in wire.due(self.begin) {
                // What the system does not take is lost, as on any link.
                let _ = send(&packet.payload);
            }
        }
    }

    fn far(&self) -> Arc<UdpSocket> {
        Arc::clone(&self.far.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Duration {
        clock::now().duration_since(self.begin)
    }

    fn is_running(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }
}

impl Wire {
    fn new(config: &LinkConfig, seed: u64) -> Self {
        Self { link: Mutex::new(Link::new(config.clone(), seed)), filled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has arrived, after a wait for the next arrival; nothing if none is near.
    fn due(&self, begin: Instant) -> Vec<Packet> {
        let mut link = self.lock();
        let now = clock::now().duration_since(begin);
        let wait = link.next_deadline().map_or(GLANCE, |at| at.saturating_sub(now).min(GLANCE));
        if !wait.is_zero() {
            let woken = self.filled.wait_timeout(link, wait);
            link = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let now = clock::now().duration_since(begin);
        std::iter::from_fn(|| link.poll(now)).collect()
    }
}

/// A loopback socket whose reader looks up now and then.
fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(GLANCE))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(relay: &Relay) -> UdpSocket {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client.connect(relay.address().unwrap()).unwrap();
        client
    }

    #[test]
    fn packets_pass_both_ways_and_a_rebinding_changes_the_address_that_the_server_sees() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let relay = Relay::start(server.local_addr().unwrap(), &LinkConfig::default(), 1).unwrap();
        let client = pair(&relay);
        let mut buffer = [0; 16];
        let mut exchange = || {
            client.send(b"ping").unwrap();
            let (length, seen) = server.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"ping");
            server.send_to(b"pong", seen).unwrap();
            assert_eq!(client.recv(&mut buffer).unwrap(), 4);
            seen
        };
        let before = exchange();
        relay.rebind().unwrap();
        // A reader may still be at the old socket for a moment; what comes to the new one waits there.
        let after = exchange();
        assert_ne!(before, after);
        assert_eq!(relay.tally().sent, 4);
    }

    #[test]
    fn a_link_that_loses_everything_delivers_nothing() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        server.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let config = LinkConfig::default().loss(1.0);
        let relay = Relay::start(server.local_addr().unwrap(), &config, 1).unwrap();
        pair(&relay).send(b"ping").unwrap();
        assert!(server.recv(&mut [0; 16]).is_err());
        assert_eq!(relay.tally().lost, 1);
    }
}
