//! Offers and tickets between two peers and those who carry them.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::base::SeededEntropy;
use crate::base::limits::CANDIDATES_FRAME_MAX;
use crate::nat::behaviour::{Allocation, Dependence};
use crate::nat::candidate::{Candidate, CandidateKind};

const NOW: u64 = 1_800_000_000;

fn identities() -> [Identity; 2] {
    [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]))
}

fn entropy() -> SeededEntropy {
    SeededEntropy::new(5)
}

fn description() -> Description {
    let nat = NatSummary::new(
        Dependence::AddressAndPortDependent,
        None,
        Allocation::Block { lowest: 40_000, highest: 40_511 },
    );
    let candidates = [
        Candidate::new(CandidateKind::Reflexive, "203.0.113.7:40100".parse().unwrap()),
        Candidate::new(CandidateKind::Reflexive, "203.0.113.7:40101".parse().unwrap()).of_socket(1),
        Candidate::new(CandidateKind::Host, "[2001:db8::1]:4000".parse().unwrap()),
    ];
    Description::new(nat, &candidates)
}

fn open(identity: &Identity, sealed: &[u8]) -> Result<(PeerId, Offer), OfferError> {
    Offer::open(identity, NOW, &mut SeenOffers::default(), sealed)
}

#[test]
fn an_offer_arrives_as_it_was_sent_and_its_answer_belongs_to_it() {
    let [a, b] = identities();
    let offer = Offer::new(NOW, description(), &mut entropy());
    let sealed = offer.seal(&a, &b.peer_id(), &mut entropy()).unwrap();
    let (from, arrived) = open(&b, &sealed).unwrap();
    assert_eq!((from, &arrived), (a.peer_id(), &offer));
    let ms = Duration::from_millis;
    let answer = arrived.answer(description(), ms(300), ms(20), &mut entropy());
    let sealed = answer.seal(&b, &a.peer_id(), &mut entropy()).unwrap();
    let (_, back) = open(&a, &sealed).unwrap();
    assert_eq!(back, answer);
    assert!(back.answers(&offer) && back.is_answer() && !offer.is_answer());
    assert!(!back.answers(&Offer::new(NOW, description(), &mut SeededEntropy::new(6))));
    let at_a = back.secrets(&offer, &a, &b.peer_id()).unwrap();
    let at_b = arrived.secrets(&answer, &b, &a.peer_id()).unwrap();
    assert_eq!(at_a.punch_key(), at_b.punch_key());
}

#[test]
fn both_sides_begin_at_the_same_moment() {
    let ms = |ms| Duration::from_millis(ms);
    let start = Instant::from_nanos(1_000_000_000);
    let offer = Offer::new(NOW, description(), &mut entropy());
    for way in [1, 20, 150, 300] {
        for hold in [0, 40] {
            let answer = offer.answer(description(), ms(300), ms(hold), &mut entropy());
            let sent = start + ms(way + hold);
            let arrived = sent + ms(way);
            let expected = answer.start_of_answerer(sent);
            assert_eq!(answer.start_of_offerer(start, arrived), expected, "{way} ms");
        }
    }
    let late = offer.answer(description(), ms(10), ms(0), &mut entropy());
    assert_eq!(late.start_of_offerer(start, start + ms(200)), start + ms(200), "not in the past");
}

#[test]
fn an_offer_is_heeded_once_and_in_its_time() {
    let [a, b] = identities();
    let sealed = Offer::new(NOW, description(), &mut entropy())
        .seal(&a, &b.peer_id(), &mut entropy())
        .unwrap();
    let mut seen = SeenOffers::default();
    assert!(Offer::open(&b, NOW, &mut seen, &sealed).is_ok());
    assert_eq!(Offer::open(&b, NOW, &mut seen, &sealed), Err(OfferError::Replayed));
    for unix in [NOW + 61, NOW - 61, 0, u64::MAX] {
        let opened = Offer::open(&b, unix, &mut SeenOffers::default(), &sealed);
        assert_eq!(opened, Err(OfferError::Expired), "{unix}");
    }
}

