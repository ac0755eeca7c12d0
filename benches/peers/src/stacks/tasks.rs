//! The jobs for stacks on tokio: a task for each connection.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::{CHUNK, DIALS, PING, Quota, Stack, Until, WARM_UP};
use crate::child::{Gate, Meter, Never};
use crate::order::{Job, Outcome, Setup, Target, Tuning};

/// A stack on tokio.
pub(super) trait Tasks: Send + Sync + Sized + 'static {
    type Listener: Send + 'static;
    type Incoming: Send + 'static;
    type Dialer: Send + Sync + 'static;
    type Connection: Send + 'static;
    type Writer: AsyncWrite + Unpin + Send + 'static;
    type Reader: AsyncRead + Unpin + Send + 'static;

    fn listen(setup: &Setup) -> impl Future<Output = Result<(Self::Listener, Target)>> + Send;
    fn accept(listener: &mut Self::Listener)
    -> impl Future<Output = Result<Self::Incoming>> + Send;
    /// Called in the connection's own task.
    fn establish(incoming: Self::Incoming) -> impl Future<Output = Result<Session<Self>>> + Send;
    fn dialer(setup: &Setup, target: &Target) -> impl Future<Output = Result<Self::Dialer>> + Send;
    fn dial(dialer: &Self::Dialer) -> impl Future<Output = Result<Session<Self>>> + Send;
    fn close(session: Session<Self>);
}

/// A connection and its only stream.
pub(super) struct Session<T: Tasks> {
    pub(super) connection: T::Connection,
    pub(super) writer: T::Writer,
    pub(super) reader: T::Reader,
}

/// Does the jobs as tasks.
pub(super) struct Tokio<T>(pub(super) T);

