//! Buffers that received datagrams land in and are opened in.

use std::io::{self, IoSliceMut};

use quinn_udp::RecvMeta;

use super::socket::{Socket, to_mark};
use crate::endpoint::Received;

/// Buffers filled by one system call. More would fall out of the second-level cache before they are opened.
const BUFFERS: usize = 16;

/// The kernel joins datagrams of one sender up to this size (GRO), whatever their number.
const BUFFER_SIZE: usize = 65_536;

/// A buffer with so many bytes came from a sender that has much to send.
const BATCH: usize = BUFFER_SIZE / 2;

/// Buffers filled by one call while such a sender sends: what it left is opened before it has left the cache, and acknowledged sooner.
const BATCHES: usize = 4;

/// Reusable receive buffers.
pub(super) struct ReceiveBuffers {
    memory: Box<[u8]>,
    meta: [RecvMeta; BUFFERS],
    /// Some buffer of the last call had a batch in it.
    is_bulk: bool,
    /// The last call filled all that it was given.
    is_full: bool,
    /// It received a single datagram.
    is_single: bool,
}

impl ReceiveBuffers {
    pub(super) fn new() -> Self {
        let memory = vec![0; BUFFERS * BUFFER_SIZE].into_boxed_slice();
        Self {
            memory,
            meta: [RecvMeta::default(); BUFFERS],
            is_bulk: false,
            is_full: false,
            is_single: false,
        }
    }

    /// Receives once, and gives what came to `take`. Returns how many buffers that were.
    pub(super) fn receive(
        &mut self,
        socket: &Socket,
        mut take: impl FnMut(Received<'_>),
    ) -> io::Result<usize> {
        let mut chunks = self.memory.chunks_mut(BUFFER_SIZE);
        let mut slices: [IoSliceMut<'_>; BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let used = if self.is_bulk { BATCHES } else { BUFFERS };
        let (slices, meta) = (slices.split_at_mut(used).0, self.meta.split_at_mut(used).0);
        let filled = socket.receive(slices, meta)?;
        self.is_full = filled == used;
        self.is_bulk = meta.iter().take(filled).any(|meta| meta.len >= BATCH);
        self.is_single = filled == 1 && meta.first().is_some_and(|meta| meta.len <= meta.stride);
        for (slice, meta) in slices.iter_mut().zip(&self.meta).take(filled) {
            let Some(data) = slice.get_mut(..meta.len) else { continue };
            take(Received {
                remote: meta.addr,
                local: meta.dst_ip,
                ecn: meta.ecn.map(to_mark),
                segment_size: meta.stride,
                data,
            });
        }
        Ok(filled)
    }

    /// One of the buffers, for bytes of a stream.
    pub(super) fn first(&mut self) -> &mut [u8] {
        self.memory.get_mut(..BUFFER_SIZE).unwrap_or_default()
    }

    /// The last call that received something received a single datagram.
    pub(super) fn was_single(&self) -> bool {
        self.is_single
    }

    /// The last call found nothing more, and nothing is likely to have come meanwhile. Calls that fill many stop there; where one
    /// fills a single buffer it says nothing. Who sends whole batches has sent another by now.
    pub(super) fn was_all(&self) -> bool {
        let fills_many = cfg!(any(target_os = "linux", target_os = "android"));
        fills_many && !self.is_full && !self.is_bulk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_datagram_is_told_from_several() {
        let any = "127.0.0.1:0".parse().unwrap();
        let receiver = Socket::bind(any, 65_536).unwrap();
        let sender = std::net::UdpSocket::bind(any).unwrap();
        let mut buffers = ReceiveBuffers::new();
        for (sent, is_single) in [(1, true), (2, false), (1, true)] {
            for _ in 0..sent {
                sender.send_to(&[7; 100], receiver.local_addr()).unwrap();
            }
            let (mut bytes, mut was_single) = (0, true);
            while bytes < sent * 100 {
                // Systems without calls that fill many buffers tell of one after the other.
                if buffers.receive(&receiver, |received| bytes += received.data.len()).is_ok() {
                    was_single = buffers.was_single();
                }
            }
            assert!(was_single == is_single || cfg!(not(target_os = "linux")));
        }
    }
}
