//! What `-v` says about a connection's path.

use std::fmt;
use std::net::SocketAddr;

use srudp::Connection;
use srudp::node::Route;

use crate::units;

/// One line of figures, as they are at this moment.
pub(crate) fn describe(connection: &Connection) -> String {
    let stats = connection.stats();
    let address = |address: Option<SocketAddr>| {
        address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string())
    };
    let route = connection.route().ok();
    let remote = route.map_or_else(|| address(None), |route| At(route).to_string());
    let observed = address(connection.observed_addr());
    format!(
        "peer at {remote}, which sees {observed}, rtt {} (least {}), {} window {}, mtu {}, lost {} of {} packets",
        units::time(stats.rtt),
        units::time(stats.rtt_min),
        stats.congestion,
        units::bytes(stats.congestion_window),
        stats.mtu,
        stats.packets_lost,
        stats.datagrams_sent,
    )
}

/// Says where the peer is whenever that changes, until the connection is over.
pub(crate) fn follow(connection: &Connection, say: impl Fn(&str)) {
    let mut known = connection.route();
    while let Ok(route) = known {
        known = connection.other_route(route);
        if let Ok(route) = known {
            say(&format!("path changed: peer at {}", At(route)));
        }
    }
}

struct At(Route);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_relay = if self.0.relayed { " by a relay" } else { "" };
        write!(f, "{}{by_relay}", self.0.remote)
    }
}
