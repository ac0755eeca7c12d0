//! Every event in every state of the sending half.

use super::*;
use crate::wire::{Direction, Role};

const CODE: ApplicationCode = ApplicationCode::new(7);
const ROOM: u64 = 1 << 20;

fn id() -> StreamId {
    StreamId::new(Role::Initiator, Direction::Bidirectional, 0)
}

struct Fixture {
    send: SendHalf,
    pages: Pages,
}

impl Fixture {
    fn new(limit: u64) -> Self {
        Self { send: SendHalf::new(limit), pages: Pages::default() }
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, WriteError> {
        self.send.write(data, ROOM, &mut self.pages)
    }

    /// One packet with whatever wants to go. Returns its records.
    fn packet(&mut self) -> Vec<Record> {
        let mut space = [0; 1200];
        let mut packet = PacketBuilder::new(&mut space);
        assert!(self.send.fill_control(id(), &mut packet));
        while self.send.wants_repair() && self.send.fill_repair(id(), &mut packet).is_some() {}
        while self.send.wants_fresh() && self.send.fill_fresh(id(), ROOM, &mut packet).is_some() {}
        packet.finish().2.iter().collect()
    }

    fn fate(&mut self, records: &[Record], fate: Fate) {
        for record in records {
            match *record {
                Record::Stream { offset, length, fin, .. } => {
                    self.send.on_fate(Carried { offset, length, fin }, fate, &mut self.pages);
                }
                Record::ResetStream(_) => self.send.on_reset_fate(fate),
                Record::StreamDataBlocked { limit, .. } => self.send.on_blocked_fate(limit, fate),
                _ => panic!("{record:?} is none of ours"),
            }
        }
    }

    /// A half in the given state, with everything that is sent unsettled.
    fn in_state(state: State) -> Self {
        let mut fixture = Self::new(100);
        fixture.write(b"some data").unwrap();
        match state {
            State::Send => {
                fixture.packet();
            }
            State::DataSent | State::DataRecvd => {
                fixture.send.finish().unwrap();
                let records = fixture.packet();
                if state == State::DataRecvd {
                    fixture.fate(&records, Fate::Acked);
                }
            }
            State::ResetSent | State::ResetRecvd => {
                fixture.send.reset(CODE, &mut fixture.pages);
                let records = fixture.packet();
                if state == State::ResetRecvd {
                    fixture.fate(&records, Fate::Acked);
                }
            }
        }
        assert_eq!(fixture.send.state(), state);
        fixture
    }
}

const ALL: [State; 5] =
    [State::Send, State::DataSent, State::ResetSent, State::DataRecvd, State::ResetRecvd];

/// Applies an event in every state and compares the states afterwards.
fn transitions(event: impl Fn(&mut Fixture)) -> [State; 5] {
    ALL.map(|state| {
        let mut fixture = Fixture::in_state(state);
        event(&mut fixture);
        fixture.send.state()
    })
}

#[test]
fn finishing_and_sending_the_fin_leads_from_send_to_data_sent_and_nowhere_else() {
    let after = transitions(|fixture| {
        let _ = fixture.send.finish();
        fixture.packet();
    });
    assert_eq!(
        after,
        [State::DataSent, State::DataSent, State::ResetSent, State::DataRecvd, State::ResetRecvd]
    );
}

#[test]
fn a_reset_changes_only_states_with_something_to_deliver() {
    let after = transitions(|fixture| fixture.send.reset(CODE, &mut fixture.pages));
    assert_eq!(
        after,
        [State::ResetSent, State::ResetSent, State::ResetSent, State::DataRecvd, State::ResetRecvd]
    );
}

#[test]
fn stop_sending_resets_like_the_application() {
    let after = transitions(|fixture| {
        fixture.send.on_stop(CODE, &mut fixture.pages);
    });
    assert_eq!(
        after,
        [State::ResetSent, State::ResetSent, State::ResetSent, State::DataRecvd, State::ResetRecvd]
    );
}

#[test]
fn an_acknowledgement_of_all_data_and_the_fin_ends_only_data_sent() {
    let after = transitions(|fixture| {
        let all = Carried { offset: 0, length: 9, fin: fixture.send.fin.value().is_some() };
        fixture.send.on_fate(all, Fate::Acked, &mut fixture.pages);
    });
    assert_eq!(
        after,
        [State::Send, State::DataRecvd, State::ResetSent, State::DataRecvd, State::ResetRecvd]
    );
}

#[test]
fn an_acknowledged_reset_ends_only_reset_sent() {
    let after = transitions(|fixture| fixture.send.on_reset_fate(Fate::Acked));
    assert_eq!(
        after,
        [State::Send, State::DataSent, State::ResetRecvd, State::DataRecvd, State::ResetRecvd]
    );
}

#[test]
fn losses_change_no_state() {
    let after = transitions(|fixture| {
        let all = Carried { offset: 0, length: 9, fin: true };
        fixture.send.on_fate(all, Fate::Lost, &mut fixture.pages);
        fixture.send.on_reset_fate(Fate::Lost);
    });
    assert_eq!(after, ALL);
}

#[test]
fn writing_fails_in_every_state_but_send() {
    let errors = ALL.map(|state| Fixture::in_state(state).write(b"x"));
    assert_eq!(
        errors,
        [
            Ok(1),
            Err(WriteError::Finished),
            Err(WriteError::Reset),
            Err(WriteError::Finished),
            Err(WriteError::Reset),
        ]
    );
}

#[test]
fn a_lost_fin_is_sent_again() {
    let mut fixture = Fixture::new(100);
    fixture.send.finish().unwrap();
    let records = fixture.packet();
    assert_eq!(records, [Record::Stream { id: id(), offset: 0, length: 0, fin: true }]);
    assert!(!fixture.send.wants_repair());
    fixture.fate(&records, Fate::Lost);
    assert_eq!(fixture.packet(), records);
    fixture.fate(&records, Fate::Acked);
    assert_eq!(fixture.send.state(), State::DataRecvd);
}

#[test]
fn the_fin_travels_with_the_last_data() {
    let mut fixture = Fixture::new(100);
    fixture.write(b"last").unwrap();
    fixture.send.finish().unwrap();
    let records = fixture.packet();
    assert_eq!(records, [Record::Stream { id: id(), offset: 0, length: 4, fin: true }]);
}

#[test]
fn a_fin_alone_needs_no_credit_and_one_behind_blocked_data_waits() {
    let mut fixture = Fixture::new(0);
    fixture.send.finish().unwrap();
    assert!(fixture.send.wants_repair());
    let mut fixture = Fixture::new(0);
    fixture.write(b"x").unwrap();
    fixture.send.finish().unwrap();
    assert!(!fixture.send.wants_repair() && !fixture.send.wants_fresh());
}

#[test]
fn data_is_not_delivered_while_a_part_of_it_is_unacknowledged() {
    let mut fixture = Fixture::new(10_000);
    fixture.write(&[1; 2000]).unwrap();
    fixture.send.finish().unwrap();
    let (first, second) = (fixture.packet(), fixture.packet());
    fixture.fate(&second, Fate::Acked);
    assert_eq!(fixture.send.state(), State::DataSent);
    fixture.fate(&first, Fate::Lost);
    let again = fixture.packet();
    assert_eq!(again, first);
    fixture.fate(&again, Fate::Acked);
    assert_eq!(fixture.send.state(), State::DataRecvd);
}

#[test]
fn the_stream_limit_itself_is_used_and_not_exceeded() {
    let mut fixture = Fixture::new(4);
    fixture.write(b"12345").unwrap();
    let records = fixture.packet();
    assert_eq!(records, [Record::Stream { id: id(), offset: 0, length: 4, fin: false }]);
    let blocked = fixture.packet();
    assert_eq!(blocked, [Record::StreamDataBlocked { id: id(), limit: 4 }]);
    assert!(!fixture.send.wants_fresh());
    fixture.send.on_limit(5);
    fixture.fate(&blocked, Fate::Lost);
    let records = fixture.packet();
    assert_eq!(records, [Record::Stream { id: id(), offset: 4, length: 1, fin: false }]);
}

#[test]
fn a_reset_stream_does_not_complain_about_credit() {
    let mut fixture = Fixture::new(0);
    fixture.write(b"x").unwrap();
    fixture.send.reset(CODE, &mut fixture.pages);
    assert_eq!(fixture.packet(), [Record::ResetStream(id())]);
}

#[test]
fn a_lost_complaint_is_repeated_while_it_holds() {
    let mut fixture = Fixture::new(0);
    fixture.write(b"x").unwrap();
    let blocked = fixture.packet();
    fixture.fate(&blocked, Fate::Lost);
    assert_eq!(fixture.packet(), blocked);
}

#[test]
fn a_reset_tells_the_bytes_sent_and_frees_the_rest() {
    let mut fixture = Fixture::new(10);
    fixture.write(&[0; 20_000]).unwrap();
    fixture.packet();
    fixture.send.reset(CODE, &mut fixture.pages);
    assert_eq!((fixture.pages.used(), fixture.send.backlog().buffered), (0, 0));
    let mut space = [0; 1200];
    let mut packet = PacketBuilder::new(&mut space);
    assert!(fixture.send.fill_control(id(), &mut packet));
    let (length, ..) = packet.finish();
    let frame = crate::wire::Frames::new(&space[..length]).next().unwrap();
    assert_eq!(frame, Ok(Frame::ResetStream { id: id(), code: CODE, final_size: 10 }));
}

#[test]
fn a_lost_reset_is_sent_again_and_lost_data_before_it_is_not() {
    let mut fixture = Fixture::new(100);
    fixture.write(b"data").unwrap();
    let data = fixture.packet();
    fixture.send.reset(CODE, &mut fixture.pages);
    let reset = fixture.packet();
    assert_eq!(reset, [Record::ResetStream(id())]);
    fixture.fate(&data, Fate::Lost);
    fixture.fate(&reset, Fate::Lost);
    assert_eq!(fixture.packet(), reset);
}

#[test]
fn the_application_learns_that_the_peer_stopped_before_the_stream_closes() {
    let mut fixture = Fixture::in_state(State::Send);
    assert!(fixture.send.on_stop(CODE, &mut fixture.pages));
    assert!(!fixture.send.on_stop(CODE, &mut fixture.pages), "once");
    let reset = fixture.packet();
    fixture.fate(&reset, Fate::Acked);
    assert!(!fixture.send.is_closed());
    assert_eq!(fixture.write(b"x"), Err(WriteError::Stopped(CODE)));
    assert!(fixture.send.is_closed());
}

#[test]
fn a_finished_stream_closes_without_the_application() {
    assert!(Fixture::in_state(State::DataRecvd).send.is_closed());
    let mut fixture = Fixture::in_state(State::DataSent);
    fixture.send.on_stop(CODE, &mut fixture.pages);
    let reset = fixture.packet();
    fixture.fate(&reset, Fate::Acked);
    assert!(fixture.send.is_closed());
}

#[test]
fn writing_takes_what_fits_and_nothing_is_blocked_by_an_empty_write() {
    let mut fixture = Fixture::new(0);
    assert_eq!(fixture.send.write(b"12345", 3, &mut fixture.pages), Ok(3));
    assert_eq!(fixture.send.write(b"45", 0, &mut fixture.pages), Err(WriteError::Blocked));
    assert_eq!(fixture.send.write(b"", 0, &mut fixture.pages), Ok(0));
    let bytes = Bytes::from_static(&[1; 5000]);
    assert_eq!(fixture.send.write_bytes(bytes, 4000, &mut fixture.pages), Ok(4000));
    assert_eq!(fixture.send.backlog().buffered, 4003);
}

#[test]
fn a_fragment_is_not_started_in_the_last_corner_of_a_packet() {
    let mut fixture = Fixture::new(10_000);
    fixture.write(&[0; 5000]).unwrap();
    let header = StreamHeader { id: id(), offset: 0, length: Some(60), fin: false }.encoded_len();
    let mut space = vec![0; header + STREAM_FRAGMENT_MIN - 1];
    let mut packet = PacketBuilder::new(&mut space);
    assert_eq!(fixture.send.fill_fresh(id(), ROOM, &mut packet), None);
    assert!(packet.is_empty());
    let mut space = vec![0; header + STREAM_FRAGMENT_MIN];
    let mut packet = PacketBuilder::new(&mut space);
    assert_eq!(fixture.send.fill_fresh(id(), ROOM, &mut packet), Some(STREAM_FRAGMENT_MIN as u64));
}
