//! The worker as a task of tokio.
//!
//! A thread of the runtime that sleeps for the socket does the work itself, and goes on with the task that waited for it: one switch
//! between threads less, on the way from a datagram to who reads the stream.
//!
//! The worker's poll stays what it is. It is itself a descriptor that becomes readable when the poll has something to tell, so the runtime
//! watches that one for all the others.

use std::io;
use std::time::Duration;

use mio::Poll;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::{task, time};

use super::worker::{Next, Worker, events};

/// Starts the task in the current runtime, which drops it when it ends itself.
pub(super) fn spawn(worker: Worker, poll: Poll) -> io::Result<()> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    #[allow(
        deprecated,
        reason = "what replaces it is unsafe, for descriptors that their owners may close; a poll keeps its own"
    )]
    let watched = AsyncFd::with_interest(poll, Interest::READABLE)?;
    runtime.spawn(run(worker, watched));
    Ok(())
}

async fn run(mut worker: Worker, mut poll: AsyncFd<Poll>) {
    let mut events = events();
    loop {
        match worker.turn() {
            Next::End => return,
            // Other tasks have their turn first.
            Next::Turn => task::yield_now().await,
            Next::Sleep(timeout) => {
                if sleep(&poll, timeout).await.is_err() {
                    return;
                }
            }
        }
        match poll.get_mut().poll(&mut events, Some(Duration::ZERO)) {
            Ok(()) => worker.note(&events),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Sleeps until the poll has something to tell, and no longer than this.
async fn sleep(poll: &AsyncFd<Poll>, timeout: Option<Duration>) -> io::Result<()> {
    let readable = async {
        // Forgotten before the poll is asked: what happens after that is told anew.
        poll.readable().await?.clear_ready();
        Ok(())
    };
    match timeout {
        Some(timeout) => time::timeout(timeout, readable).await.unwrap_or(Ok(())),
        None => readable.await,
    }
}
