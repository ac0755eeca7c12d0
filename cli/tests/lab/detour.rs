//! Two peers behind NATs that have a relay: their direct path goes and comes back, and then the relay goes, and no byte is lost.

use std::thread;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::meeting::{Servers, Way, invite, visit};
use crate::net::{Gateway, Host, Lab, Program, Router};
use crate::say::say;
use crate::servers::{self, StunServer};
use crate::stopwatch;
use crate::transfer::Transfer;

/// For so long nothing else happens.
const WHILE: Duration = Duration::from_secs(1);

/// How long a file takes that is to be on a direct path again before it is there: the way by relays is found in 9 s where the machine is
/// busy, addresses are gathered in 3 s, and the second search is the one that finds something, 8 s after the first began (SPEC §18.7, §19.3).
const RETURN: u32 = 30;

/// Two sites, and servers on the Internet.
struct Ground {
    lab: Lab,
    stun: StunServer,
    coturn: StunServer,
    /// Runs while the servers do.
    _hosts: [Host; 2],
    routers: [Router; 2],
    hosts: [Host; 2],
}

impl Ground {
    fn new() -> Option<Self> {
        let lab = Lab::new()?;
        let servers = [lab.public("server"), lab.public("relay")];
        let Some(coturn) = servers::coturn(&servers[1]) else {
            say("not run: coturn is not installed");
            return None;
        };
        let stun = servers::own(&servers[0]);
        let [(ra, a), (rb, b)] = ["a", "b"].map(|name| lab.site(name, &Gateway::home()));
        Some(Self { lab, stun, coturn, _hosts: servers, routers: [ra, rb], hosts: [a, b] })
    }

    /// What they name, if they have a relay.
    fn servers(&self, relays: [bool; 2]) -> [Servers; 2] {
        let (stun, relay) = (self.stun.address, self.coturn.address);
        relays.map(|has| Servers { stun, relay: has.then_some(relay) })
    }

    fn cut(&self) {
        let [a, b] = &self.routers;
        self.lab.part(a, b);
    }

    /// Nothing goes directly any more, and what is under way takes the relay.
    fn fall_back(&self) {
        self.cut();
        thread::sleep(WHILE * 2);
    }

    fn restore(&self) {
        let [a, b] = &self.routers;
        self.lab.join(a, b);
    }
}

/// A relay of one of them, or one of each.
const RELAYS: [(&str, [bool; 2]); 3] =
    [("both", [true, true]), ("the listener", [true, false]), ("the dialler", [false, true])];

#[test]
fn a_conversation_takes_the_relay_while_the_direct_path_is_cut_and_needs_it_no_more_then() {
    thread::scope(|scope| {
        for (who, relays) in RELAYS {
            scope.spawn(move || {
                let Some(ground) = Ground::new() else { return };
                let [at_a, at_b] = ground.servers(relays);
                let listener = invite(&ground.hosts[0], &["listen"], &at_a);
                let dialler = visit(&ground.hosts[1], (&["connect"], &[]), &at_b, &listener);
                let conversation = Conversation::between([dialler, listener]);
                let say_gap = |what: &str| {
                    thread::sleep(WHILE);
                    let gap = conversation.interruption();
                    let (up, down) = (gap.up.as_millis(), gap.down.as_millis());
                    say(&format!(
                        "relay of {who}, {what}: interrupted for {up} ms up, {down} ms down"
                    ));
                };
                Way::Direct.wait(conversation.programs());
                conversation.interruption();
                ground.cut();
                Way::Relayed.wait(conversation.programs());
                say_gap("direct path cut");
                ground.restore();
                Way::Direct.wait(conversation.programs());
                say_gap("direct path restored");
                drop(ground.coturn);
                say_gap("relay killed");
                assert!(Way::is_the_same(conversation.programs()), "it mattered to {who}");
                conversation.end();
            });
        }
    });
}

