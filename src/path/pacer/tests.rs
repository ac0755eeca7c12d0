//! The bucket's rate and its bounds.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn pace(rate: u64, datagram: u64) -> Pace {
    Pace { rate: Some(rate), quantum: None, datagram, batch: 0 }
}

/// Sends whatever may leave until `end`, and returns bytes and bursts.
fn send_greedily(pacer: &mut Pacer, pace: Pace, end: Instant) -> (u64, Vec<u64>) {
    let mut now = Instant::ZERO;
    let mut bursts = Vec::new();
    while now < end {
        match pacer.budget(now, pace) {
            Ok(bytes) => {
                let bytes = bytes / pace.datagram * pace.datagram;
                pacer.on_sent(now, pace, bytes);
                bursts.push(bytes);
            }
            Err(until) => {
                assert!(until > now);
                now = until;
            }
        }
    }
    (bursts.iter().sum(), bursts)
}

#[test]
fn a_second_carries_the_rate_and_one_burst() {
    for (rate, datagram) in
        [(20_000, 1200), (1_000_000, 1200), (125_000_000, 1472), (3_000_000_000, 65_507)]
    {
        let pace = pace(rate, datagram);
        let (sent, _) = send_greedily(&mut Pacer::new(Instant::ZERO), pace, Instant::ZERO + SECOND);
        let bound = rate + burst(rate, pace);
        assert!(sent <= bound, "{sent} of {rate}");
        assert!(sent + in_time(rate, PACER_QUANTUM) + datagram >= bound, "{sent} of {rate}");
    }
}

#[test]
fn a_burst_is_two_milliseconds_within_its_bounds() {
    assert_eq!(burst(1_000, pace(1_000, 1200)), 12_000);
    assert_eq!(burst(50_000_000, pace(50_000_000, 1200)), 100_000);
    assert_eq!(burst(10_000_000_000, pace(10_000_000_000, 1200)), 256 * 1024);
    assert_eq!(burst(1_000, pace(1_000, 65_507)), 256 * 1024);
    assert_eq!(burst(1_000, Pace { batch: 65_536, ..pace(1_000, 1200) }), 2 * 65_536);
}

#[test]
fn no_rest_is_long_enough_for_more_than_one_burst() {
    let pace = pace(1_000_000, 1200);
    let mut pacer = Pacer::new(Instant::ZERO);
    pacer.on_sent(Instant::ZERO, pace, 12_000);
    assert_eq!(pacer.budget(Instant::ZERO + SECOND * 1000, pace), Ok(12_000));
}

#[test]
fn a_blocked_sender_wakes_for_a_batch_and_not_for_a_packet() {
    let pace = pace(125_000_000, 1472);
    let mut pacer = Pacer::new(Instant::ZERO);
    let full = pacer.budget(Instant::ZERO, pace).unwrap();
    pacer.on_sent(Instant::ZERO, pace, full);
    let until = pacer.budget(Instant::ZERO, pace).unwrap_err();
    assert_eq!(until, Instant::ZERO + Duration::from_millis(1));
    assert_eq!(pacer.budget(until, pace), Ok(125_000));
}

#[test]
fn no_part_of_a_byte_is_lost_by_looking_often() {
    let pace = pace(1_234_567, 1200);
    let mut pacer = Pacer::new(Instant::ZERO);
    pacer.on_sent(Instant::ZERO, pace, 12_000);
    for micros in 1..=1000 {
        pacer.on_sent(Instant::ZERO + Duration::from_micros(micros), pace, 0);
    }
    assert_eq!(pacer.tokens / SCALE, 1234);
}

#[test]
fn without_a_round_trip_the_window_alone_decides() {
    let pace = Pace { rate: None, quantum: None, datagram: 1200, batch: 0 };
    let mut pacer = Pacer::new(Instant::ZERO);
    pacer.on_sent(Instant::ZERO, pace, 1 << 30);
    assert_eq!(pacer.budget(Instant::ZERO, pace), Ok(u64::MAX));
}

#[test]
fn a_debt_is_at_most_one_burst() {
    let pace = pace(1_000_000, 1200);
    let mut pacer = Pacer::new(Instant::ZERO);
    pacer.on_sent(Instant::ZERO, pace, 1 << 40);
    assert_eq!(pacer.budget(Instant::ZERO + Duration::from_micros(13_199), pace).ok(), None);
    assert_eq!(pacer.budget(Instant::ZERO + Duration::from_micros(13_200), pace), Ok(1200));
}

proptest! {
    #[test]
    fn it_never_sends_more_than_rate_and_burst(
        rate in 1_u64..10_000_000_000,
        datagram in 1200_u64..65_507,
        steps in proptest::collection::vec((0_u64..50_000_000, 0_u64..300_000), 1..50),
    ) {
        let pace = pace(rate, datagram);
        let mut pacer = Pacer::new(Instant::ZERO);
        let (mut now, mut sent) = (Instant::ZERO, 0_u64);
        for (wait, wanted) in steps {
            now += Duration::from_nanos(wait);
            if let Ok(budget) = pacer.budget(now, pace) {
                pacer.on_sent(now, pace, wanted.min(budget));
                sent += wanted.min(budget);
            }
            let gained = u128::from(rate) * (now - Instant::ZERO).as_nanos() / 1_000_000_000;
            let bound = gained + u128::from(burst(rate, pace)) + 1;
            prop_assert!(u128::from(sent) <= bound, "{sent} > {bound}");
        }
    }
}
