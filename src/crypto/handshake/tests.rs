//! Both sides against each other, and against what an attacker can do to their messages.

use super::suite::pattern_of;
use super::*;
use crate::base::{Entropy, SeededEntropy};
use crate::crypto::Identity;
use proptest::prelude::*;

fn identity(seed: u8) -> Identity {
    Identity::from_secret_bytes([seed; 32])
}

fn context(suite: Suite) -> Context {
    Context {
        suite,
        offered_initiator: SetMap::from_u16(0x0003),
        offered_responder: SetMap::from_u16(0x0003),
        hid_initiator: [0x11; 8].into(),
        hid_responder: [0x22; 8].into(),
    }
}

fn suites() -> Vec<Suite> {
    let mut suites = vec![Suite::XkClassical, Suite::XxClassical];
    if cfg!(feature = "pq") {
        suites.extend([Suite::XkHybrid, Suite::XxHybrid]);
    }
    suites
}

/// A dialler and a listener that agree on everything.
struct Pair {
    dialler: Identity,
    listener: Identity,
    context: Context,
    entropy: SeededEntropy,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        Self {
            dialler: identity(1),
            listener: identity(2),
            context: context(suite),
            entropy: SeededEntropy::new(7),
        }
    }

    fn start(&mut self) -> (Initiator, Vec<u8>) {
        let named = self.context.suite.names_responder().then(|| self.listener.peer_id());
        Initiator::start(&self.dialler, named, &self.context, b"p1", &mut self.entropy).unwrap()
    }

    fn read(&self, message: &[u8]) -> Result<(Responder, Vec<u8>), HandshakeError> {
        Responder::read(&self.listener, &self.context, message)
    }

    /// Up to message 2.
    fn answered(&mut self) -> (Initiator, Responder, Vec<u8>) {
        let (initiator, first) = self.start();
        let (mut responder, _) = self.read(&first).unwrap();
        let second = responder.answer(b"p2", &mut self.entropy).unwrap();
        (initiator, responder, second)
    }

    /// Up to message 3.
    fn finished(&mut self) -> (Responder, Finished) {
        let (initiator, responder, second) = self.answered();
        (responder, initiator.finish(&second, b"p3", &mut self.entropy).unwrap())
    }
}

/// Damages one bit at a time, everywhere.
fn flipped(message: &[u8], bit: usize) -> Vec<u8> {
    let mut message = message.to_vec();
    message[bit / 8] ^= 1 << (bit % 8);
    message
}

fn reason<T>(result: Result<T, HandshakeError>) -> Reason {
    result.map(|_| ()).unwrap_err().reason()
}

#[test]
fn both_sides_agree() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (initiator, first) = pair.start();
        let (mut responder, p1) = pair.read(&first).unwrap();
        assert_eq!(p1, b"p1");
        assert_eq!(responder.initiator_ephemeral(), initiator.ephemeral());
        let second = responder.answer(b"p2", &mut pair.entropy).unwrap();
        let finished = initiator.finish(&second, b"p3", &mut pair.entropy).unwrap();
        let accepted = responder.finish(&finished.message).unwrap();

        assert_eq!(finished.peer, pair.listener.peer_id());
        assert_eq!(accepted.peer, pair.dialler.peer_id());
        assert_eq!((&*finished.parameters, &*accepted.parameters), (&b"p2"[..], &b"p3"[..]));
        assert_eq!(finished.secrets.handshake_hash(), accepted.secrets.handshake_hash());
        assert_eq!(
            finished.secrets.initiator_to_responder,
            accepted.secrets.initiator_to_responder
        );
        assert_eq!(
            finished.secrets.responder_to_initiator,
            accepted.secrets.responder_to_initiator
        );
    }
}

#[test]
fn messages_have_the_sizes_of_the_specification() {
    for (suite, sizes) in [
        (Suite::XkHybrid, [1248 + 2, 1184 + 2, 97 + 2]),
        (Suite::XxHybrid, [1248 + 2, 1264 + 2, 97 + 2]),
        (Suite::XkClassical, [48 + 2, 80 + 2, 97 + 2]),
        (Suite::XxClassical, [48 + 2, 160 + 2, 97 + 2]),
    ] {
        if !suites().contains(&suite) {
            continue;
        }
        let mut pair = Pair::new(suite);
        let (initiator, first) = pair.start();
        let (mut responder, _) = pair.read(&first).unwrap();
        let second = responder.answer(b"p2", &mut pair.entropy).unwrap();
        let third = initiator.finish(&second, b"p3", &mut pair.entropy).unwrap().message;
        assert_eq!([first.len(), second.len(), third.len()], sizes, "{suite:?}");
    }
}

