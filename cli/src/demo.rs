//! `srudp demo`: everything at once, on this machine.
//!
//! ```text
//!  client ══ bad link, NAT box ══ server
//!    4 streams of data ────────▶ summed up, the sums come back
//!    1 stream of requests ◀────▶ echoed
//!    half of the data is there: the NAT box rebinds, the client's address changes
//! ```
//!
//! With `--nat` two peers behind NATs find each other first: see [`meeting`].

mod meeting;
mod payload;
mod relay;
mod server;

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use srudp::proto::{ConnectionStats, TransportConfig};
use srudp::{ApplicationCode, Connection, Endpoint, Identity, PeerId};
use srudp_links::LinkConfig;

use crate::clock;
use crate::exit::{Code, Failure};
use crate::link::LinkReport;
use crate::options;
use crate::progress::Progress;
use crate::units;
use payload::Sum;
use relay::Relay;

/// One way; the round trip is twice as long.
const DELAY: Duration = Duration::from_millis(10);

/// Of the packets of each direction.
const LOSS: f64 = 0.01;

/// The largest UDP payload that passes: that of Ethernet.
const MTU: usize = 1472;

/// Streams that carry data.
const STREAMS: usize = 4;

/// Bytes on each of them.
const BYTES: usize = 2 << 20;

/// Bytes that the client may have written without an acknowledgement.
const SEND_BUFFER: u64 = 1 << 20;

/// Pause between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// How often the progress looks at the counter.
const GLANCE: Duration = Duration::from_millis(20);

/// What both sides have to speak.
const PROTOCOL: &[u8] = b"srudp-demo/1";

/// Show what srudp does, on this machine.
///
/// Starts two peers with fresh keys on loopback, with a link between them that takes 20 ms for a round trip and loses 1 % of the
/// packets. Moves 8 MiB over four streams and small requests beside them, gives the client another address halfway, and
/// compares checksums. Takes about a second; exit code 1 if anything differs.
///
/// With --nat both peers are behind NATs over the same link: each finds out what its NAT does, they exchange tickets, search a
/// path, and move the data on it. Takes some seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = meeting::HELP)]
pub(crate) struct Args {
    /// Decides which packets get lost, the ports that NATs choose, and the data
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// What stands between each of the two peers and the Internet; the kinds are listed below
    #[arg(long, value_name = "LEFT,RIGHT")]
    nat: Option<meeting::Pair>,
}

/// What the client found out.
#[derive(Debug)]
struct Findings {
    time: Duration,
    sums: Vec<(Sum, Sum)>,
    requests: Vec<Duration>,
    stats: ConnectionStats,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if let Some(pair) = self.nat {
            return meeting::run(pair, self.seed);
        }
        let (client, server) = (Identity::generate(), Identity::generate());
        let loopback = (Ipv4Addr::LOCALHOST, 0).into();
        let builder = || Endpoint::builder().application_protocol(PROTOCOL);
        let server = options::bind(builder().identity(server).allow([client.peer_id()]), loopback)?;
        // A small buffer, so that what was written is close to what has arrived.
        let transport = TransportConfig::default().send_buffer(SEND_BUFFER);
        let client = options::bind(builder().identity(client).transport(transport), loopback)?;
        let config = LinkConfig::default().delay(DELAY).loss(LOSS).mtu(MTU);
        let link_failed = |error| Failure::of("the link failed", error);
        let relay = Relay::start(server.local_addr(), config, self.seed).map_err(link_failed)?;
        introduce(client.peer_id(), server.peer_id());
        thread::scope(|scope| {
            scope.spawn(|| {
                for connection in server.incoming() {
                    server::serve(&connection);
                }
            });
            let result = self.measure(&client, server.peer_id(), &relay);
            client.close(ApplicationCode::ZERO, b"");
            server.close(ApplicationCode::ZERO, b"");
            let findings =
                result.map_err(|error| Failure::of("the demonstration failed", error))?;
            findings.report(&relay.stop().map_err(link_failed)?);
            verdict(&findings.sums)
        })
    }

    fn measure(&self, client: &Endpoint, server: PeerId, relay: &Relay) -> io::Result<Findings> {
        let connection = client.connect(server, relay.address())?;
        println!("connected    {} for the handshake", units::time(connection.stats().handshake));
        let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let begin = clock::now();
        thread::scope(|scope| {
            let (connection, done) = (&connection, &done);
            let transfers: Vec<_> = (self.seed..)
                .take(STREAMS)
                .map(|seed| scope.spawn(move || transfer(connection, seed, done)))
                .collect();
            let requests = scope.spawn(|| request(connection, &is_over));
            let moved = watch(&transfers, done, relay);
            let time = clock::now().duration_since(begin);
            let sums = transfers.into_iter().map(join).collect::<io::Result<_>>();
            is_over.store(true, Ordering::Relaxed);
            let requests = join(requests);
            moved?;
            Ok(Findings { time, sums: sums?, requests: requests?, stats: connection.stats() })
        })
    }
}

