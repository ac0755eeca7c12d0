//! What `-v` says about a connection's path.

use std::net::SocketAddr;

use srudp::Connection;

use crate::units;

/// One line of figures, as they are at this moment.
pub(crate) fn describe(connection: &Connection) -> String {
    let stats = connection.stats();
    let address = |address: Option<SocketAddr>| {
        address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string())
    };
    let route = connection.route().ok();
    let by_relay = if route.is_some_and(|route| route.relayed) { " by a relay" } else { "" };
    let remote = address(route.map(|route| route.remote));
    let observed = address(connection.observed_addr());
    format!(
        "peer at {remote}{by_relay}, which sees {observed}, rtt {} (least {}), {} window {}, mtu {}, lost {} of {} packets",
        units::time(stats.rtt),
        units::time(stats.rtt_min),
        stats.congestion,
        units::bytes(stats.congestion_window),
        stats.mtu,
        stats.packets_lost,
        stats.datagrams_sent,
    )
}
