//! The parts of the core that work for every packet.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use srudp::internals::bench::{Cipher, Codec, Reassembly, Window, insert_into_ranges};

/// A packet of an Ethernet path, a jumbo frame's, and the largest.
const DATAGRAMS: [usize; 4] = [1200, 1452, 8192, 65_000];

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let frames = Codec::new(1380);
    let mut packet = [0; 1452];
    let length = frames.encode(&mut packet).expect("the frames fit");
    group.throughput(Throughput::Bytes(length as u64));
    group.bench_function("encode", |bencher| {
        let mut packet = [0; 1452];
        bencher.iter(|| frames.encode(black_box(&mut packet)));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Codec::decode(black_box(&packet[..length])));
    });
}

fn aead(criterion: &mut Criterion) {
    let ciphers = [
        ("portable", Cipher::portable()),
        ("record", Cipher::record()),
        #[cfg(feature = "aegis")]
        ("aegis", Cipher::aegis()),
    ];
    for (name, cipher) in ciphers {
        let mut group = criterion.benchmark_group(format!("aead/{name}"));
        for size in DATAGRAMS {
            group.throughput(Throughput::Bytes(size as u64));
            let mut text = vec![5; size];
            group.bench_function(format!("seal/{size}"), |bencher| {
                bencher.iter(|| cipher.seal(black_box(&mut text)));
            });
            let tag = cipher.seal(&mut text).expect("the text is short enough");
            group.bench_function(format!("open/{size}"), |bencher| {
                bencher.iter_batched_ref(
                    || text.clone(),
                    |text| assert!(cipher.open(text, &tag)),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

fn ranges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ranges");
    let in_order: Vec<u64> = (0..1000).collect();
    let swapped: Vec<u64> = (0..1000).map(|number| number ^ 1).collect();
    let gaps: Vec<u64> = (0..1000).map(|number| 2 * number).collect();
    // 617 has no factor in common with 1000: every number once, in leaps.
    let leaps: Vec<u64> = (0..1000).map(|number| number * 617 % 1000).collect();
    group.throughput(Throughput::Elements(1000));
    for (name, numbers) in
        [("in order", &in_order), ("swapped", &swapped), ("gaps", &gaps), ("leaps", &leaps)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| insert_into_ranges(black_box(numbers)));
        });
    }
}

/// Bytes of stream data in a frame.
const FRAME: usize = 1400;

/// Frames that arrive before what is complete is read.
const BATCH: usize = 64;

/// A batch arrives in an order, and is read.
fn reassemble(stream: &mut Reassembly, base: u64, order: fn(usize) -> usize, out: &mut [u8]) {
    let data = [9; FRAME];
    for at in 0..BATCH {
        assert!(stream.insert(base + (order(at) * FRAME) as u64, black_box(&data)));
    }
    assert_eq!(stream.read(out), out.len());
}

fn reassembly(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reassembly");
    group.throughput(Throughput::Bytes((BATCH * FRAME) as u64));
    let mut measure = |name, order: fn(usize) -> usize| {
        let (mut stream, mut base, mut out) = (Reassembly::new(), 0, vec![0; BATCH * FRAME]);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                reassemble(&mut stream, base, order, &mut out);
                base += (BATCH * FRAME) as u64;
            });
        });
    };
    measure("in order", |at| at);
    measure("swapped", |at| at ^ 1);
    measure("backwards", |at| BATCH - 1 - at);
}

/// A window of packets is sent and acknowledged at once.
fn recovery(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recovery");
    for (packets, missing, name) in [
        (64, None, "64 packets"),
        (1024, None, "1024 packets"),
        (1024, Some(50), "1024 packets, one of 50 lost"),
    ] {
        group.throughput(Throughput::Elements(packets as u64));
        let mut window = Window::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(window.round_trip(packets, missing) >= packets - 1));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .nresamples(2000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = codec, aead, ranges, reassembly, recovery
}
criterion_main!(benches);
