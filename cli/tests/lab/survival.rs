//! What happens to the network between them, two peers get over, and no byte is lost. How long it interrupts them is printed.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::net::{Gateway, Host, Lab, Router};
use crate::say::say;
use crate::stopwatch::now;

/// What a path is cut for.
const CUT: Duration = Duration::from_secs(3);

/// What a case does while the two talk.
type Happening = fn(&Lab, &Router, &Host, &Conversation);

struct Case {
    name: &'static str,
    gateway: Gateway,
    happening: Happening,
}

/// A program keeps a mapping alive every 10 s: too seldom where it lives for 2 s, so that what the public side says first after a pause waits for
/// the next of them.
const PAUSE: Duration = Duration::from_secs(4);

const CASES: &[Case] = &[
    Case {
        name: "mapping expired, home",
        gateway: Gateway::home().timeouts(2, 2),
        happening: |_, _, _, conversation| conversation.pause(PAUSE),
    },
    Case {
        name: "mapping expired, symmetric",
        gateway: Gateway::symmetric().timeouts(2, 2),
        happening: |_, _, _, conversation| conversation.pause(PAUSE),
    },
    Case {
        name: "router rebooted, home",
        gateway: Gateway::home(),
        happening: |_, router, _, _| router.reboot(),
    },
    Case {
        name: "router rebooted, symmetric",
        gateway: Gateway::symmetric(),
        happening: |_, router, _, _| router.reboot(),
    },
    Case {
        name: "router got another address",
        gateway: Gateway::home(),
        happening: |_, router, _, _| router.renumber(),
    },
    Case {
        name: "host got another address",
        gateway: Gateway::home(),
        happening: |_, _, host, _| host.renumber(),
    },
    Case {
        name: "path cut for 3 s",
        gateway: Gateway::home(),
        happening: |lab, router, _, _| {
            lab.cut(router);
            thread::sleep(CUT);
            lab.restore(router);
        },
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
                let (up, down) = (gap.up.as_millis(), gap.down.as_millis());
                say(&format!("{}: interrupted for {up} ms up, {down} ms down", case.name));
            });
        }
    });
}

/// Ten seconds of a file at 16 Mbit/s.
const FILE: usize = 20_000_000;

#[test]
fn a_file_survives_one_trouble_after_the_other() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let (router, host) = lab.site("home", &Gateway::home());
    lab.slow(&server, 16);
    let directory = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| directory.path().join(name));
    let content: Vec<u8> = (0..FILE / 4)
        .flat_map(|n| ((n as u32).wrapping_mul(2_654_435_761)).to_le_bytes())
        .collect();
    fs::create_dir(&to).unwrap();
    fs::write(&from, &content).unwrap();
    let (to_name, bind) = (to.to_str().unwrap(), server.at(41_000).to_string());
    let receiver = server.srudp(&["receive", "--once", "--dir", to_name, "--bind", &bind]);
    let line = receiver.line("listening ");
    let (address, peer) = line.split_once(' ').unwrap();
    let target = format!("{peer}@{address}");
    let began = now();
    let sender = host.srudp(&["send", "--retry", "0", &target, from.to_str().unwrap()]);
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
    for (name, trouble) in troubles {
        thread::sleep(Duration::from_millis(1500));
        assert!(!to.join("from").exists(), "{name}: the file is there already");
        trouble();
    }
    sender.end();
    receiver.end();
    assert!(fs::read(to.join("from")).unwrap() == content);
    let time = began.elapsed().as_secs_f64();
    say(&format!(
        "a file of 20 MB at 16 Mbit/s, through four troubles on one connection: {time:.1} s"
    ));
}
