//! A question and servers of all kinds, played by hand.

use std::time::Duration;

use super::super::nonce::SecurityFeatures;
use super::super::password::{Key, PasswordAlgorithm, user_hash};
use super::super::retransmit::Patience;
use super::super::{AttributeTypes, Credentials, PasswordAlgorithms};
use super::*;
use crate::base::SeededEntropy;

const NOW: Instant = Instant::ZERO;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn server() -> SocketAddr {
    address("198.51.100.1:3478")
}

fn me() -> SocketAddr {
    address("203.0.113.9:4000")
}

struct Asked {
    query: Query,
    entropy: SeededEntropy,
}

fn ask(question: Question) -> Asked {
    let mut entropy = SeededEntropy::new(1);
    let query = Query::new(NOW, question, &mut entropy);
    Asked { query, entropy }
}

impl Asked {
    /// The request that is due.
    fn request(&mut self) -> (SocketAddr, Vec<u8>) {
        let (to, bytes) = self.query.poll_transmit().expect("a request is due");
        (to, bytes.to_vec())
    }

    fn gets(&mut self, from: SocketAddr, bytes: &[u8]) -> bool {
        let now = NOW + Duration::from_millis(30);
        self.query.handle_datagram(now, from, bytes, &mut self.entropy)
    }

    /// The server's answer to the request on its way.
    fn answer(&self, class: Class) -> Builder {
        Builder::new(class, Method::BINDING, self.query.transaction())
    }

    fn error(&self, code: u16) -> Builder {
        self.answer(Class::Error).attribute(&Attribute::ErrorCode { code, reason: "no" })
    }

    fn success(&self) -> Vec<u8> {
        finish(self.answer(Class::Success).attribute(&Attribute::XorMappedAddress(me())))
    }

    fn failure(&self) -> Option<QueryError> {
        self.query.outcome().and_then(|outcome| outcome.clone().err())
    }
}

fn finish(builder: Builder) -> Vec<u8> {
    builder.finish().unwrap()
}

#[test]
fn an_answer_tells_what_the_server_saw() {
    let mut asked = ask(Question::new(server()));
    let (to, request) = asked.request();
    assert_eq!(to, server());
    assert_eq!(Message::decode(&request).unwrap().class(), Class::Request);
    let response = asked
        .answer(Class::Success)
        .attribute(&Attribute::XorMappedAddress(me()))
        .attribute(&Attribute::MappedAddress(address("10.0.0.1:1")))
        .attribute(&Attribute::OtherAddress(address("198.51.100.2:3479")))
        .attribute(&Attribute::Software("somebody's"));
    assert!(asked.gets(server(), &finish(response)));
    let answer = asked.query.outcome().unwrap().clone().unwrap();
    assert_eq!(answer.reflexive, me());
    assert_eq!(answer.in_the_clear, Some(address("10.0.0.1:1")));
    assert_eq!(answer.other, Some(address("198.51.100.2:3479")));
    assert_eq!(answer.software.as_deref(), Some("somebody's"));
    assert_eq!(answer.round_trip, Some(Duration::from_millis(30)));
    assert_eq!((asked.query.poll_timeout(), asked.query.poll_transmit()), (None, None));
}

#[test]
fn only_the_server_and_only_this_transaction_count() {
    let mut asked = ask(Question::new(server()));
    let good = asked.success();
    for from in ["198.51.100.1:3479", "198.51.100.2:3478"] {
        assert!(!asked.gets(address(from), &good), "{from}");
    }
    let mut other = good.clone();
    other[19] ^= 1;
    assert!(!asked.gets(server(), &other));
    assert!(!asked.gets(server(), b"hello"));
    let echo = asked.request().1;
    assert!(!asked.gets(server(), &echo), "a request is no answer");
    assert!(asked.query.outcome().is_none());
    assert!(asked.gets(server(), &good));
    assert!(!asked.gets(server(), &good), "it is over");
}

#[test]
fn an_answer_may_be_asked_from_elsewhere_and_then_only_from_there() {
    let other = address("198.51.100.2:3479");
    let mut asked = ask(Question::new(server()).change_request(true, true).answer_from(other));
    let (to, request) = asked.request();
    assert_eq!(to, server());
    let change = Message::decode(&request).unwrap().attributes().nth(1);
    assert_eq!(change, Some(Attribute::ChangeRequest { ip: true, port: true }));
    let response = asked.success();
    assert!(!asked.gets(server(), &response));
    assert!(asked.gets(other, &response));
}

