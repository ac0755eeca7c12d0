//! The tag that keeps the fragments of different messages apart (SPEC §3.2). It proves nothing.

use sha2::{Digest, Sha256};

/// The first 8 bytes of SHA-256(message).
pub(crate) fn message_tag(message: &[u8]) -> [u8; 8] {
    let hash = Sha256::digest(message);
    std::array::from_fn(|index| hash[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn the_tag_is_the_start_of_the_hash() {
        assert_eq!(message_tag(b"abc"), [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
    }
}
