//! What a connection says of itself is consistent, and within what was configured.

use srudp::ConnectionStats;

/// Memory of stream data comes in pages.
const PAGE: u64 = 8 << 10;

/// What was configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most that the windows of a stream and of the connection grow to.
    pub(crate) windows: (u64, u64),
    pub(crate) send_buffer: u64,
    pub(crate) payload: usize,
    /// Streams of each direction that the peer may have open.
    pub(crate) streams: [u64; 2],
    /// So patient that a silence is nobody's fault but the peer's.
    pub(crate) patient: bool,
}

/// Figures that only rise.
fn counters(stats: &ConnectionStats) -> [u64; 14] {
    [
        stats.datagrams_sent,
        stats.bytes_sent,
        stats.datagrams_received,
        stats.bytes_received,
        stats.packets_lost,
        stats.bytes_lost,
        stats.spurious_losses,
        stats.mtu_probes_lost,
        stats.probe_timeouts,
        stats.undecodable,
        stats.duplicates,
        stats.handshake_packets,
        stats.key_updates,
        stats.stream_pages_allocated,
    ]
}

/// Compares with what it said before.
pub(crate) fn check(bounds: &Bounds, before: &ConnectionStats, now: &ConnectionStats) {
    let falls = counters(before).iter().zip(counters(now)).any(|(before, now)| *before > now);
    assert!(!falls, "a counter falls: {before:?}, {now:?}");
    let lost = now.packets_lost + now.mtu_probes_lost;
    assert!(lost <= now.datagrams_sent, "{now:?}");
    assert!(now.bytes_lost <= now.bytes_sent, "{now:?}");
    assert!(now.spurious_losses <= lost, "{now:?}");
    assert!(now.in_flight <= now.bytes_sent, "{now:?}");
    assert!(now.duplicates + now.undecodable <= now.datagrams_received, "{now:?}");
    assert!((1200..=bounds.payload).contains(&now.mtu), "{now:?}");
    assert!(now.congestion_window >= 2400, "{now:?}");
    check_memory(bounds, now);
}

fn check_memory(bounds: &Bounds, now: &ConnectionStats) {
    assert!(now.send_buffered <= bounds.send_buffer, "{now:?}, {bounds:?}");
    assert!(now.receive_window <= bounds.windows.1, "{now:?}, {bounds:?}");
    // Both halves of a stream may have begun a page at each end; spare pages are kept.
    let begun = 4 * now.streams as u64 * PAGE;
    let most = bounds.windows.1 + bounds.send_buffer + begun + 64 * PAGE;
    assert!(now.stream_memory as u64 <= most, "more than {most}: {now:?}, {bounds:?}");
}