#[test]
fn a_damaged_message_leaves_the_state_and_a_good_one_still_completes() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (initiator, mut responder, second) = pair.answered();
        for bit in (0..second.len() * 8).step_by(37) {
            assert!(initiator.finish(&flipped(&second, bit), b"", &mut pair.entropy).is_err());
        }
        for length in (0..second.len()).step_by(13) {
            assert!(initiator.finish(&second[..length], b"", &mut pair.entropy).is_err());
        }
        let third = initiator.finish(&second, b"p3", &mut pair.entropy).unwrap().message;
        for bit in 0..third.len() * 8 {
            assert!(responder.finish(&flipped(&third, bit)).is_err(), "bit {bit}");
        }
        for length in 0..third.len() {
            assert!(responder.finish(&third[..length]).is_err());
        }
        assert!(responder.finish(&third).is_ok());
    }
}

#[test]
fn a_damaged_first_message_is_refused() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (_, first) = pair.start();
        for bit in (0..first.len() * 8).step_by(if first.len() > 100 { 31 } else { 1 }) {
            assert!(pair.read(&flipped(&first, bit)).is_err(), "{suite:?} bit {bit}");
        }
        for length in (0..first.len()).step_by(7) {
            assert!(pair.read(&first[..length]).is_err());
        }
        let mut longer = first;
        longer.push(0);
        assert!(pair.read(&longer).is_err());
    }
}

#[test]
fn the_first_message_is_answered_once_and_the_second_always_in_the_same_way() {
    let mut pair = Pair::new(Suite::XkClassical);
    let (initiator, mut responder, second) = pair.answered();
    assert_eq!(reason(responder.answer(b"", &mut pair.entropy)), Reason::OutOfTurn);
    let third = initiator.finish(&second, b"", &mut pair.entropy).unwrap().message;
    let again = initiator.finish(&second, b"", &mut pair.entropy).unwrap().message;
    assert_eq!(again, third, "nothing else may be sealed with the same nonce");
    responder.finish(&third).unwrap();
    assert_eq!(reason(responder.finish(&third)), Reason::OutOfTurn);
}

#[test]
fn a_third_message_before_the_second_is_refused() {
    let mut pair = Pair::new(Suite::XkClassical);
    let (_, first) = pair.start();
    let (mut responder, _) = pair.read(&first).unwrap();
    assert_eq!(reason(responder.finish(&first)), Reason::OutOfTurn);
    assert!(responder.answer(b"", &mut pair.entropy).is_ok());
}

#[test]
fn wrong_peer_id_answers() {
    for suite in suites().into_iter().filter(|suite| suite.names_responder()) {
        let mut pair = Pair::new(suite);
        let (_, first) = pair.start();
        pair.listener = identity(3);
        assert_eq!(reason(pair.read(&first)), Reason::Forged);
    }
}

#[test]
fn the_sign_bit_twin_of_a_peer_id_is_not_that_peer() {
    // The twin has the same static key, so only the prologue tells the two apart.
    let mut pair = Pair::new(Suite::XkClassical);
    let mut twin = *pair.listener.peer_id().as_bytes();
    twin[31] ^= 0x80;
    let twin = PeerId::from_bytes(&twin).unwrap();
    let (_, first) =
        Initiator::start(&pair.dialler, Some(twin), &pair.context, b"", &mut pair.entropy).unwrap();
    assert_eq!(reason(pair.read(&first)), Reason::Forged);
}

#[test]
fn every_field_of_the_context_is_bound() {
    // strip_suite_bitmap, version_rollback and cross_suite_replay of the attack list.
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (_, first) = pair.start();
        let good = pair.context;
        let mut others = vec![
            Context { offered_initiator: SetMap::from_u16(0x0002), ..good },
            Context { offered_responder: SetMap::from_u16(0x0002), ..good },
            Context { hid_initiator: [0x33; 8].into(), ..good },
            Context { hid_responder: [0; 8].into(), ..good },
        ];
        let rest = suites().into_iter().filter(|other| *other != suite);
        others.extend(rest.map(|suite| Context { suite, ..good }));
        for other in others {
            pair.context = other;
            assert!(pair.read(&first).is_err(), "{other:?}");
        }
        pair.context = good;
        assert!(pair.read(&first).is_ok());
    }
}

