//! The rules of RFC 9000 §19.15 one by one, then any sequence of frames and moves.

use proptest::prelude::*;

use super::*;

fn id(n: u64) -> ConnectionId {
    ConnectionId::from(n.to_be_bytes())
}

fn token(n: u64) -> ResetToken {
    let mut token = [0; 16];
    token[8..].copy_from_slice(&n.to_be_bytes());
    token
}

fn fresh() -> PeerCids {
    PeerCids::new(id(0), Some(token(0)))
}

fn new(cids: &mut PeerCids, sequence: u64, prior: u64) -> Result<(), ErrorCode> {
    cids.on_new(sequence, prior, id(sequence), token(sequence)).map_err(|error| error.code)
}

/// With the ids 0 to `last`.
fn with(last: u64) -> PeerCids {
    let mut cids = fresh();
    for sequence in 1..=last {
        new(&mut cids, sequence, 0).unwrap();
    }
    cids
}

fn retired(cids: &mut PeerCids) -> Vec<u64> {
    let mut buffer = [0; 1200];
    let mut packet = PacketBuilder::new(&mut buffer);
    cids.fill(&mut packet);
    let (_, _, records) = packet.finish();
    let sequence = |record| match record {
        Record::RetireCid { sequence } => sequence,
        other => panic!("{other:?}"),
    };
    records.iter().map(sequence).collect()
}

#[test]
fn rotation_takes_the_oldest_spare_id_and_gives_the_former_one_back() {
    let mut cids = with(2);
    assert!(cids.rotate());
    assert_eq!(cids.active(), id(1));
    assert_eq!(retired(&mut cids), [0]);
}

#[test]
fn without_a_spare_id_nothing_changes() {
    let mut cids = fresh();
    assert!(!cids.rotate());
    assert_eq!(cids.active(), id(0));
    assert!(!cids.wants_to_send());
}

#[test]
fn a_frame_that_retires_itself_does_not_parse() {
    assert_eq!(new(&mut fresh(), 1, 2), Err(ErrorCode::FRAME_ENCODING));
    assert_eq!(new(&mut fresh(), 1, 1), Ok(()));
}

#[test]
fn a_duplicate_is_ignored_and_a_contradiction_is_a_violation() {
    let violation = |sequence, id, token| {
        let error = with(2).on_new(sequence, 0, id, token).unwrap_err();
        assert_eq!(error.code, ErrorCode::PROTOCOL_VIOLATION);
    };
    assert_eq!(new(&mut with(2), 2, 0), Ok(()));
    assert_eq!(with(2).spare.len(), 2);
    violation(2, id(9), token(2));
    violation(2, id(2), token(9));
    violation(3, id(2), token(3));
    violation(0, id(9), token(0));
    violation(0, id(0), token(9));
}

#[test]
fn the_peer_may_take_back_the_active_and_the_spare_ids() {
    let mut cids = with(3);
    assert_eq!(new(&mut cids, 4, 3), Ok(()));
    assert_eq!(cids.active(), id(3));
    let mut given_back = retired(&mut cids);
    given_back.sort_unstable();
    assert_eq!(given_back, [0, 1, 2]);
}

#[test]
fn the_active_id_stays_until_there_is_a_replacement() {
    let mut cids = fresh();
    new(&mut cids, 2, 0).unwrap();
    cids.rotate();
    new(&mut cids, 1, 0).unwrap();
    cids.rotate();
    assert_eq!((cids.active(), retired(&mut cids)), (id(1), vec![0, 2]));
    assert_eq!(
        new(&mut cids, 2, 2),
        Ok(()),
        "a copy that takes back 1, of an id that was given back"
    );
    assert_eq!((cids.active(), retired(&mut cids)), (id(1), vec![]));
    assert_eq!(new(&mut cids, 3, 2), Ok(()));
    assert_eq!((cids.active(), retired(&mut cids)), (id(3), vec![1]));
}

#[test]
fn a_late_copy_does_not_bring_a_retired_id_back() {
    let mut cids = with(1);
    cids.rotate();
    assert_eq!(retired(&mut cids), [0]);
    cids.rotate();
    new(&mut cids, 2, 0).unwrap();
    cids.rotate();
    assert_eq!(retired(&mut cids), [1]);
    cids.on_fate(1, Fate::Acked);
    assert_eq!(new(&mut cids, 1, 0), Ok(()));
    assert!(!cids.rotate());
}

#[test]
fn an_id_below_the_floor_is_given_back_at_once_and_only_once() {
    let mut cids = fresh();
    new(&mut cids, 3, 3).unwrap();
    assert_eq!(retired(&mut cids), [0]);
    new(&mut cids, 1, 0).unwrap();
    new(&mut cids, 1, 0).unwrap();
    assert_eq!(retired(&mut cids), [1]);
    assert!(!cids.rotate());
}

