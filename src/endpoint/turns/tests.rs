//! Who may send, who waits, and that everybody who waits is called.

use proptest::prelude::*;

use super::*;

const BATCH: usize = 65_340;

/// Connections with data to send, all to one address unless a test says otherwise.
struct Crowded {
    turns: Turns,
    parts: Vec<Part>,
    in_flight: Vec<u64>,
    window: u64,
    is_near: bool,
}

impl Crowded {
    fn new(connections: usize, is_near: bool) -> Self {
        let parts = (0..connections).map(|_| Part::default()).collect();
        let in_flight = vec![0; connections];
        let window = TURNS_IN_FLIGHT;
        let mut crowded = Self { turns: Turns::default(), parts, in_flight, window, is_near };
        for at in 0..connections {
            crowded.settle(at);
        }
        crowded
    }

    fn total(&self) -> u64 {
        self.in_flight.iter().sum()
    }

    /// What the endpoint does after anything has happened to a connection. Returns who is called.
    fn settle(&mut self, at: usize) -> Option<usize> {
        let load = Load {
            remote: SocketAddr::from(([192, 0, 2, 1], 4000)),
            in_flight: self.in_flight[at],
            window: self.window,
            is_near: self.is_near,
        };
        self.turns.update(&mut self.parts[at], load);
        self.call(self.parts[at].crowd())
    }

    fn call(&mut self, crowd: Option<usize>) -> Option<usize> {
        while let Some(next) = crowd.and_then(|crowd| self.turns.next(crowd)) {
            if let Some(ahead) = crowd.and_then(|crowd| self.turns.newly_ahead(crowd)) {
                self.parts[ahead as usize].call_up();
            }
            if self.turns.call(&mut self.parts[next as usize]) {
                return Some(next as usize);
            }
        }
        None
    }

    /// The connection is asked for its batches, and has a turn's. Returns who is called then, if they were sent.
    fn send(&mut self, at: usize) -> Result<Option<usize>, ()> {
        let mut called = None;
        let mut goes_on = true;
        while goes_on {
            if self.turns.share(&mut self.parts[at]) == Share::Nothing {
                self.turns.on_sent(&mut self.parts[at], 0, false);
                self.turns.wait(u32::try_from(at).unwrap(), &mut self.parts[at]);
                return Err(());
            }
            goes_on = self.turns.on_sent(&mut self.parts[at], BATCH, false);
            self.in_flight[at] += BATCH as u64;
            called = self.settle(at).or(called);
        }
        Ok(called)
    }

    fn acknowledge(&mut self, at: usize) -> Option<usize> {
        self.in_flight[at] = 0;
        self.settle(at)
    }

    /// Connections whose turns are far.
    fn far(&self) -> Vec<usize> {
        (0..self.parts.len()).filter(|at| self.turns.is_far(&self.parts[*at])).collect()
    }

    /// Sends from the first connection until it would have to wait.
    fn fill(&mut self) {
        while self.send(0).is_ok() {}
    }
}

#[test]
fn one_connection_alone_never_waits() {
    let mut crowded = Crowded::new(1, true);
    assert!((0..1000).all(|_| crowded.send(0).is_ok()));
}

#[test]
fn connections_to_a_far_address_never_wait() {
    let mut crowded = Crowded::new(2, false);
    assert!((0..1000).all(|at| crowded.send(at % 2).is_ok()));
}

#[test]
fn together_they_have_so_much_in_flight_and_a_turn() {
    let mut crowded = Crowded::new(2, true);
    crowded.fill();
    assert_eq!(crowded.send(1), Err(()));
    let total = crowded.total();
    assert!((TURNS_IN_FLIGHT..TURNS_IN_FLIGHT + TURN_WINDOW).contains(&total), "{total}");
}

#[test]
fn a_turn_ends_when_its_bytes_are_sent_or_a_batch_is_not_full() {
    let mut crowded = Crowded::new(2, true);
    let mut part = std::mem::take(&mut crowded.parts[0]);
    for last in [BATCH, 45, 0] {
        assert_eq!(crowded.turns.share(&mut part), Share::Lent);
        assert!((0..3).all(|_| crowded.turns.on_sent(&mut part, BATCH, false)));
        assert!(!crowded.turns.on_sent(&mut part, last, false));
    }
}

#[test]
fn nobody_lends_what_all_of_them_may_not_have_in_flight() {
    let mut crowded = Crowded::new(4, true);
    for (window, share) in [(TURN_WINDOW / 4, Share::Lent), (100, Share::Own)] {
        crowded.window = window;
        for at in 0..4 {
            crowded.settle(at);
        }
        assert_eq!(crowded.turns.share(&mut crowded.parts[0]), share);
    }
}

#[test]
fn they_are_called_in_the_order_in_which_they_came() {
    let mut crowded = Crowded::new(4, true);
    crowded.fill();
    assert!([2, 1, 3].map(|at| crowded.send(at)).iter().all(Result::is_err));
    assert_eq!(crowded.acknowledge(0), Some(0), "it was the first that was refused");
    assert_eq!([0, 2, 1].map(|at| crowded.send(at)), [2, 1, 3].map(|next| Ok(Some(next))));
}

#[test]
fn what_is_left_of_a_turn_is_told_while_others_wait() {
    let mut crowded = Crowded::new(2, true);
    crowded.fill();
    crowded.acknowledge(0);
    let left = |crowded: &Crowded, at: usize| crowded.turns.left(&crowded.parts[at]);
    assert_eq!([0, 1].map(|at| left(&crowded, at)), [None; 2], "nobody has its turn before others");
    crowded.fill();
    assert_eq!(crowded.send(1), Err(()));
    assert_eq!(crowded.acknowledge(0), Some(0));
    assert_eq!([0, 1].map(|at| left(&crowded, at)), [Some(TURN), None]);
}

