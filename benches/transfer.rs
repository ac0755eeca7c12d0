//! Whole transfers: both sides of a simulated one in this thread, and one over loopback with all that a driver does.

#[path = "../tests/allocations/pair.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod pair;

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pair::Pair;
use srudp::proto::{ReadError, WriteError};
use srudp::{Direction, Endpoint, Identity, StreamId};

/// Bytes of one iteration.
const SIMULATED: usize = 8 << 20;
const LOOPBACK: usize = 64 << 20;

/// A transfer that never ends; virtual time passes when there is nothing to do.
struct Bulk {
    pair: Pair,
    id: StreamId,
    data: Vec<u8>,
    out: Vec<u8>,
}

impl Bulk {
    fn new() -> Self {
        let mut pair = Pair::new(1);
        pair.dial();
        pair.run_for(Duration::from_millis(100));
        let id = pair.connection(0).open_stream(Direction::Unidirectional).expect("streams");
        let mut bulk = Self { pair, id, data: vec![7; 16_384], out: vec![0; 16_384] };
        // The path MTU is found and the windows are open.
        bulk.run(4 * SIMULATED);
        bulk
    }

    fn run(&mut self, bytes: usize) {
        let mut read = 0;
        while read < bytes {
            self.write();
            read += self.read();
            self.pair.step();
        }
    }

    fn write(&mut self) {
        loop {
            match self.pair.connection(0).write(self.id, &self.data) {
                Ok(_) => {}
                Err(WriteError::Blocked) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn read(&mut self) -> usize {
        let (now, mut total) = (self.pair.now, 0);
        loop {
            match self.pair.connection(1).read(now, self.id, &mut self.out) {
                Ok(count) => total += count,
                Err(ReadError::Blocked | ReadError::Unknown) => return total,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Bytes per second of one core that does the work of both sides, at 1452 bytes per datagram.
fn simulated(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transfer");
    group.throughput(Throughput::Bytes(SIMULATED as u64));
    for (name, loss) in [("simulated", None), ("simulated, one of 100 lost", Some(100))] {
        let mut bulk = Bulk::new();
        if let Some(loss) = loss {
            bulk.pair.lose_one_of(loss);
        }
        group.bench_function(name, |bencher| bencher.iter(|| bulk.run(SIMULATED)));
    }
}

fn loopback(criterion: &mut Criterion) {
    let server = Endpoint::builder().identity(Identity::generate()).accept(true);
    let server = server.bind("127.0.0.1:0").expect("a port is free");
    let client = Endpoint::builder().bind("127.0.0.1:0").expect("a port is free");
    let dialled = client.connect(server.peer_id(), server.local_addr()).expect("it answers");
    let accepted = server.accept().expect("it was dialled");
    let mut writer = dialled.open_uni().expect("streams are allowed");
    writer.write_all(b"!").expect("it is open");
    let mut reader = accepted.accept_uni().expect("it was opened");
    reader.read_exact(&mut [0]).expect("a byte was sent");

    let mut group = criterion.benchmark_group("transfer");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Bytes(LOOPBACK as u64));
    let (data, mut out) = (vec![7; LOOPBACK], vec![0; 1 << 18]);
    group.bench_function("loopback", |bencher| {
        bencher.iter(|| {
            thread::scope(|scope| {
                scope.spawn(|| writer.write_all(&data).expect("the peer reads"));
                for _ in 0..LOOPBACK / out.len() {
                    reader.read_exact(&mut out).expect("the peer writes");
                }
            });
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .nresamples(2000)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = simulated, loopback
}
criterion_main!(benches);
