//! What `-v` says about a connection's path.

use srudp::Connection;

use crate::units;

/// One line of figures, as they are at this moment.
pub(crate) fn describe(connection: &Connection) -> String {
    let stats = connection.stats();
    let remote = match connection.remote_addr() {
        Ok(address) => address.to_string(),
        Err(_) => "an address that is forgotten".to_owned(),
    };
    format!(
        "peer at {remote}, rtt {} (least {}), window {}, mtu {}, lost {} of {} packets",
        units::time(stats.rtt),
        units::time(stats.rtt_min),
        units::bytes(stats.congestion_window),
        stats.mtu,
        stats.packets_lost,
        stats.datagrams_sent,
    )
}
