//! The whole link: order, conservation, determinism.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// A packet whose contents tell its number.
fn packet(number: u32, size: usize) -> Packet {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(size.max(4), 0);
    Packet::new(address(1), address(2), payload)
}

fn number(packet: &Packet) -> u32 {
    u32::from_be_bytes(packet.payload[..4].try_into().unwrap())
}

/// Sends `count` packets of 1000 bytes, `gap` apart, and returns the arrivals.
fn run(config: LinkConfig, count: u32, gap: Duration) -> (Vec<(Duration, Packet)>, LinkStats) {
    let mut link = Link::new(config, 1);
    for i in 0..count {
        link.send(gap * i, packet(i, 1_000));
    }
    (drain(&mut link), link.stats())
}

/// Jumps from deadline to deadline until the link is empty.
fn drain(link: &mut Link) -> Vec<(Duration, Packet)> {
    let mut arrivals = Vec::new();
    while let Some(now) = link.next_deadline() {
        let packet = link.poll(now).expect("a deadline that has come brings a packet");
        arrivals.push((now, packet));
    }
    arrivals
}

fn numbers(arrivals: &[(Duration, Packet)]) -> Vec<u32> {
    arrivals.iter().map(|(_, packet)| number(packet)).collect()
}

#[test]
fn a_perfect_link_delivers_everything_at_once() {
    let (arrivals, stats) = run(LinkConfig::default(), 100, ms(1));
    assert_eq!(numbers(&arrivals), Vec::from_iter(0..100));
    assert!(arrivals.iter().zip(0..).all(|((at, _), i)| *at == ms(i)));
    assert_eq!((stats.sent, stats.delivered, stats.delivered_bytes), (100, 100, 100_000));
}

#[test]
fn delay_moves_all_arrivals() {
    let (arrivals, _) = run(LinkConfig::default().delay(ms(25)), 10, ms(1));
    assert!(arrivals.iter().zip(25..).all(|((at, _), due)| *at == ms(due)));
}

#[test]
fn jitter_alone_never_reorders() {
    let config = LinkConfig::default().delay(ms(20)).jitter(ms(15));
    for gap in [Duration::from_micros(10), ms(1), ms(40)] {
        let (arrivals, stats) = run(config.clone(), 5_000, gap);
        assert_eq!(numbers(&arrivals), Vec::from_iter(0..5_000));
        assert_eq!(stats.reordered, 0);
        let late = |(i, (at, _)): (u32, &(Duration, Packet))| *at - gap * i;
        assert!((0..).zip(&arrivals).map(late).all(|took| took >= ms(20) && took <= ms(35)));
    }
}

#[test]
fn a_shorter_delay_does_not_overtake_what_is_under_way() {
    let mut link = Link::new(LinkConfig::default().delay(ms(100)), 1);
    link.send(ms(0), packet(0, 4));
    link.reconfigure(LinkConfig::default().delay(ms(1)));
    link.send(ms(1), packet(1, 4));
    assert_eq!(numbers(&drain(&mut link)), [0, 1]);
}

#[test]
fn reordering_holds_back_as_many_as_asked_for() {
    let config = LinkConfig::default().delay(ms(10)).reorder(0.1, ms(10));
    let (arrivals, stats) = run(config, 20_000, ms(1));
    assert!((1_600..2_000).contains(&stats.reordered), "{}", stats.reordered);
    let inversions = numbers(&arrivals).windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(inversions > 1_000);
    assert_eq!(arrivals.len(), 20_000);
}

#[test]
fn losses_are_counted_and_missing() {
    let (arrivals, stats) = run(LinkConfig::default().loss(0.05), 100_000, ms(1));
    assert!((4_750..5_250).contains(&stats.lost), "{}", stats.lost);
    assert_eq!(arrivals.len() as u64 + stats.lost, 100_000);
}

#[test]
fn duplicates_are_equal_and_counted() {
    let (arrivals, stats) = run(LinkConfig::default().duplicate(0.02), 50_000, ms(1));
    assert!((900..1_100).contains(&stats.duplicated), "{}", stats.duplicated);
    let twice = arrivals.windows(2).filter(|pair| pair[0].1 == pair[1].1).count() as u64;
    assert_eq!((twice, stats.reordered), (stats.duplicated, 0));
}

#[test]
fn corruption_flips_one_bit_and_is_counted() {
    let (arrivals, stats) = run(LinkConfig::default().corrupt(0.02), 50_000, ms(1));
    assert!((900..1_100).contains(&stats.corrupted), "{}", stats.corrupted);
    let flipped: u32 = (0..)
        .zip(&arrivals)
        .map(|(i, (_, got))| distance(&got.payload, &packet(i, 1_000).payload))
        .sum();
    assert_eq!(u64::from(flipped), stats.corrupted);
}

