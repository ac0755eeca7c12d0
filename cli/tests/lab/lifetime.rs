//! `srudp nat --lifetime` measures how long the kernel keeps a mapping.

use std::thread;

use serde_json::Value;

use crate::net::{Gateway, Host, Lab};
use crate::say::say;
use crate::servers;

/// Seconds that an unanswered flow lives: enough for the first questions, and less than an answered one.
const UNANSWERED: u32 = 4;

fn home(answered: u32) -> Gateway {
    Gateway::home().timeouts(UNANSWERED, answered)
}

/// Measures, and compares with the truth; returns what is wrong.
fn judge(host: &Host, server: &str, truth: f64) -> Option<String> {
    let text = host.srudp(&["nat", "--server", server, "--lifetime", "--json"]).end();
    let report: Value = serde_json::from_str(&text).unwrap();
    let lifetime = &report["lifetime"];
    let bound = |key: &str| lifetime[key].as_f64().unwrap_or(f64::NAN);
    let (survived, expired) = (bound("survived"), bound("expired"));
    say(&format!(
        "{}: a mapping of {truth} s lived for {survived:.2} to {expired:.2} s",
        host.name()
    ));
    let near = |value: f64| (value - truth).abs() <= truth / 10.0;
    // What comes in counts as use: so says the kernel.
    let right = near(survived) && near(expired) && lifetime["inbound_refreshes"] == true;
    (!right).then(|| format!("{}: {text}", host.name()))
}

#[test]
fn lifetimes_are_measured_within_ten_per_cent() {
    let Some(lab) = Lab::new() else { return };
    let (own_host, coturn_host) = (lab.public("own"), lab.public("coturn"));
    let own = servers::own(&own_host);
    let coturn = servers::coturn(&coturn_host);
    let own = own.address.to_string();
    let mut cases = vec![
        (lab.site("six", &home(6)).1, own.clone(), 6.0),
        (lab.site("nine", &home(9)).1, own.clone(), 9.0),
        // The NAT that forgets first decides.
        (lab.carrier_site("two-nats", &home(30), &home(6).carrier()).host, own, 6.0),
    ];
    if let Some(coturn) = &coturn {
        let address = coturn.address.to_string();
        cases.push((lab.site("by-coturn", &home(6)).1, address, 6.0));
    }
    let problems: Vec<String> = thread::scope(|scope| {
        let judged: Vec<_> = cases
            .iter()
            .map(|(host, server, truth)| scope.spawn(|| judge(host, server, *truth)))
            .collect();
        judged.into_iter().filter_map(|judged| judged.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
