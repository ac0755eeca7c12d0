//! The nonces of packets (SPEC §6.1).

use zeroize::Zeroizing;

/// Those of one key: iv XOR (0 ‖ number).
///
/// The one that is likely next is made in advance. A cipher reads it in wider pieces than those in which it is written, and a processor
/// that is asked for them too soon waits until all that was written before, such as the packet, is in the cache.
pub(super) struct Nonces<const N: usize> {
    next: Zeroizing<[u8; N]>,
    /// Whose `next` is.
    number: u64,
}

impl<const N: usize> Nonces<N> {
    pub(super) fn new(iv: Zeroizing<[u8; N]>) -> Self {
        Self { next: iv, number: 0 }
    }

    pub(super) fn of(&mut self, number: u64) -> [u8; N] {
        if number != self.number {
            self.skip_to(number);
        }
        let nonce = *self.next;
        self.prepare(number.wrapping_add(1));
        nonce
    }

    /// Not inlined, for else the compiler reads the nonce in the pieces in which this writes it.
    #[cold]
    #[inline(never)]
    fn skip_to(&mut self, number: u64) {
        self.prepare(number);
    }

    fn prepare(&mut self, number: u64) {
        if let Some(last) = self.next.last_chunk_mut() {
            *last = (u64::from_be_bytes(*last) ^ self.number ^ number).to_be_bytes();
        }
        self.number = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_the_iv_and_the_number_in_whatever_order_they_are_asked() {
        let iv: [u8; 12] = std::array::from_fn(|at| 0xa0 + at as u8);
        let mut nonces = Nonces::new(Zeroizing::new(iv));
        for number in [0, 1, 2, 0x0102, 3, 3, u64::MAX, 0] {
            let expected = (u128::from_be_bytes(std::array::from_fn(|at| {
                at.checked_sub(4).map_or(0, |at| iv[at])
            })) ^ u128::from(number))
            .to_be_bytes();
            assert_eq!(nonces.of(number), expected[4..], "{number}");
        }
    }
}
