//! How connections and streams end, and what both sides hear of it.

mod sim;

use std::time::Duration;

use sim::faults::{Fault, Faulty};
use sim::{Sim, accepted, closed, connected, dialler, listener};
use srudp::proto::{
    ConnectionHandle, EndpointConfig, Event, Instant, ReadError, StreamEvent, TransportConfig,
    WriteError,
};
use srudp::{ApplicationCode, ConnectionError, Direction, StreamId};

const ONE_WAY: Duration = Duration::from_millis(10);
const IDLE: Duration = Duration::from_secs(5);
const CODE: ApplicationCode = ApplicationCode::new(42);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn patient(config: EndpointConfig) -> EndpointConfig {
    config.transport(TransportConfig::default().idle_timeout(IDLE))
}

struct Pair {
    sim: Sim<Faulty>,
    handles: [ConnectionHandle; 2],
}

fn pair_of(seed: u64, configs: &[EndpointConfig; 2]) -> Pair {
    let mut sim = Sim::new(seed, Faulty::new(ONE_WAY, None), configs);
    let (ours, theirs) = sim.connect(0, 1);
    sim.run_for(ms(200));
    Pair { sim, handles: [ours, theirs] }
}

fn pair(seed: u64) -> Pair {
    pair_of(seed, &[patient(dialler()), patient(listener())])
}

impl Pair {
    fn connection(&mut self, node: usize) -> &mut srudp::proto::Connection {
        self.sim.connection(node, self.handles[node])
    }

    fn close(&mut self, node: usize, linger: Duration) {
        let now = self.sim.now;
        self.connection(node).close(now, CODE, b"bye", linger);
    }

    fn read(&mut self, node: usize, id: StreamId) -> Result<usize, ReadError> {
        let (now, mut out) = (self.sim.now, vec![0; 1 << 20]);
        self.connection(node).read(now, id, &mut out)
    }

    /// When and why a side ended.
    fn end(&mut self, node: usize) -> (Instant, ConnectionError) {
        let (handle, reason) = self.sim.wait_for(node, "closed", closed);
        assert_eq!(handle, self.handles[node]);
        (self.sim.now, reason)
    }

    fn stream_event(&mut self, node: usize, fits: fn(&StreamEvent) -> bool) -> StreamEvent {
        self.sim.wait_for(node, "a stream event", |event| match event {
            Event::Stream(_, event) if fits(event) => Some(*event),
            _ => None,
        })
    }

    /// Data on a new stream.
    fn write(&mut self, node: usize, data: &[u8]) -> StreamId {
        let connection = self.connection(node);
        let id = connection.open_stream(Direction::Bidirectional).unwrap();
        assert_eq!(connection.write(id, data), Ok(data.len()));
        id
    }
}

fn by_peer() -> ConnectionError {
    ConnectionError::PeerClosed { code: CODE, reason: b"bye".to_vec() }
}

#[test]
fn an_immediate_close_is_heard_after_half_a_round_trip_and_forgotten_after_three_probe_timeouts() {
    let mut pair = pair(1);
    let start = pair.sim.now;
    pair.close(0, Duration::ZERO);
    assert_eq!(pair.end(1), (start + ONE_WAY, by_peer()));
    assert_eq!(pair.end(0).1, ConnectionError::LocalClosed);
    for node in [0, 1] {
        let (now, handle) = (pair.sim.now, pair.handles[node]);
        pair.sim.nodes[node].endpoint.remove(now, handle);
    }
    pair.sim.run_for(Duration::from_secs(1));
    for node in &pair.sim.nodes {
        let stats = node.endpoint.stats();
        assert_eq!((stats.connections, stats.connection_ids), (0, 0), "{stats:?}");
    }
}

#[test]
fn both_may_close_at_once() {
    let mut pair = pair(2);
    pair.close(0, Duration::ZERO);
    pair.close(1, Duration::ZERO);
    for node in [0, 1] {
        assert_eq!(pair.end(node).1, ConnectionError::LocalClosed);
    }
}

#[test]
fn a_lingering_close_that_cannot_deliver_says_so() {
    let mut pair = pair(3);
    let id = pair.write(0, &[7; 100_000]);
    pair.sim.freeze(1, Duration::from_secs(60));
    let start = pair.sim.now;
    pair.close(0, Duration::from_secs(2));
    assert_eq!(pair.end(0), (start + Duration::from_secs(2), ConnectionError::LingerTimedOut));
    assert_eq!(pair.connection(0).write(id, b"more"), Err(WriteError::ConnectionClosed));
}

