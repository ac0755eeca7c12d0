//! Flow control: a reader's memory is its own to give, and the window is no obstacle to who reads.

mod sim;

use std::time::Duration;

use sim::internet::Internet;
use sim::{Network, Sim, Wire, closed, dialler, listener};
use srudp::proto::{ConnectionHandle, Event, ReadError, StreamEvent, TransportConfig, WriteError};
use srudp::{Direction, StreamId};
use srudp_links::LinkConfig;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Pair<N> {
    sim: Sim<N>,
    handles: [ConnectionHandle; 2],
}

impl<N: Network> Pair<N> {
    fn new(seed: u64, network: N, transport: &TransportConfig) -> Self {
        let configs = [dialler(), listener()].map(|config| config.transport(transport.clone()));
        let mut sim = Sim::new(seed, network, &configs);
        let (ours, theirs) = sim.connect(0, 1);
        Self { sim, handles: [ours, theirs] }
    }

    fn connection(&mut self, node: usize) -> &mut srudp::proto::Connection {
        self.sim.connection(node, self.handles[node])
    }

    fn open(&mut self) -> StreamId {
        self.connection(0).open_stream(Direction::Unidirectional).unwrap()
    }

    /// Writes as much as is taken, at most to `end`, and returns how far it came.
    fn write_to(&mut self, id: StreamId, from: usize, end: usize, data: &[u8]) -> usize {
        let mut at = from;
        while at < end {
            let most = (end - at).min(data.len());
            match self.connection(0).write(id, &data[..most]) {
                Ok(n) => at += n,
                Err(WriteError::Blocked) => break,
                Err(error) => panic!("{error}"),
            }
        }
        at
    }

