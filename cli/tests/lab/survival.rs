//! What happens to the network between them, two peers get over, and no byte is lost. How long it interrupts them is printed.

use std::thread;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::net::{Gateway, Host, Lab, Router};
use crate::say::say;
use crate::transfer::Transfer;

/// What a path is cut for.
const CUT: Duration = Duration::from_secs(3);

/// What a case does while the two talk.
type Happening = fn(&Lab, &Router, &Host, &Conversation);

struct Case {
    name: &'static str,
    gateway: Gateway,
    happening: Happening,
    /// For how long nothing can get through.
    least: Duration,
}

/// A program keeps a mapping alive every 10 s: too seldom where it lives for 2 s, so that what the public side says first after a pause waits for
/// the next of them.
const PAUSE: Duration = Duration::from_secs(4);

fn expire(router: &Router, conversation: &Conversation) {
    conversation.pause(PAUSE, || {
        let flows = router.flows();
        assert!(flows.is_empty(), "the router still knows {flows}");
    });
}

const CASES: &[Case] = &[
    Case {
        name: "mapping expired, home",
        gateway: Gateway::home().timeouts(2, 2),
        happening: |_, router, _, conversation| expire(router, conversation),
        least: Duration::ZERO,
    },
    Case {
        name: "mapping expired, symmetric",
        gateway: Gateway::symmetric().timeouts(2, 2),
        happening: |_, router, _, conversation| expire(router, conversation),
        least: Duration::ZERO,
    },
    Case {
        name: "router rebooted, home",
        gateway: Gateway::home(),
        happening: |_, router, _, _| router.reboot(),
        least: Duration::ZERO,
    },
    Case {
        name: "router rebooted, symmetric",
        gateway: Gateway::symmetric(),
        happening: |_, router, _, _| router.reboot(),
        least: Duration::ZERO,
    },
    Case {
        name: "router got another address",
        gateway: Gateway::home(),
        happening: |_, router, _, _| router.renumber(),
        least: Duration::ZERO,
    },
    Case {
        name: "host got another address",
        gateway: Gateway::home(),
        happening: |_, _, host, _| host.renumber(),
        least: Duration::ZERO,
    },
    Case {
        name: "path cut for 3 s",
        gateway: Gateway::home(),
        happening: |lab, router, _, _| {
            lab.cut(router);
            thread::sleep(CUT);
            lab.restore(router);
        },
        least: CUT,
    },
];

#[test]
fn a_conversation_survives_what_happens_to_its_network() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    thread::scope(|scope| {
        for (number, case) in CASES.iter().enumerate() {
            let (lab, server) = (&lab, &server);
            scope.spawn(move || {
                let (router, host) = lab.site(&format!("site{number}"), &case.gateway);
                let port = 41_000 + u16::try_from(number).unwrap();
                let conversation = Conversation::start(&host, server, port);
                (case.happening)(lab, &router, &host, &conversation);
                let gap = conversation.end();
                assert!(gap.up.min(gap.down) >= case.least, "{}: {gap:?}", case.name);
                let (up, down) = (gap.up.as_millis(), gap.down.as_millis());
                say(&format!("{}: interrupted for {up} ms up, {down} ms down", case.name));
            });
        }
    });
}

#[test]
fn a_file_survives_one_trouble_after_the_other() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let (router, host) = lab.site("home", &Gateway::home());
    lab.slow(&server, Transfer::MEGABITS);
    let transfer = Transfer::new();
    let bind = server.at(41_000).to_string();
    let receiver = server.srudp(&["receive", "--once", "--dir", transfer.place(), "--bind", &bind]);
    let line = receiver.line("listening ");
    let (address, peer) = line.split_once(' ').unwrap();
    let target = format!("{peer}@{address}");
    let sender = host.srudp(&["send", "--retry", "0", &target, transfer.file()]);
    let troubles: [(&str, &dyn Fn()); 4] = [
        ("router rebooted", &|| router.reboot()),
        ("host got another address", &|| host.renumber()),
        ("router got another address", &|| router.renumber()),
        ("path cut for 1 s", &|| {
            lab.cut(&router);
            thread::sleep(Duration::from_secs(1));
            lab.restore(&router);
        }),
    ];
    let between = Duration::from_millis(1500);
    thread::sleep(between);
    transfer.interruption();
    for (name, trouble) in troubles {
        trouble();
        thread::sleep(between);
        let gap = transfer.interruption().as_millis();
        say(&format!("a file at {} Mbit/s, {name}: interrupted for {gap} ms", Transfer::MEGABITS));
    }
    sender.end();
    receiver.end();
    transfer.end();
}
