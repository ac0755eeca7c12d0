//! What a node refuses. That it finds peers and carries their data is tested in `tests/nodes.rs`.

use super::*;
use crate::crypto::Identity;
use crate::endpoint::EndpointConfig;
use crate::nat::{
    Allocation, Candidate, CandidateKind, Dependence, Description, Failure, NatSummary, Offer,
};

fn node() -> Node {
    let identity = Identity::from_secret_bytes([1; 32]);
    let entropy = || Box::new(SeededEntropy::new(1));
    Node::new(Endpoint::new(EndpointConfig::default(), identity, entropy()), entropy())
}

fn config(peer: u8, mapping: Dependence) -> PunchConfig {
    let [a, b] = [1, peer].map(|seed| Identity::from_secret_bytes([seed; 32]));
    let offer = |mapping| {
        let candidate = Candidate::new(CandidateKind::Reflexive, ([203, 0, 113, 1], 4000).into());
        let nat = NatSummary::new(mapping, None, Allocation::Random);
        Offer::new(0, Description::new(nat, &[candidate]), &mut SeededEntropy::new(1))
    };
    let (ours, theirs) = (offer(Dependence::EndpointIndependent), offer(mapping));
    PunchConfig::from_offers(&a, b.peer_id(), &ours, &theirs, Instant::ZERO).unwrap()
}

#[test]
fn searches_are_few_and_only_one_of_them_tries_many_ports() {
    let mut node = node();
    let hard = Dependence::AddressAndPortDependent;
    assert!(node.search(config(2, hard), None).is_ok());
    assert_eq!(node.search(config(3, hard), None), Err(SearchError::Busy));
    let easy = Dependence::EndpointIndependent;
    let started = (4..200).take_while(|peer| node.search(config(*peer, easy), None).is_ok());
    assert_eq!(started.count(), crate::base::limits::NODE_SEARCHES - 1);
    assert_eq!(node.search(config(200, easy), None), Err(SearchError::TooMany));
}

#[test]
fn a_search_without_an_answer_ends_and_leaves_nothing_behind() {
    let mut node = node();
    let handle = node.search(config(2, Dependence::EndpointIndependent), None).unwrap();
    let mut buffer = [0; 2000];
    while let Some(now) = node.poll_timeout() {
        node.handle_timeout(now);
        while node.poll_transmit(now, &mut buffer, 1).is_some() {}
    }
    let event = node.poll_event();
    let silent =
        |event| matches!(event, Some(NodeEvent::NotFound(of, Failure::Silence, _)) if of == handle);
    assert!(silent(event));
    assert!(node.searches.is_empty());
    assert_eq!(node.poll_event(), None);
}
