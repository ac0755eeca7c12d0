//! A sender, as a script: what it sends, what is acknowledged, and what it concludes.

mod acknowledged;
mod any_order;
mod lost;
mod paths;
mod probes;

use super::*;
use crate::base::ranges::RangeSet;
use crate::vocab::{Record, SendStamp};
use crate::wire::{EcnCounts, ErrorCode, Frame, Frames, Writer, encode_ack};

const SIZE: u32 = 1000;
const MAX_ACK_DELAY: Duration = Duration::from_millis(25);
/// A quarter more than the round trip below plus four times its variation.
const PTO: u64 = 125;
const MAIN: PathId = PathId(0);
const OTHER: PathId = PathId(1);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn rtt(round_trip: u64) -> RttView {
    let smoothed = ms(round_trip);
    RttView { smoothed, variation: ms(5), minimum: smoothed, latest: smoothed, measured: true }
}

fn packet(now: Instant, path: PathId) -> SentPacket {
    SentPacket {
        sent_at: now,
        size: SIZE,
        path,
        ack_eliciting: true,
        mtu_probe: false,
        ecn_marked: false,
        stamp: SendStamp::default(),
        records: Records::default(),
    }
}

/// Lets `look` at an ACK of these numbers.
fn with_ack<T>(
    numbers: impl IntoIterator<Item = u64>,
    delay: Duration,
    ecn: Option<EcnCounts>,
    look: impl FnOnce(&AckFrame<'_>) -> T,
) -> T {
    let mut ranges = RangeSet::new();
    for number in numbers {
        ranges.insert(number..number + 1);
    }
    let mut buffer = [0; 1200];
    let mut writer = Writer::new(&mut buffer);
    encode_ack(&mut writer, &ranges, delay, ecn).unwrap();
    let length = writer.len();
    match Frames::new(&buffer[..length]).next() {
        Some(Ok(Frame::Ack(frame))) => look(&frame),
        other => panic!("{other:?}"),
    }
}

/// Sends packets of [`SIZE`] bytes, each with one record that tells its number.
struct Sender {
    recovery: Recovery,
    now: Instant,
    rtt: RttView,
    out: Outcome,
}

impl Sender {
    /// Its first hundred numbers have no gap, and its path a round trip of 80 ms.
    fn new() -> Self {
        let contiguous = |seed: &u64| {
            let mut recovery = Recovery::new(*seed);
            (0..100).all(|number| recovery.next_number() == number)
        };
        let seed = (0..).find(contiguous).unwrap();
        let recovery = Recovery::new(seed);
        Self { recovery, now: at(0), rtt: rtt(80), out: Outcome::default() }
    }

    fn send_as(&mut self, change: impl FnOnce(&mut SentPacket)) -> u64 {
        let number = self.recovery.next_number();
        let mut packet = packet(self.now, MAIN);
        change(&mut packet);
        if !packet.mtu_probe {
            packet.records.push(Record::MaxData { limit: number });
        }
        self.recovery.on_sent(number, packet);
        number
    }

    fn send(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.send_as(|_| {});
        }
        self
    }

    fn send_bare(&mut self) -> &mut Self {
        self.send_as(|packet| packet.ack_eliciting = false);
        self
    }

    fn send_on(&mut self, path: PathId, count: usize) -> &mut Self {
        for _ in 0..count {
            self.send_as(|packet| packet.path = path);
        }
        self
    }

    fn advance(&mut self, millis: u64) -> &mut Self {
        self.now += ms(millis);
        self
    }

    fn try_ack(&mut self, numbers: impl IntoIterator<Item = u64>) -> Result<(), ErrorCode> {
        let Self { recovery, now, rtt, out } = self;
        out.clear();
        with_ack(numbers, ms(10), None, |ack| recovery.on_ack(*now, ack, rtt, MAX_ACK_DELAY, out))
            .map_err(|error| error.code)
    }

    #[track_caller]
    fn ack(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut Self {
        self.try_ack(numbers).unwrap();
        self
    }

    fn deadline(&self) -> Option<Instant> {
        self.recovery.deadline(&self.rtt, MAX_ACK_DELAY)
    }

    fn check_timer(&mut self) -> Verdict {
        self.out.clear();
        self.recovery.on_deadline(self.now, &self.rtt, MAX_ACK_DELAY, &mut self.out)
    }

    /// Waits for the deadline, and no longer.
    #[track_caller]
    fn wait(&mut self) -> Verdict {
        self.now = self.deadline().expect("a deadline");
        self.check_timer()
    }

    #[track_caller]
    fn want_acked(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut Self {
        assert_eq!(of(&self.out.acked), Vec::from_iter(numbers), "acked");
        self
    }

    #[track_caller]
    fn want_lost(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut Self {
        assert_eq!(of(&self.out.lost), Vec::from_iter(numbers), "lost");
        self
    }

    #[track_caller]
    fn want_spurious(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut Self {
        assert_eq!(of(&self.out.spurious), Vec::from_iter(numbers), "spurious");
        self
    }

    #[track_caller]
    fn want_in_flight(&mut self, packets: u64) -> &mut Self {
        assert_eq!(self.recovery.in_flight(), packets * u64::from(SIZE), "in flight");
        self
    }

    /// Numbers whose records came back with this fate.
    fn told(&self, fate: Fate) -> Vec<u64> {
        let matching = self.out.fates.iter().filter(|(_, told)| *told == fate);
        matching.map(|(record, _)| number_of(*record)).collect()
    }
}

fn of(packets: &[crate::vocab::Settled]) -> Vec<u64> {
    packets.iter().map(|packet| packet.number).collect()
}

fn number_of(record: Record) -> u64 {
    match record {
        Record::MaxData { limit } => limit,
        other => panic!("{other:?}"),
    }
}
