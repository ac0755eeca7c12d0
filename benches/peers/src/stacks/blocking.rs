//! The jobs for stacks with blocking calls: a thread for each connection.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;

use super::{CHUNK, DIALS, PING, Quota, Stack, Until, time_pings};
use crate::child::{Gate, Meter, Never};
use crate::order::{Job, Outcome, Setup, Target};

/// A thread needs little, and there are thousands.
const STACK_SIZE: usize = 256 << 10;

/// A stack with blocking calls.
pub(super) trait Blocking: Sync + 'static {
    type Listener: Send + Sync + 'static;
    type Incoming;
    type Dialer: Send + Sync + 'static;
    /// The only stream of a connection, with the connection.
    type Stream: Read + Write + Send + 'static;

    fn listen(&self, setup: &Setup) -> Result<(Self::Listener, Target)>;
    fn accept(listener: &Self::Listener) -> Result<Self::Incoming>;
    /// What of the handshake is left to the connection's own thread.
    fn establish(incoming: Self::Incoming) -> Result<Self::Stream>;
    fn dialer(&self, setup: &Setup, target: &Target) -> Result<Self::Dialer>;
    fn dial(dialer: &Self::Dialer) -> Result<Self::Stream>;
    fn close(stream: Self::Stream);

    /// Writes all of a chunk of a bulk transfer.
    fn write_chunk(stream: &mut Self::Stream, chunk: &Bytes) -> io::Result<()> {
        stream.write_all(chunk)
    }

    /// Reads what has arrived of one, to `buffer` if it has to go somewhere. Returns how much; 0 at the end.
    fn read_chunk(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }
}

/// Does the jobs over blocking calls.
pub(super) struct Threads<B>(pub(super) B);

impl<B: Blocking> Stack for Threads<B> {
    fn serve(&self, setup: &Setup, job: Job, meter: Arc<Meter>) -> Result<Target> {
        let (listener, target) = self.0.listen(setup)?;
        let held = Mutex::new(Vec::new());
        let waiting = AtomicUsize::new(0);
        Arc::new(Crew::<B> { listener, job, meter, held, waiting }).hire();
        Ok(target)
    }

    fn run(&self, setup: &Setup, job: Job, target: &Target, gate: &Gate) -> Result<Never> {
        let dialer = self.0.dialer(setup, target)?;
        match job {
            Job::Bulk { connections } => bulk::<B>(&dialer, connections, gate),
            Job::Ping { count } => ping::<B>(&dialer, count, gate),
            Job::Handshakes { seconds, at_once } => {
                handshakes::<B>(&dialer, seconds, at_once, gate)
            }
            Job::Idle { connections } => idle::<B>(&dialer, connections, gate),
        }
    }
}

/// The threads of a server. Each accepts a connection, serves it, and comes back for another; there is always one that waits.
struct Crew<B: Blocking> {
    listener: B::Listener,
    job: Job,
    meter: Arc<Meter>,
    held: Mutex<Vec<B::Stream>>,
    /// Threads that wait for a connection, or are about to.
    waiting: AtomicUsize,
}