fn distance(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum()
}

#[test]
fn the_rate_holds_over_a_long_run() {
    // 2000 packets of 1000 bytes at 8 Mbit/s take two seconds, however fast they are offered.
    let config = LinkConfig::default().rate(8_000_000).queue(usize::MAX);
    let (arrivals, stats) = run(config, 2_000, Duration::from_micros(10));
    assert_eq!((arrivals.len(), arrivals.last().unwrap().0), (2_000, ms(2_000)));
    assert_eq!(stats.max_queueing, ms(1_999) - Duration::from_micros(19_990));
    assert!(stats.mean_queueing() > ms(980) && stats.mean_queueing() < ms(1_000));
}

#[test]
fn a_full_queue_bounds_the_delay() {
    let config = LinkConfig::default().rate(8_000_000).queue(10_000);
    let (arrivals, stats) = run(config, 2_000, Duration::from_micros(500));
    assert_eq!(arrivals.len() as u64 + stats.queue_dropped, 2_000);
    assert!((980..1_020).contains(&stats.queue_dropped), "{}", stats.queue_dropped);
    assert!(stats.max_queueing <= ms(10));
}

#[test]
fn the_default_queue_holds_a_tenth_of_a_second() {
    let (_, stats) = run(LinkConfig::default().rate(80_000_000), 5_000, Duration::ZERO);
    assert_eq!(stats.delivered, 1_000);
}

#[test]
fn large_datagrams_vanish() {
    let mut link = Link::new(LinkConfig::default().mtu(1_200), 1);
    link.send(ms(0), packet(0, 1_200));
    link.send(ms(0), packet(1, 1_201));
    assert_eq!((numbers(&drain(&mut link)), link.stats().oversized), (vec![0], 1));
}

#[test]
fn a_partition_swallows_what_is_sent_but_not_what_is_under_way() {
    let config = LinkConfig::default().delay(ms(10)).blackhole(ms(5)..ms(8));
    let (arrivals, stats) = run(config, 10, ms(1));
    assert_eq!((numbers(&arrivals), stats.blackholed), (vec![0, 1, 2, 3, 4, 8, 9], 3));

    let mut link = Link::new(LinkConfig::default().delay(ms(10)), 1);
    link.send(ms(0), packet(0, 4));
    link.set_up(false);
    link.send(ms(1), packet(1, 4));
    link.set_up(true);
    link.send(ms(2), packet(2, 4));
    assert_eq!(numbers(&drain(&mut link)), [0, 2]);
}

#[test]
fn a_long_queue_marks_capable_packets_only() {
    let config = LinkConfig::default().rate(8_000_000).queue(100_000).mark_above(1_500);
    let mut link = Link::new(config, 1);
    for ecn in [Ecn::Ect0, Ecn::Ect0, Ecn::Ect0, Ecn::NotEct, Ecn::Ect1, Ecn::Ce] {
        link.send(ms(0), Packet { ecn, ..packet(0, 1_000) });
    }
    let got: Vec<_> = drain(&mut link).iter().map(|(_, packet)| packet.ecn).collect();
    assert_eq!(got, [Ecn::Ect0, Ecn::Ect0, Ecn::Ce, Ecn::NotEct, Ecn::Ce, Ecn::Ce]);
    assert_eq!(link.stats().marked, 2);
}

#[test]
fn a_bleaching_link_clears_every_codepoint() {
    let mut link = Link::new(LinkConfig::default().bleach(), 1);
    for ecn in [Ecn::Ect0, Ecn::Ect1, Ecn::Ce] {
        link.send(ms(0), Packet { ecn, ..packet(0, 4) });
    }
    assert!(drain(&mut link).iter().all(|(_, packet)| packet.ecn == Ecn::NotEct));
}

#[test]
fn time_never_goes_back() {
    let mut link = Link::new(LinkConfig::default(), 1);
    link.send(ms(5), packet(0, 4));
    link.send(ms(1), packet(1, 4));
    assert_eq!(link.next_deadline(), Some(ms(5)));
    assert_eq!(numbers(&drain(&mut link)), [0, 1]);
}

#[test]
fn one_mishap_does_not_change_the_pattern_of_another() {
    let lossy = LinkConfig::default().loss(0.1);
    let (plain, _) = run(lossy.clone(), 2_000, ms(1));
    let busy = lossy.jitter(ms(5)).reorder(0.2, ms(9)).rate(80_000_000);
    let (busy, _) = run(busy, 2_000, ms(1));
    let mut survivors = numbers(&busy);
    assert!(!survivors.is_sorted());
    survivors.sort_unstable();
    assert_eq!(survivors, numbers(&plain));
}

#[derive(Debug, Clone)]
struct Sending {
    gap: Duration,
    size: usize,
}

