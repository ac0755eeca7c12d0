//! Two protections against each other, and against what a path can do to their packets.

use super::*;
use crate::base::limits::{
    CONFIDENTIALITY_LIMIT, INTEGRITY_LIMIT, KEY_UPDATE_PACKETS, PACKET_NUMBER_END,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

const CID: [u8; 8] = *b"connecti";

fn pair() -> (Protection, Protection) {
    pair_by(PacketCipher::Aes256Gcm)
}

fn pair_by(cipher: PacketCipher) -> (Protection, Protection) {
    let secrets = Secrets::new(&Zeroizing::new([1; 32]), &Zeroizing::new([2; 32]), [3; 32]);
    let [a, b] = [Role::Initiator, Role::Responder];
    (Protection::new(&secrets, a, cipher), Protection::new(&secrets, b, cipher))
}

/// The same with every cipher.
fn by_each_cipher(test: impl Fn(Protection, Protection)) {
    for cipher in PacketCipher::ALL {
        let (a, b) = pair_by(*cipher);
        test(a, b);
    }
}

fn clear(text: &[u8]) -> Vec<u8> {
    let mut packet = vec![FORM.1];
    packet.extend_from_slice(&CID);
    packet.extend_from_slice(&[0; 4]);
    packet.extend_from_slice(text);
    packet.extend_from_slice(&[0; TAG_LEN]);
    packet
}

fn seal(from: &mut Protection, number: u64, text: &[u8]) -> Vec<u8> {
    let mut packet = clear(text);
    from.seal(number, &mut packet).unwrap();
    packet
}

/// The payload and whether it began a phase.
fn open(to: &mut Protection, packet: &[u8], expected: u64) -> Result<(Vec<u8>, bool), OpenError> {
    let mut packet = packet.to_vec();
    let unmasked = to.unmask(&mut packet, expected).expect("a short packet");
    let opened = to.open(&unmasked, &mut packet)?;
    Ok((opened.payload.to_vec(), opened.first_of_new_phase))
}

const TEXT: &[u8] = b"sixteen bytes...and more";

fn good() -> Result<(Vec<u8>, bool), OpenError> {
    Ok((TEXT.to_vec(), false))
}

fn first_of_phase() -> Result<(Vec<u8>, bool), OpenError> {
    Ok((TEXT.to_vec(), true))
}

/// Sends a packet and has it acknowledged, so that an update may follow.
fn exchange(from: &mut Protection, to: &mut Protection, number: u64) {
    let packet = seal(from, number, TEXT);
    open(to, &packet, number).unwrap();
    from.on_acked(number);
}

#[test]
fn a_packet_opens_at_the_other_side_only() {
    by_each_cipher(|mut a, mut b| {
        let packet = seal(&mut a, 5, TEXT);
        assert_eq!(packet[1..9], CID);
        assert_eq!(packet[0] & FORM.0, FORM.1);
        // reflect_every_packet: the directions have their own keys.
        assert_eq!(open(&mut a, &packet, 0), Err(OpenError::Forged));
        assert_eq!(open(&mut b, &packet, 0), good());
        let back = seal(&mut b, 5, TEXT);
        assert_ne!(back, packet);
        assert_eq!(open(&mut a, &back, 0), good());
    });
}

#[test]
fn packets_of_one_cipher_do_not_open_by_another() {
    for (of_a, of_b) in PacketCipher::ALL.iter().zip(PacketCipher::ALL.iter().skip(1)) {
        let (mut a, mut b) = (pair_by(*of_a).0, pair_by(*of_b).1);
        let packet = seal(&mut a, 5, TEXT);
        assert_eq!(open(&mut b, &packet, 0), Err(OpenError::Forged));
    }
}

#[test]
fn header_bit_flip_each() {
    by_each_cipher(|mut a, mut b| {
        let packet = seal(&mut a, 5, TEXT);
        for bit in 0..packet.len() * 8 {
            let mut flipped = packet.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Some(unmasked) = b.unmask(&mut flipped, 6) else {
                assert!(bit < 8, "only the form bits are checked before opening");
                continue;
            };
            assert_eq!(
                b.open(&unmasked, &mut flipped).unwrap_err(),
                OpenError::Forged,
                "bit {bit}"
            );
        }
        assert_eq!(b.key_updates(), 0);
        assert!(b.forged() > 0);
        assert_eq!(open(&mut b, &packet, 6), good());
    });
}

#[test]
fn a_packet_that_fails_is_wiped_up_to_its_last_sixteen_bytes() {
    by_each_cipher(|mut a, mut b| {
        let mut packet = seal(&mut a, 0, TEXT);
        packet[20] ^= 1;
        let tail = packet[packet.len() - TAG_LEN..].to_vec();
        let unmasked = b.unmask(&mut packet, 0).unwrap();
        b.open(&unmasked, &mut packet).unwrap_err();
        assert!(packet[HEADER_LEN..packet.len() - TAG_LEN].iter().all(|byte| *byte == 0));
        assert_eq!(packet[packet.len() - TAG_LEN..], tail);
    });
}

#[test]
fn hp_sample_too_short() {
    let (mut a, mut b) = pair();
    for length in 0..PACKET_MIN {
        let mut packet = vec![FORM.1; length];
        assert_eq!(a.seal(0, &mut packet), Err(SealError::Short));
        assert_eq!(b.unmask(&mut packet, 0), None);
    }
    assert_eq!(PACKET_MIN, 45);
    assert!(a.seal(0, &mut clear(&[0; 16])).is_ok());
}

#[test]
fn packets_that_come_together_lose_the_masks_that_they_would_lose_alone() {
    let (mut a, mut b) = pair();
    // One more than the blocks of AES that are under way at a time, and something else between them.
    let mut batch: Vec<u8> = (0..9).flat_map(|number| seal(&mut a, number, TEXT)).collect();
    let length = batch.len() / 9;
    batch[4 * length] = 0xff;
    let alone: Vec<_> = batch
        .chunks(length)
        .enumerate()
        .map(|(at, packet)| b.unmask(&mut packet.to_vec(), at as u64))
        .collect();
    b.uncover(batch.chunks_mut(length));
    for (at, packet) in batch.chunks_mut(length).enumerate() {
        let unmasked = Protection::read(packet, at as u64);
        assert_eq!(unmasked, alone[at]);
        assert_eq!(unmasked.is_some_and(|it| b.open(&it, packet).is_ok()), at != 4);
    }
}

#[test]
fn what_is_no_short_packet_is_not_unmasked() {
    let (_, mut b) = pair();
    for first in 0..=255u8 {
        let mut packet = vec![first; 60];
        assert_eq!(b.unmask(&mut packet, 0).is_some(), first & 0xe0 == 0x60);
    }
}

#[test]
fn nonce_never_repeats() {
    let (mut a, _) = pair();
    seal(&mut a, 7, TEXT);
    for used in [0, 6, 7] {
        assert_eq!(a.seal(used, &mut clear(TEXT)), Err(SealError::Number));
    }
    seal(&mut a, 9, TEXT);
    assert_eq!(a.seal(PACKET_NUMBER_END, &mut clear(TEXT)), Err(SealError::Number));
    seal(&mut a, PACKET_NUMBER_END - 1, TEXT);
    assert_eq!(a.seal(u64::MAX, &mut clear(TEXT)), Err(SealError::Number));
}

#[test]
fn full_numbers_are_restored_around_every_boundary() {
    by_each_cipher(|mut a, mut b| {
        for number in [0, 1, 0xffff_ffff, 0x1_0000_0000, 0x1_8000_0001, 0x2_7fff_ffff] {
            let packet = seal(&mut a, number, TEXT);
            assert_eq!(open(&mut b, &packet, number), good(), "in order");
            assert_eq!(open(&mut b, &packet, number + 16_384), good(), "late");
            assert_eq!(open(&mut b, &packet, number.saturating_sub(16_384)), good(), "early");
        }
    });
}

#[test]
fn reserved_bits_are_seen_only_in_an_authentic_packet() {
    let (mut a, mut b) = pair();
    for bit in 0..4u64 {
        let mut packet = clear(TEXT);
        packet[0] |= 1 << bit;
        a.seal(bit, &mut packet).unwrap();
        assert_eq!(open(&mut b, &packet, 0), Err(OpenError::ReservedBits));
    }
    assert_eq!(b.forged(), 0);
}

#[test]
fn an_update_moves_both_directions() {
    by_each_cipher(|mut a, mut b| {
        exchange(&mut a, &mut b, 0);
        assert!(a.update());
        let packet = seal(&mut a, 1, TEXT);
        assert_eq!(open(&mut b, &packet, 1), first_of_phase());
        assert!(b.has_previous());
        // The answer of the other side is under the new phase too.
        let back = seal(&mut b, 0, TEXT);
        assert_eq!(open(&mut a, &back, 0), first_of_phase());
        assert_eq!((a.key_updates(), b.key_updates()), (1, 1));
        let packet = seal(&mut a, 2, TEXT);
        assert_eq!(open(&mut b, &packet, 2), good());
    });
}

#[test]
fn no_second_update_before_the_first_is_acknowledged_and_answered() {
    let (mut a, mut b) = pair();
    assert!(!a.update(), "nothing was acknowledged yet");
    exchange(&mut a, &mut b, 0);
    assert!(a.update());
    assert!(!a.update());
    let packet = seal(&mut a, 1, TEXT);
    open(&mut b, &packet, 1).unwrap();
    a.on_acked(0);
    assert!(!a.update(), "the acknowledged packet is of the old phase");
    a.on_acked(1);
    assert!(!a.update(), "the peer has not followed");
    let back = seal(&mut b, 0, TEXT);
    open(&mut a, &back, 0).unwrap();
    assert!(a.update());
}

#[test]
fn packets_that_were_overtaken_by_an_update_open_with_the_previous_key() {
    by_each_cipher(|mut a, mut b| {
        exchange(&mut a, &mut b, 0);
        let late: Vec<_> = (1..4).map(|number| seal(&mut a, number, TEXT)).collect();
        assert!(a.update());
        let (fourth, fifth) = (seal(&mut a, 4, TEXT), seal(&mut a, 5, TEXT));
        assert_eq!(open(&mut b, &fifth, 1), first_of_phase());
        assert_eq!(open(&mut b, &late[0], 6), good());
        assert_eq!(open(&mut b, &fourth, 6), good(), "reordered within the new phase");
        assert_eq!(open(&mut b, &late[1], 6), good());
        b.drop_previous();
        assert!(!b.has_previous());
        assert_eq!(open(&mut b, &late[2], 6), Err(OpenError::Forged));
        assert_eq!(b.forged(), 0, "late is not forged");
        assert_eq!(b.key_updates(), 1);
    });
}

#[test]
fn both_sides_may_update_at_once() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, 0);
    exchange(&mut b, &mut a, 0);
    assert!(a.update() && b.update());
    let (there, back) = (seal(&mut a, 1, TEXT), seal(&mut b, 1, TEXT));
    assert_eq!(open(&mut b, &there, 1), first_of_phase());
    assert_eq!(open(&mut a, &back, 1), first_of_phase());
    exchange(&mut a, &mut b, 2);
    exchange(&mut b, &mut a, 2);
    assert_eq!((a.key_updates(), b.key_updates()), (1, 1));
}

