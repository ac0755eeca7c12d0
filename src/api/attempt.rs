//! One try at everything that may have to wait. Blocking calls and futures repeat the same tries.

use std::task::Poll;

use bytes::Bytes;

use super::error::{EndpointClosed, StreamError};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::connection::Connection;
use crate::datagram::DatagramError;
use crate::driver::Core;
use crate::endpoint::ConnectionHandle;
use crate::node::Route;
use crate::stream::{ReadError, WriteError};
use crate::wire::{ApplicationCode, Direction, StreamId};

/// Bytes copied to or from a stream under the lock; more would keep the worker waiting.
const COPY_MAX: usize = 256 * 1024;

pub(crate) fn established(
    core: &Core,
    handle: ConnectionHandle,
) -> Poll<Result<(), ConnectionError>> {
    core.dialled(handle).map_or(Poll::Pending, Poll::Ready)
}

pub(crate) fn accept(core: &mut Core) -> Poll<Result<ConnectionHandle, EndpointClosed>> {
    match core.accept() {
        Some(handle) => Poll::Ready(Ok(handle)),
        None if core.is_closed() => Poll::Ready(Err(EndpointClosed)),
        None => Poll::Pending,
    }
}

pub(crate) fn open(
    core: &mut Core,
    handle: ConnectionHandle,
    direction: Direction,
) -> Poll<Result<StreamId, ConnectionError>> {
    let opened = core.connection(handle).and_then(|connection| connection.open_stream(direction));
    match (opened, core.reason_for_new_work(handle)) {
        (Some(id), _) => {
            core.add_sender(handle, id);
            Poll::Ready(Ok(id))
        }
        (None, Some(why)) => Poll::Ready(Err(why)),
        (None, None) => Poll::Pending,
    }
}

pub(crate) fn accept_stream(
    core: &mut Core,
    handle: ConnectionHandle,
    direction: Direction,
) -> Poll<Result<StreamId, ConnectionError>> {
    let accepted = core.attempt(handle, |connection| {
        connection.accept_stream(direction).map_or(Poll::Pending, Poll::Ready)
    });
    match (ready(accepted), core.reason(handle)) {
        (Some(id), _) => {
            if direction == Direction::Bidirectional {
                core.add_sender(handle, id);
            }
            Poll::Ready(Ok(id))
        }
        (None, Some(why)) => Poll::Ready(Err(why)),
        (None, None) => Poll::Pending,
    }
}

/// What an attempt on a connection that is still there came to, if it did.
fn ready<T>(attempt: Option<Poll<T>>) -> Option<T> {
    match attempt {
        Some(Poll::Ready(result)) => Some(result),
        Some(Poll::Pending) | None => None,
    }
}

pub(crate) fn receive_datagram(
    core: &mut Core,
    handle: ConnectionHandle,
) -> Poll<Result<Bytes, ConnectionError>> {
    let datagram = core.connection(handle).and_then(|connection| connection.recv_datagram());
    match (datagram, core.reason(handle)) {
        (Some(datagram), _) => Poll::Ready(Ok(datagram)),
        (None, Some(why)) => Poll::Ready(Err(why)),
        (None, None) => Poll::Pending,
    }
}

pub(crate) fn send_datagram(
    core: &mut Core,
    handle: ConnectionHandle,
    data: &Bytes,
) -> Poll<Result<(), DatagramError>> {
    let Some(connection) = core.connection(handle) else {
        return Poll::Ready(Err(DatagramError::ConnectionClosed));
    };
    match connection.send_datagram(data.clone()) {
        Err(DatagramError::Full) => Poll::Pending,
        result => Poll::Ready(result),
    }
}

pub(crate) fn closed(core: &Core, handle: ConnectionHandle) -> Poll<ConnectionError> {
    core.reason(handle).map_or(Poll::Pending, Poll::Ready)
}

/// What a close came to. A peer that was first and closed with 0 was content; so are we if it has everything.
pub(crate) fn close(
    core: &mut Core,
    handle: ConnectionHandle,
) -> Poll<Result<(), ConnectionError>> {
    closed(core, handle).map(|why| match why {
        ConnectionError::LocalClosed => Ok(()),
        ConnectionError::PeerClosed { code: ApplicationCode::ZERO, .. }
            if core.connection(handle).is_some_and(|connection| connection.is_delivered()) =>
        {
            Ok(())
        }
        why => Err(why),
    })
}

/// The way that packets take now, if it is another one than this.
pub(crate) fn other_route(
    core: &mut Core,
    handle: ConnectionHandle,
    known: Route,
) -> Poll<Result<Route, ConnectionError>> {
    if let Some(why) = core.reason(handle) {
        return Poll::Ready(Err(why));
    }
    match core.route(handle) {
        Some(route) if route != known => Poll::Ready(Ok(route)),
        _ => Poll::Pending,
    }
}

