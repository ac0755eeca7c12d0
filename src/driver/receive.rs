//! Buffers that received datagrams land in and are opened in.

use std::io::{self, IoSliceMut};

use quinn_udp::RecvMeta;

use super::socket::{Socket, to_mark};
use crate::endpoint::Received;

/// Buffers filled by one system call. More would fall out of the second-level cache before they are opened.
const BUFFERS: usize = 16;

/// The kernel joins datagrams of one sender up to this size (GRO), whatever their number.
const BUFFER_SIZE: usize = 65_536;

/// Reusable receive buffers.
pub(super) struct ReceiveBuffers {
    memory: Box<[u8]>,
    meta: [RecvMeta; BUFFERS],
}

impl ReceiveBuffers {
    pub(super) fn new() -> Self {
        let memory = vec![0; BUFFERS * BUFFER_SIZE].into_boxed_slice();
        Self { memory, meta: [RecvMeta::default(); BUFFERS] }
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
        let filled = socket.receive(&mut slices, &mut self.meta)?;
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

    /// The call that filled this many buffers found nothing more. Calls that fill many stop there; where one
    /// fills a single buffer it says nothing.
    pub(super) fn was_all(&self, filled: usize) -> bool {
        cfg!(any(target_os = "linux", target_os = "android")) && filled < self.meta.len()
    }
}
