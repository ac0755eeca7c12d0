//! The backends against each other.

use super::*;
use proptest::prelude::*;

fn round_trip<A: Aead, B: Aead>(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], text: &[u8]) {
    let (a, b) = (A::new(key), B::new(key));
    let (mut by_a, mut by_b) = (text.to_vec(), text.to_vec());
    let tag = a.seal(nonce, aad, &mut by_a).unwrap();
    assert_eq!(b.seal(nonce, aad, &mut by_b), Some(tag));
    assert_eq!(by_a, by_b);
    assert!(b.open(nonce, aad, &mut by_a, &tag));
    assert_eq!(by_a, text);
    for bit in [0, 77, 127] {
        let (mut wrong, mut sealed) = (tag, by_b.clone());
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(!a.open(nonce, aad, &mut sealed, &wrong));
        let mut sealed = by_b.clone();
        assert!(!b.open(nonce, aad, &mut sealed, &wrong));
    }
}

proptest! {
    #[test]
    fn the_backends_make_the_same_bytes(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in proptest::collection::vec(any::<u8>(), 0..40),
        text in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        round_trip::<Portable, RecordKey>(&key, &nonce, &aad, &text);
        round_trip::<RecordKey, Portable>(&key, &nonce, &aad, &text);
    }

    #[test]
    fn the_backends_make_the_same_masks(key: [u8; 32], sample: [u8; 16]) {
        let portable = portable_mask::PortableMask::new(&key);
        prop_assert_eq!(portable.mask(&sample), MaskKey::new(&key).mask(&sample));
    }
}
