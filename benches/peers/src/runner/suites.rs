//! The jobs, as sections of cases that are measured in turn.

use super::contenders::{self, Contender};
use super::profile::{BOTTLENECKS, PROFILES, Profile};
use super::site::Place;
use std::net::Ipv4Addr;

use crate::cli::Amounts;
use crate::order::{Datagram, Job, KeyExchange, Setup, Tuning};
use crate::report::Metric;

/// What `cargo run --release -- NAME` measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::Subcommand)]
pub(crate) enum Suite {
    /// One stream, one direction: Gbit/s, and what both ends pay for a GB
    Bulk,
    /// 64 bytes there and back on an open stream
    Ping,
    /// New connections a second: connect, one byte there and back, close
    Handshakes,
    /// One stream over bad links, between network namespaces: needs root
    Links,
    /// Streams that share a link, with TCP's or with their like: needs root
    Fairness,
    /// 1 to 1,000 connections at once, one stream each
    Parallel,
    /// Memory of connections that do nothing, and what keeping them alive takes
    Idle,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) metrics: &'static [Metric],
    pub(crate) cases: Vec<Case>,
}

/// One row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) contender: &'static Contender,
    /// What everybody is told here; see [`Self::setup_of`].
    pub(crate) setup: Setup,
    pub(crate) job: Job,
    pub(crate) place: Place,
    /// Whose streams go through the same link.
    pub(crate) rivals: Vec<&'static Contender>,
}

impl Case {
    /// What this contender or rival is told: the same, and how it is tuned for such a place.
    pub(crate) fn setup_of(&self, contender: &Contender) -> Setup {
        let over_link = matches!(self.place, Place::Link(_));
        Setup { tuning: contender.tuning(over_link), ..self.setup.clone() }
    }
}

impl Suite {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bulk,
        Self::Ping,
        Self::Handshakes,
        Self::Links,
        Self::Fairness,
        Self::Parallel,
        Self::Idle,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::Ping => "ping",
            Self::Handshakes => "handshakes",
            Self::Links => "links",
            Self::Fairness => "fairness",
            Self::Parallel => "parallel",
            Self::Idle => "idle",
        }
    }

    /// How long data is sent or connections are made when nothing else is asked for: slow starts over links take their time.
    pub(crate) fn seconds(self) -> f64 {
        if matches!(self, Self::Links | Self::Fairness) { 10.0 } else { 5.0 }
    }

    /// What has to be known to read the tables.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Bulk => {
                "One stream, client to server. What the server's application read counts. The first \
                table caps the datagrams (for TCP the segments) at what fits through an Ethernet; so does the second, \
                with a veth pair of MTU 1500 between two network namespaces instead of loopback; the third lets \
                each stack send what it uses best on loopback: TCP, srudp, udp and sealed what the interface carries, \
                s2n 8,900 bytes, quinn, noq and iroh 6,500 (ten fill what one system call takes)."
            }
            Self::Ping => "64 bytes there and back on an open stream, one after another.",
            Self::Handshakes => {
                "Connect, one byte there and back, close. No session is resumed. srudp and iroh \
                authenticate both sides, the others the server alone. Stacks with rustls use ring for \
                X25519 unless they are tuned, and aws-lc-rs for X25519MLKEM768, which ring does not have. TCP is \
                shown as the floor."
            }
            Self::Links => {
                "One stream through one link in user space, which carries IP packets between two network \
                namespaces. Rate, loss and delay hold in each direction, the time is that of both. Queued is what \
                the packets towards the server waited for the line, from the connecting on: without a given queue it \
                holds 100 ms. TCP is the kernel's, with CUBIC. Tuned: BBR where it is offered, the kernel's for TCP."
            }
            Self::Fairness => {
                "Streams of several clients through one link as in links, which begin together; what they get is \
                counted when half as long has passed. Beside TCP of the kernel with CUBIC, half of both is a fair share; \
                of streams of the same stack the slowest should have what the mean has."
            }
            Self::Parallel => {
                "One stream on each connection, client to server, datagrams as in the first table of \
                bulk. Fairness is the slowest connection over the mean."
            }
            Self::Idle => {
                "Connections that have carried one byte there and back and are then silent: growth of \
                the resident memory of each process. The kernel's part (for TCP nearly all) does not show. With \
                keep-alives of both ends: what share of a core each process takes, over 30 seconds."
            }
        }
    }

    pub(crate) fn sections(self, chosen: &[&'static Contender], amounts: &Amounts) -> Vec<Section> {
        match self {
            Self::Bulk => bulk(chosen),
            Self::Ping => vec![section("64 bytes", PINGS, chosen, |contender| {
                let job = Job::Ping { count: amounts.pings };
                contender.answers().then(|| case(contender, Datagram::Ethernet, job))
            })],
            Self::Handshakes => handshakes(chosen, amounts),
            Self::Links => PROFILES.iter().map(|profile| link(chosen, profile)).collect(),
            Self::Fairness => BOTTLENECKS.iter().flat_map(|link| shared(chosen, link)).collect(),
            Self::Parallel => amounts.connections.iter().map(|&n| parallel(chosen, n)).collect(),
            Self::Idle => {
                let tables = amounts.idle.iter().map(|&n| idle(chosen, n));
                tables.chain(amounts.idle.iter().map(|&n| kept_alive(chosen, n))).collect()
            }
        }
    }
}