    /// Reads at most so many bytes.
    fn read(&mut self, id: StreamId, out: &mut [u8]) -> usize {
        let now = self.sim.now;
        match self.connection(1).read(now, id, out) {
            Ok(n) => n,
            Err(ReadError::Blocked | ReadError::Unknown) => 0,
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes and reads as fast as it goes. Returns the time that the whole takes.
    fn transfer(&mut self, id: StreamId, total: usize) -> Duration {
        let (data, mut out) = (vec![7; 1 << 18], vec![0; 1 << 20]);
        let (mut sent, mut got) = (0, 0);
        let start = self.sim.now;
        let end = start + Duration::from_secs(120);
        loop {
            sent = self.write_to(id, sent, total, &data);
            loop {
                match self.read(id, &mut out) {
                    0 => break,
                    n => got += n,
                }
            }
            if got == total {
                return self.sim.now - start;
            }
            assert!(self.sim.step(end), "{got} of {total} bytes arrived");
            assert_eq!(self.sim.take(1, closed), None);
        }
    }
}

#[test]
fn who_does_not_read_holds_one_window_and_no_more() {
    let window = 128 << 10;
    let transport = TransportConfig::default().initial_windows(window, 2 * window);
    let transport = transport.max_window(window);
    let mut pair = Pair::new(1, Wire(ms(10)), &transport);
    let streams = [pair.open(), pair.open(), pair.open()];
    for _ in 0..100 {
        for id in streams {
            pair.write_to(id, 0, 1 << 20, &[7; 10_000]);
        }
        pair.sim.run_for(ms(20));
    }
    let stats = pair.connection(1).stats();
    // The connection's window is the smaller of them and three streams.
    assert!(stats.stream_memory <= 2 * window as usize + 3 * 2 * 8192, "{stats:?}");
    let mut out = vec![0; 1 << 20];
    let waiting: usize = streams.iter().map(|id| pair.read(*id, &mut out)).sum();
    assert_eq!(waiting, 2 * window as usize, "all of the window is used");
}

#[test]
fn a_slow_reader_slows_the_writer_down_to_its_pace() {
    let window = 64 << 10;
    let transport = TransportConfig::default().initial_windows(window, window).max_window(window);
    let mut pair = Pair::new(2, Wire(ms(10)), &transport.send_buffer(window));
    let (id, mut out) = (pair.open(), vec![0; 1000]);
    let (mut sent, mut got) = (0, 0);
    for _ in 0..1000 {
        sent = pair.write_to(id, sent, usize::MAX, &[7; 10_000]);
        pair.sim.run_for(ms(10));
        got += pair.read(id, &mut out);
        let most = 3 * window as usize;
        assert!(sent - got <= most, "{} bytes between writer and reader", sent - got);
    }
    assert!(got >= 990_000, "{got}");
}

#[test]
fn a_reader_that_wakes_up_finds_the_writer_going_on() {
    let transport = TransportConfig::default().initial_windows(20_000, 20_000).max_window(20_000);
    let mut pair = Pair::new(3, Wire(ms(10)), &transport);
    let id = pair.open();
    pair.write_to(id, 0, 60_000, &[7; 60_000]);
    pair.sim.run_for(Duration::from_secs(20));
    let (mut got, mut out) = (0, vec![0; 20_000]);
    for _ in 0..20 {
        got += pair.read(id, &mut out);
        pair.sim.run_for(ms(50));
    }
    assert_eq!(got, 60_000);
}

#[test]
fn the_window_grows_to_what_a_long_fat_path_holds() {
    // 100 ms at 1 Gbit/s: 12.5 MB.
    let link = LinkConfig::default().delay(ms(50)).rate(1_000_000_000).queue(25_000_000).mtu(9000);
    let mut pair = Pair::new(4, Internet::new(4, 2, &link), &TransportConfig::default());
    let id = pair.open();
    let time = pair.transfer(id, 200_000_000);
    let (ours, theirs) = (pair.connection(0).stats(), pair.connection(1).stats());
    assert!(theirs.receive_window >= 2 * 12_500_000, "{theirs:?}");
    // 1.6 s at the rate of the link, and the round trips until the window of the sender has grown.
    assert!(time < Duration::from_millis(3_600), "{time:?}, {ours:?}");
}

#[test]
fn a_wide_window_with_many_losses_is_put_together_again() {
    let link = LinkConfig::default().delay(ms(50)).rate(1_000_000_000).mtu(1500);
    let windows = TransportConfig::default().initial_windows(64 << 20, 64 << 20);
    let mut pair = Pair::new(5, Internet::new(5, 2, &link), &windows);
    let id = pair.open();
    pair.transfer(id, 20_000_000);
    // The window of the sender is wide by now; every fourth datagram is lost.
    pair.sim.network.reconfigure(&link.loss(0.25));
    let id = pair.open();
    pair.transfer(id, 5_000_000);
    let stats = pair.connection(0).stats();
    assert!(stats.packets_lost > 500, "{stats:?}");
}

/// What each of many connections carries: more than windows hold that grow to it.
const TOTAL: usize = 2 << 20;

/// One of many connections to a near address. Its writer waits to be told that there is room.
struct Bulk {
    handles: [ConnectionHandle; 2],
    id: StreamId,
    may_write: bool,
    written: usize,
    read: usize,
}

impl Bulk {
    fn new(sim: &mut Sim<Wire>) -> Self {
        let (ours, theirs) = sim.connect(0, 1);
        let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
        Self { handles: [ours, theirs], id, may_write: true, written: 0, read: 0 }
    }

    fn write(&mut self, sim: &mut Sim<Wire>, data: &[u8]) {
        while self.may_write && self.written < TOTAL {
            match sim.connection(0, self.handles[0]).write(self.id, data) {
                Ok(written) => self.written += written,
                Err(error) => {
                    assert_eq!(error, WriteError::Blocked);
                    self.may_write = false;
                }
            }
        }
    }

    fn read(&mut self, sim: &mut Sim<Wire>, out: &mut [u8]) {
        let now = sim.now;
        while let Ok(read) = sim.connection(1, self.handles[1]).read(now, self.id, out) {
            self.read += read;
        }
    }
}

/// Everybody writes when told to, and reads if they do at all, until they have read everything or the time is over.
fn carry(sim: &mut Sim<Wire>, all: &mut [Bulk], time: Duration, reads: bool) -> bool {
    let (data, mut out) = (vec![7; 1 << 16], vec![0; 1 << 16]);
    sim.run_until(time, |sim| {
        while let Some(event) = sim.take(0, |event| Some(event.clone())) {
            if let Event::Stream(handle, StreamEvent::Writable(_)) = event {
                let told = all.iter_mut().find(|bulk| bulk.handles[0] == handle);
                told.expect("it is one of them").may_write = true;
            }
        }
        for bulk in all.iter_mut() {
            bulk.write(sim, &data);
            if reads {
                bulk.read(sim, &mut out);
            }
        }
        all.iter().all(|bulk| bulk.read >= TOTAL)
    })
}

#[test]
fn writers_that_wait_for_their_turns_are_told_also_after_nobody_has_read_for_a_while() {
    let configs = [dialler(), listener()];
    let mut sim = Sim::new(7, Wire(Duration::from_micros(20)), &configs);
    let mut all: Vec<_> = (0..30).map(|_| Bulk::new(&mut sim)).collect();
    carry(&mut sim, &mut all, Duration::from_secs(1), false);
    assert!(all.iter().all(|bulk| !bulk.may_write && bulk.written < TOTAL), "all writers wait");
    let done = carry(&mut sim, &mut all, Duration::from_secs(20), true);
    let read: Vec<_> = all.iter().map(|bulk| bulk.read >> 10).collect();
    assert!(done, "{read:?} KiB were read");
}

#[test]
fn ten_thousand_streams_leave_nothing_behind() {
    let mut pair = Pair::new(6, Wire(ms(10)), &TransportConfig::default());
    let (mut opened, mut read, mut most) = (0, 0, 0);
    let (mut open, mut out) = (Vec::new(), [0; 1000]);
    let end = pair.sim.now + Duration::from_secs(600);
    while read < 10_000 {
        while opened < 10_000
            && let Some(id) = pair.connection(0).open_stream(Direction::Unidirectional)
        {
            opened += 1;
            assert_eq!(pair.connection(0).write(id, &[opened as u8; 500]), Ok(500));
            pair.connection(0).finish(id).unwrap();
        }
        while let Some(id) = pair.connection(1).accept_stream(Direction::Unidirectional) {
            open.push(id);
        }
        let now = pair.sim.now;
        open.retain(|id| {
            loop {
                match pair.connection(1).read(now, *id, &mut out) {
                    Ok(0) => {
                        read += 1;
                        return false;
                    }
                    Ok(_) => {}
                    Err(ReadError::Blocked) => return true,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        most = most.max(pair.connection(1).stats().streams);
        assert!(pair.sim.step(end), "{read} streams were read");
    }
    pair.sim.run_for(Duration::from_secs(1));
    assert!(most <= 100, "{most} streams were open at once");
    for node in [0, 1] {
        let stats = pair.connection(node).stats();
        assert_eq!((stats.streams, stats.send_buffered), (0, 0), "{stats:?}");
        assert!(stats.stream_memory <= 64 * 8192, "{stats:?}");
        assert!(stats.stream_pages_allocated <= 400, "pages are used again: {stats:?}");
    }
}