impl<T: Tasks> Stack for Tokio<T> {
    fn serve(&self, setup: &Setup, job: Job, meter: Arc<Meter>) -> Result<Target> {
        let (tell, told) = mpsc::channel();
        let (runtime, setup) = (runtime(setup)?, setup.clone());
        thread::spawn(move || {
            runtime.block_on(async {
                match T::listen(&setup).await {
                    Ok((listener, target)) => {
                        let _ = tell.send(Ok(target));
                        serve_all::<T>(listener, job, meter).await;
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
        });
        told.recv()?
    }

    fn run(&self, setup: &Setup, job: Job, target: &Target, gate: &Gate) -> Result<Never> {
        runtime(setup)?.block_on(async {
            let dialer = Arc::new(T::dialer(setup, target).await?);
            match job {
                Job::Bulk { connections } => bulk::<T>(&dialer, connections, gate).await,
                Job::Ping { count } => ping::<T>(&dialer, count, gate).await,
                Job::Handshakes { seconds, at_once } => {
                    handshakes::<T>(&dialer, seconds, at_once, gate).await
                }
                Job::Idle { connections } => idle::<T>(&dialer, connections, gate).await,
            }
        })
    }
}

/// As most programs have it, or one thread if it is tuned: fewer hops between threads.
fn runtime(setup: &Setup) -> Result<Runtime> {
    let mut builder = match setup.tuning {
        Tuning::Defaults => Builder::new_multi_thread(),
        Tuning::Windows | Tuning::WindowsAndBbr => Builder::new_current_thread(),
    };
    Ok(builder.enable_all().build()?)
}

async fn serve_all<T: Tasks>(mut listener: T::Listener, job: Job, meter: Arc<Meter>) {
    let held = Arc::new(Mutex::new(Vec::new()));
    while let Ok(incoming) = T::accept(&mut listener).await {
        let (meter, held) = (Arc::clone(&meter), Arc::clone(&held));
        tokio::spawn(async move {
            if let Ok(session) = serve_one::<T>(incoming, job, &meter).await {
                held.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            }
        });
    }
}

/// Serves a connection to its end, or returns it to be held.
async fn serve_one<T: Tasks>(incoming: T::Incoming, job: Job, meter: &Meter) -> Result<Session<T>> {
    let mut session = T::establish(incoming).await?;
    let mut greeting = [0];
    session.reader.read_exact(&mut greeting).await?;
    let counter = meter.connection();
    session.writer.write_all(&greeting).await?;
    if matches!(job, Job::Idle { .. }) {
        return Ok(session);
    }
    let echo = matches!(job, Job::Ping { .. });
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = session.reader.read(&mut buffer).await?;
        if length == 0 {
            return Err(anyhow!("served"));
        }
        counter.add(length);
        if echo {
            session.writer.write_all(&buffer[..length]).await?;
        }
    }
}

async fn greet<T: Tasks>(dialer: &T::Dialer) -> Result<Session<T>> {
    let mut session = T::dial(dialer).await?;
    session.writer.write_all(&[1]).await?;
    session.reader.read_exact(&mut [0]).await?;
    Ok(session)
}

/// What is kept of greeted connections, and how long each took in microseconds.
async fn many<T: Tasks, K: Send + 'static>(
    dialer: &Arc<T::Dialer>,
    quota: Quota,
    at_once: u32,
    keep: fn(Session<T>) -> Option<K>,
) -> Result<(Vec<K>, Vec<f64>)> {
    let quota = Arc::new(quota);
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (quota, dialer) = (Arc::clone(&quota), Arc::clone(dialer));
        workers.spawn(async move {
            let (mut kept, mut times) = (Vec::new(), Vec::new());
            while quota.take() {
                let begin = Instant::now();
                let session = greet::<T>(&dialer).await?;
                let time = begin.elapsed().as_secs_f64() * 1e6;
                times.extend(quota.counts().then_some(time));
                kept.extend(keep(session));
            }
            Ok::<_, anyhow::Error>((kept, times))
        });
    }
    let (mut kept, mut times) = (Vec::new(), Vec::new());
    while let Some(worker) = workers.join_next().await {
        let (more, longer) = worker??;
        kept.extend(more);
        times.extend(longer);
    }
    Ok((kept, times))
}

async fn bulk<T: Tasks>(dialer: &Arc<T::Dialer>, connections: u32, gate: &Gate) -> Result<Never> {
    let quota = Quota::new(Until::Count(connections));
    let (sessions, _) = many::<T, _>(dialer, quota, DIALS, Some).await?;
    gate.wait()?;
    let mut senders = JoinSet::new();
    for mut session in sessions {
        senders.spawn(async move {
            let chunk = vec![0x5a; CHUNK];
            loop {
                if let Err(error) = session.writer.write_all(&chunk).await {
                    return error;
                }
            }
        });
    }
    let why = senders.join_next().await.context("nothing to send on")??;
    Err(why.into())
}

async fn ping<T: Tasks>(dialer: &T::Dialer, count: u32, gate: &Gate) -> Result<Never> {
    let mut session = greet::<T>(dialer).await?;
    let mut message = [0x5a; PING];
    let mut times = Vec::new();
    let mut begin = Instant::now();
    for n in 0..WARM_UP + count {
        if n == WARM_UP {
            gate.wait()?;
            times.clear();
            begin = Instant::now();
        }
        let sent = Instant::now();
        session.writer.write_all(&message).await?;
        session.reader.read_exact(&mut message).await?;
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    gate.done(Outcome::new(begin.elapsed().as_secs_f64(), times));
    std::future::pending().await
}

async fn handshakes<T: Tasks>(
    dialer: &Arc<T::Dialer>,
    seconds: f64,
    at_once: u32,
    gate: &Gate,
) -> Result<Never> {
    T::close(greet::<T>(dialer).await?);
    gate.wait()?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let close = |session| {
        T::close(session);
        None::<()>
    };
    let (_, times) = many::<T, _>(dialer, Quota::new(Until::Time(end)), at_once, close).await?;
    ensure!(!times.is_empty(), "no handshake was complete in time");
    gate.done(Outcome::new(seconds, times));
    std::future::pending().await
}

async fn idle<T: Tasks>(dialer: &Arc<T::Dialer>, connections: u32, gate: &Gate) -> Result<Never> {
    gate.wait()?;
    let begin = Instant::now();
    let quota = Quota::new(Until::Count(connections));
    let (held, times) = many::<T, _>(dialer, quota, DIALS, Some).await?;
    gate.done(Outcome::new(begin.elapsed().as_secs_f64(), times));
    let never = std::future::pending().await;
    drop(held);
    never
}
