//! PCP, NAT-PMP and UPnP.

use std::time::Duration;

/// First wait for an answer of a gateway that is asked for a port (RFC 6886 §3.1 has 250 ms). It is one hop away.
pub(crate) const PORT_MAP_RETRY: Duration = Duration::from_millis(500);

/// How often a gateway is asked. RFC 6886 has nine times in 64 s, and RFC 6887 never gives up; nobody waits for that.
pub(crate) const PORT_MAP_SENDS: u8 = 4;

/// First waits to let pass after the last of them.
pub(crate) const PORT_MAP_LAST_WAIT: u32 = 2;

/// How long a better protocol may be silent before one that is spoken is used: gateways are near.
pub(crate) const PORT_MAP_CHOICE: Duration = Duration::from_secs(1);

/// How long a port is asked for by PCP and NAT-PMP (RFC 6886 §3.3).
pub(crate) const PORT_MAP_LIFETIME: Duration = Duration::from_secs(7200);

/// How long a port is asked for by UPnP, whose gateways keep what is forgotten.
pub(crate) const PORT_MAP_LEASE: Duration = Duration::from_secs(1200);

/// A port is asked for again after this time, or half of its own if that is shorter: a gateway that has restarted has it again by then.
pub(crate) const PORT_MAP_RENEWAL: Duration = Duration::from_secs(120);

/// The shortest such time, whatever the gateway says.
pub(crate) const PORT_MAP_RENEWAL_MIN: Duration = Duration::from_secs(10);

/// Ports below are never asked for: they are other services'.
pub(crate) const PORT_MAP_PORT_MIN: u16 = 1024;

/// Ports that UPnP gateways are asked for, one after the other, when they are taken.
pub(crate) const PORT_MAP_TRIES: u8 = 5;

/// Bytes of an HTTP answer that are looked at: device descriptions have 2 to 20 KiB.
pub(crate) const HTTP_ANSWER: usize = 65_536;

/// How long a UPnP gateway may take for one.
pub(crate) const HTTP_TIMEOUT: Duration = Duration::from_secs(5);
