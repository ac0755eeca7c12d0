//! The backends against each other.

use proptest::prelude::*;

use super::portable::Portable;
use super::*;

proptest! {
    #[test]
    fn the_backends_make_the_same_bytes(secret: [u8; 32], remote: [u8; 32]) {
        let (ours, portable) = (Backend::new(&secret), Portable::new(&secret));
        prop_assert_eq!(ours.public(), portable.public());
        prop_assert_eq!(ours.agree(&remote), portable.agree(&remote));
    }
}

#[test]
fn a_result_of_zeros_is_none() {
    // Points of small order: 0, 1, and one of order 8.
    let order_8 = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ];
    let mut one = [0; 32];
    one[0] = 1;
    for point in [[0; 32], one, order_8] {
        assert!(Backend::new(&[7; 32]).agree(&point).is_none());
        assert!(Portable::new(&[7; 32]).agree(&point).is_none());
    }
}
