//! The bad links that all stacks meet.

use crate::line::{Fault, Line};

/// A bad link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) title: &'static str,
    pub(crate) line: Line,
}

pub(crate) const PROFILES: &[Profile] = &[
    Profile { title: "20 ms, 1 Gbit/s", line: line(20.0, 1000, Fault::Nothing) },
    Profile {
        title: "20 ms, 1 Gbit/s, 0.1 % lost",
        line: line(20.0, 1000, Fault::Lost { share: 0.001 }),
    },
    Profile {
        title: "20 ms, 1 Gbit/s, 1 % lost",
        line: line(20.0, 1000, Fault::Lost { share: 0.01 }),
    },
    Profile {
        title: "100 ms, 100 Mbit/s, 1 % lost",
        line: line(100.0, 100, Fault::Lost { share: 0.01 }),
    },
    Profile { title: "1 ms, 1 Gbit/s", line: line(1.0, 1000, Fault::Nothing) },
    Profile {
        title: "20 ms, 20 Mbit/s, a queue of 64 KB",
        line: Line { queue_kb: Some(64), ..line(20.0, 20, Fault::Nothing) },
    },
    Profile {
        // 0.66 % of the packets that pass begin a burst of 8: 5 % of all are lost.
        title: "50 ms, 100 Mbit/s, 5 % lost in bursts of 8",
        line: line(50.0, 100, Fault::Bursts { begin: 0.0066, length: 8.0 }),
    },
    Profile {
        title: "20 ms, 100 Mbit/s, 5 % overtaken by up to 10 ms",
        line: line(20.0, 100, Fault::Overtaken { share: 0.05, by_ms: 10 }),
    },
];

/// Links that are shared: the queue holds what is under way in one round trip, or four times that.
pub(crate) const BOTTLENECKS: &[Profile] = &[
    Profile {
        title: "20 ms, 100 Mbit/s, a queue of 250 KB",
        line: Line { queue_kb: Some(250), ..line(20.0, 100, Fault::Nothing) },
    },
    Profile {
        title: "20 ms, 100 Mbit/s, a queue of 1 MB",
        line: Line { queue_kb: Some(1000), ..line(20.0, 100, Fault::Nothing) },
    },
    Profile {
        title: "100 ms, 20 Mbit/s, a queue of 250 KB",
        line: Line { queue_kb: Some(250), ..line(100.0, 20, Fault::Nothing) },
    },
];

const fn line(round_trip_ms: f64, megabits: u32, fault: Fault) -> Line {
    Line { round_trip_ms, megabits, fault, queue_kb: None }
}
