//! Two peers and a bad network: whatever is lost, repeated or overtaken, what is read is what was written.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What happens next. Numbers choose among whatever there is to choose from.
#[derive(Clone, Debug)]
enum Step {
    Open(bool, Direction),
    Write(bool, usize, usize),
    WriteShared(bool, usize, usize),
    Finish(bool, usize),
    Reset(bool, usize),
    Stop(bool, usize),
    Read(bool, usize, usize),
    Prioritise(bool, usize, i32),
    Send(bool, usize),
    Deliver(bool, usize),
    Duplicate(bool, usize),
    Lose(bool, usize),
    LateAck(bool, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (side, pick) = (any::<bool>, any::<usize>);
    let direction = prop_oneof![Just(BIDI), Just(UNI)];
    prop_oneof![
        2 => (side(), direction).prop_map(|(s, d)| Step::Open(s, d)),
        6 => (side(), pick(), 0_usize..5000).prop_map(|(s, p, n)| Step::Write(s, p, n)),
        2 => (side(), pick(), 0_usize..9000).prop_map(|(s, p, n)| Step::WriteShared(s, p, n)),
        1 => (side(), pick()).prop_map(|(s, p)| Step::Finish(s, p)),
        1 => (side(), pick()).prop_map(|(s, p)| Step::Reset(s, p)),
        1 => (side(), pick()).prop_map(|(s, p)| Step::Stop(s, p)),
        6 => (side(), pick(), 1_usize..9000).prop_map(|(s, p, n)| Step::Read(s, p, n)),
        1 => (side(), pick(), -1..2).prop_map(|(s, p, n)| Step::Prioritise(s, p, n)),
        12 => (side(), 60_usize..1500).prop_map(|(s, n)| Step::Send(s, n)),
        8 => (side(), pick()).prop_map(|(s, p)| Step::Deliver(s, p)),
        1 => (side(), pick()).prop_map(|(s, p)| Step::Duplicate(s, p)),
        3 => (side(), pick()).prop_map(|(s, p)| Step::Lose(s, p)),
        1 => (side(), pick()).prop_map(|(s, p)| Step::LateAck(s, p)),
    ]
}

/// What a direction of a stream should deliver.
#[derive(Debug, Default)]
struct Expected {
    written: u64,
    read: u64,
    finished: bool,
    aborted: bool,
    ended: bool,
}

struct Peer {
    streams: Streams,
    /// Packets on their way from this peer.
    flying: Vec<Packet>,
    /// Packets that arrived although they were declared lost.
    delayed: Vec<Packet>,
    ids: Vec<StreamId>,
}

struct World {
    peers: [Peer; 2],
    /// By writing side and stream.
    expected: BTreeMap<(bool, StreamId), Expected>,
}

/// The byte at an offset of a stream, which tells both.
fn byte(side: bool, id: StreamId, offset: u64) -> u8 {
    let salt = id.index() * 7 + u64::from(side) * 3 + u64::from(id.direction() == UNI);
    ((offset * 31 + salt * 101) % 251) as u8
}

fn choose<T>(items: &[T], pick: usize) -> Option<usize> {
    pick.checked_rem(items.len())
}

impl World {
    fn new() -> Self {
        let config = StreamConfig {
            stream_window: 3000,
            stream_window_max: 20_000,
            connection_window: 5000,
            connection_window_max: 40_000,
            send_buffer: 30_000,
            ..config()
        };
        let (a, b) = pair(&config);
        let peer = |streams| Peer { streams, flying: vec![], delayed: vec![], ids: vec![] };
        Self { peers: [peer(a), peer(b)], expected: BTreeMap::new() }
    }

    fn peer(&mut self, side: bool) -> &mut Peer {
        &mut self.peers[usize::from(side)]
    }

    fn pick(&mut self, side: bool, pick: usize) -> Option<StreamId> {
        let peer = self.peer(side);
        while let Some(id) = [BIDI, UNI].into_iter().find_map(|d| peer.streams.accept(d)) {
            peer.ids.push(id);
        }
        choose(&peer.ids, pick).map(|index| peer.ids[index])
    }

    fn expected(&mut self, writer: bool, id: StreamId) -> &mut Expected {
        self.expected.entry((writer, id)).or_default()
    }

    fn write(&mut self, side: bool, pick: usize, length: usize, shared: bool) {
        let Some(id) = self.pick(side, pick) else { return };
        let start = self.expected(side, id).written;
        let bytes: Vec<_> = (start..start + length as u64).map(|at| byte(side, id, at)).collect();
        let streams = &mut self.peer(side).streams;
        let result = match shared {
            true => streams.write_bytes(id, bytes.into()),
            false => streams.write(id, &bytes),
        };
        self.expected(side, id).written += result.unwrap_or(0) as u64;
    }

