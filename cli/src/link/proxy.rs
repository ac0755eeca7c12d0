//! The proxy: one thread that moves datagrams between sockets and the two links.
//!
//! ```text
//!   ┌─▶ chores ─▶ deliver what has arrived ─▶ wait ─▶ read what came in ─┐
//!   └───────────────────────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use srudp_links::{Link, Packet};

use super::clients::Clients;
use super::control::Control;
use super::options::LinkOptions;
use super::report::LinkReport;
use super::socket;
use crate::clock;

/// The token of the listening socket; clients have small ones.
const LISTEN: Token = Token(usize::MAX);

/// The largest UDP datagram, and a little more.
const DATAGRAM_MAX: usize = 1 << 16;

/// Datagrams read from a socket before the others have their turn.
const BATCH: usize = 64;

/// The longest wait: how soon a request to stop or rebind is noticed.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// What is left of a wait below a millisecond is slept in pieces of this size. The poll counts in milliseconds, and
/// spinning would take a core from the programs under test. A datagram is noticed late by at most one piece.
const NAP: Duration = Duration::from_micros(50);

/// Time between two searches for silent clients.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);

/// Carries datagrams until `control` says stop, or the duration of the options is over. Calls `ready` with the address
/// that clients send to as soon as they may.
///
/// # Errors
///
/// When the address to listen on cannot be had, or no socket for a rebind.
pub(crate) fn run(
    options: &LinkOptions,
    ready: impl FnOnce(SocketAddr),
    control: &Control,
) -> io::Result<LinkReport> {
    let mut proxy = Proxy::new(options)?;
    ready(proxy.listen.local_addr()?);
    let mut events = Events::with_capacity(BATCH);
    while !control.is_stopped() {
        let now = proxy.now();
        if options.duration.is_some_and(|duration| now >= duration) {
            break;
        }
        if control.take_rebind() || proxy.rebind.is_due(now) {
            proxy.report.rebinds += 1;
            proxy.clients.rebind().map_err(|error| explain(&error, "open a socket to rebind"))?;
        }
        proxy.chores(now);
        proxy.deliver(now);
        proxy.wait(&mut events)?;
        proxy.read();
    }
    Ok(proxy.report())
}

/// Something that is done again and again.
#[derive(Debug)]
struct Every {
    period: Option<Duration>,
    next: Duration,
}

impl Every {
    fn new(period: Option<Duration>) -> Self {
        Self { period, next: period.unwrap_or(Duration::MAX) }
    }

    /// True once in each period. A period that was missed is not made up for.
    fn is_due(&mut self, now: Duration) -> bool {
        let due = now >= self.next;
        if due {
            let period = self.period.unwrap_or(Duration::MAX);
            let regular = self.next.saturating_add(period);
            self.next = if regular > now { regular } else { now.saturating_add(period) };
        }
        due
    }
}

#[derive(Debug)]
struct Proxy {
    begin: Instant,
    poll: Poll,
    listen: UdpSocket,
    to: SocketAddr,
    clients: Clients,
    up: Link,
    down: Link,
    /// Sockets that may have more to read: the poll tells of each arrival only once.
    readable: BTreeSet<Token>,
    buffer: Vec<u8>,
    rebind: Every,
    expire: Every,
    tell: Every,
    end: Duration,
    report: LinkReport,
}