#[test]
fn own_static_as_remote() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        pair.listener = identity(1);
        if suite.names_responder() {
            let own = Some(pair.dialler.peer_id());
            let started =
                Initiator::start(&pair.dialler, own, &pair.context, b"", &mut pair.entropy);
            assert_eq!(reason(started), Reason::Reflected);
        } else {
            let (initiator, _, second) = pair.answered();
            let finished = initiator.finish(&second, b"", &mut pair.entropy);
            assert_eq!(reason(finished), Reason::Reflected);
        }
    }
}

#[test]
fn an_initiator_that_knows_the_peer_id_does_not_use_xx() {
    let mut pair = Pair::new(Suite::XxClassical);
    let named = Some(pair.listener.peer_id());
    let started = Initiator::start(&pair.dialler, named, &pair.context, b"", &mut pair.entropy);
    assert_eq!(reason(started), Reason::Suite);
    let xk = context(Suite::XkClassical);
    let started = Initiator::start(&pair.dialler, None, &xk, b"", &mut pair.entropy);
    assert_eq!(reason(started), Reason::Suite);
}

/// The canonical u-coordinates of small order: 0, 1, p - 1 and the two of order 8.
const SMALL_ORDER: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
];

/// Encodings of p, p + 1 and of 2^255 - 1, and of a good point with bit 255 set.
const ALIASES: [&str; 4] = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0900000000000000000000000000000000000000000000000000000000000080",
];

#[test]
fn low_order_ephemeral() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (_, first) = pair.start();
        let (initiator, _, second) = pair.answered();
        for bad in SMALL_ORDER.iter().chain(&ALIASES) {
            let bad = data_encoding::HEXLOWER.decode(bad.as_bytes()).unwrap();
            let (mut forged, mut forged_second) = (first.clone(), second.clone());
            forged[..32].copy_from_slice(&bad);
            assert_eq!(reason(pair.read(&forged)), Reason::Forged);
            forged_second[..32].copy_from_slice(&bad);
            let finished = initiator.finish(&forged_second, b"", &mut pair.entropy);
            assert_eq!(reason(finished), Reason::Forged);
        }
    }
}

#[test]
fn a_responder_whose_ephemeral_is_of_small_order_gets_no_answer() {
    // With XX nothing in message 1 needs a Diffie-Hellman, so the answer is what must fail.
    let mut pair = Pair::new(Suite::XxClassical);
    for low in SMALL_ORDER {
        let mut first = data_encoding::HEXLOWER.decode(low.as_bytes()).unwrap();
        let pattern = pattern_of(Suite::XxClassical);
        let prologue = pair.context.prologue(None);
        let transcript = crate::crypto::noise::tests::seal_first_of_xx(pattern, &prologue, &first);
        first.extend_from_slice(&transcript);
        let (mut responder, _) = pair.read(&first).unwrap();
        assert_eq!(reason(responder.answer(b"", &mut pair.entropy)), Reason::Forged);
    }
}

#[test]
fn msg3_static_substitution() {
    let mut pair = Pair::new(Suite::XkClassical);
    let (mut responder, finished) = pair.finished();
    // The same ephemerals, another initiator: only the static part is exchanged.
    let (_, other) = Pair { dialler: identity(5), ..Pair::new(Suite::XkClassical) }.finished();
    let mut mixed = other.message[..48].to_vec();
    mixed.extend_from_slice(&finished.message[48..]);
    assert_eq!(reason(responder.finish(&mixed)), Reason::Forged);
    let entropy = SeededEntropy::new(8);
    let (_, foreign) = Pair { entropy, ..Pair::new(Suite::XkClassical) }.finished();
    assert_eq!(reason(responder.finish(&foreign.message)), Reason::Forged);
    assert!(responder.finish(&finished.message).is_ok());
}

#[test]
fn an_initiator_cannot_claim_another_peer_id() {
    // Unknown key share: the claimed id must belong to the static key that the pattern proved.
    let mut pair = Pair::new(Suite::XkClassical);
    let (mut initiator, mut responder, second) = pair.answered();
    initiator.claim(identity(9).peer_id());
    let finished = initiator.finish(&second, b"", &mut pair.entropy).unwrap();
    assert_eq!(reason(responder.finish(&finished.message)), Reason::PeerId);
}

#[test]
fn a_responder_cannot_claim_another_peer_id() {
    let mut pair = Pair::new(Suite::XxClassical);
    let (initiator, first) = pair.start();
    let (mut responder, _) = pair.read(&first).unwrap();
    responder.claim(identity(9).peer_id());
    let second = responder.answer(b"", &mut pair.entropy).unwrap();
    assert_eq!(reason(initiator.finish(&second, b"", &mut pair.entropy)), Reason::PeerId);
}