const THROUGHPUT: &[Metric] = &[
    Metric::Goodput,
    Metric::CpuBoth,
    Metric::CpuClient,
    Metric::CpuServer,
    Metric::PeakClient,
    Metric::PeakServer,
];
const OVER_LINK: &[Metric] =
    &[Metric::Goodput, Metric::QueueMean, Metric::QueueMax, Metric::CpuBoth];
const BESIDE_CUBIC: &[Metric] =
    &[Metric::Share, Metric::Total, Metric::QueueMean, Metric::QueueMax];
const BESIDE_ITS_LIKE: &[Metric] =
    &[Metric::Fairness, Metric::Total, Metric::QueueMean, Metric::QueueMax];
const AT_ONCE: &[Metric] = &[Metric::Goodput, Metric::CpuBoth, Metric::Fairness];
const PINGS: &[Metric] = &[Metric::P50, Metric::P99, Metric::CpuEach];
const DIALS: &[Metric] = &[Metric::PerSecond, Metric::P50, Metric::P99, Metric::CpuEach];
const LIFE: &[Metric] = &[Metric::LoadServer, Metric::LoadClient];
const MEMORY: &[Metric] = &[Metric::MemoryServer, Metric::MemoryClient, Metric::Seconds];

fn section(
    title: impl Into<String>,
    metrics: &'static [Metric],
    chosen: &[&'static Contender],
    case: impl Fn(&'static Contender) -> Option<Case>,
) -> Section {
    let cases = chosen.iter().filter_map(|&contender| case(contender)).collect();
    Section { title: title.into(), metrics, cases }
}

fn case(contender: &'static Contender, datagram: Datagram, job: Job) -> Case {
    let setup = Setup {
        at: Ipv4Addr::LOCALHOST,
        datagram,
        key_exchange: KeyExchange::Default,
        tuning: Tuning::Defaults,
        keep_alive: None,
    };
    Case { contender, setup, job, place: Place::Loopback, rivals: Vec::new() }
}

fn bulk(chosen: &[&'static Contender]) -> Vec<Section> {
    let tables = [
        (Place::Loopback, Datagram::Ethernet, "Datagrams of at most 1,452 bytes"),
        (Place::Veth, Datagram::Ethernet, "A veth pair, datagrams of at most 1,452 bytes"),
        (Place::Loopback, Datagram::Largest, "The datagrams that suit loopback"),
    ];
    let job = Job::Bulk { connections: 1 };
    let one = |(place, datagram, title)| {
        section(title, THROUGHPUT, chosen, |contender| {
            let case = Case { place, ..case(contender, datagram, job) };
            contender.does_one().then_some(case)
        })
    };
    tables.map(one).into()
}

fn handshakes(chosen: &[&'static Contender], amounts: &Amounts) -> Vec<Section> {
    let mut sections = Vec::new();
    for (key_exchange, name) in
        [(KeyExchange::X25519MlKem768, "X25519MLKEM768"), (KeyExchange::X25519, "X25519")]
    {
        for at_once in [1, 64] {
            let job = Job::Handshakes {
                seconds: amounts.seconds.unwrap_or(Suite::Handshakes.seconds()),
                at_once,
            };
            sections.push(section(
                format!("{name}, {at_once} at a time"),
                DIALS,
                chosen,
                |contender| {
                    let mut case = case(contender, Datagram::Ethernet, job);
                    case.setup.key_exchange = key_exchange;
                    contender.agrees_on_keys(key_exchange).then_some(case)
                },
            ));
        }
    }
    sections
}

fn link(chosen: &[&'static Contender], profile: &'static Profile) -> Section {
    section(profile.title, OVER_LINK, chosen, |contender| {
        contender.goes_through_link().then_some(through(profile, contender))
    })
}

fn through(profile: &'static Profile, contender: &'static Contender) -> Case {
    let job = Job::Bulk { connections: 1 };
    Case { place: Place::Link(profile), ..case(contender, Datagram::Ethernet, job) }
}

/// Streams that share a link with others of the same stack.
const CROWD: usize = 8;

fn shared(chosen: &[&'static Contender], profile: &'static Profile) -> [Section; 3] {
    let beside = |name, metrics, rivals: &dyn Fn(_) -> Vec<_>| {
        section(format!("{}: {name}", profile.title), metrics, chosen, |contender| {
            let case = Case { rivals: rivals(contender), ..through(profile, contender) };
            contender.goes_through_link().then_some(case)
        })
    };
    [
        beside("beside TCP with CUBIC", BESIDE_CUBIC, &|_| vec![&contenders::CUBIC]),
        beside("two alike", BESIDE_ITS_LIKE, &|contender| vec![contender]),
        beside("eight alike", BESIDE_ITS_LIKE, &|contender| vec![contender; CROWD - 1]),
    ]
}

fn parallel(chosen: &[&'static Contender], connections: u32) -> Section {
    let title = format!("{connections} at once");
    section(title, AT_ONCE, chosen, |contender| {
        let case = case(contender, Datagram::Ethernet, Job::Bulk { connections });
        contender.has_connections().then_some(case)
    })
}

fn idle(chosen: &[&'static Contender], connections: u32) -> Section {
    section(format!("{connections} connections"), MEMORY, chosen, |contender| {
        let case = case(contender, Datagram::Ethernet, Job::Idle { connections });
        contender.idles().then_some(case)
    })
}

/// Seconds between two keep-alives: NATs forget a mapping that is silent for longer than half a minute.
const KEEP_ALIVE: u32 = 15;

fn kept_alive(chosen: &[&'static Contender], connections: u32) -> Section {
    let title = format!("{connections} connections, a keep-alive every {KEEP_ALIVE} s");
    section(title, LIFE, chosen, |contender| {
        let mut case = case(contender, Datagram::Ethernet, Job::Idle { connections });
        case.setup.keep_alive = Some(KEEP_ALIVE);
        contender.keeps_alive().then_some(case)
    })
}

/// Those of the chosen names; all that are built in if no name is given.
pub(crate) fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Contender>> {
    let known: Vec<_> = contenders::built().collect();
    let listed = || known.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", ");
    for name in names {
        anyhow::ensure!(
            known.iter().any(|contender| contender.name == name),
            "no stack is called {name:?}; built in are {}",
            listed()
        );
    }
    let chosen = |contender: &&'static Contender| {
        names.is_empty() || names.iter().any(|name| name == contender.name)
    };
    Ok(known.iter().copied().filter(chosen).collect())
}