impl Findings {
    fn report(&self, link: &LinkReport) {
        let bytes = (STREAMS * BYTES) as u64;
        let count = self.requests.len();
        let longest = self.requests.iter().max().copied().unwrap_or_default();
        let total: Duration = self.requests.iter().sum();
        let mean = total.checked_div(count as u32).unwrap_or_default();
        println!(
            "moved        {} over {STREAMS} streams in {}: {}",
            units::bytes(bytes),
            units::time(self.time),
            units::rate(bytes, self.time)
        );
        println!(
            "requests     {count} beside them, {} on average, {} at most",
            units::time(mean),
            units::time(longest)
        );
        let (up, down) = (link.up, link.down);
        println!(
            "link         lost {} of {} packets, both directions",
            up.lost + down.lost,
            up.sent + down.sent
        );
        println!(
            "sent again   {} in {} packets; the path carries datagrams of {} bytes",
            units::bytes(self.stats.bytes_lost),
            self.stats.packets_lost,
            self.stats.mtu
        );
    }
}

/// Compares the sums of both sides of each stream.
fn verdict(sums: &[(Sum, Sum)]) -> Result<(), Failure> {
    let mut differ = 0;
    for (number, (ours, theirs)) in sums.iter().enumerate() {
        let verdict = if ours == theirs { "same" } else { "DIFFERENT" };
        differ += usize::from(ours != theirs);
        println!("stream {number}     SHA-256 {}…  {verdict}", hex(ours));
    }
    if differ > 0 {
        let message = format!(
            "{differ} of {} streams arrived with other bytes: this is a bug, please report it",
            sums.len()
        );
        return Err(Failure::new(Code::Here, message));
    }
    println!("all the same");
    Ok(())
}

fn introduce(client: PeerId, server: PeerId) {
    println!("client       {client}");
    println!("server       {server}");
    let round_trip = units::time(DELAY * 2);
    println!("link         {round_trip} for a round trip, loses {} %", LOSS * 100.0);
}

fn transfer(connection: &Connection, seed: u64, done: &AtomicUsize) -> io::Result<(Sum, Sum)> {
    let mut stream = connection.open_stream()?;
    stream.write_all(&[server::DATA])?;
    payload::send(&mut stream, BYTES, seed, |bytes| {
        done.fetch_add(bytes, Ordering::Relaxed);
    })
}

/// One request after another while the data flows. They go first: a request should not wait for bulk data.
fn request(connection: &Connection, is_over: &AtomicBool) -> io::Result<Vec<Duration>> {
    let mut stream = connection.open_stream()?;
    stream.set_priority(1);
    stream.write_all(&[server::REQUESTS])?;
    let mut times = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let begin = clock::now();
        stream.write_all(&[0x5a; server::REQUEST])?;
        stream.read_exact(&mut [0; server::REQUEST])?;
        times.push(clock::now().duration_since(begin));
        thread::sleep(PAUSE);
    }
    Ok(times)
}

/// Shows the progress, and rebinds the NAT box halfway.
fn watch<T>(
    transfers: &[ScopedJoinHandle<'_, T>],
    done: &AtomicUsize,
    relay: &Relay,
) -> io::Result<()> {
    const ALL: usize = STREAMS * BYTES;
    let mut progress = Progress::on_terminal();
    let mut is_moved = false;
    while transfers.iter().any(|transfer| !transfer.is_finished()) {
        let bytes = done.load(Ordering::Relaxed);
        if bytes >= ALL / 2 && !is_moved {
            is_moved = true;
            relay.rebind();
            progress.clear();
            println!("moved away   the NAT box gives the client another address");
        }
        progress.show(|| format!("{} of {}", units::bytes(bytes as u64), units::bytes(ALL as u64)));
        thread::sleep(GLANCE);
    }
    Ok(())
}

fn join<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the demonstration panicked")))
}

/// The beginning of a sum; enough to compare by eye.
fn hex(sum: &Sum) -> String {
    sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
