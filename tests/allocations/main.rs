//! What the protocol costs in memory: nothing per packet, nothing that stays of a stream or connection that is over, and
//! little per idle connection.

mod pair;

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use pair::Pair;
use srudp::proto::{ReadError, WriteError};
use srudp::{ApplicationCode, Direction, StreamId};

/// Packets before the count begins: enough for the path MTU to be found, windows to open and rings to reach their size.
const WARM_UP: u64 = 400_000;

/// Packets that are counted.
const COUNTED: u64 = 50_000;

/// Longer than it takes a silent connection to give back what it does not need.
const SILENCE: Duration = Duration::from_secs(20);

/// Streams before the count begins.
const WARM_UP_STREAMS: u64 = 10_000;

/// Connections that exist at once on each endpoint.
const CONNECTIONS: usize = 1000;

/// The most that an idle connection may take on one side, in bytes.
const IDLE_BYTES: i64 = 5 * 1024;

/// What both sides of a connection that was busy may take beyond what they took before, in bytes: windows of received
/// packet numbers, which may have grown to 2 KiB each.
const RESTING_BYTES: i64 = 4 * 1024;

/// How the application hands over what it sends.
#[derive(Clone, Copy)]
enum Writing {
    Copied,
    Shared,
}

/// How it takes what it receives.
#[derive(Clone, Copy)]
enum Reading {
    Copied,
    Borrowed,
}

/// A transfer that never ends.
struct Bulk {
    pair: Pair,
    id: StreamId,
    writing: Writing,
    reading: Reading,
    data: Bytes,
    out: Vec<u8>,
    read: u64,
    ended: bool,
}

impl Bulk {
    fn new(writing: Writing, reading: Reading) -> Self {
        Self::on(Pair::new(1), writing, reading)
    }

    /// Between these endpoints, on a connection that is dialled for it.
    fn on(mut pair: Pair, writing: Writing, reading: Reading) -> Self {
        connect(&mut pair);
        let id = pair.connection(0).open_stream(Direction::Unidirectional).unwrap();
        let (data, out) = (Bytes::from(vec![7; 16_384]), vec![0; 16_384]);
        Self { pair, id, writing, reading, data, out, read: 0, ended: false }
    }

    fn run(&mut self, packets: u64) {
        let end = self.pair.carried + packets;
        while self.pair.carried < end {
            self.write();
            self.read();
            self.pair.step();
        }
    }

    fn read_to_end(&mut self) {
        while !self.ended {
            self.read();
            self.pair.step();
        }
    }

