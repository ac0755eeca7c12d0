//! All workers of an endpoint. Each has a socket on the same port and connections of its own; the first one has also to do with NATs.
//!
//! ```text
//!    accept ◀── whichever has one            connect ──▶ in turn
//!               ┌─────────┬─────────┬─────────┐
//!               │ worker  │ worker  │ worker  │   each: core, socket, seat
//!               │ 0       │ 1       │ 2       │
//!               └────▲────┴────▲────┴────▲────┘
//!    knocks, checks, │         └ datagrams by the id that they carry
//!    STUN, relays ───┘
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::core::Core;
use super::park;
use super::port::Neighbour;
use super::shared::Shared;
use super::socket::Socket;
use super::steering;
use super::wait::Key;
use crate::base::Instant;
use crate::endpoint::{Dial, EndpointStats, Received};

/// The workers of an endpoint, at least one.
#[derive(Debug)]
pub(crate) struct Shards {
    first: Arc<Shared>,
    others: Vec<Arc<Shared>>,
    /// Whose turn it is, counted on and on.
    turn: AtomicUsize,
}

/// Sockets to move to.
#[derive(Debug)]
pub(crate) struct Rebound(Vec<Arc<Socket>>);

/// Something that one of them had to give.
pub(crate) type Given<T> = (Arc<Shared>, T);

impl Shards {
    pub(super) fn new(first: Arc<Shared>, others: Vec<Arc<Shared>>) -> Self {
        Self { first, others, turn: AtomicUsize::new(0) }
    }

    pub(crate) fn first(&self) -> &Arc<Shared> {
        &self.first
    }

    /// All of them, the first one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Shared>> {
        [&self.first].into_iter().chain(&self.others)
    }

    pub(crate) fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// Who is to dial. Answers to knocks come to the first one.
    pub(crate) fn dialler(&self, dial: &Dial) -> &Arc<Shared> {
        if dial.knocks() {
            return &self.first;
        }
        self.in_turn().next().unwrap_or(&self.first)
    }

    /// All of them, each time another one first.
    fn in_turn(&self) -> impl Iterator<Item = &Arc<Shared>> {
        let skipped = match self.count() {
            1 => 0,
            count => self.turn.fetch_add(1, Ordering::Relaxed) % count,
        };
        self.iter().chain(self.iter()).skip(skipped).take(self.count())
    }

    pub(crate) fn stats(&self) -> EndpointStats {
        let each = self.iter().map(|shared| shared.look(|core| core.stats()));
        each.fold(EndpointStats::default(), EndpointStats::plus)
    }

    /// Tries at each, and if none has a result leaves the waker with all.
    pub(crate) fn poll<T>(
        &self,
        key: Key,
        waker: &Waker,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Poll<Given<T>> {
        for shared in self.in_turn() {
            if let Poll::Ready(result) = shared.poll(key, waker, &mut attempt) {
                self.give_up(key, waker);
                return Poll::Ready((Arc::clone(shared), result));
            }
        }
        Poll::Pending
    }

    /// The owner of the waker does not wait any more.
    pub(crate) fn give_up(&self, key: Key, waker: &Waker) {
        self.iter().for_each(|shared| shared.give_up(key, waker));
    }

    /// Tries until one of them has a result.
    pub(crate) fn wait<T>(
        &self,
        key: Key,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Given<T> {
        if self.others.is_empty() {
            return (Arc::clone(&self.first), self.first.wait(key, attempt));
        }
        loop {
            if let Some(given) = self.wait_parked(key, Duration::MAX, &mut attempt) {
                return given;
            }
        }
    }

    /// As [`Self::wait`], until `timeout` is over; then `None`. A timeout of zero tries once.
    pub(crate) fn wait_for<T>(
        &self,
        key: Key,
        timeout: Duration,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<Given<T>> {
        if self.others.is_empty() {
            let result = self.first.wait_for(key, timeout, attempt)?;
            return Some((Arc::clone(&self.first), result));
        }
        self.wait_parked(key, timeout, attempt)
    }

    /// Nobody can wait at several sockets at once, so their workers do the reading.
    fn wait_parked<T>(
        &self,
        key: Key,
        timeout: Duration,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<Given<T>> {
        let deadline = self.first.now() + timeout;
        park::with_waker(|waker| {
            loop {
                if let Poll::Ready(given) = self.poll(key, waker, &mut attempt) {
                    return Some(given);
                }
                let left = deadline - self.first.now();
                if left.is_zero() {
                    self.give_up(key, waker);
                    return None;
                }
                park::park(left);
            }
        })
    }

    /// Sockets for [`Self::rebind`].
    pub(crate) fn bind(&self, address: SocketAddr, kernel_buffer: usize) -> io::Result<Rebound> {
        let count = u8::try_from(self.count()).unwrap_or(u8::MAX);
        let sockets = steering::bind(address, kernel_buffer, count)?;
        if sockets.len() != self.count() {
            let why = "this kernel does not share a port among workers any more";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        Ok(Rebound(sockets))
    }

    /// Moves all of them to new sockets.
    pub(crate) fn rebind(&self, sockets: Rebound) -> io::Result<()> {
        for (shared, socket) in self.iter().zip(&sockets.0) {
            shared.rebind(socket)?;
        }
        if let Some(port) = self.first.guarded().port() {
            port.group().keep(sockets.0);
        }
        Ok(())
    }
}

impl Neighbour for Shared {
    fn expects(&self, remote: SocketAddr, message: &[u8]) -> bool {
        self.guarded().may_expect_peers() && self.look(|core| core.expects(remote, message))
    }

    fn take_in(&self, received: Received<'_>) -> bool {
        let is_left = self.with(|core, now| core.take_in(now, received));
        if self.guarded().has_work() {
            self.guarded().wake_worker();
        }
        is_left
    }

    fn take_resets(&self, received: Received<'_>) {
        self.with(|core, now| core.take_resets(now, received));
    }
}
