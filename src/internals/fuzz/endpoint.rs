//! An endpoint among strangers: they send anything, and what they have overheard.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::input::Input;
use crate::base::{EcnMark, Instant, SeededEntropy};
use crate::crypto::Identity;
use crate::endpoint::{Dial, Endpoint, EndpointConfig, Event, Received};
use crate::wire::{ApplicationCode, HandshakeKind, Long, decode_long};

/// Datagrams overheard; of more, the oldest are forgotten.
const OVERHEARD: usize = 32;
/// One event may cause so many datagrams.
const DATAGRAMS_MAX: usize = 20_000;
/// A deadline that is due again so often at one instant never ends.
const TIMEOUTS_MAX: usize = 100;

/// What an address has sent and got.
#[derive(Debug, Default)]
struct Account {
    received: usize,
    sent: usize,
    /// It was dialled, or something came from it that proves it (SPEC §5.5).
    trusted: bool,
    /// It got a SHARED_KEY: an ESTABLISH, wherever that comes from, may prove it.
    answered: bool,
}

struct World {
    now: Instant,
    /// The endpoint under attack, and an honest one that strangers overhear.
    nodes: [Endpoint; 2],
    accounts: BTreeMap<SocketAddr, Account>,
    overheard: VecDeque<Vec<u8>>,
    buffer: Vec<u8>,
}

/// What strangers send to an endpoint.
pub fn endpoint(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(flags) = input.u8() else {
        return;
    };
    let mut world = World::new(flags);
    while world.step(&mut input).is_some() {
        world.settle(0);
        world.settle(1);
    }
    world.finish();
}