#[test]
fn who_comes_late_does_not_push_in() {
    let mut crowded = Crowded::new(3, true);
    crowded.fill();
    assert_eq!(crowded.send(1), Err(()));
    assert_eq!(crowded.acknowledge(0), Some(0));
    assert_eq!(crowded.send(2), Err(()), "there is room, but another waits for it");
    assert_eq!([0, 1].map(|at| crowded.send(at)), [Ok(Some(1)), Ok(Some(2))]);
}

#[test]
fn who_leaves_makes_room_and_is_not_called() {
    let mut crowded = Crowded::new(3, true);
    crowded.fill();
    assert_eq!([1, 2].map(|at| crowded.send(at)), [Err(()); 2]);
    let mut part = std::mem::take(&mut crowded.parts[0]);
    let crowd = part.crowd();
    crowded.turns.leave(&mut part);
    assert_eq!(crowded.call(crowd), Some(1));
}

#[test]
fn nothing_stays_of_a_crowd_that_has_dispersed() {
    let mut crowded = Crowded::new(3, true);
    crowded.fill();
    for part in &mut crowded.parts {
        crowded.turns.leave(part);
    }
    assert!(crowded.turns.crowds.is_empty() && crowded.turns.by_address.is_empty());
}

#[test]
fn those_that_come_next_are_called_up_and_the_others_are_far() {
    let all = TURNS_AHEAD + 3;
    let mut crowded = Crowded::new(all, true);
    crowded.fill();
    assert!((1..TURNS_AHEAD).all(|at| crowded.send(at).is_err()));
    assert!(crowded.far().is_empty(), "so few wait that whoever joins them comes soon");
    assert!((TURNS_AHEAD..all).all(|at| crowded.send(at).is_err()));
    assert_eq!(crowded.far(), [8, 9, 10]);
    assert_eq!(crowded.acknowledge(0), Some(0));
    assert_eq!(crowded.far(), [0, 9, 10], "who has its turn now has its next one after the others");
    assert_eq!(crowded.send(0), Ok(Some(1)));
    assert_eq!(crowded.far(), [0, 1, 10]);
}

#[test]
fn one_whose_writer_was_late_is_owed_a_turn_and_has_it_behind_those_that_are_called_up() {
    let all = TURNS_AHEAD * 2;
    for (is_late, place) in [(true, TURNS_AHEAD), (false, all - 2)] {
        let mut crowded = Crowded::new(all, true);
        crowded.fill();
        assert!((1..all).all(|at| crowded.send(at).is_err()));
        assert_eq!(crowded.acknowledge(0), Some(0));
        assert!(!crowded.turns.on_sent(&mut crowded.parts[0], 45, is_late));
        assert_eq!(crowded.settle(0), Some(1));
        crowded.turns.wait(0, &mut crowded.parts[0]);
        let (_, crowd) = crowded.turns.crowds.iter().next().unwrap();
        assert_eq!(crowd.waiting.iter().position(|at| *at == 0), Some(place));
        assert_eq!(crowded.far().contains(&0), !is_late);
        assert!(!crowded.parts[0].is_owed, "once");
    }
}

#[test]
fn several_to_a_near_address_take_turns() {
    for (connections, is_near, take) in [(1, true, false), (2, true, true), (2, false, false)] {
        let crowded = Crowded::new(connections, is_near);
        assert_eq!(crowded.turns.takes_turns(&crowded.parts[0]), take);
    }
    assert!(!Turns::default().takes_turns(&Part::default()), "it has not said where it goes");
}

#[test]
fn nobody_is_far_from_a_far_address() {
    let mut crowded = Crowded::new(TURNS_AHEAD * 2, false);
    assert!((0..TURNS_AHEAD * 2).all(|at| crowded.send(at).is_ok()));
    assert!(crowded.far().is_empty());
}

proptest! {
    #[test]
    fn who_is_among_the_next_is_called_up(steps in prop::collection::vec((any::<bool>(), 0..16_usize), 0..400)) {
        let mut crowded = Crowded::new(16, true);
        for (sends, at) in steps {
            if sends { let _ = crowded.send(at); } else { crowded.acknowledge(at); }
            let crowd = crowded.turns.crowds.iter().next().unwrap().1;
            let mut next = crowd.waiting.iter().take(TURNS_AHEAD).map(|at| &crowded.parts[*at as usize]);
            prop_assert!(next.all(|part| part.place != Place::Waiting || part.is_called_up));
        }
    }

    #[test]
    fn everybody_who_waits_is_called(steps in prop::collection::vec((any::<bool>(), 0..6_usize), 0..200)) {
        let mut crowded = Crowded::new(6, true);
        let mut called = Vec::new();
        for (sends, at) in steps {
            called.extend(if sends { crowded.send(at).ok().flatten() } else { crowded.acknowledge(at) });
        }
        // Those called send nothing, and everything is acknowledged: one after the other is called, until nobody waits.
        for at in 0..6 {
            called.extend(crowded.acknowledge(at));
        }
        while let Some(at) = called.pop() {
            crowded.turns.on_sent(&mut crowded.parts[at], 0, false);
            called.extend(crowded.settle(at));
        }
        prop_assert!(crowded.parts.iter().all(|part| part.place == Place::Free));
    }
}