/// What happens to a file on its way from the dialler, the second of them, to the listener.
struct Case {
    name: &'static str,
    relays: [bool; 2],
    happening: fn(&Ground),
    /// It takes a relay first, and then the two find another direct path.
    returns: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "receiver's router rebooted, relays of both",
        relays: [true, true],
        happening: |ground| ground.routers[0].reboot(),
        returns: false,
    },
    Case {
        name: "receiver's router rebooted, no relay",
        relays: [false, false],
        happening: |ground| ground.routers[0].reboot(),
        returns: false,
    },
    Case {
        name: "sender's router rebooted, no relay",
        relays: [false, false],
        happening: |ground| ground.routers[1].reboot(),
        returns: false,
    },
    Case {
        name: "receiver got another address, relay of the sender",
        relays: [false, true],
        happening: |ground| ground.hosts[0].renumber(),
        returns: false,
    },
    Case {
        name: "sender got another address, relay of the receiver",
        relays: [true, false],
        happening: |ground| ground.hosts[1].renumber(),
        returns: false,
    },
    Case {
        name: "receiver got another address, relays of both",
        relays: [true, true],
        happening: |ground| ground.hosts[0].renumber(),
        returns: true,
    },
    Case {
        name: "sender got another address, relays of both",
        relays: [true, true],
        happening: |ground| ground.hosts[1].renumber(),
        returns: true,
    },
    Case {
        name: "receiver's router got another address, relays of both",
        relays: [true, true],
        happening: |ground| ground.routers[0].renumber(),
        returns: true,
    },
    Case {
        name: "sender's router got another address, relays of both",
        relays: [true, true],
        happening: |ground| ground.routers[1].renumber(),
        returns: true,
    },
    Case {
        name: "receiver's router got another address while on the relay, relays of both",
        relays: [true, true],
        happening: |ground| {
            ground.fall_back();
            ground.routers[0].renumber();
        },
        returns: false,
    },
    Case {
        name: "sender's router got another address while on the relay, relays of both",
        relays: [true, true],
        happening: |ground| {
            ground.fall_back();
            ground.routers[1].renumber();
        },
        returns: false,
    },
];

/// A file that is sent from one to the other.
fn send(ground: &Ground, relays: [bool; 2], transfer: Transfer) -> (Transfer, [Program; 2]) {
    let [at_a, at_b] = ground.servers(relays);
    ground.lab.slow(&ground.routers[0], Transfer::MEGABITS);
    let receiver = invite(&ground.hosts[0], &["receive", "--dir", transfer.place()], &at_a);
    let send: (&[&str], &[&str]) = (&["send", "--retry", "0"], &[transfer.file()]);
    let programs = [visit(&ground.hosts[1], send, &at_b, &receiver), receiver];
    Way::Direct.wait(&programs);
    thread::sleep(WHILE);
    transfer.interruption();
    (transfer, programs)
}

fn say_gap(transfer: &Transfer, what: &str) {
    thread::sleep(WHILE);
    let gap = transfer.interruption().as_millis();
    say(&format!("a file at {} Mbit/s, {what}: interrupted for {gap} ms", Transfer::MEGABITS));
}

#[test]
fn a_file_survives_what_happens_to_either_side() {
    thread::scope(|scope| {
        for Case { name, relays, happening, returns } in CASES {
            scope.spawn(move || {
                let Some(ground) = Ground::new() else { return };
                let file = if *returns { Transfer::lasting(RETURN) } else { Transfer::new() };
                let (transfer, programs) = send(&ground, *relays, file);
                let began = stopwatch::now();
                happening(&ground);
                if *returns {
                    Way::Relayed.wait(&programs);
                    Way::Direct.wait(&programs);
                    let again = began.elapsed().as_millis();
                    say(&format!("a file, {name}: on a direct path again after {again} ms"));
                }
                say_gap(&transfer, name);
                programs.into_iter().for_each(|program| drop(program.end()));
                transfer.end();
            });
        }
    });
}

#[test]
fn a_file_takes_the_relay_while_the_direct_path_is_cut_and_needs_it_no_more_then() {
    let Some(ground) = Ground::new() else { return };
    let (transfer, programs) = send(&ground, [true, true], Transfer::new());
    ground.cut();
    Way::Relayed.wait(&programs);
    say_gap(&transfer, "direct path cut");
    ground.restore();
    Way::Direct.wait(&programs);
    say_gap(&transfer, "direct path restored");
    drop(ground.coturn);
    say_gap(&transfer, "relay killed");
    programs.into_iter().for_each(|program| drop(program.end()));
    transfer.end();
}