#[test]
fn many_updates_in_a_row() {
    let (mut a, mut b) = pair();
    for round in 0..20 {
        let (x, y) = if round % 3 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        exchange(x, y, 3 * round);
        assert!(x.update(), "round {round}");
        exchange(x, y, 3 * round + 1);
        exchange(y, x, 3 * round + 2);
        y.drop_previous();
    }
    assert_eq!((a.key_updates(), b.key_updates()), (20, 20));
}

#[test]
fn key_phase_forged() {
    by_each_cipher(|mut a, mut b| {
        exchange(&mut a, &mut b, 0);
        let packet = seal(&mut a, 1, TEXT);
        for _ in 0..3 {
            let mut forged = packet.clone();
            forged[0] ^= KEY_PHASE;
            assert_eq!(open(&mut b, &forged, 1), Err(OpenError::Forged));
        }
        assert_eq!((b.key_updates(), b.forged(), b.has_previous()), (0, 3, false));
        let back = seal(&mut b, 0, TEXT);
        assert_eq!(open(&mut a, &back, 0), good(), "sending has not moved either");
        assert_eq!(open(&mut b, &packet, 1), good());
    });
}

#[test]
fn ku_limit_enforced() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, 0);
    a.sending.pretend_sealed(KEY_UPDATE_PACKETS - 1);
    assert!(!a.wants_update());
    seal(&mut a, 1, TEXT);
    assert!(a.wants_update());
    a.sending.pretend_sealed(CONFIDENTIALITY_LIMIT - 1);
    seal(&mut a, 2, TEXT);
    assert_eq!(a.seal(3, &mut clear(TEXT)), Err(SealError::KeyExhausted));
    assert!(a.update());
    seal(&mut a, 3, TEXT);
    assert!(!a.wants_update());
}