#[test]
fn replay_establish_msg3() {
    let mut pair = Pair::new(Suite::XkClassical);
    let (initiator, first) = pair.start();
    let (mut responder, _) = pair.read(&first).unwrap();
    let (mut again, _) = pair.read(&first).unwrap();
    let second = responder.answer(b"", &mut pair.entropy).unwrap();
    let other_second = again.answer(b"", &mut pair.entropy).unwrap();
    assert_ne!(second, other_second);
    let initiator = initiator;
    let third = initiator.finish(&second, b"", &mut pair.entropy).unwrap().message;
    assert!(again.finish(&third).is_err());
    assert!(responder.finish(&third).is_ok());
}

#[test]
fn a_reflected_message_is_refused() {
    let mut pair = Pair::new(Suite::XxClassical);
    let (initiator, first) = pair.start();
    assert!(initiator.finish(&first, b"", &mut pair.entropy).is_err());
    let (initiator, mut responder, second) = pair.answered();
    assert!(responder.finish(&second).is_err());
    assert!(initiator.finish(&second, b"", &mut pair.entropy).is_ok());
}

#[test]
fn rng_stuck_returns_constant() {
    // Two connections of one stuck source share nothing but what the source gave: the ids differ, so the keys do.
    struct Stuck;
    impl Entropy for Stuck {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(0x55);
        }
    }
    let run = |hid| {
        let context = Context { hid_initiator: [hid; 8].into(), ..context(Suite::XkClassical) };
        let listener = identity(2);
        let named = Some(listener.peer_id());
        let (initiator, first) =
            Initiator::start(&identity(1), named, &context, b"", &mut Stuck).unwrap();
        let (mut responder, _) = Responder::read(&listener, &context, &first).unwrap();
        let second = responder.answer(b"", &mut Stuck).unwrap();
        initiator.finish(&second, b"", &mut Stuck).unwrap().secrets
    };
    assert_ne!(run(1).initiator_to_responder, run(2).initiator_to_responder);
}

#[test]
fn parameters_that_do_not_fit_the_wire_are_refused() {
    let mut pair = Pair::new(Suite::XkClassical);
    let long = vec![0; HANDSHAKE_MESSAGE_MAX];
    let named = Some(pair.listener.peer_id());
    let started = Initiator::start(&pair.dialler, named, &pair.context, &long, &mut pair.entropy);
    assert_eq!(reason(started), Reason::TooLong);
    let (initiator, _, second) = pair.answered();
    assert_eq!(reason(initiator.finish(&second, &long, &mut pair.entropy)), Reason::TooLong);
    assert!(initiator.finish(&second, b"", &mut pair.entropy).is_ok());
}

#[test]
fn identity_hidden_on_wire() {
    for suite in suites() {
        let mut pair = Pair::new(suite);
        let (initiator, first) = pair.start();
        let (mut responder, _) = pair.read(&first).unwrap();
        let second = responder.answer(b"p2", &mut pair.entropy).unwrap();
        let third = initiator.finish(&second, b"p3", &mut pair.entropy).unwrap().message;
        let wire = [first, second, third].concat();
        for id in [pair.dialler.peer_id(), pair.listener.peer_id()] {
            for secret in [*id.as_bytes(), *id.static_public()] {
                assert!(!wire.windows(32).any(|window| window == secret));
            }
        }
    }
}

#[test]
fn same_error_all_failures() {
    let all = [Reason::Suite, Reason::Forged, Reason::PeerId, Reason::Reflected, Reason::Payload];
    for reason in all {
        let error = HandshakeError(reason);
        assert_eq!(error.to_string(), "handshake message refused");
        assert_eq!(format!("{error:?}"), "HandshakeError");
    }
}

#[cfg(not(feature = "pq"))]
#[test]
fn a_build_without_the_hybrid_set_says_so() {
    let context = context(Suite::XkHybrid);
    let named = Some(identity(2).peer_id());
    let mut entropy = SeededEntropy::new(1);
    let started = Initiator::start(&identity(1), named, &context, b"", &mut entropy);
    assert_eq!(reason(started), Reason::Suite);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_message_panics(
        message in proptest::collection::vec(any::<u8>(), 0..HANDSHAKE_MESSAGE_MAX),
        which in 0usize..4,
    ) {
        let suite = suites()[which % suites().len()];
        let mut pair = Pair::new(suite);
        prop_assert!(pair.read(&message).is_err());
        let (initiator, mut responder, _) = pair.answered();
        prop_assert!(initiator.finish(&message, b"", &mut pair.entropy).is_err());
        prop_assert!(responder.finish(&message).is_err());
    }
}