impl<B: Blocking> Crew<B> {
    /// Adds a thread.
    fn hire(self: &Arc<Self>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let crew = Arc::clone(self);
        let work = move || crew.work();
        if let Err(error) = thread::Builder::new().stack_size(STACK_SIZE).spawn(work) {
            eprintln!("a connection without a thread: {error}");
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn work(self: &Arc<Self>) {
        while let Ok(incoming) = B::accept(&self.listener) {
            if self.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.hire();
            }
            if let Ok(stream) = serve_one::<B>(incoming, self.job, &self.meter) {
                self.held.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            }
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Serves a connection to its end, or returns it to be held.
fn serve_one<B: Blocking>(incoming: B::Incoming, job: Job, meter: &Meter) -> Result<B::Stream> {
    let mut stream = B::establish(incoming)?;
    let mut greeting = [0];
    stream.read_exact(&mut greeting)?;
    let counter = meter.connection();
    stream.write_all(&greeting)?;
    stream.flush()?;
    if matches!(job, Job::Idle { .. }) {
        return Ok(stream);
    }
    let is_bulk = matches!(job, Job::Bulk { .. });
    let echo = matches!(job, Job::Ping { .. });
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = match is_bulk {
            true => B::read_chunk(&mut stream, &mut buffer)?,
            false => stream.read(&mut buffer)?,
        };
        if length == 0 {
            return Err(anyhow!("served"));
        }
        counter.add(length);
        if echo {
            stream.write_all(&buffer[..length])?;
            stream.flush()?;
        }
    }
}

fn greet<B: Blocking>(dialer: &B::Dialer) -> Result<B::Stream> {
    let mut stream = B::dial(dialer)?;
    stream.write_all(&[1])?;
    stream.flush()?;
    stream.read_exact(&mut [0])?;
    Ok(stream)
}

/// What is kept of greeted connections, and how long each took in microseconds.
fn many<B: Blocking, T: Send>(
    dialer: &B::Dialer,
    quota: &Quota,
    at_once: u32,
    keep: impl Fn(B::Stream) -> Option<T> + Sync,
) -> Result<(Vec<T>, Vec<f64>)> {
    let work = || {
        let (mut kept, mut times) = (Vec::new(), Vec::new());
        while quota.take() {
            let begin = Instant::now();
            let stream = greet::<B>(dialer)?;
            let time = begin.elapsed().as_secs_f64() * 1e6;
            times.extend(quota.counts().then_some(time));
            kept.extend(keep(stream));
        }
        Ok::<_, anyhow::Error>((kept, times))
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let (mut kept, mut times) = (Vec::new(), Vec::new());
        for worker in workers {
            let (more, longer) =
                worker.join().map_err(|_| anyhow!("a dialling thread panicked"))??;
            kept.extend(more);
            times.extend(longer);
        }
        Ok((kept, times))
    })
}

fn bulk<B: Blocking>(dialer: &B::Dialer, connections: u32, gate: &Gate) -> Result<Never> {
    let (streams, _) = many::<B, _>(dialer, &Quota::new(Until::Count(connections)), DIALS, Some)?;
    gate.wait()?;
    let (tell, told) = std::sync::mpsc::channel();
    for mut stream in streams {
        let tell = tell.clone();
        thread::Builder::new().stack_size(STACK_SIZE).spawn(move || {
            let chunk = Bytes::from(vec![0x5a; CHUNK]);
            let why = loop {
                if let Err(error) = B::write_chunk(&mut stream, &chunk) {
                    break error;
                }
            };
            let _ = tell.send(why);
        })?;
    }
    Err(told.recv()?.into())
}

fn ping<B: Blocking>(dialer: &B::Dialer, count: u32, gate: &Gate) -> Result<Never> {
    let mut stream = greet::<B>(dialer)?;
    let mut message = [0x5a; PING];
    time_pings(count, gate, || {
        stream.write_all(&message)?;
        stream.flush()?;
        stream.read_exact(&mut message)?;
        Ok(())
    })
}

fn handshakes<B: Blocking>(
    dialer: &B::Dialer,
    seconds: f64,
    at_once: u32,
    gate: &Gate,
) -> Result<Never> {
    B::close(greet::<B>(dialer)?);
    gate.wait()?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let close = |stream| {
        B::close(stream);
        None::<()>
    };
    let (_, times) = many::<B, _>(dialer, &Quota::new(Until::Time(end)), at_once, close)?;
    ensure!(!times.is_empty(), "no handshake was complete in time");
    gate.done_forever(Outcome::new(seconds, times))
}

fn idle<B: Blocking>(dialer: &B::Dialer, connections: u32, gate: &Gate) -> Result<Never> {
    gate.wait()?;
    let begin = Instant::now();
    let (held, times) = many::<B, _>(dialer, &Quota::new(Until::Count(connections)), DIALS, Some)?;
    let outcome = Outcome::new(begin.elapsed().as_secs_f64(), times);
    let _held = held;
    gate.done_forever(outcome)
}
