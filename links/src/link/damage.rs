//! Damage to the contents: a flipped bit, a missing end.

use crate::random::Generator;

/// Flips one random bit. False if there is none.
pub(super) fn flip(generator: &mut Generator, payload: &mut [u8]) -> bool {
    let bits = (payload.len() as u64).saturating_mul(8);
    let bit = generator.below(bits);
    let index = usize::try_from(bit / 8).unwrap_or(usize::MAX);
    match payload.get_mut(index) {
        Some(byte) => {
            *byte ^= 1 << (bit % 8);
            true
        }
        None => false,
    }
}

/// Cuts off at least one byte. False if there is none.
pub(super) fn cut(generator: &mut Generator, payload: &mut Vec<u8>) -> bool {
    let length = payload.len();
    let kept = generator.below(length as u64);
    payload.truncate(usize::try_from(kept).unwrap_or(0));
    payload.len() < length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bit_changes_and_every_bit_has_its_turn() {
        let mut generator = Generator::new(1);
        let mut seen = 0_u16;
        for _ in 0..500 {
            let mut payload = [0; 2];
            assert!(flip(&mut generator, &mut payload));
            let flipped = u16::from_be_bytes(payload);
            assert_eq!(flipped.count_ones(), 1);
            seen |= flipped;
        }
        assert_eq!(seen, u16::MAX);
    }

    #[test]
    fn a_cut_leaves_a_shorter_prefix() {
        let mut generator = Generator::new(1);
        let whole: Vec<u8> = (0..100).collect();
        for _ in 0..500 {
            let mut payload = whole.clone();
            assert!(cut(&mut generator, &mut payload));
            assert!(payload.len() < whole.len() && whole.starts_with(&payload));
        }
    }

    #[test]
    fn an_empty_payload_cannot_be_damaged() {
        let mut generator = Generator::new(1);
        assert!(!flip(&mut generator, &mut []));
        assert!(!cut(&mut generator, &mut Vec::new()));
    }
}