/// Data to write: copied, or kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'a> {
    Slice(&'a [u8]),
    Bytes(&'a Bytes),
}

pub(crate) fn write(
    core: &mut Core,
    handle: ConnectionHandle,
    id: StreamId,
    data: Data<'_>,
) -> Poll<Result<usize, StreamError>> {
    let result = match (core.connection(handle), data) {
        (None, _) => Err(WriteError::ConnectionClosed),
        (Some(connection), data) => {
            connection.expect_more();
            match data {
                Data::Slice(data) => connection.write(id, data.get(..COPY_MAX).unwrap_or(data)),
                Data::Bytes(data) => connection.write_bytes(id, data.clone()),
            }
        }
    };
    match result {
        Ok(written) => Poll::Ready(Ok(written)),
        Err(WriteError::Blocked) => Poll::Pending,
        Err(error) => Poll::Ready(Err(explain_write(core, handle, id, error))),
    }
}

/// All that was written, and the end, has been acknowledged.
pub(crate) fn finished(
    core: &mut Core,
    handle: ConnectionHandle,
    id: StreamId,
) -> Poll<Result<(), StreamError>> {
    if let Some(code) = core.stopped(handle, id) {
        return Poll::Ready(Err(StreamError::Write(WriteError::Stopped(code))));
    }
    if core.connection(handle).is_some_and(|connection| connection.is_finished(id)) {
        return Poll::Ready(Ok(()));
    }
    match core.reason(handle) {
        Some(why) => Poll::Ready(Err(StreamError::Connection(why))),
        None => Poll::Pending,
    }
}

/// Says more of an error if more is known.
pub(crate) fn explain_write(
    core: &Core,
    handle: ConnectionHandle,
    id: StreamId,
    error: WriteError,
) -> StreamError {
    match (error, core.stopped(handle, id), core.reason(handle)) {
        (WriteError::Unknown | WriteError::Reset, Some(code), _) => {
            StreamError::Write(WriteError::Stopped(code))
        }
        (WriteError::ConnectionClosed, _, Some(why)) => StreamError::Connection(why),
        // The closing has begun and the event is still to come.
        (WriteError::ConnectionClosed, _, None) => {
            StreamError::Connection(ConnectionError::LocalClosed)
        }
        _ => StreamError::Write(error),
    }
}

pub(crate) fn read(
    core: &mut Core,
    now: Instant,
    handle: ConnectionHandle,
    id: StreamId,
    out: &mut [u8],
) -> Poll<Result<usize, StreamError>> {
    let length = out.len().min(COPY_MAX);
    let out = out.get_mut(..length).unwrap_or_default();
    try_reading(core, handle, |connection| connection.read(now, id, out))
}

/// Shows what has arrived to `take`, which returns how much of it is used up. `None` is the end of the stream.
pub(crate) fn read_with(
    core: &mut Core,
    now: Instant,
    handle: ConnectionHandle,
    id: StreamId,
    take: &mut impl FnMut(&[u8]) -> usize,
) -> Poll<Result<Option<usize>, StreamError>> {
    try_reading(core, handle, |connection| show(connection, now, id, take))
}

/// Shows one piece after another, for as long as each is used up.
fn show(
    connection: &mut Connection,
    now: Instant,
    id: StreamId,
    take: &mut impl FnMut(&[u8]) -> usize,
) -> Result<Option<usize>, ReadError> {
    let mut used = 0;
    while used < COPY_MAX {
        let (shown, taken) = match connection.peek(id) {
            // The next look will tell.
            Ok([]) | Err(_) if used > 0 => break,
            Ok(data) if !data.is_empty() => (data.len(), take(data).min(data.len())),
            nothing => {
                let nothing = nothing.map(|_| None);
                // The end has been seen; before it, an event tells when there is more.
                connection.consume(now, id, 0);
                return nothing;
            }
        };
        connection.consume(now, id, taken);
        used += taken;
        if taken < shown {
            break;
        }
    }
    Ok(Some(used))
}

fn try_reading<T>(
    core: &mut Core,
    handle: ConnectionHandle,
    attempt: impl FnOnce(&mut Connection) -> Result<T, ReadError>,
) -> Poll<Result<T, StreamError>> {
    let result = core.attempt(handle, |connection| match attempt(connection) {
        Err(ReadError::Blocked) => Poll::Pending,
        result => Poll::Ready(result),
    });
    match result.unwrap_or(Poll::Ready(Err(ReadError::ConnectionClosed))) {
        Poll::Pending => Poll::Pending,
        Poll::Ready(result) => {
            Poll::Ready(result.map_err(|error| explain_read(core, handle, error)))
        }
    }
}

/// Why reading ended.
fn explain_read(core: &Core, handle: ConnectionHandle, error: ReadError) -> StreamError {
    match error {
        ReadError::ConnectionClosed => {
            let why = core.reason(handle).unwrap_or(ConnectionError::LocalClosed);
            StreamError::Connection(why)
        }
        error => StreamError::Read(error),
    }
}