#[test]
fn silence_is_waited_out_and_then_reported() {
    let mut asked = ask(Question::new(server()));
    let (mut sends, mut last) = (Vec::new(), NOW);
    while let Some(at) = asked.query.poll_timeout() {
        if let Some((_, bytes)) = asked.query.poll_transmit() {
            sends.push(bytes.to_vec());
        }
        asked.query.handle_timeout(at);
        last = at;
    }
    assert_eq!(sends.len(), 7);
    assert!(sends.iter().all(|request| *request == sends[0]), "all are one transaction");
    assert_eq!(last, NOW + Duration::from_millis(39_500));
    assert_eq!(asked.failure(), Some(QueryError::TimedOut));
}

#[test]
fn the_time_of_an_answer_to_one_of_several_requests_is_not_known() {
    let mut asked = ask(Question::new(server()).patience(Patience::TCP));
    assert_eq!(asked.query.poll_timeout(), Some(NOW + Patience::TCP.total()));
    asked = ask(Question::new(server()));
    asked.query.handle_timeout(NOW + Duration::from_millis(500));
    let response = asked.success();
    assert!(asked.gets(server(), &response));
    assert_eq!(asked.query.outcome().unwrap().as_ref().unwrap().round_trip, None);
}

#[test]
fn a_refusal_says_why() {
    let mut asked = ask(Question::new(server()));
    let types = AttributeTypes::new(&[0, 3]).unwrap();
    let refusal = asked.error(420).attribute(&Attribute::UnknownAttributes(types));
    asked.gets(server(), &finish(refusal));
    assert_eq!(asked.failure(), Some(QueryError::Refused { code: 420, reason: "no".into() }));
}

#[test]
fn an_answer_without_an_address_or_with_strange_needs_makes_no_sense() {
    for strange in [Attribute::Software("x"), Attribute::Unknown { kind: 0x7000, value: &[] }] {
        let mut asked = ask(Question::new(server()));
        let mut response = asked.answer(Class::Success).attribute(&strange);
        if strange.kind() == 0x7000 {
            response = response.attribute(&Attribute::XorMappedAddress(me()));
        }
        asked.gets(server(), &finish(response));
        assert_eq!(asked.failure(), Some(QueryError::Incomprehensible));
    }
}

#[test]
fn short_term_credentials_protect_both_ways() {
    let mut asked = ask(Question::new(server()).credentials(Credentials::short_term("u", "p")));
    let key = Key::short_term("p");
    let (_, request) = asked.request();
    let request = Message::decode(&request).unwrap();
    assert!(request.verify_sha1(&key) && request.verify_sha256(&key));
    let bare = asked.success();
    asked.gets(server(), &bare);
    let refused = finish(asked.error(500));
    asked.gets(server(), &refused);
    assert!(asked.query.outcome().is_none(), "neither was proved");
    let proved = asked.answer(Class::Success).attribute(&Attribute::XorMappedAddress(me()));
    let proved = finish(proved.integrity_sha256(&key));
    asked.gets(server(), &proved);
    assert!(asked.query.outcome().unwrap().is_ok());
}

fn long_term() -> Question {
    Question::new(server()).credentials(Credentials::long_term("user", "pass"))
}

fn challenge(builder: Builder, nonce: &str) -> Builder {
    builder.attribute(&Attribute::Realm("realm")).attribute(&Attribute::Nonce(nonce))
}

#[test]
fn a_challenge_of_the_old_kind_is_answered_with_md5() {
    let mut asked = ask(long_term());
    let (_, first) = asked.request();
    assert!(!Message::decode(&first).unwrap().has_integrity());
    let first = asked.query.transaction();
    let response = finish(challenge(asked.error(401), "once"));
    asked.gets(server(), &response);
    assert_ne!(asked.query.transaction(), first);
    let key = Key::long_term(PasswordAlgorithm::Md5, "user", "realm", "pass");
    let (_, second) = asked.request();
    let second = Message::decode(&second).unwrap();
    assert!(second.verify_sha1(&key) && !second.verify_sha256(&key));
    assert!(second.attributes().any(|attribute| attribute == Attribute::Username("user")));
    let bare = asked.success();
    asked.gets(server(), &bare);
    assert!(asked.query.outcome().is_none(), "it was not proved");
    let proved = asked.answer(Class::Success).attribute(&Attribute::XorMappedAddress(me()));
    let proved = finish(proved.integrity(&key));
    asked.gets(server(), &proved);
    assert!(asked.query.outcome().unwrap().is_ok());
}