impl Proxy {
    fn new(options: &LinkOptions) -> io::Result<Self> {
        let mut listen = socket::bound(options.listen).map_err(|error| {
            let address = options.listen;
            let what = format!("listen on {address} (--listen; port 0 takes any free port)");
            explain(&error, &what)
        })?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listen, LISTEN, Interest::READABLE)?;
        let clients = Clients::new(options.to, poll.registry().try_clone()?);
        Ok(Self {
            begin: clock::now(),
            poll,
            listen,
            to: options.to,
            clients,
            up: Link::new(options.up.clone(), options.seed),
            down: Link::new(options.down.clone(), !options.seed),
            readable: BTreeSet::new(),
            buffer: vec![0; DATAGRAM_MAX],
            rebind: Every::new(options.rebind_every),
            expire: Every::new(Some(EXPIRE_EVERY)),
            tell: Every::new(options.report_every),
            end: options.duration.unwrap_or(Duration::MAX),
            report: LinkReport::default(),
        })
    }

    fn now(&self) -> Duration {
        clock::now().duration_since(self.begin)
    }

    fn report(&self) -> LinkReport {
        LinkReport { up: self.up.stats(), down: self.down.stats(), ..self.report }
    }

    fn chores(&mut self, now: Duration) {
        if self.expire.is_due(now) {
            self.clients.expire(now);
        }
        if self.tell.is_due(now) {
            eprint!("{}", self.report());
        }
    }

    /// Sends on what has come through the links.
    fn deliver(&mut self, now: Duration) {
        while let Some(packet) = self.up.poll(now) {
            let upstream = self.clients.upstream(packet.from);
            let sent = upstream.is_some_and(|socket| socket.send(&packet.payload).is_ok());
            self.report.unsent += u64::from(!sent);
        }
        while let Some(packet) = self.down.poll(now) {
            let sent = self.listen.send_to(&packet.payload, packet.to).is_ok();
            self.report.unsent += u64::from(!sent);
        }
    }

    /// Sleeps until something is to be read or done.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let left = self.until_next();
        // The poll rounds up to milliseconds: it gets whole ones, the rest is slept below.
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        match self.poll.poll(events, Some(Duration::from_millis(millis))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Err(_) => return Ok(()),
            Ok(()) => self.readable.extend(events.iter().map(mio::event::Event::token)),
        }
        if millis == 0 && self.readable.is_empty() {
            thread::sleep(left.min(NAP));
        }
        Ok(())
    }

    fn until_next(&self) -> Duration {
        if !self.readable.is_empty() {
            return Duration::ZERO;
        }
        let deadlines = [self.up.next_deadline(), self.down.next_deadline()];
        let chores = [self.rebind.next, self.expire.next, self.tell.next, self.end];
        let next = deadlines.into_iter().flatten().chain(chores).min().unwrap_or(Duration::MAX);
        next.saturating_sub(self.now()).min(WAIT_MAX)
    }

    fn read(&mut self) {
        for token in std::mem::take(&mut self.readable) {
            let now = self.now();
            let more =
                if token == LISTEN { self.read_clients(now) } else { self.read_far(now, token) };
            if more {
                self.readable.insert(token);
            }
        }
    }

    /// Reads a batch from the clients; true if there may be more.
    fn read_clients(&mut self, now: Duration) -> bool {
        for _ in 0..BATCH {
            let (length, from) = match self.listen.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // An earlier datagram could not be delivered; the next one may.
                Err(_) => continue,
            };
            let payload = self.buffer.get(..length).unwrap_or_default().to_vec();
            match self.clients.heard(now, from) {
                Ok(is_new) => {
                    self.report.clients += u64::from(is_new);
                    self.up.send(now, Packet::new(from, self.to, payload));
                }
                Err(_) => self.report.refused += 1,
            }
        }
        true
    }

    /// Reads a batch of answers to one client; true if there may be more.
    fn read_far(&mut self, now: Duration, token: Token) -> bool {
        let Some((client, upstream)) = self.clients.by_token(now, token) else { return false };
        for _ in 0..BATCH {
            let length = match upstream.recv(&mut self.buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // Nobody listens at the far side yet; that may change.
                Err(_) => continue,
            };
            let payload = self.buffer.get(..length).unwrap_or_default().to_vec();
            self.down.send(now, Packet::new(self.to, client, payload));
        }
        true
    }
}

fn explain(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_every_second_is_not_made_up_for() {
        let second = Duration::from_secs(1);
        let mut every = Every::new(Some(second));
        assert!(!every.is_due(second / 2));
        assert!(every.is_due(second) && !every.is_due(second));
        assert!(every.is_due(second * 10) && !every.is_due(second * 10));
        assert!(every.is_due(second * 11));
        assert!(!Every::new(None).is_due(second * 1_000));
    }

    #[test]
    fn a_control_can_rebind_and_stop_a_running_proxy() {
        let far = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let config = srudp_links::LinkConfig::default();
        let options = LinkOptions::new(any, far.local_addr().unwrap(), config);
        let control = Control::default();
        let client = std::net::UdpSocket::bind(any).unwrap();
        let source = || far.recv_from(&mut [0; 9]).unwrap().1;

        let report = thread::scope(|scope| {
            let (tell, ready) = std::sync::mpsc::channel();
            let proxy = scope.spawn(|| run(&options, move |at| tell.send(at).unwrap(), &control));
            client.connect(ready.recv().unwrap()).unwrap();
            client.send(b"one").unwrap();
            let before = source();
            control.rebind();
            // The old port is closed as soon as the request is noticed.
            while std::net::UdpSocket::bind(("0.0.0.0", before.port())).is_err() {
                thread::sleep(NAP);
            }
            client.send(b"two").unwrap();
            assert_ne!(before.port(), source().port());
            control.stop();
            proxy.join().unwrap()
        });
        let report = report.unwrap();
        assert_eq!((report.clients, report.rebinds, report.up.delivered), (1, 1, 2));
    }
}
