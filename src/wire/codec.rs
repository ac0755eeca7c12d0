//! Reading and writing bytes. Total: nothing here panics, allocates or reads past an end.

use super::error::DecodeError;

/// The largest value of a variable-length integer (RFC 9000 §16).
pub(crate) const VARINT_MAX: u64 = (1 << 62) - 1;

/// There is no room for what was to be written; nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Takes bytes from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A variable-length integer (RFC 9000 §16).
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let first = *self.rest.first().ok_or(DecodeError::Truncated)?;
        let value = match first >> 6 {
            0 => u64::from(self.u8()?),
            1 => u64::from(self.u16()?),
            2 => u64::from(self.u32()?),
            _ => u64::from_be_bytes(self.array()?),
        };
        let length = 1_u32 << (first >> 6);
        Ok(value & (u64::MAX >> (64 - 8 * length + 2)))
    }

    /// A variable-length integer that counts bytes which follow.
    pub(crate) fn length(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)
    }

    /// Everything that is left.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Appends bytes to a slice.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    space: &'a mut [u8],
    written: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(space: &'a mut [u8]) -> Self {
        Self { space, written: 0 }
    }

    /// The next `length` bytes, to be filled by the caller.
    pub(crate) fn reserve(&mut self, length: usize) -> Result<&mut [u8], Full> {
        let end = self.written.checked_add(length).ok_or(Full)?;
        let place = self.space.get_mut(self.written..end).ok_or(Full)?;
        self.written = end;
        Ok(place)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.reserve(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn u8(&mut self, value: u8) -> Result<(), Full> {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// A variable-length integer in its shortest form; values above the maximum are written as the maximum.
    pub(crate) fn varint(&mut self, value: u64) -> Result<(), Full> {
        let value = value.min(VARINT_MAX);
        let bytes = value.to_be_bytes();
        match varint_len(value) {
            1 => self.bytes(&bytes[7..]),
            2 => self.bytes(&[bytes[6] | 0x40, bytes[7]]),
            4 => self.bytes(&[bytes[4] | 0x80, bytes[5], bytes[6], bytes[7]]),
            _ => {
                let mut bytes = bytes;
                bytes[0] |= 0xc0;
                self.bytes(&bytes)
            }
        }
    }

    /// Bytes that can still be written.
    pub(crate) fn remaining(&self) -> usize {
        self.space.len() - self.written
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.written
    }

    /// Takes back everything behind the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.written = self.written.min(length);
    }
}

/// Bytes that a variable-length integer takes.
pub(crate) const fn varint_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 9000 §A.1.
    #[test]
    fn the_samples_of_rfc_9000_decode() {
        let samples: [(&[u8], u64); 5] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ];
        for (bytes, value) in samples {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.varint(), Ok(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut space = [0; 3];
        let mut writer = Writer::new(&mut space);
        assert_eq!(writer.bytes(&[1, 2, 3, 4]), Err(Full));
        assert_eq!(writer.len(), 0);
        assert_eq!(writer.varint(0x4000), Err(Full));
        assert_eq!(writer.bytes(&[1, 2, 3]), Ok(()));
        assert_eq!(writer.remaining(), 0);
    }

    proptest! {
        #[test]
        fn every_varint_comes_back(shift in 2_u32..64, value: u64) {
            let value = value >> shift;
            let mut space = [0; 8];
            let mut writer = Writer::new(&mut space);
            writer.varint(value).unwrap();
            let length = writer.len();
            prop_assert_eq!(length, varint_len(value));
            prop_assert_eq!(Reader::new(&space[..length]).varint(), Ok(value));
            prop_assert_eq!(
                Reader::new(&space[..length - 1]).varint(),
                Err(DecodeError::Truncated)
            );
        }
    }
}