#[test]
fn a_lingering_close_takes_no_new_streams_and_still_reads() {
    let mut pair = pair(4);
    let id = pair.write(0, b"question");
    pair.close(0, Duration::from_secs(2));
    assert_eq!(pair.connection(0).open_stream(Direction::Bidirectional), None);
    assert_eq!(pair.connection(0).close_reason(), None);
    pair.sim.run_for(ONE_WAY);
    assert_eq!(pair.read(1, id), Ok(8));
    assert_eq!(pair.end(0).1, ConnectionError::LocalClosed);
}

#[test]
fn a_reset_carries_its_code_and_a_stop_carries_its_own() {
    let mut pair = pair(5);
    let id = pair.write(0, b"much more was to come");
    pair.connection(0).reset(id, ApplicationCode::new(11));
    pair.stream_event(1, |event| {
        matches!(event, StreamEvent::Readable(_) | StreamEvent::Opened(_))
    });
    assert_eq!(pair.read(1, id), Err(ReadError::Reset(ApplicationCode::new(11))));

    let other = pair.write(0, b"what nobody wants");
    pair.sim.run_for(ms(50));
    pair.connection(1).stop(other, ApplicationCode::new(12));
    let event = pair.stream_event(0, |event| matches!(event, StreamEvent::Stopped { .. }));
    let code = ApplicationCode::new(12);
    assert!(matches!(event, StreamEvent::Stopped { id, code: c } if id == other && c == code));
    assert_eq!(pair.connection(0).write(other, b"more"), Err(WriteError::Stopped(code)));
}

#[test]
fn silence_ends_both_sides_at_the_idle_timeout() {
    let mut pair = pair(6);
    let since = pair.sim.now - ms(200);
    for node in [0, 1] {
        let (at, reason) = pair.end(node);
        assert_eq!(reason, ConnectionError::TimedOut);
        assert!(at >= since + IDLE && at <= since + IDLE + ms(200), "{:?}", at - since);
    }
}

#[test]
fn a_keep_alive_outlives_any_silence() {
    let transport = TransportConfig::default().idle_timeout(IDLE).keep_alive(Some(ms(2000)));
    let mut pair = pair_of(7, &[dialler().transport(transport), patient(listener())]);
    pair.sim.run_for(Duration::from_secs(100));
    for node in [0, 1] {
        assert_eq!(pair.connection(node).close_reason(), None);
    }
}

#[test]
fn a_peer_that_is_dead_is_given_up_however_much_is_sent_to_it() {
    let mut pair = pair(8);
    let start = pair.sim.now;
    pair.sim.freeze(1, Duration::from_secs(600));
    pair.write(0, &[7; 50_000]);
    let (at, reason) = pair.end(0);
    assert_eq!(reason, ConnectionError::TimedOut);
    assert!(at >= start + IDLE && at <= start + IDLE + ms(100), "{:?}", at - start);
}

#[test]
fn a_peer_that_was_frozen_for_less_goes_on() {
    let mut pair = pair(9);
    pair.sim.freeze(1, Duration::from_secs(4));
    let id = pair.write(0, &[7; 50_000]);
    pair.connection(0).finish(id).unwrap();
    pair.stream_event(0, |event| matches!(event, StreamEvent::Finished(_)));
    assert_eq!(pair.read(1, id), Ok(50_000));
}

#[test]
fn a_peer_that_was_frozen_for_longer_finds_the_connection_over() {
    let mut pair = pair(10);
    pair.sim.freeze(1, Duration::from_secs(20));
    pair.write(0, b"hello?");
    assert_eq!(pair.end(0).1, ConnectionError::TimedOut);
    pair.sim.run_for(Duration::from_secs(30));
    assert_eq!(pair.end(1).1, ConnectionError::TimedOut);
}

#[test]
fn the_peer_of_a_restarted_listener_hears_at_once_that_the_connection_is_gone() {
    let config = patient(listener()).reset_key([9; 32]);
    let mut pair = pair_of(11, &[patient(dialler()), config.clone()]);
    pair.sim.restart(1, config);
    let start = pair.sim.now;
    pair.write(0, &[7; 1000]);
    assert_eq!(pair.end(0), (start + 2 * ONE_WAY, ConnectionError::Reset));
    assert_eq!(pair.sim.nodes[1].endpoint.stats().resets_sent, 1);
}

