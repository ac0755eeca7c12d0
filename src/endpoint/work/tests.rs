//! Handshakes whose work is done later, or several times, or in vain.

use super::*;
use crate::base::SeededEntropy;
use crate::endpoint::{ConnectionHandle, Dial, EndpointConfig, Event, Received};
use crate::wire::ApplicationCode;
use std::net::SocketAddr;

const NOW: Instant = Instant::ZERO;
const DIALLER: ([u8; 4], u16) = ([192, 0, 2, 1], 4000);
const LISTENER: ([u8; 4], u16) = ([192, 0, 2, 2], 4000);

/// An endpoint that leaves its work, and who does it.
struct Peer {
    endpoint: Endpoint,
    identity: Identity,
    entropy: SeededEntropy,
    address: SocketAddr,
}

impl Peer {
    fn new(seed: u8, address: ([u8; 4], u16)) -> Self {
        let identity = Identity::from_secret_bytes([seed; 32]);
        let config = EndpointConfig::default().accept(true);
        let entropy = Box::new(SeededEntropy::new(seed.into()));
        let mut endpoint = Endpoint::new(config, identity.clone(), entropy);
        endpoint.leave_work();
        let entropy = SeededEntropy::new(u64::from(seed) + 100);
        Self { endpoint, identity, entropy, address: address.into() }
    }

    fn dial(&mut self, other: &Self) -> ConnectionHandle {
        let dial = Dial::new(other.identity.peer_id(), other.address);
        self.endpoint.connect(NOW, &dial).unwrap()
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.endpoint.handle_timeout(NOW);
        let mut buffer = vec![0; 65_536];
        let mut sent = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit(NOW, &mut buffer, 64) {
            let datagrams = buffer[..transmit.size].chunks(transmit.segment_size);
            sent.extend(datagrams.map(<[u8]>::to_vec));
        }
        sent
    }

    fn receive(&mut self, remote: SocketAddr, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            let mut data = datagram.clone();
            let segment_size = data.len();
            let received =
                Received { remote, local: None, ecn: None, segment_size, data: &mut data };
            self.endpoint.handle_datagram(NOW, received);
        }
    }

    fn taken(&mut self) -> Vec<Work> {
        std::iter::from_fn(|| self.endpoint.poll_work()).collect()
    }

    /// Does it to the end.
    fn finish(&mut self, work: Work) {
        let mut next = Some(work);
        while let Some(mut work) = next {
            work.run(&self.identity, &mut self.entropy);
            next = self.endpoint.finish_work(NOW, work);
        }
    }

    fn finish_all(&mut self) {
        self.taken().into_iter().for_each(|work| self.finish(work));
    }

    fn has_connected(&mut self) -> usize {
        let events = std::iter::from_fn(|| self.endpoint.poll_event());
        events.filter(|event| matches!(event, Event::Connected(_) | Event::Accepted(_))).count()
    }
}

fn pair() -> (Peer, Peer) {
    (Peer::new(1, DIALLER), Peer::new(2, LISTENER))
}

/// SHARED_KEY for a dial that has just begun, and the handle of the dial.
fn shared_key(dialler: &mut Peer, listener: &mut Peer) -> (ConnectionHandle, Vec<Vec<u8>>) {
    let handle = dialler.dial(listener);
    listener.receive(dialler.address, &dialler.sent());
    listener.finish_all();
    (handle, listener.sent())
}

/// SHARED_KEY has come to the dialler twice, before any work with it was done.
fn twice_at_work(dialler: &mut Peer, listener: &mut Peer) -> Vec<Work> {
    let (_, shared_key) = shared_key(dialler, listener);
    dialler.receive(listener.address, &shared_key);
    dialler.receive(listener.address, &shared_key);
    let works = dialler.taken();
    assert_eq!(works.len(), 2);
    works
}

#[test]
fn nothing_leaves_before_the_work_was_done() {
    let (mut dialler, mut listener) = pair();
    dialler.dial(&listener);
    listener.receive(dialler.address, &dialler.sent());
    assert!(listener.endpoint.has_work());
    assert!(listener.sent().is_empty());
    listener.finish_all();
    dialler.receive(listener.address, &listener.sent());
    assert_eq!(dialler.has_connected(), 0);
    dialler.finish_all();
    assert_eq!(dialler.has_connected(), 1);
    listener.receive(dialler.address, &dialler.sent());
    assert_eq!(listener.has_connected(), 1);
}