#[test]
fn integrity_limit_enforced() {
    let (mut a, mut b) = pair();
    b.receiving.pretend_forged(INTEGRITY_LIMIT - 2);
    let packet = seal(&mut a, 0, TEXT);
    let mut forged = packet.clone();
    forged[30] ^= 1;
    assert_eq!(open(&mut b, &forged, 0), Err(OpenError::Forged));
    assert_eq!(open(&mut b, &forged, 0), Err(OpenError::IntegrityLimit));
    assert_eq!(open(&mut b, &packet, 0), Err(OpenError::IntegrityLimit), "even a good one");
}

#[test]
fn a_protection_is_small() {
    assert!(size_of::<Protection>() <= 512, "{} bytes", size_of::<Protection>());
}

#[test]
fn a_protection_at_rest_wakes_with_the_next_packet_of_whatever_phase() {
    by_each_cipher(|mut a, mut b| {
        exchange(&mut a, &mut b, 0);
        let late = seal(&mut a, 1, TEXT);
        for number in 2..6 {
            a.rest();
            b.rest();
            assert!(a.sending.is_at_rest() && b.receiving.is_at_rest());
            let packet = seal(&mut a, number, TEXT);
            assert_eq!(open(&mut b, &packet, number), good());
            assert!(!a.sending.is_at_rest() && !b.receiving.is_at_rest());
            a.on_acked(number);
        }
        assert!(a.update());
        let packet = seal(&mut a, 6, TEXT);
        b.rest();
        assert_eq!(open(&mut b, &packet, 6), first_of_phase());
        b.rest();
        assert_eq!(open(&mut b, &late, 7), good(), "the previous key rests too");
    });
}