#[test]
fn more_ids_than_we_allow_are_an_error() {
    let last = ACTIVE_CIDS - 1;
    let mut cids = with(last);
    assert_eq!(new(&mut cids, last + 1, 1), Ok(()), "one was retired by the same frame");
    assert_eq!(new(&mut cids, last + 2, 1), Err(ErrorCode::CONNECTION_ID_LIMIT));
}

#[test]
fn skipped_sequence_numbers_are_bounded() {
    let most = MISSING_CIDS;
    assert_eq!(new(&mut fresh(), most + 1, 0), Ok(()));
    assert_eq!(new(&mut fresh(), most + 2, 0), Err(ErrorCode::CONNECTION_ID_LIMIT));
    assert_eq!(new(&mut fresh(), u64::MAX, 0), Err(ErrorCode::CONNECTION_ID_LIMIT));
    assert_eq!(new(&mut fresh(), u64::MAX, u64::MAX), Ok(()));
}

/// CVE-2024-22189 and CVE-2024-1410: each frame makes us retire one more, and the peer never acknowledges.
#[test]
fn a_flood_that_makes_us_retire_closes_the_connection() {
    let mut cids = fresh();
    for sequence in 1..=RETIRE_QUEUE as u64 {
        assert_eq!(new(&mut cids, sequence, sequence), Ok(()));
    }
    let next = RETIRE_QUEUE as u64 + 1;
    assert_eq!(new(&mut cids, next, next), Err(ErrorCode::CONNECTION_ID_LIMIT));
}

#[test]
fn a_lost_retirement_is_repeated_until_it_is_acknowledged() {
    let mut cids = with(1);
    cids.rotate();
    assert_eq!(retired(&mut cids), [0]);
    assert!(!cids.wants_to_send());
    cids.on_fate(0, Fate::Lost);
    assert_eq!(retired(&mut cids), [0]);
    cids.on_fate(0, Fate::Acked);
    cids.on_fate(0, Fate::Lost);
    assert!(!cids.wants_to_send());
}

#[test]
fn only_the_token_of_the_id_in_use_resets_the_connection() {
    let mut cids = with(1);
    assert!(cids.is_reset_token(&token(0)));
    assert!(!cids.is_reset_token(&token(1)), "a spare id");
    cids.rotate();
    assert!(cids.is_reset_token(&token(1)));
    assert!(!cids.is_reset_token(&token(0)), "a retired id");
    assert!(!PeerCids::new(id(0), None).is_reset_token(&[0; 16]));
}

#[test]
fn logs_show_neither_ids_nor_tokens() {
    let cids = PeerCids::new(ConnectionId::from([0xab; 8]), Some([0xcd; 16]));
    let text = format!("{cids:?}");
    assert!(!text.contains("171") && !text.contains("205") && !text.contains("ab"), "{text}");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    New { sequence: u64, prior: u64 },
    Rotate,
    Send,
    Acked(u64),
    Lost(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..40, 0_u64..40).prop_map(|(sequence, prior)| Step::New { sequence, prior }),
        4 => (0_u64..40).prop_map(|sequence| Step::New { sequence, prior: 0 }),
        3 => Just(Step::Rotate),
        1 => Just(Step::Send),
        2 => (0_u64..40).prop_map(Step::Acked),
        1 => (0_u64..40).prop_map(Step::Lost),
    ]
}

proptest! {
    #[test]
    fn ids_in_use_are_never_retired_and_memory_is_bounded(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut cids = fresh();
        let mut gone = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::New { sequence, prior } => if new(&mut cids, sequence, prior).is_err() {
                    // The connection is closed, unless the frame was refused before it changed anything.
                    if prior <= sequence { return Ok(()); }
                },
                Step::Rotate => {
                    cids.rotate();
                }
                Step::Send => gone.extend(retired(&mut cids)),
                Step::Acked(n) => cids.on_fate(n, Fate::Acked),
                Step::Lost(n) => cids.on_fate(n, Fate::Lost),
            }
            for held in cids.held() {
                prop_assert!(!gone.contains(&held.sequence));
                prop_assert!(cids.retiring.iter().all(|retiring| retiring.sequence != held.sequence));
            }
            let mut sequences: Vec<_> = cids.held().map(|held| held.sequence).collect();
            sequences.sort_unstable();
            sequences.dedup();
            prop_assert_eq!(sequences.len(), cids.held().count());
            prop_assert!(cids.held().count() as u64 <= ACTIVE_CIDS + 1);
            prop_assert!(cids.retiring.len() <= RETIRE_QUEUE + ACTIVE_CIDS as usize);
            prop_assert!(cids.missing.len() as u64 <= MISSING_CIDS);
        }
    }
}