impl World {
    fn new(flags: u8) -> Self {
        let config = |accept: bool| {
            let config = EndpointConfig::default()
                .accept(accept)
                .max_connections(8)
                .always_ask_for_cookie(flags & 2 != 0);
            let config = if flags & 4 == 0 { config.classical_only() } else { config };
            if flags & 8 == 0 { config } else { config.reset_key([6; 32]) }
        };
        let node = |seed: u8, accept| {
            let identity = Identity::from_secret_bytes([seed; 32]);
            let entropy = Box::new(SeededEntropy::new(u64::from(seed)));
            Endpoint::new(config(accept), identity, entropy)
        };
        Self {
            now: Instant::from_nanos(1_000_000_000),
            nodes: [node(1, flags & 1 == 0), node(2, true)],
            accounts: BTreeMap::new(),
            overheard: VecDeque::new(),
            buffer: vec![0; 65_536],
        }
    }

    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.u8()? % 10 {
            0 => {
                let from = input.u8()?;
                let datagram = input.block()?.to_vec();
                self.deliver(0, from, datagram);
            }
            1 => {
                // As 0, padded to what an unproved address has to send.
                let from = input.u8()?;
                let mut datagram = input.block()?.to_vec();
                datagram.resize(1200, 0);
                self.deliver(0, from, datagram);
            }
            2 | 3 => self.replay(0, input)?,
            4 => self.replay(1, input)?,
            5 => {
                let edited = self.edited(input)?;
                self.deliver(0, input.u8()?, edited);
            }
            6 => self.dial(input)?,
            7 => self.now += input.time()?,
            8 => {
                let next = self.nodes.iter_mut().filter_map(Endpoint::poll_timeout).min();
                self.now = self.now.max(next.unwrap_or(self.now));
            }
            _ => match input.u8()? % 8 {
                0 => self.nodes[0].close(self.now, ApplicationCode::ZERO, b"bye"),
                1 => self.nodes[0].rebound(self.now),
                _ => {}
            },
        }
        Some(())
    }

    /// Something overheard comes again, perhaps from elsewhere.
    fn replay(&mut self, to: usize, input: &mut Input<'_>) -> Option<()> {
        let back = input.u8()?;
        let from = input.u8()?;
        let datagram = self.recall(back)?;
        self.deliver(to, from, datagram);
        Some(())
    }

    fn recall(&self, back: u8) -> Option<Vec<u8>> {
        let last = self.overheard.len().checked_sub(1)?;
        self.overheard.get(last - usize::from(back) % self.overheard.len()).cloned()
    }

    fn edited(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let mut datagram = self.recall(input.u8()?)?;
        let (at, mask, length) = (input.u8()?, input.u8()?, usize::from(input.u16()?));
        if let Some(byte) = datagram.get_mut(usize::from(at)) {
            *byte ^= mask;
        }
        datagram.truncate(length);
        Some(datagram)
    }

    fn dial(&mut self, input: &mut Input<'_>) -> Option<()> {
        let how = input.u8()?;
        let (from, to) = (usize::from(how & 1), usize::from(how & 1) ^ 1);
        let remote = address(if how & 0x10 == 0 { to as u8 } else { how >> 5 });
        let peer = self.nodes[to].peer_id();
        let dial = if how & 2 == 0 {
            Dial::new(peer, remote)
        } else {
            Dial::trusting_on_first_use(remote)
        };
        let dial = match how >> 2 & 3 {
            0 | 1 => dial,
            2 => dial.punch(),
            _ => dial.punch_with_key([3; 16]),
        };
        if from == 0 {
            self.accounts.entry(remote).or_default().trusted = true;
        }
        let _ = self.nodes[from].connect(self.now, &dial);
        Some(())
    }

    fn deliver(&mut self, to: usize, from: u8, mut datagram: Vec<u8>) {
        let remote = address(from & 7);
        if to == 0 {
            let account = self.accounts.entry(remote).or_default();
            account.received += datagram.len();
            account.trusted |= proves(&datagram);
            if kind(&datagram) == Some(HandshakeKind::Establish) {
                for account in self.accounts.values_mut() {
                    account.trusted |= account.answered;
                }
            }
        }
        let received = Received {
            remote,
            local: None,
            ecn: (from & 8 != 0).then_some(EcnMark::Ce),
            segment_size: if from & 0x10 == 0 { datagram.len() } else { usize::from(from) },
            data: &mut datagram,
        };
        self.nodes[to].handle_datagram(self.now, received);
    }

    /// What a driver does after every input.
    fn settle(&mut self, index: usize) {
        for _ in 0..TIMEOUTS_MAX {
            self.transmit(index);
            self.act(index);
            if self.nodes[index].poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            self.nodes[index].handle_timeout(self.now);
        }
        panic!("a timer is due for ever");
    }

    fn transmit(&mut self, index: usize) {
        let mut datagrams = 0;
        let node = &mut self.nodes[index];
        while let Some(sent) = node.poll_transmit(self.now, &mut self.buffer, 10) {
            assert!(sent.size > 0 && sent.size <= self.buffer.len());
            for datagram in self.buffer[..sent.size].chunks(sent.segment_size) {
                if index == 0 {
                    let account = self.accounts.entry(sent.destination).or_default();
                    account.sent += datagram.len();
                    account.answered |= kind(datagram) == Some(HandshakeKind::SharedKey);
                    assert!(
                        account.trusted || account.sent <= 3 * account.received,
                        "{account:?} of {}",
                        sent.destination
                    );
                }
                if self.overheard.len() == OVERHEARD {
                    self.overheard.pop_front();
                }
                self.overheard.push_back(datagram.to_vec());
                datagrams += 1;
            }
            assert!(datagrams < DATAGRAMS_MAX, "it sends without end");
        }
    }

    /// The owner lets go of what is over.
    fn act(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while let Some(event) = node.poll_event() {
            if let Event::Closed(handle, _) = event {
                node.remove(self.now, handle);
            }
        }
        let stats = node.stats();
        // Half-open handshakes are not refused for connections that come into being meanwhile.
        assert!(stats.connections <= 8 + stats.half_open + OVERHEARD, "{stats:?}");
    }

    /// A closed endpoint comes to rest, whatever came before.
    fn finish(&mut self) {
        self.nodes[0].close(self.now, ApplicationCode::ZERO, b"");
        for _ in 0..10 * TIMEOUTS_MAX {
            self.settle(0);
            match self.nodes[0].poll_timeout() {
                Some(at) => self.now = self.now.max(at),
                None => break,
            }
        }
        assert!(self.nodes[0].is_idle(), "it never rests: {:?}", self.nodes[0]);
        let stats = self.nodes[0].stats();
        assert_eq!((stats.connections, stats.half_open), (0, 0), "something is left");
    }
}

fn kind(datagram: &[u8]) -> Option<HandshakeKind> {
    match decode_long(datagram) {
        Ok(Long::Handshake(fragment)) => Some(fragment.header.kind),
        _ => None,
    }
}

/// A short packet, an ESTABLISH or a cookie may prove the address that it comes from; nothing else does.
fn proves(datagram: &[u8]) -> bool {
    match decode_long(datagram) {
        Ok(Long::Handshake(fragment)) => {
            fragment.header.kind == HandshakeKind::Establish || fragment.header.cookie != [0; 20]
        }
        Ok(Long::Punch(_)) => false,
        Err(_) => datagram.first().is_some_and(|first| first & 0xe0 == 0x60),
    }
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host / 2 + 1], 4000 + u16::from(host % 2)))
}
