//! A peer, however it reaches the Internet: what tests of connections between two of them begin with.
//!
//! ```text
//! let lab = Lab::new()?;                                    // None where there can be no lab
//! let (own, turn) = (lab.public("own"), lab.public("turn"));
//! let (stun, turn) = (servers::own(&own), servers::coturn(&turn));
//! let a = Peer::new(&lab, "a", &Access::Behind(Gateway::home()));
//! let b = Peer::new(&lab, "b", &Access::Behind(Gateway::symmetric()));
//! let runs = Runs::of(20, |number| { a.forget(); b.forget(); …a.host.bind(|| …)… });
//! runs.say("home x symmetric");
//! ```

use std::time::Duration;

use crate::net::{Carried, Gateway, Host, Lab, Router};
use crate::say::say;
use crate::table::percentile;

/// What is between a peer and the Internet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Public,
    Behind(Gateway),
    /// A home router, and a carrier's behind it.
    Carrier {
        home: Gateway,
        carrier: Gateway,
    },
}

/// A host with the routers before it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) host: Host,
    /// The outermost first.
    pub(crate) routers: Vec<Router>,
}

impl Peer {
    pub(crate) fn new(lab: &Lab, name: &str, access: &Access) -> Self {
        match access {
            Access::Public => Self { host: lab.public(name), routers: Vec::new() },
            Access::Behind(gateway) => {
                let (router, host) = lab.site(name, gateway);
                Self { host, routers: vec![router] }
            }
            Access::Carrier { home, carrier } => {
                let Carried { outer, inner, host } = lab.carrier_site(name, home, carrier);
                Self { host, routers: vec![outer, inner] }
            }
        }
    }

    /// Its routers start again: no mapping is left.
    pub(crate) fn forget(&self) {
        for router in &self.routers {
            router.reboot();
        }
    }

    /// Packets that have left for the Internet, of whatever kind.
    pub(crate) fn packets(&self, lab: &Lab) -> u64 {
        match self.routers.first() {
            Some(router) => lab.packets_from(router),
            None => lab.packets_from(&self.host),
        }
    }
}

/// The times of several attempts; those that failed have none.
#[derive(Clone, Debug)]
pub(crate) struct Runs(Vec<Option<Duration>>);

impl Runs {
    /// Makes so many attempts, one after the other.
    pub(crate) fn of(count: u16, attempt: impl FnMut(u16) -> Option<Duration>) -> Self {
        Self((0..count).map(attempt).collect())
    }

    pub(crate) fn all_succeeded(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Prints how many succeeded, and how fast.
    pub(crate) fn say(&self, name: &str) {
        let times: Vec<Duration> = self.0.iter().flatten().copied().collect();
        let at = |percent| percentile(&times, percent).map_or(0, |time| time.as_millis());
        let (good, all) = (times.len(), self.0.len());
        say(&format!("{name}: {good} of {all}, p50 {} ms, p95 {} ms", at(50), at(95)));
    }
}
