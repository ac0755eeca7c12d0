//! Takes decisions from an input, byte by byte, until it is used up.

use std::time::Duration;

/// The rest of an input.
#[derive(Debug)]
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// A number below `end`, which is above zero.
    pub(super) fn below(&mut self, end: usize) -> Option<usize> {
        Some(usize::from(self.u8()?) % end)
    }

    /// A time from a millisecond to a minute: half a byte of it is the power of two.
    pub(super) fn time(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(1 << (self.u8()? & 0x0f)))
    }

    /// As many bytes as there are, and at most `length`.
    pub(super) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes with their length, which is one byte, in front.
    pub(super) fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        Some(self.bytes(usize::from(length)))
    }
}
