//! Two sides that do not begin together: a clock is wrong, or a ticket comes late, so that one of them searches alone at first.
//!
//! What comes in unasked is taken by some routers for a flow of its own, and costs the host inside its port: see
//! [`ground`](crate::ground).

use std::fs;
use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use srudp::Ticket;

use crate::meeting::{Servers, announce, invite, visit_alone};
use crate::net::{Gateway, Input, Lab, Program};
use crate::peer::{Access, Peer};
use crate::say::say;
use crate::table::{self, Row};
use crate::{servers, stopwatch};

/// How often each is tried, if nobody says.
const RUNS: u16 = 1;

const HOME: Access = Access::Behind(Gateway::home());
const ACCEPT: Access = Access::Behind(Gateway::home().input(Input::Accept));

/// Between two searches.
const PERIOD: Duration = Duration::from_secs(10);

/// Until the third search is over.
const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Clone, Copy, Debug)]
enum Skew {
    /// The visitor's clock is so many milliseconds ahead, or behind.
    Clock(i32),
    /// The visitor has searched alone for so many milliseconds when the other side gets its ticket.
    Ticket(u32),
}

/// The first waits for the ticket of the second.
struct Case(&'static str, [Access; 2]);

const CASES: &[Case] = &[
    Case("home x accept", [HOME, ACCEPT]),
    Case("accept x home", [ACCEPT, HOME]),
    Case("both accept", [ACCEPT, ACCEPT]),
];

const SKEWS: &[Skew] = &[
    Skew::Clock(300),
    Skew::Clock(-300),
    Skew::Clock(1000),
    Skew::Clock(-1000),
    Skew::Clock(2000),
    Skew::Clock(-2000),
    Skew::Ticket(300),
    Skew::Ticket(1000),
    Skew::Ticket(2000),
];

/// Where Debian's packages have what tells one program another time.
fn faketime() -> Option<String> {
    let libraries = fs::read_dir("/usr/lib").ok()?.flatten();
    let files = libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    files.filter(|file| file.exists()).find_map(|file| file.to_str().map(str::to_owned))
}

impl Skew {
    fn variables(self, faketime: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Ticket(_) => Vec::new(),
            Self::Clock(millis) => vec![
                ("LD_PRELOAD", faketime.to_owned()),
                ("FAKETIME", format!("{:+.3}", f64::from(millis) / 1000.0)),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ],
        }
    }

    /// After both have begun: since the later of them began.
    fn begins_after(self) -> Duration {
        match self {
            Self::Ticket(_) => PERIOD,
            Self::Clock(millis) => Duration::from_millis(millis.min(0).unsigned_abs().into()),
        }
    }
}

/// Whether what each says to the other arrives there in time.
fn converse(programs: &mut [Program; 2]) -> bool {
    let (heard, hears) = channel();
    for program in programs {
        let (mut stdin, mut stdout, heard) = (program.stdin(), program.stdout(), heard.clone());
        thread::spawn(move || {
            let mut byte = [0];
            // It may have given up.
            let said = stdin.write_all(&[7]).and_then(|()| stdout.read_exact(&mut byte));
            // Nobody waits for it after its time.
            let _ = heard.send(said.is_ok() && byte == [7]);
        });
    }
    let begin = stopwatch::now();
    (0..2).all(|_| hears.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) == Ok(true))
}

/// Meets once; returns how long after the later one's beginning the first byte was there, or what the two said.
fn meet(
    peers: &[Peer; 2],
    skew: Skew,
    servers: &Servers,
    faketime: &str,
) -> Result<Duration, String> {
    // All that is before the beginning takes less than the rest.
    let rest = Ticket::wait(stopwatch::unix());
    if rest < Duration::from_secs(4) {
        thread::sleep(rest);
    }
    let [waits, visits] = peers.each_ref().map(|peer| &peer.host);
    let listener = invite(waits, &["listen"], servers);
    let variables = skew.variables(faketime);
    let visitor = visit_alone(visits, (&["connect"], &[]), (servers, &variables), &listener);
    let begin = stopwatch::now() + Ticket::wait(stopwatch::unix()) + skew.begins_after();
    if let Skew::Ticket(millis) = skew {
        let late = Duration::from_millis(millis.into());
        thread::sleep(Ticket::wait(stopwatch::unix()) + late);
    }
    announce(&visitor, &listener);
    let mut programs = [listener, visitor];
    if converse(&mut programs) {
        let time = begin.elapsed();
        programs.into_iter().for_each(|program| drop(program.end()));
        return Ok(time);
    }
    let flows = peers.iter().flat_map(|peer| &peer.routers).map(|router| router.flows());
    Err(flows.chain(programs.iter().map(Program::said)).collect::<Vec<_>>().join("\n"))
}

/// Tries one of them; returns its row of the table, and what was wrong.
fn try_skew(
    peers: &[Peer; 2],
    lab: &Lab,
    (name, skew): (&str, Skew),
    servers: &Servers,
    faketime: &str,
) -> (Row, Vec<String>) {
    let (mut row, mut wrong) = (Row::new(&format!("{name}, {skew:?}")), Vec::new());
    for _ in 0..table::runs(RUNS) {
        peers.iter().for_each(Peer::forget);
        let before = peers.each_ref().map(|peer| peer.packets(lab));
        let met = meet(peers, skew, servers, faketime);
        let sent = [0, 1].map(|side: usize| peers[side].packets(lab) - before[side]);
        row.packets(sent[0].max(sent[1]));
        match met {
            Ok(time) => row.connected(time, false),
            Err(why) => {
                row.failed();
                wrong.push(format!("{name}, {skew:?}: {why}"));
            }
        }
    }
    (row, wrong)
}

#[test]
fn peers_that_do_not_begin_together_find_the_direct_path() {
    let Some(lab) = Lab::new() else { return };
    let Some(faketime) = faketime() else { return say("not run: faketime is not installed") };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let servers = Servers { stun: stun.address, relay: None };
    let tried: Vec<(Row, Vec<String>)> = thread::scope(|scope| {
        let (lab, servers, faketime) = (&lab, &servers, &*faketime);
        let pairs = CASES.iter().flat_map(|case| SKEWS.iter().map(move |skew| (case, *skew)));
        let tried = pairs.enumerate().map(|(number, (Case(name, accesses), skew))| {
            scope.spawn(move || {
                let sides = [("a", accesses[0]), ("b", accesses[1])];
                let peers =
                    sides.map(|(side, access)| Peer::new(lab, &format!("{number}{side}"), &access));
                try_skew(&peers, lab, (name, skew), servers, faketime)
            })
        });
        let tried: Vec<_> = tried.collect();
        tried.into_iter().map(|pair| pair.join().unwrap()).collect()
    });
    let (rows, wrong): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    table::say(rows);
    assert!(wrong.iter().all(Vec::is_empty), "{}", wrong.concat().join("\n"));
}