fn sendings() -> impl Strategy<Value = Vec<Sending>> {
    let sending = (0..5_000_u64, 4..1_500_usize)
        .prop_map(|(micros, size)| Sending { gap: Duration::from_micros(micros), size });
    proptest::collection::vec(sending, 0..150)
}

fn bad_link() -> impl Strategy<Value = LinkConfig> {
    let times = (0..50_u64, 0..30_u64, 0..20_u64);
    let rates = [0.0..0.5_f64, 0.0..0.3, 0.0..0.3, 0.0..0.3, 0.0..0.3];
    let limits = (
        proptest::option::of(100_000..20_000_000_u64),
        proptest::option::of(0..20_000_usize),
        proptest::option::of(500..1_500_usize),
    );
    (times, rates, limits).prop_map(|(times, rates, (rate, queue, mtu))| {
        let [loss, reorder, duplicate, corrupt, truncate] = rates;
        let mut config = LinkConfig::default()
            .delay(ms(times.0))
            .jitter(ms(times.1))
            .loss(loss)
            .burst(Burst::new(0.02, 4.0))
            .reorder(reorder, ms(times.2))
            .duplicate(duplicate)
            .corrupt(corrupt)
            .truncate(truncate)
            .blackhole(ms(50)..ms(60));
        config.rate = rate;
        config.queue = queue;
        config.mtu = mtu;
        config
    })
}

/// Plays the sendings, polling as time goes on, and returns the arrivals.
fn play(config: &LinkConfig, seed: u64, sendings: &[Sending]) -> (Vec<(Duration, Packet)>, Link) {
    let mut link = Link::new(config.clone(), seed);
    let (mut now, mut arrivals) = (Duration::ZERO, Vec::new());
    for (i, sending) in (0..).zip(sendings) {
        now += sending.gap;
        arrivals.extend(std::iter::from_fn(|| link.poll(now)).map(|packet| (now, packet)));
        link.send(now, packet(i, sending.size));
    }
    arrivals.extend(drain(&mut link));
    (arrivals, link)
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_trace(
        config in bad_link(), seed in any::<u64>(), sendings in sendings()
    ) {
        let (once, first) = play(&config, seed, &sendings);
        let (again, second) = play(&config, seed, &sendings);
        prop_assert_eq!(once, again);
        prop_assert_eq!(first.stats(), second.stats());
    }

    #[test]
    fn every_packet_is_accounted_for(
        config in bad_link(), seed in any::<u64>(), sendings in sendings()
    ) {
        let (arrivals, link) = play(&config, seed, &sendings);
        let stats = link.stats();
        prop_assert_eq!(link.in_flight(), 0);
        prop_assert_eq!(arrivals.len() as u64, stats.delivered);
        prop_assert_eq!(stats.sent, sendings.len() as u64);
        let gone = stats.lost + stats.oversized + stats.blackholed + stats.queue_dropped;
        prop_assert_eq!(stats.sent + stats.duplicated, stats.delivered + gone);
        prop_assert!(arrivals.iter().map(|(at, _)| at).is_sorted());
    }

    #[test]
    fn nothing_is_invented(config in bad_link(), seed in any::<u64>(), sendings in sendings()) {
        // Without damage each arrival must equal what was sent, at most twice.
        let whole = config.corrupt(0.0).truncate(0.0);
        let (arrivals, _) = play(&whole, seed, &sendings);
        let mut copies = BTreeMap::new();
        for (_, got) in &arrivals {
            let number = number(got);
            let sent = sendings.get(number as usize).map(|sending| packet(number, sending.size));
            prop_assert_eq!(Some(got), sent.as_ref());
            *copies.entry(number).or_insert(0) += 1;
        }
        prop_assert!(copies.values().all(|count| *count <= 2));
    }

    #[test]
    fn damage_is_one_bit_or_a_missing_end(
        config in bad_link(), seed in any::<u64>(), sendings in sendings()
    ) {
        // Without loss and reordering every arrival has a known original.
        let mut clean = config.loss(0.0).reorder(0.0, Duration::ZERO).duplicate(0.0);
        (clean.burst, clean.rate, clean.mtu) = (None, None, None);
        clean.blackholes.clear();
        let (arrivals, link) = play(&clean, seed, &sendings);
        prop_assert_eq!(arrivals.len(), sendings.len());
        let (mut flipped, mut shorter) = (0, 0);
        for ((_, got), (i, sending)) in arrivals.iter().zip((0..).zip(&sendings)) {
            let bits = distance(&got.payload, &packet(i, sending.size).payload);
            prop_assert!(bits <= 1);
            flipped += u64::from(bits);
            shorter += u64::from(got.payload.len() < sending.size);
        }
        // A flipped bit may be cut off afterwards.
        prop_assert!(flipped <= link.stats().corrupted);
        prop_assert_eq!(shorter, link.stats().truncated);
    }
}
