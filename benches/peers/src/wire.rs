//! A bad link as a process of its own: carries IP packets between two TUN devices, until its input ends.
//!
//! ```text
//!   client's namespace            this process              server's namespace
//!      TUN device  ──▶ Link (up): queue, rate, loss, delay ──▶  TUN device
//!                  ◀── Link (down): the same               ◀──
//! ```
//!
//! It carries packets of any protocol, so that all stacks meet the same link, the kernel's TCP included.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use srudp_links::{Link, Packet};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::line::Line;

/// The longest sleep: how soon the end is noticed.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// Packets read from a device before the other has its turn.
const BATCH: usize = 64;

/// Packets that wait in a device until this process reads them: it must not lose any by itself.
const DEVICE_QUEUE: u32 = 10_000;

/// Room for every packet.
const PACKET_MAX: usize = 1 << 16;

/// What a process that is a bad link has to know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct WireOrder {
    pub(crate) line: Line,
    /// Decides which packets meet which fate.
    pub(crate) seed: u32,
}

/// How long packets waited for the line, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Wait {
    pub(crate) mean: f64,
    pub(crate) most: f64,
}

/// Carries packets until the standard input ends.
pub(crate) fn run(order: &str) -> ExitCode {
    match carry(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers wire: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry(order: &str) -> Result<()> {
    let order: WireOrder = serde_json::from_str(order).context("an order that makes no sense")?;
    let devices = ["c", "s"].map(device);
    let [client, server] = devices;
    let mut wire = Wire {
        begin: Instant::now(),
        up: Way::new(client?, Link::new(order.line.model(), u64::from(order.seed))),
        down: Way::new(server?, Link::new(order.line.model(), !u64::from(order.seed))),
    };
    say(&[wire.up.from.name()?, wire.down.from.name()?])?;
    let stop = stop_with_the_input();
    while !stop.load(Ordering::Relaxed) {
        wire.turn()?;
    }
    say(&wire.wait())
}

fn device(end: &str) -> Result<SyncDevice> {
    let device = DeviceBuilder::new()
        .name(format!("peers{}{end}", process::id()))
        .build_sync()
        .context("no TUN device can be made")?;
    device.set_nonblocking(true)?;
    device.set_tx_queue_len(DEVICE_QUEUE)?;
    Ok(device)
}

fn stop_with_the_input() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    thread::spawn(move || {
        let _ = io::stdin().lock().read(&mut [0]);
        flag.store(true, Ordering::Relaxed);
    });
    stop
}

fn say(what: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(what)?)?;
    Ok(out.flush()?)
}

struct Wire {
    begin: Instant,
    up: Way,
    down: Way,
}

impl Wire {
    /// Hands out what has arrived, sleeps until something is to be done, and takes in what was sent.
    fn turn(&mut self) -> Result<()> {
        let now = self.begin.elapsed();
        self.up.deliver(now, &self.down.from)?;
        self.down.deliver(now, &self.up.from)?;
        self.sleep()?;
        let now = self.begin.elapsed();
        self.up.take_in(now)?;
        self.down.take_in(now)
    }

    fn sleep(&self) -> Result<()> {
        let deadlines = [self.up.link.next_deadline(), self.down.link.next_deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(Duration::MAX);
        let left = next.saturating_sub(self.begin.elapsed()).min(WAIT_MAX);
        let timeout = Timespec::try_from(left)?;
        let watch = |way| PollFd::new(way, PollFlags::IN);
        match poll(&mut [watch(&self.up.from), watch(&self.down.from)], Some(&timeout)) {
            Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn wait(&self) -> Wait {
        let stats = self.up.link.stats();
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        Wait { mean: millis(stats.mean_queueing()), most: millis(stats.max_queueing) }
    }
}

/// One direction: the device that packets come from, and the link that they go through.
struct Way {
    from: SyncDevice,
    link: Link,
    buffer: Vec<u8>,
}

impl Way {
    fn new(from: SyncDevice, link: Link) -> Self {
        Self { from, link, buffer: vec![0; PACKET_MAX] }
    }

    fn take_in(&mut self, now: Duration) -> Result<()> {
        // The link model asks for addresses that nothing here looks at.
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        for _ in 0..BATCH {
            match self.from.recv(&mut self.buffer) {
                Ok(length) => {
                    let packet = self.buffer.get(..length).unwrap_or_default().to_vec();
                    self.link.send(now, Packet::new(nobody, nobody, packet));
                }
                Err(error) if is_passing(&error) => break,
                Err(error) => return Err(error).context("a device cannot be read"),
            }
        }
        Ok(())
    }

    fn deliver(&mut self, now: Duration, to: &SyncDevice) -> Result<()> {
        while let Some(packet) = self.link.poll(now) {
            match to.send(&packet.payload) {
                Err(error) if !is_passing(&error) => {
                    return Err(error).context("a device cannot be written");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The device is empty, or not yet up: then the packet is lost, as on any cable that is not plugged in.
fn is_passing(error: &io::Error) -> bool {
    let down = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO);
    down || matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