/// The shortest packet that asks for an answer is long enough to be answered by a reset.
#[test]
fn the_first_sign_of_life_after_a_restart_is_enough_to_hear_that_the_connection_is_gone() {
    let transport = TransportConfig::default().idle_timeout(IDLE).keep_alive(Some(ms(2000)));
    let config = patient(listener()).reset_key([9; 32]);
    let mut pair = pair_of(16, &[dialler().transport(transport), config.clone()]);
    pair.sim.restart(1, config);
    assert_eq!(pair.end(0).1, ConnectionError::Reset);
    assert_eq!(pair.sim.nodes[1].endpoint.stats().resets_sent, 1);
}

#[test]
fn the_peer_of_a_restarted_dialler_hears_it_too_and_after_a_migration_as_well() {
    let config = patient(dialler()).reset_key([9; 32]);
    let mut pair = pair_of(12, &[config.clone(), patient(listener())]);
    let now = pair.sim.now;
    pair.sim.nodes[1].endpoint.rebound(now);
    pair.sim.run_for(ms(200));
    pair.sim.restart(0, config);
    let start = pair.sim.now;
    pair.write(1, &[7; 1000]);
    assert_eq!(pair.end(1), (start + 2 * ONE_WAY, ConnectionError::Reset));
}

#[test]
fn without_a_key_that_survives_a_restart_only_silence_tells() {
    let mut pair = pair(13);
    pair.sim.restart(1, patient(listener()));
    pair.write(0, &[7; 1000]);
    assert_eq!(pair.end(0).1, ConnectionError::TimedOut);
}

#[test]
fn a_reset_under_another_key_changes_nothing() {
    let config = patient(listener());
    let mut pair = pair_of(14, &[patient(dialler()), config.clone().reset_key([9; 32])]);
    pair.sim.restart(1, config.reset_key([8; 32]));
    pair.write(0, &[7; 1000]);
    assert_eq!(pair.end(0).1, ConnectionError::TimedOut);
    assert!(pair.sim.nodes[1].endpoint.stats().resets_sent > 0);
}

#[test]
fn packets_that_overtake_the_last_message_of_the_handshake_reset_nothing() {
    let config = patient(listener()).reset_key([9; 32]);
    // Two datagrams of PUBLIC_KEY, two of SHARED_KEY, then ESTABLISH.
    let network = Faulty::new(ONE_WAY, Some((4, Fault::Lose)));
    let mut sim = Sim::new(15, network, &[patient(dialler()), config]);
    sim.dial(0, 1);
    let ours = sim.wait_for(0, "connected", connected);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    sim.connection(0, ours).write(id, &[7; 20_000]).unwrap();
    sim.run_for(ms(50));
    assert!(sim.nodes[1].endpoint.stats().dropped > 0, "nothing has overtaken ESTABLISH");
    assert_eq!(sim.nodes[1].endpoint.stats().resets_sent, 0);
    let theirs = sim.wait_for(1, "accepted", accepted);
    sim.run_for(Duration::from_secs(3));
    let (now, mut out) = (sim.now, vec![0; 30_000]);
    assert_eq!(sim.connection(1, theirs).read(now, id, &mut out), Ok(20_000));
}

#[test]
fn a_dial_that_nobody_confirms_has_timed_out_as_a_dial() {
    let config = listener().transport(TransportConfig::default().idle_timeout(ms(3000)));
    let mut pair = Sim::new(16, Faulty::new(ONE_WAY, None), &[dialler(), config]);
    pair.dial(0, 1);
    let ours = pair.wait_for(0, "connected", connected);
    pair.freeze(1, Duration::from_secs(60));
    assert_eq!(pair.wait_for(0, "closed", closed), (ours, ConnectionError::HandshakeTimedOut));
}

#[test]
fn a_peer_that_moves_and_closes_is_not_followed() {
    let mut pair = pair(17);
    pair.sim.nodes[0].address = "10.0.9.9:1".parse().unwrap();
    pair.close(0, Duration::ZERO);
    assert_eq!(pair.end(1).1, by_peer());
    let turned = |event: &Event| matches!(event, Event::PathChanged(..)).then_some(());
    assert_eq!(pair.sim.take(1, turned), None);
}