#[test]
fn an_endpoint_that_was_not_told_to_leave_it_does_it_itself() {
    let (mut dialler, mut listener) = pair();
    listener.endpoint.works.are_left = false;
    dialler.dial(&listener);
    listener.receive(dialler.address, &dialler.sent());
    assert!(!listener.endpoint.has_work());
    assert!(!listener.sent().is_empty());
}

#[test]
fn a_public_key_that_comes_again_while_it_is_read_is_answered_once() {
    let (mut dialler, mut listener) = pair();
    dialler.dial(&listener);
    let public_key = dialler.sent();
    listener.receive(dialler.address, &public_key);
    listener.receive(dialler.address, &public_key);
    let works = listener.taken();
    assert_eq!(works.len(), 2);
    works.into_iter().for_each(|work| listener.finish(work));
    assert_eq!(listener.endpoint.half_opens.len(), 1);
    dialler.receive(listener.address, &listener.sent());
    assert_eq!(dialler.taken().len(), 1);
}

#[test]
fn of_two_good_shared_keys_at_work_the_first_makes_the_connection() {
    let (mut dialler, mut listener) = pair();
    twice_at_work(&mut dialler, &mut listener).into_iter().for_each(|work| dialler.finish(work));
    assert_eq!(dialler.has_connected(), 1);
    listener.receive(dialler.address, &dialler.sent());
    assert_eq!(listener.has_connected(), 1);
}

#[test]
fn a_shared_key_is_always_answered_with_the_same_message() {
    let (mut dialler, mut listener) = pair();
    let mut messages = Vec::new();
    for mut work in twice_at_work(&mut dialler, &mut listener) {
        work.run(&dialler.identity, &mut dialler.entropy);
        let Work::Finishing(Finishing { finished: Some(finished), .. }) = work else {
            panic!("it is good")
        };
        messages.push(finished.message);
    }
    assert_eq!(messages[0], messages[1], "else the same nonce would seal two messages");
}

#[test]
fn a_forged_shared_key_does_not_keep_the_good_one_out() {
    let (mut dialler, mut listener) = pair();
    let mut works = twice_at_work(&mut dialler, &mut listener);
    let Some(Work::Finishing(forged)) = works.first_mut() else { panic!("both are at work") };
    *forged.message.last_mut().unwrap() ^= 1;
    works.into_iter().for_each(|work| dialler.finish(work));
    assert_eq!(dialler.endpoint.stats().handshakes_failed, 1);
    assert_eq!(dialler.has_connected(), 1);
}

#[test]
fn a_dial_that_was_given_up_meanwhile_stays_so() {
    let (mut dialler, mut listener) = pair();
    let (handle, shared_key) = shared_key(&mut dialler, &mut listener);
    dialler.receive(listener.address, &shared_key);
    let works = dialler.taken();
    dialler.endpoint.remove(NOW, handle);
    // Another dial may have its place.
    dialler.dial(&listener);
    works.into_iter().for_each(|work| dialler.finish(work));
    assert_eq!(dialler.has_connected(), 0);
}

#[test]
fn a_listener_that_has_closed_meanwhile_does_not_answer() {
    let (mut dialler, mut listener) = pair();
    dialler.dial(&listener);
    listener.receive(dialler.address, &dialler.sent());
    listener.endpoint.close(NOW, ApplicationCode::ZERO, b"");
    listener.finish_all();
    assert!(listener.sent().is_empty());
}

#[test]
fn what_nobody_works_off_is_bounded() {
    let (_, mut listener) = pair();
    for port in 0..300 {
        let mut dialler = Peer::new(1, ([192, 0, 2, 1], 5000 + port));
        dialler.dial(&listener);
        listener.receive(dialler.address, &dialler.sent());
    }
    assert_eq!(listener.taken().len(), limits::HANDSHAKE_WORK);
    assert!(listener.endpoint.stats().dropped > 0);
}
