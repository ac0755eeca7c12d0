//! Keys that move on, and when the old ones are erased.

use super::*;

const PTO: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn pair() -> (Keys, Keys) {
    let (secrets, cipher) = (Secrets::known(), PacketCipher::default());
    (Keys::new(&secrets, Role::Initiator, cipher), Keys::new(&secrets, Role::Responder, cipher))
}

fn sealed(keys: &mut Keys, number: u64) -> Vec<u8> {
    let mut packet = vec![0; 45];
    packet[0] = 0x60;
    keys.seal(number, &mut packet).expect("a key");
    packet
}

fn opens(keys: &mut Keys, now: Instant, packet: &[u8], expected: u64) -> bool {
    let mut packet = packet.to_vec();
    keys.uncover(std::iter::once(packet.as_mut_slice()));
    let unmasked = Keys::read(&packet, expected).expect("a short packet");
    let opened = keys.open(&unmasked, &mut packet);
    let is_open = opened.is_ok();
    if opened.is_ok_and(|opened| opened.first_of_new_phase) {
        keys.keep_previous(now, PTO);
    }
    is_open
}

#[test]
fn the_previous_key_is_kept_for_three_probe_timeouts() {
    let (mut ours, mut theirs) = pair();
    let [first, early, late] = [0, 1, 2].map(|number| sealed(&mut ours, number));
    assert!(opens(&mut theirs, at(0), &first, 0));
    ours.on_acked(0);
    assert!(ours.update());
    assert_eq!(theirs.deadline(), None);
    let next = sealed(&mut ours, 3);
    assert!(opens(&mut theirs, at(50), &next, 1));
    assert_eq!((theirs.updates(), theirs.deadline()), (1, Some(at(350))));
    theirs.on_deadline(at(349));
    assert!(opens(&mut theirs, at(349), &early, 4), "late, but not too late");
    theirs.on_deadline(at(350));
    assert_eq!(theirs.deadline(), None);
    assert!(!opens(&mut theirs, at(350), &late, 4), "its key is erased");
}

#[test]
fn an_update_waits_for_the_acknowledgement_of_the_last_one() {
    let (mut ours, mut theirs) = pair();
    assert!(!ours.update(), "nothing was acknowledged yet");
    let packet = sealed(&mut ours, 0);
    assert!(opens(&mut theirs, at(0), &packet, 0));
    ours.on_acked(0);
    assert!(ours.update() && !ours.update());
    let packet = sealed(&mut ours, 1);
    assert!(opens(&mut theirs, at(0), &packet, 1));
    ours.on_acked(1);
    assert!(!ours.update(), "the peer has not followed yet");
    let answer = sealed(&mut theirs, 0);
    assert!(opens(&mut ours, at(0), &answer, 0));
    assert!(ours.update());
}

#[test]
fn both_sides_export_the_same() {
    let (ours, theirs) = pair();
    let (mut one, mut other) = ([0; 32], [0; 32]);
    assert!(ours.export(b"label", b"context", &mut one));
    assert!(theirs.export(b"label", b"context", &mut other));
    assert_eq!(one, other);
    assert_eq!(ours.handshake_hash(), theirs.handshake_hash());
}