#[test]
fn a_challenge_of_the_new_kind_is_answered_with_what_it_prefers_and_without_the_name() {
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: true };
    let list = [0, 9, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0];
    let mut asked = ask(long_term());
    asked.request();
    let list = Attribute::PasswordAlgorithms(PasswordAlgorithms::new(&list).unwrap());
    let response = challenge(asked.error(401), &features.nonce("x")).attribute(&list);
    let response = finish(response);
    asked.gets(server(), &response);
    let (_, second) = asked.request();
    let second = Message::decode(&second).unwrap();
    let key = Key::long_term(PasswordAlgorithm::Sha256, "user", "realm", "pass");
    assert!(second.verify_sha256(&key) && !second.verify_sha1(&key));
    let has = |wanted| second.attributes().any(|attribute| attribute == wanted);
    assert!(has(Attribute::UserHash(user_hash("user", "realm"))));
    assert!(has(Attribute::PasswordAlgorithm(PasswordAlgorithm::Sha256)));
    assert!(has(list), "the list goes back as it came");
    assert!(!has(Attribute::Username("user")));
}

#[test]
fn who_strips_the_list_of_algorithms_is_not_heeded() {
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: false };
    let mut asked = ask(long_term());
    asked.request();
    let stripped = finish(challenge(asked.error(401), &features.nonce("x")));
    asked.gets(server(), &stripped);
    assert_eq!(asked.query.poll_transmit(), None);
    assert!(asked.query.outcome().is_none());
}

#[test]
fn no_common_algorithm_is_the_end() {
    let mut asked = ask(long_term());
    let list = PasswordAlgorithms::new(&[0, 9, 0, 0]).unwrap();
    let response = challenge(asked.error(401), "x");
    let response = finish(response.attribute(&Attribute::PasswordAlgorithms(list)));
    asked.gets(server(), &response);
    assert_eq!(asked.failure(), Some(QueryError::NoCommonAlgorithm));
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let mut asked = ask(long_term());
    let response = finish(challenge(asked.error(401), "0"));
    asked.gets(server(), &response);
    for round in 1.. {
        if asked.query.outcome().is_some() {
            assert_eq!(round, STUN_ROUNDS + 1);
            break;
        }
        let stale = finish(challenge(asked.error(438), &round.to_string()));
        asked.gets(server(), &stale);
    }
    assert_eq!(asked.failure(), Some(QueryError::Unauthorized));
}

#[test]
fn wrong_or_missing_credentials_are_the_end() {
    let mut asked = ask(Question::new(server()));
    let response = finish(challenge(asked.error(401), "x"));
    asked.gets(server(), &response);
    assert_eq!(asked.failure(), Some(QueryError::Unauthorized));
    let mut asked = ask(long_term());
    for nonce in ["x", "y"] {
        let response = finish(challenge(asked.error(401), nonce));
        asked.gets(server(), &response);
    }
    assert_eq!(asked.failure(), Some(QueryError::Unauthorized));
}

#[test]
fn a_redirection_is_followed() {
    let mut asked = ask(Question::new(server()));
    asked.request();
    let next = address("198.51.100.7:3478");
    let response = finish(asked.error(300).attribute(&Attribute::AlternateServer(next)));
    asked.gets(server(), &response);
    assert_eq!(asked.request().0, next);
    let response = asked.success();
    assert!(!asked.gets(server(), &response));
    assert!(asked.gets(next, &response));
    assert_eq!(asked.query.outcome().unwrap().as_ref().unwrap().server, next);
}

#[test]
fn a_redirection_into_our_own_network_or_in_circles_is_not_followed() {
    for to in
        ["198.51.100.1:3478", "127.0.0.1:53", "192.168.1.1:80", "[2001:db8::1]:1", "8.8.8.8:0"]
    {
        let mut asked = ask(Question::new(server()));
        let named = Attribute::AlternateServer(address(to));
        let response = finish(asked.error(300).attribute(&named));
        asked.gets(server(), &response);
        assert_eq!(asked.failure(), Some(QueryError::BadRedirection), "{to}");
    }
    let mut asked = ask(Question::new(server()));
    let mut from = server();
    for round in 0.. {
        let to = SocketAddr::new(from.ip(), 5000 + round);
        let response = finish(asked.error(300).attribute(&Attribute::AlternateServer(to)));
        asked.gets(from, &response);
        if asked.failure() == Some(QueryError::BadRedirection) {
            assert_eq!(round, u16::from(STUN_ROUNDS));
            break;
        }
        from = to;
    }
}

#[test]
fn a_question_that_cannot_be_written_fails_at_once() {
    let name = "x".repeat(600);
    let asked = ask(Question::new(server()).credentials(Credentials::short_term(&name, "p")));
    assert_eq!(asked.failure(), Some(QueryError::Unwritable(StunError::TooLong)));
}
