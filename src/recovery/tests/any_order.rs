//! Whatever is sent, acknowledged and awaited, in any order: the books balance.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Send {
        size: u32,
        other: bool,
        bare: bool,
    },
    /// Acknowledges those of the newest packets whose bits are set.
    Ack {
        back: usize,
        bits: u32,
    },
    Advance {
        millis: u64,
    },
    Wait,
    ForgetOther,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let send = (1_u32..1500, prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let step = prop_oneof![
        10 => send.prop_map(|(size, other, bare)| Step::Send { size, other, bare }),
        6 => (0_usize..60, any::<u32>()).prop_map(|(back, bits)| Step::Ack { back, bits }),
        4 => (0_u64..150).prop_map(|millis| Step::Advance { millis }),
        2 => Just(Step::Wait),
        1 => Just(Step::ForgetOther),
    ];
    prop::collection::vec(step, 1..200)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Acked,
    Lost,
    Spurious,
    Forgotten,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    state: State,
    path: PathId,
    in_flight: u64,
    lost_told: bool,
    acked_told: bool,
}

/// A sender and what a naive observer knows of its packets.
struct Observed {
    sender: Sender,
    packets: BTreeMap<u64, Known>,
    trace: Vec<String>,
}

impl Observed {
    fn new() -> Self {
        let mut sender = Sender::new();
        sender.recovery = Recovery::new(3);
        Self { sender, packets: BTreeMap::new(), trace: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        self.sender.out.clear();
        match *step {
            Step::Send { size, other, bare } => self.send(size, other, bare),
            Step::Ack { back, bits } => self.ack(back, bits),
            Step::Advance { millis } => {
                self.sender.advance(millis);
            }
            Step::Wait => self.wait(),
            Step::ForgetOther => self.forget(OTHER),
        }
        self.trace.push(format!("{:?} {:?}", self.sender.out, self.sender.deadline()));
        self.check();
    }

    fn send(&mut self, size: u32, other: bool, bare: bool) {
        let path = if other { OTHER } else { MAIN };
        let number = self.sender.send_as(|packet| {
            (packet.size, packet.path, packet.ack_eliciting) = (size, path, !bare);
        });
        let in_flight = if bare { 0 } else { u64::from(size) };
        let state = State::Open;
        let known = Known { state, path, in_flight, lost_told: false, acked_told: false };
        assert!(self.packets.insert(number, known).is_none(), "{number} used twice");
    }

    fn ack(&mut self, back: usize, bits: u32) {
        let newest = self.packets.keys().rev().skip(back).take(32);
        let chosen = newest.enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
        let numbers: Vec<u64> = chosen.map(|(_, number)| *number).collect();
        if numbers.is_empty() {
            return;
        }
        self.sender.ack(numbers.iter().copied());
        self.learn();
        for number in numbers {
            assert_ne!(self.packets[&number].state, State::Open, "{number} was not settled");
        }
    }

    fn wait(&mut self) {
        if self.sender.deadline().is_some() {
            self.sender.now = self.sender.now.max(self.sender.deadline().unwrap());
            let verdict = self.sender.check_timer();
            assert_eq!(verdict == Verdict::Lost, !self.sender.out.lost.is_empty());
            self.learn();
        }
    }

    fn forget(&mut self, path: PathId) {
        self.sender.recovery.forget_path(path, &mut self.sender.out);
        for known in self.packets.values_mut() {
            if known.path == path && known.state == State::Open {
                known.state = State::Forgotten;
            }
        }
        self.learn();
    }

    /// Takes in an outcome; nothing may happen twice.
    fn learn(&mut self) {
        let out = &self.sender.out;
        let rules = [
            (&out.acked, State::Open, State::Acked),
            (&out.lost, State::Open, State::Lost),
            (&out.spurious, State::Lost, State::Spurious),
        ];
        for (packets, from, to) in rules {
            assert!(packets.is_sorted_by_key(|packet| packet.number));
            for packet in packets {
                let known = self.packets.get_mut(&packet.number).expect("sent");
                assert_eq!((known.state, known.path), (from, packet.path));
                known.state = to;
            }
        }
        for (record, fate) in &out.fates {
            let known = self.packets.get_mut(&number_of(*record)).expect("sent");
            let told = match fate {
                Fate::Acked => &mut known.acked_told,
                Fate::Lost => &mut known.lost_told,
            };
            assert!(!std::mem::replace(told, true), "told twice: {record:?} {fate:?}");
            assert!(*fate == Fate::Acked || !known.acked_told, "lost after it arrived");
        }
    }

    fn check(&self) {
        let recovery = &self.sender.recovery;
        let open = || self.packets.values().filter(|known| known.state == State::Open);
        let naive: u64 = open().map(|known| known.in_flight).sum();
        assert_eq!(recovery.in_flight(), naive);
        for path in [MAIN, OTHER] {
            let naive: u64 = open().filter(|k| k.path == path).map(|known| known.in_flight).sum();
            assert_eq!(recovery.in_flight_on(path), naive);
        }
        assert_eq!(self.sender.deadline().is_some(), naive > 0, "{:?}", self.sender.deadline());
        for known in self.packets.values() {
            let arrived = matches!(known.state, State::Acked | State::Spurious);
            assert_eq!(known.acked_told, arrived);
            assert!(known.lost_told || !matches!(known.state, State::Lost | State::Forgotten));
        }
    }
}

fn run(steps: &[Step]) -> Observed {
    let mut observed = Observed::new();
    for step in steps {
        observed.step(step);
    }
    observed
}

proptest! {
    #[test]
    fn the_books_balance(steps in steps()) {
        let mut observed = run(&steps);
        // Whatever is still open arrives: all is settled, and no timer runs.
        observed.forget(OTHER);
        let all: Vec<u64> = observed.packets.keys().copied().collect();
        for some in all.chunks(50) {
            observed.sender.ack(some.iter().copied());
            observed.learn();
        }
        observed.check();
        prop_assert!(observed.packets.values().all(|known| known.state != State::Open));
        prop_assert_eq!(observed.sender.deadline(), None);
    }

    #[test]
    fn the_same_steps_have_the_same_outcome(steps in steps()) {
        prop_assert_eq!(run(&steps).trace, run(&steps).trace);
    }
}