    fn read(&mut self, side: bool, id: StreamId, length: usize) -> bool {
        let mut out = vec![0; length];
        let result = self.peer(side).streams.read(NOW, RTT, id, &mut out);
        let expected = self.expected(!side, id);
        match result {
            Ok(0) => {
                assert!(expected.finished && expected.read == expected.written, "{expected:?}");
                expected.ended = true;
            }
            Ok(length) => {
                for (place, seen) in (expected.read..).zip(&out[..length]) {
                    assert_eq!(*seen, byte(!side, id, place), "{id:?} at {place}");
                }
                expected.read += length as u64;
                assert!(expected.read <= expected.written);
            }
            Err(ReadError::Reset(_)) => assert!(expected.aborted, "{expected:?}"),
            Err(_) => {}
        }
        result.is_ok_and(|length| length > 0)
    }

    fn deliver(&mut self, side: bool, packet: &Packet) {
        receive(&mut self.peer(!side).streams, NOW, packet).unwrap();
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Open(side, direction) => {
                let peer = self.peer(side);
                let id = peer.streams.open(direction);
                peer.ids.extend(id);
            }
            Step::Write(side, pick, length) => self.write(side, pick, length, false),
            Step::WriteShared(side, pick, length) => self.write(side, pick, length, true),
            Step::Finish(side, pick) => {
                let Some(id) = self.pick(side, pick) else { return };
                let finished = self.peer(side).streams.finish(id).is_ok();
                self.expected(side, id).finished |= finished;
            }
            Step::Reset(side, pick) => {
                let Some(id) = self.pick(side, pick) else { return };
                self.peer(side).streams.reset(id, CODE);
                self.expected(side, id).aborted = true;
            }
            Step::Stop(side, pick) => {
                let Some(id) = self.pick(side, pick) else { return };
                self.peer(side).streams.stop(id, CODE);
                self.expected(!side, id).aborted = true;
            }
            Step::Read(side, pick, length) => {
                let Some(id) = self.pick(side, pick) else { return };
                self.read(side, id, length);
            }
            Step::Prioritise(side, pick, priority) => {
                let Some(id) = self.pick(side, pick) else { return };
                self.peer(side).streams.set_priority(id, priority);
            }
            _ => self.transport(step),
        }
    }

    fn transport(&mut self, step: &Step) {
        match *step {
            Step::Send(side, size) => {
                let peer = self.peer(side);
                let packet = packet(&mut peer.streams, size);
                peer.flying.extend(packet);
            }
            Step::Deliver(side, pick) => {
                let Some(index) = choose(&self.peer(side).flying, pick) else { return };
                let packet = self.peer(side).flying.swap_remove(index);
                self.deliver(side, &packet);
                settle(&mut self.peer(side).streams, &packet, Fate::Acked);
            }
            Step::Duplicate(side, pick) => {
                let Some(index) = choose(&self.peer(side).flying, pick) else { return };
                let packet = self.peer(side).flying[index].clone();
                self.deliver(side, &packet);
            }
            Step::Lose(side, pick) => {
                let peer = self.peer(side);
                let Some(index) = choose(&peer.flying, pick) else { return };
                let packet = peer.flying.swap_remove(index);
                settle(&mut peer.streams, &packet, Fate::Lost);
                peer.delayed.push(packet);
            }
            Step::LateAck(side, pick) => {
                let Some(index) = choose(&self.peer(side).delayed, pick) else { return };
                let packet = self.peer(side).delayed.swap_remove(index);
                self.deliver(side, &packet);
                settle(&mut self.peer(side).streams, &packet, Fate::Acked);
            }
            _ => {}
        }
    }

    /// From now on the network is good, and everybody finishes and reads.
    fn conclude(&mut self) {
        for side in [false, true] {
            while let Some(packet) = self.peer(side).flying.pop() {
                settle(&mut self.peer(side).streams, &packet, Fate::Lost);
            }
        }
        for _ in 0..1000 {
            let [a, b] = &mut self.peers;
            exchange(&mut a.streams, &mut b.streams);
            let mut progress = false;
            for side in [false, true] {
                self.pick(side, 0);
                for id in self.peer(side).ids.clone() {
                    let finished = self.peer(side).streams.finish(id).is_ok();
                    self.expected(side, id).finished |= finished;
                    progress |= finished || self.read(side, id, 10_000);
                }
            }
            let quiet = !self.peers.iter().any(|peer| peer.streams.wants_to_send());
            if !progress && quiet {
                return;
            }
        }
        panic!("no end in sight");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_written(steps in prop::collection::vec(step(), 1..300)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
        }
        world.conclude();
        for ((_, id), expected) in &world.expected {
            let delivered = expected.ended && expected.read == expected.written;
            let nobody_reads = expected.written == 0 && !expected.finished;
            prop_assert!(delivered || expected.aborted || nobody_reads, "{id:?} {expected:?}");
        }
        for peer in &world.peers {
            prop_assert!(peer.streams.is_drained());
            prop_assert_eq!(peer.streams.stats().open, 0, "{:?}", peer.streams);
            prop_assert_eq!(peer.streams.stats().page_bytes, 0);
        }
    }
}
