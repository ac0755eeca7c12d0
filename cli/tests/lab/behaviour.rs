//! `srudp nat` names every router here on every axis, whoever's server it asks.

use std::thread;

use serde_json::Value;

use crate::net::{Gateway, Host, Input, Lab};
use crate::say::say;
use crate::servers;

/// What the report has to say: kind, mapping, filtering, allocation, hairpin.
type Expected = [&'static str; 5];

const EI: &str = "endpoint-independent";
const AD: &str = "address-dependent";
const APD: &str = "address-and-port-dependent";

/// What was not found out, and could not be.
const UNKNOWN: &str = "null";

const HOME: Expected = ["Port restricted", EI, APD, "preserving", "false"];

/// If every destination sees another port, hosts inside do not know each other's, and miss each other for that alone.
const fn symmetric(allocation: &'static str) -> Expected {
    ["Symmetric", APD, APD, allocation, UNKNOWN]
}

fn sites() -> Vec<(&'static str, Gateway, Expected)> {
    let home = Gateway::home();
    vec![
        ("firewall", Gateway::firewall(), ["Public behind a firewall", EI, APD, UNKNOWN, UNKNOWN]),
        ("drop", home, HOME),
        ("reject", home.input(Input::Reject), HOME),
        ("accept", home.input(Input::Accept), HOME),
        ("cone", Gateway::full_cone(), ["Full cone", EI, EI, "preserving", "false"]),
        ("hairpin", Gateway::full_cone().hairpin(), ["Full cone", EI, EI, "preserving", "true"]),
        ("restricted", Gateway::restricted_cone(), ["Restricted", EI, AD, "preserving", "false"]),
        ("random", Gateway::symmetric(), symmetric("random")),
        ("sequence", Gateway::sequential(), symmetric("sequential")),
        ("block", Gateway::block(), ["Port restricted", EI, APD, "block", "false"]),
        ("blocked", Gateway::udp_blocked(), ["UDP blocked", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
    ]
}

fn found(report: &Value) -> [String; 5] {
    ["kind", "mapping", "filtering", "allocation", "hairpin"].map(|key| match &report[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Asks for a report, and compares; returns what is wrong.
fn judge(host: &Host, server: &str, expected: Expected) -> Option<String> {
    let text = host.srudp(&["nat", "--server", server, "--json"]).end();
    let report: Value = serde_json::from_str(&text).unwrap();
    let found = found(&report);
    // A block is named with its bounds.
    let same = expected.iter().zip(&found).all(|(expected, found)| {
        found == expected || (*expected == "block" && found.starts_with("block around 50"))
    });
    (!same).then(|| format!("{}: {found:?} instead of {expected:?}: {text}", host.name()))
}

#[test]
fn every_nat_is_named_on_every_axis() {
    let Some(lab) = Lab::new() else { return };
    let (own_host, coturn_host) = (lab.public("own"), lab.public("coturn"));
    let own = servers::own(&own_host);
    let coturn = servers::coturn(&coturn_host);
    if coturn.is_none() {
        say("coturn is not installed: reports are by our own server alone");
    }
    let mut sites: Vec<_> = sites()
        .into_iter()
        .map(|(name, gateway, expected)| (lab.site(name, &gateway).1, expected))
        .collect();
    let carried = lab.carrier_site("carried", &Gateway::home(), &Gateway::home().carrier());
    sites.push((carried.host, HOME));
    sites.push((lab.public("public"), ["Public", EI, EI, UNKNOWN, UNKNOWN]));
    let servers = [Some(own.address), coturn.as_ref().map(|server| server.address)];
    let problems: Vec<String> = thread::scope(|scope| {
        let judged: Vec<_> = sites
            .iter()
            .flat_map(|site| servers.iter().flatten().map(move |server| (site, server.to_string())))
            .map(|((host, expected), server)| scope.spawn(move || judge(host, &server, *expected)))
            .collect();
        judged.into_iter().filter_map(|judged| judged.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