#[test]
fn debug_does_not_print_secrets() {
    let (a, _) = pair();
    let text = format!("{a:?}");
    assert_eq!(text, "Protection { sending: 0, receiving: 0, forged: 0, .. }");
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        text in proptest::collection::vec(any::<u8>(), 16..1500),
        number in 0..PACKET_NUMBER_END,
        distance in 0u64..1 << 31,
        late: bool,
        cipher in proptest::sample::select(PacketCipher::ALL),
    ) {
        let (mut a, mut b) = pair_by(cipher);
        let packet = seal(&mut a, number, &text);
        let expected = if late { number + distance } else { number.saturating_sub(distance) };
        prop_assert_eq!(open(&mut b, &packet, expected), Ok((text, false)));
    }

    #[test]
    fn no_packet_panics(
        mut packet in proptest::collection::vec(any::<u8>(), 0..100),
        expected in 0..=PACKET_NUMBER_END,
        cipher in proptest::sample::select(PacketCipher::ALL),
    ) {
        let (_, mut b) = pair_by(cipher);
        if let Some(first) = packet.first_mut() {
            *first = FORM.1 | (*first & MASKED_BITS);
        }
        if let Some(unmasked) = b.unmask(&mut packet, expected) {
            prop_assert_eq!(b.open(&unmasked, &mut packet).unwrap_err(), OpenError::Forged);
        }
        prop_assert_eq!(b.key_updates(), 0);
    }
}