    fn write(&mut self) {
        let (id, connection) = (self.id, self.pair.connection(0));
        loop {
            let result = match self.writing {
                Writing::Copied => connection.write(id, &self.data),
                Writing::Shared => connection.write_bytes(id, self.data.clone()),
            };
            match result {
                Ok(_) => {}
                Err(WriteError::Blocked) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn read(&mut self) {
        let (id, now, connection) = (self.id, self.pair.now, self.pair.connection(1));
        loop {
            let result = match self.reading {
                Reading::Copied => connection.read(now, id, &mut self.out),
                Reading::Borrowed => connection.peek(id).map(<[u8]>::len),
            };
            match (result, self.reading) {
                (Ok(0), _) => return self.ended = true,
                (Ok(count), Reading::Copied) => self.read += count as u64,
                (Ok(count), Reading::Borrowed) => {
                    connection.consume(now, id, count);
                    self.read += count as u64;
                }
                (Err(ReadError::Blocked | ReadError::Unknown), Reading::Copied) => break,
                (Err(ReadError::Blocked | ReadError::Unknown), Reading::Borrowed) => {
                    connection.consume(now, id, 0);
                    break;
                }
                (Err(error), _) => panic!("{error}"),
            }
        }
    }
}

/// Two endpoints with one connection.
fn connected() -> Pair {
    let mut pair = Pair::new(1);
    connect(&mut pair);
    pair
}

/// Adds a connection.
fn connect(pair: &mut Pair) {
    pair.dial();
    pair.run_for(Duration::from_millis(100));
}

/// Allocations on both sides of a bulk transfer in its steady state, and datagrams lost meanwhile.
fn steady(writing: Writing, reading: Reading, loss: Option<u64>) -> (u64, u64) {
    let mut bulk = Bulk::new(writing, reading);
    if let Some(loss) = loss {
        bulk.pair.lose_one_of(loss);
    }
    bulk.run(WARM_UP);
    let (read, lost) = (bulk.read, bulk.pair.lost);
    let info = measure(|| bulk.run(COUNTED));
    assert!(bulk.read - read > COUNTED * 500, "{} bytes came", bulk.read - read);
    (info.count_total, bulk.pair.lost - lost)
}

#[test]
fn a_packet_of_a_bulk_transfer_allocates_nothing() {
    assert_eq!(steady(Writing::Copied, Reading::Copied, None), (0, 0));
}

#[test]
fn a_packet_of_a_transfer_without_copies_allocates_nothing() {
    assert_eq!(steady(Writing::Shared, Reading::Borrowed, None), (0, 0));
}

#[test]
fn a_lost_packet_allocates_nothing() {
    let (allocations, lost) = steady(Writing::Copied, Reading::Copied, Some(100));
    assert!(lost > COUNTED / 200);
    assert_eq!(allocations, 0, "{lost} lost");
}

/// Opens a stream, sends a little both ways, and ends it.
fn use_stream(pair: &mut Pair) {
    let id = pair.connection(0).open_stream(Direction::Bidirectional).expect("streams are allowed");
    pair.connection(0).write(id, &[1; 100]).unwrap();
    pair.connection(0).finish(id).unwrap();
    pair.run_for(Duration::from_millis(20));
    assert_eq!(pair.connection(1).accept_stream(Direction::Bidirectional), Some(id));
    for (node, length) in [(1, 100), (0, 200)] {
        let (now, connection, mut out) = (pair.now, pair.connection(node), [0; 300]);
        assert_eq!(connection.read(now, id, &mut out), Ok(length));
        assert_eq!(connection.read(now, id, &mut out), Ok(0));
        if node == 1 {
            connection.write(id, &[2; 200]).unwrap();
            connection.finish(id).unwrap();
            pair.run_for(Duration::from_millis(20));
        }
    }
}

/// After as many streams as it takes for the windows of packet numbers to reach their size, not a byte may stay.
#[test]
fn nothing_stays_of_a_stream_that_is_over() {
    let mut pair = connected();
    (0..WARM_UP_STREAMS).for_each(|_| use_stream(&mut pair));
    let info = measure(|| (0..10_000).for_each(|_| use_stream(&mut pair)));
    assert_eq!(info.bytes_current, 0, "bytes that stay");
}

/// Connects so many times at once.
fn connect_many(pair: &mut Pair, connections: usize) {
    for _ in 0..connections {
        pair.dial();
        pair.run_for(Duration::from_millis(1));
    }
    pair.run_for(SILENCE);
    assert_eq!([pair.open[0].len(), pair.open[1].len()], [connections; 2]);
}

/// Closes all connections and waits until both sides have forgotten them.
fn close_all(pair: &mut Pair) {
    for at in 0..pair.open[0].len() {
        let (now, handle) = (pair.now, pair.open[0][at]);
        let connection = pair.endpoint(0).connection(handle).expect("it is open");
        connection.close(now, ApplicationCode::ZERO, b"", Duration::ZERO);
        pair.run_for(Duration::from_millis(1));
    }
    pair.run_for(Duration::from_secs(60));
    for node in 0..2 {
        for at in 0..pair.closed[node].len() {
            let (now, handle) = (pair.now, pair.closed[node][at]);
            pair.endpoint(node).remove(now, handle);
        }
        assert_eq!(pair.endpoint(node).stats().connections, 0);
        pair.open[node].clear();
        pair.closed[node].clear();
    }
}

/// The first round makes the endpoints' tables large enough; the second must leave everything as it found it.
#[test]
fn an_idle_connection_is_small_and_leaves_nothing() {
    let mut pair = Pair::new(CONNECTIONS);
    connect_many(&mut pair, CONNECTIONS);
    close_all(&mut pair);
    let mut idle = 0;
    let all = measure(|| {
        let connected = measure(|| connect_many(&mut pair, CONNECTIONS));
        idle = connected.bytes_current / (2 * CONNECTIONS as i64);
        close_all(&mut pair);
    });
    println!("an idle connection takes {idle} bytes");
    assert!(idle <= IDLE_BYTES, "{idle} bytes");
    assert_eq!(all.bytes_current, 0, "bytes that stay");
}

/// Signs of life wake a connection for no longer than they take.
#[test]
fn keep_alives_leave_an_idle_connection_small() {
    let mut pair = Pair::kept_alive(CONNECTIONS, Some(Duration::from_secs(15)));
    connect_many(&mut pair, CONNECTIONS);
    let (carried, batches) = (pair.carried, pair.batches);
    let info = measure(|| pair.run_for(Duration::from_secs(15 * 20)));
    let (datagrams, batches) = (pair.carried - carried, pair.batches - batches);
    println!("{datagrams} datagrams left in {batches} calls");
    assert!(batches * 8 < datagrams, "{batches} calls for {datagrams} datagrams");
    let exchanged = (pair.carried - carried) / CONNECTIONS as u64;
    assert!((38..50).contains(&exchanged), "{exchanged} datagrams of a connection");
    let grown = info.bytes_current / (2 * CONNECTIONS as i64);
    println!("after 20 keep-alives an idle connection takes {grown} bytes more");
    assert!(grown <= 64, "{grown} bytes");
}

/// What wakes them for a moment, every few milliseconds one of them, is nothing to the one that is busy.
#[test]
fn a_bulk_transfer_beside_connections_that_rest_allocates_no_pages() {
    const RESTING: u32 = 100;
    let interval = Duration::from_secs(15);
    let mut pair = Pair::kept_alive(RESTING as usize + 1, Some(interval));
    for _ in 0..RESTING {
        pair.dial();
        pair.run_for(interval / RESTING);
    }
    pair.run_for(SILENCE);
    let mut bulk = Bulk::on(pair, Writing::Copied, Reading::Copied);
    bulk.run(WARM_UP);
    let allocated = |bulk: &mut Bulk| {
        [0, 1].map(|node| bulk.pair.connection(node).stats().stream_pages_allocated)
    };
    let (before, began) = (allocated(&mut bulk), bulk.pair.now);
    bulk.run(COUNTED);
    assert_eq!(allocated(&mut bulk), before);
    assert!(bulk.pair.now - began > interval / RESTING * 4, "they wake meanwhile");
}

#[test]
fn a_connection_that_was_busy_becomes_small_again() {
    let mut bulk = Bulk::new(Writing::Copied, Reading::Copied);
    bulk.pair.run_for(SILENCE);
    let info = measure(|| {
        bulk.run(20_000);
        bulk.pair.connection(0).finish(bulk.id).unwrap();
        bulk.read_to_end();
        bulk.pair.run_for(SILENCE);
    });
    println!("{} bytes at most, {} more than before at rest", info.bytes_max, info.bytes_current);
    assert!(info.bytes_current <= RESTING_BYTES, "{} bytes", info.bytes_current);
}
