//! What was found out, for people and for programs.

use std::fmt::{Display, Write};

use srudp::nat::portmap::{Availability, PortMapProtocol};
use srudp::nat::{Behaviour, Lifetime};

use super::ports::Ports;

/// A table and a verdict.
pub(super) fn text(behaviour: &Behaviour, lifetime: Option<&Lifetime>, ports: &Ports) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<14} {value}");
    };
    row("kind", known(behaviour.kind()));
    row("this side", known(behaviour.local));
    row("seen as", known(behaviour.mapped));
    row("mapping", known(behaviour.mapping));
    row("filtering", known(behaviour.filtering));
    row("ports", known(behaviour.allocation));
    row("hairpin", yes(behaviour.hairpin));
    row("second NAT", yes(behaviour.double));
    row("several IPs", yes(Some(behaviour.several_addresses)));
    row("rewrites", yes(Some(behaviour.rewrites_payload)));
    row("IPv6", yes(Some(ports.ipv6)));
    row("gateway", known(ports.gateway));
    row("gateway has", known(ports.external));
    for (protocol, availability) in ports.spoken {
        row(&protocol.to_string(), spoken(availability));
    }
    if let Some(lifetime) = lifetime {
        row("lifetime", idle(lifetime));
        row("inbound counts", yes(lifetime.inbound_refreshes));
        let seconds = |time: std::time::Duration| format!("{:.0} s", time.as_secs_f64());
        let watched = if lifetime.watched.is_zero() {
            "unknown: the next mapping would look the same".to_owned()
        } else {
            format!("none within {}", seconds(lifetime.watched))
        };
        row("absolute limit", lifetime.absolute.map_or(watched, seconds));
    }
    for server in &behaviour.servers {
        let time = server.round_trip.map(crate::units::time).unwrap_or_default();
        let other = server.other.map(|other| format!("other {other}")).unwrap_or_default();
        let seen = server.mapped.map_or("no answer".to_owned(), |mapped| mapped.to_string());
        row("server", format!("{}  {seen}  {time}  {other}", server.address).trim_end().to_owned());
    }
    let _ = writeln!(out, "\n{}", behaviour.verdict());
    out
}

/// One JSON object on one line. What is not known is null; times are in seconds.
pub(super) fn json(behaviour: &Behaviour, lifetime: Option<&Lifetime>, ports: &Ports) -> String {
    let servers: Vec<String> = behaviour
        .servers
        .iter()
        .map(|server| {
            object(&[
                ("address", string(Some(server.address))),
                ("seen_as", string(server.mapped)),
                ("other", string(server.other)),
                ("round_trip", number(server.round_trip.map(|time| time.as_secs_f64()))),
            ])
        })
        .collect();
    let lifetime = lifetime.map(|lifetime| {
        object(&[
            ("measured", bool(Some(lifetime.method.is_some()))),
            ("survived", number(Some(lifetime.survived.as_secs_f64()))),
            ("expired", number(lifetime.expired.map(|time| time.as_secs_f64()))),
            ("inbound_refreshes", bool(lifetime.inbound_refreshes)),
            ("absolute", number(lifetime.absolute.map(|time| time.as_secs_f64()))),
            ("watched", number(Some(lifetime.watched.as_secs_f64()))),
        ])
    });
    object(&[
        ("kind", string(behaviour.kind())),
        ("blocked", bool(Some(behaviour.blocked))),
        ("local", string(behaviour.local)),
        ("seen_as", string(behaviour.mapped)),
        ("translated", bool(behaviour.translated)),
        ("mapping", string(behaviour.mapping)),
        ("filtering", string(behaviour.filtering)),
        ("allocation", string(behaviour.allocation)),
        ("several_addresses", bool(Some(behaviour.several_addresses))),
        ("hairpin", bool(behaviour.hairpin)),
        ("double", bool(behaviour.double)),
        ("rewrites_payload", bool(Some(behaviour.rewrites_payload))),
        ("lifetime", lifetime.unwrap_or_else(|| "null".to_owned())),
        ("ipv6", bool(Some(ports.ipv6))),
        ("gateway", string(ports.gateway)),
        ("gateway_external", string(ports.external)),
        ("port_mapping", port_mapping(ports)),
        ("servers", format!("[{}]", servers.join(","))),
        ("verdict", string(Some(behaviour.verdict()))),
    ])
}

fn port_mapping(ports: &Ports) -> String {
    let fields = ports.spoken.map(|(protocol, availability)| {
        let name = match protocol {
            PortMapProtocol::Pcp => "pcp",
            PortMapProtocol::NatPmp => "nat_pmp",
            PortMapProtocol::Upnp => "upnp",
        };
        (name, bool(Some(availability == Availability::Available)))
    });
    object(&fields)
}

fn spoken(availability: Availability) -> String {
    match availability {
        Availability::Available => "yes".to_owned(),
        Availability::Asking => "unknown".to_owned(),
        Availability::Unavailable(error) => format!("no: {error}"),
    }
}

fn idle(lifetime: &Lifetime) -> String {
    let survived = lifetime.survived.as_secs_f64();
    match (lifetime.method, lifetime.expired) {
        (None, _) => "unknown: the server does not help to measure it".to_owned(),
        (_, Some(expired)) => format!("{survived:.0} to {:.0} s", expired.as_secs_f64()),
        (_, None) => format!("more than {survived:.0} s"),
    }
}

fn known(value: Option<impl Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn yes(value: Option<bool>) -> String {
    known(value.map(|value| if value { "yes" } else { "no" }))
}

/// None of the texts here needs escapes: they are words of this program, and addresses.
fn string(value: Option<impl Display>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| format!("\"{value}\""))
}

fn bool(value: Option<bool>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| format!("{value:.6}"))
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}
