//! What became of the packets, for people.

use std::fmt;

use srudp_links::LinkStats;

/// Counts of a run so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkReport {
    /// Toward the far side.
    pub(crate) up: LinkStats,
    /// Back to the clients.
    pub(crate) down: LinkStats,
    /// Client addresses seen; one that comes back after it was forgotten counts again.
    pub(crate) clients: u64,
    /// Times that every client got a new source port.
    pub(crate) rebinds: u64,
    /// Datagrams of clients for which there was no room.
    pub(crate) refused: u64,
    /// Datagrams that the kernel would not send, or whose client had been forgotten.
    pub(crate) unsent: u64,
}

impl fmt::Display for LinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        direction(f, "up", &self.up)?;
        direction(f, "down", &self.down)?;
        write!(f, "clients {}", self.clients)?;
        counts(f, [("rebinds", self.rebinds), ("refused", self.refused), ("unsent", self.unsent)])?;
        writeln!(f)
    }
}

fn direction(f: &mut fmt::Formatter<'_>, name: &str, stats: &LinkStats) -> fmt::Result {
    write!(f, "{name} sent {}, delivered {}", stats.sent, stats.delivered)?;
    let counted = [
        ("bytes", stats.delivered_bytes),
        ("lost", stats.lost),
        ("too large", stats.oversized),
        ("queue full", stats.queue_dropped),
        ("reordered", stats.reordered),
        ("duplicated", stats.duplicated),
        ("corrupted", stats.corrupted),
        ("truncated", stats.truncated),
    ];
    counts(f, counted)?;
    if !stats.max_queueing.is_zero() {
        let millis = |wait: std::time::Duration| wait.as_secs_f64() * 1e3;
        let (mean, most) = (millis(stats.mean_queueing()), millis(stats.max_queueing));
        write!(f, ", queued {mean:.1} ms on average and {most:.1} ms at most")?;
    }
    writeln!(f)
}

/// What happened at all.
fn counts<const N: usize>(f: &mut fmt::Formatter<'_>, counts: [(&str, u64); N]) -> fmt::Result {
    counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .try_for_each(|(what, n)| write!(f, ", {what} {n}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use srudp_links::{Link, LinkConfig, Packet};

    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let mut link = Link::new(LinkConfig::default().mtu(3), 1);
        let address = ([127, 0, 0, 1], 1).into();
        for size in [3, 3, 4] {
            link.send(Duration::ZERO, Packet::new(address, address, vec![0; size]));
        }
        while link.poll(Duration::ZERO).is_some() {}
        let report = LinkReport { up: link.stats(), clients: 1, rebinds: 2, ..Default::default() };
        let expected = "up sent 3, delivered 2, bytes 6, too large 1\n\
                        down sent 0, delivered 0\n\
                        clients 1, rebinds 2\n";
        assert_eq!(report.to_string(), expected);
    }
}
