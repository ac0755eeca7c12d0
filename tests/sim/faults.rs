//! A perfect network but for one datagram: the n-th one is lost, held back or copied.

use std::time::Duration;

use srudp::proto::Instant;

use super::{Datagram, Network};

/// What happens to one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Lose,
    /// It arrives later by so many milliseconds, those behind it pass.
    Hold(u64),
    /// A copy of it arrives later by so many milliseconds.
    Copy(u64),
}

impl Fault {
    /// Everything that a single datagram is put through.
    pub(crate) const ALL: [Self; 9] = [
        Self::Lose,
        Self::Hold(1),
        Self::Hold(2),
        Self::Hold(30),
        Self::Hold(700),
        Self::Copy(0),
        Self::Copy(30),
        Self::Copy(700),
        Self::Copy(5_000),
    ];
}

/// A wire with the same delay for all datagrams, except one.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    delay: Duration,
    fault: Option<(u64, Fault)>,
    /// Datagrams so far.
    pub(crate) carried: u64,
    /// Keeps the datagrams for those who want to look at them or send them again.
    pub(crate) seen: Option<Vec<Datagram>>,
}

impl Faulty {
    pub(crate) fn new(delay: Duration, fault: Option<(u64, Fault)>) -> Self {
        Self { delay, fault, carried: 0, seen: None }
    }

    pub(crate) fn recording(delay: Duration) -> Self {
        Self { seen: Some(Vec::new()), ..Self::new(delay, None) }
    }
}

impl Network for Faulty {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        if let Some(seen) = &mut self.seen {
            seen.push(datagram.clone());
        }
        let fault = self.fault.filter(|(which, _)| *which == self.carried).map(|(_, fault)| fault);
        self.carried += 1;
        let arrival = now + self.delay;
        match fault {
            Some(Fault::Lose) => {}
            Some(Fault::Hold(by)) => out.push((arrival + Duration::from_millis(by), datagram)),
            Some(Fault::Copy(by)) => {
                out.push((arrival, datagram.clone()));
                out.push((arrival + Duration::from_millis(by), datagram));
            }
            None => out.push((arrival, datagram)),
        }
    }
}
