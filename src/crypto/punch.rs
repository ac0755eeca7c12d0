//! Punch tags: proof that the sender of a PUNCH holds the key that a rendezvous gave to both peers (SPEC §4.2).

use super::PeerId;
use super::mac;

/// Bytes of a PUNCH that its tag covers.
const TAGGED_LEN: usize = 60;

/// The tag of a PUNCH from `sender` to `receiver`.
///
/// The direction is part of it, so that a PUNCH reflected to its sender proves nothing.
pub(crate) fn punch_tag(
    key: &[u8; 16],
    sender: &PeerId,
    receiver: &PeerId,
    tagged: &[u8; TAGGED_LEN],
) -> [u8; 16] {
    let direction = u8::from(sender > receiver);
    mac::truncated(key, &[&[direction], tagged])
}

/// Whether the tag is the one that `sender` makes for `receiver`.
pub(crate) fn verify_punch_tag(
    key: &[u8; 16],
    sender: &PeerId,
    receiver: &PeerId,
    tagged: &[u8; TAGGED_LEN],
    tag: &[u8; 16],
) -> bool {
    mac::equal(&punch_tag(key, sender, receiver, tagged), tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Identity;

    #[test]
    fn a_tag_holds_for_its_key_bytes_and_direction_only() {
        let [a, b] = [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]).peer_id());
        let tag = punch_tag(&[5; 16], &a, &b, &[6; 60]);
        assert!(verify_punch_tag(&[5; 16], &a, &b, &[6; 60], &tag));
        assert!(!verify_punch_tag(&[5; 16], &b, &a, &[6; 60], &tag), "reflected");
        assert!(!verify_punch_tag(&[4; 16], &a, &b, &[6; 60], &tag));
        assert!(!verify_punch_tag(&[5; 16], &a, &b, &[7; 60], &tag));
    }
}
