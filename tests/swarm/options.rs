//! What one run is made of. Most faults are absent from most runs, so that each is met without the others too; now and
//! then one is strong.

use std::time::Duration;

use srudp::CongestionAlgorithm;
use srudp::proto::{EndpointConfig, TransportConfig};
use srudp_links::{Burst, Generator, LinkConfig};

use super::figures::Bounds;

/// A share that is mostly zero, sometimes small, rarely large.
fn share(dice: &mut Generator, small: f64, large: f64) -> f64 {
    match dice.below(10) {
        0..=5 => 0.0,
        6..=8 => small * dice.below(1000) as f64 / 1000.0,
        _ => large * dice.below(1000) as f64 / 1000.0,
    }
}

fn ms(dice: &mut Generator, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice.below(to - from))
}

/// A link with its faults.
pub(crate) fn link(dice: &mut Generator) -> LinkConfig {
    let mut config = LinkConfig::default()
        .delay(ms(dice, 1, 80))
        .loss(share(dice, 0.02, 0.25))
        .duplicate(share(dice, 0.02, 0.3))
        .corrupt(share(dice, 0.01, 0.2))
        .truncate(share(dice, 0.01, 0.1));
    let reorder = share(dice, 0.02, 0.4);
    config = config.reorder(reorder, ms(dice, 1, 60));
    if dice.chance(0.3) {
        config = config.jitter(ms(dice, 1, 50));
    }
    if dice.chance(0.2) {
        config = config.burst(Burst::new(0.005, 1.0 + dice.below(30) as f64));
    }
    if dice.chance(0.5) {
        config = config.rate(200_000 << dice.below(10));
        if dice.chance(0.3) {
            config = config.queue(3_000 << dice.below(6));
        }
        if dice.chance(0.3) {
            config = config.mark_above(6_000);
        }
    }
    if dice.chance(0.4) {
        config = config.mtu(1200 + dice.below(400) as usize);
    }
    if dice.chance(0.1) {
        config = config.bleach();
    }
    config
}

/// The network once the faults are over.
pub(crate) fn good_link() -> LinkConfig {
    LinkConfig::default().delay(Duration::from_millis(10)).rate(100_000_000).mtu(1500)
}

/// An endpoint, and what it promises.
pub(crate) struct Options {
    pub(crate) config: EndpointConfig,
    pub(crate) bounds: Bounds,
}

fn transport(dice: &mut Generator) -> (TransportConfig, Bounds) {
    let mut config = TransportConfig::default();
    let mut bounds = Bounds {
        windows: (64 << 20, 96 << 20),
        send_buffer: 64 << 20,
        payload: 65_507,
        streams: [100; 2],
        patient: !dice.chance(0.2),
    };
    if dice.chance(0.4) {
        let (stream, connection) = (1 << (8 + dice.below(12)), 1 << (8 + dice.below(12)));
        let most = 1 << (12 + dice.below(12));
        config = config.initial_windows(stream, connection).max_window(most);
        bounds.windows = (stream.max(most), connection.max(most + most / 2));
    }
    if dice.chance(0.3) {
        bounds.send_buffer = 1 << (10 + dice.below(12));
        config = config.send_buffer(bounds.send_buffer);
    }
    if dice.chance(0.3) {
        config = config.keep_alive(Some(ms(dice, 200, 10_000)));
    }
    if dice.chance(0.4) {
        bounds.streams = [1 + dice.below(20), 1 + dice.below(20)];
        config = config.max_streams(bounds.streams[0], bounds.streams[1]);
    }
    if dice.chance(0.3) {
        config = config.congestion(CongestionAlgorithm::NewReno);
    }
    if dice.chance(0.3) {
        bounds.payload = 1200 + dice.below(9000) as usize;
        config = config.max_udp_payload(bounds.payload);
    }
    let idle = if bounds.patient { 60 } else { 3 + dice.below(8) };
    config = config.datagrams(!dice.chance(0.2)).idle_timeout(Duration::from_secs(idle));
    (config, bounds)
}

/// An endpoint that listens.
pub(crate) fn endpoint(dice: &mut Generator) -> Options {
    let (transport, bounds) = transport(dice);
    let mut config = EndpointConfig::default().accept(true).transport(transport);
    if dice.chance(0.2) {
        config = config.always_ask_for_cookie(true);
    }
    if dice.chance(0.5) {
        config = config.classical_only();
    }
    if dice.chance(0.5) {
        config = config.reset_key([dice.below(256) as u8; 32]);
    }
    Options { config, bounds }
}