#[test]
fn the_length_does_not_tell_how_many_candidates_there_are() {
    let [a, b] = identities();
    let length = |description| {
        let offer = Offer::new(NOW, description, &mut entropy());
        offer.seal(&a, &b.peer_id(), &mut entropy()).unwrap().len()
    };
    let one = Description::new(NatSummary::UNKNOWN, &description().candidates()[..1]);
    assert_eq!(length(description()), length(one));
}

#[test]
fn too_many_candidates_are_refused_and_never_sent() {
    let many: Vec<_> = (1000..1100)
        .map(|port| Candidate::new(CandidateKind::Host, ([192, 0, 2, 1], port).into()))
        .collect();
    assert_eq!(Description::new(NatSummary::UNKNOWN, &many).candidates().len(), 16);
    let too_many = Description { nat: NatSummary::UNKNOWN, candidates: many[..17].to_vec() };
    let offer = Offer::new(NOW, too_many, &mut entropy());
    assert!(body::decode(&body::encode(&offer)).is_err());
}

#[test]
fn a_ticket_survives_a_voice_that_shouts() {
    let [a, _] = identities();
    let ticket = Ticket::new(&a, NOW, description(), &mut entropy());
    let text = ticket.to_string();
    assert!(text.starts_with("srudp:") && text.len() < 300, "{text}");
    assert_eq!(text.parse(), Ok(ticket.clone()));
    assert_eq!(text.to_ascii_uppercase().parse(), Ok(ticket.clone()));
    assert!(!ticket.has_expired(NOW) && ticket.has_expired(NOW + 1));
}

#[test]
fn two_hosts_with_tickets_begin_when_their_clocks_say_so() {
    let ms = Duration::from_millis;
    for unix in [ms(0), ms(3), ms(9_999), ms(1_800_000_004_321)] {
        let start = unix + Ticket::wait(unix);
        assert_eq!(start.as_nanos() % ms(10_000).as_nanos(), 0);
        assert!(start > unix && start <= unix + ms(10_000));
    }
}

#[test]
fn a_ticket_that_was_changed_says_so() {
    let [a, _] = identities();
    let text = Ticket::new(&a, NOW, description(), &mut entropy()).to_string();
    for at in 0..text.len() {
        let other = if text.as_bytes()[at] == b'a' { "b" } else { "a" };
        let mut changed = text.clone();
        changed.replace_range(at..=at, other);
        assert!(changed.parse::<Ticket>().is_err(), "character {at}");
        assert!(text[..at].parse::<Ticket>().is_err(), "{at} characters");
    }
    assert_eq!("hello".parse::<Ticket>(), Err(TicketError::Scheme));
    assert_eq!("srudp:1".parse::<Ticket>(), Err(TicketError::Text));
}

#[test]
fn the_longest_description_fits_into_a_frame_and_is_alone_there() {
    let many: Vec<_> = (1000..1016)
        .map(|port| Candidate::new(CandidateKind::Host, SocketAddr::from(([7_u16; 8], port))))
        .collect();
    let description = Description::new(NatSummary::UNKNOWN, &many);
    let mut bytes = description.encode();
    assert!(bytes.len() <= CANDIDATES_FRAME_MAX);
    assert_eq!(Description::decode(&bytes), Some(description));
    bytes.push(0);
    assert_eq!(Description::decode(&bytes), None);
}

proptest! {
    #[test]
    fn no_bytes_of_an_offer_panic_and_each_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(offer) = body::decode(&bytes) {
            prop_assert_eq!(body::decode(&body::encode(&offer)), Ok(offer));
        }
    }

    #[test]
    fn no_text_of_a_ticket_panics(text in "(srudp:)?[a-z2-7]{0,300}|\\PC{0,40}") {
        prop_assert!(text.parse::<Ticket>().is_err());
    }
}
