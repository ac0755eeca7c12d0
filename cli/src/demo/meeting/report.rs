//! What the demonstration says.

use std::fmt::Display;
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{Behaviour, CandidateKind};
use srudp::node::Route;
use srudp::proto::{ConnectionStats, Instant};

use super::super::{BYTES, DELAY, LOSS, STREAMS};
use super::NAMES;
use super::kind::Kind;
use super::peer::Peer;
use super::world::{Effort, World};
use crate::units;

/// Characters of a ticket that are shown.
const GLIMPSE: usize = 32;

/// More sockets or addresses than these are those of a search that guesses.
const MANY: usize = 48;

fn row(name: &str, text: impl Display) {
    println!("{name:<12} {text}");
}

pub(super) fn introduce(identities: &[Identity; 2], kinds: [Kind; 2]) {
    for (name, (identity, kind)) in NAMES.iter().zip(identities.iter().zip(kinds)) {
        row(name, format!("{}, behind \"{kind}\"", identity.peer_id()));
    }
    let round_trip = units::time(DELAY * 2);
    row("link", format!("{round_trip} for a round trip, loses {} %", LOSS * 100.0));
}

/// What the NATs look like from inside.
pub(super) fn gathered(peers: &[Peer; 2]) {
    for (name, peer) in NAMES.iter().zip(peers) {
        if let Some(gathered) = &peer.gathered {
            row(name, behaviour(&gathered.behaviour));
        }
    }
}

fn behaviour(behaviour: &Behaviour) -> String {
    let kind = behaviour.kind().map_or("unknown".to_owned(), |kind| kind.to_string());
    let mut text = kind;
    if let (Some(local), Some(mapped)) = (behaviour.local, behaviour.mapped) {
        text += &format!(", {local} is seen as {mapped}");
    }
    let ports = behaviour.allocation.filter(|_| behaviour.translated == Some(true));
    if let Some(ports) = ports {
        text += &format!(", ports: {ports}");
    }
    text
}

pub(super) fn tickets(texts: &[String; 2]) {
    for text in texts {
        let start: String = text.chars().take(GLIMPSE).collect();
        row("ticket", format!("{start}… ({} characters)", text.len()));
    }
}

/// How the search went on both sides.
pub(super) fn search(peers: &[Peer; 2], efforts: [&Effort; 2], start: Instant) {
    for (name, effort) in NAMES.iter().zip(efforts) {
        let Effort { datagrams, sockets, addresses } = effort;
        let (sockets, addresses) = (sockets.len(), addresses.len());
        let figures =
            format!("{datagrams} datagrams from {sockets} sockets to {addresses} addresses");
        row(name, format!("{}: {figures}", plan(sockets, addresses)));
    }
    for (name, peer) in NAMES.iter().zip(peers) {
        if let (Some(winner), Some(report)) = (&peer.winner, &peer.report) {
            let after = report.elapsed.unwrap_or_default();
            let way = if winner.kind == CandidateKind::Relayed { "relay" } else { "direct" };
            let text = format!("{name} reaches {} ({})", winner.remote, winner.kind);
            row(way, format!("{text}, {} after the start", units::time(after)));
        }
        if let Some((route, at)) = peer.moved.filter(|(route, _)| !route.relayed) {
            let text = format!("{name} moves to {} by socket {}", route.remote, number(route));
            let after = units::time(at.saturating_since(start));
            row("direct", format!("{text}, {after} after the start"));
        }
    }
    if let Some(failure) = peers.iter().find_map(|peer| peer.no_direct) {
        row("direct", format!("no such path: {failure}"));
    }
}

fn number(route: Route) -> u16 {
    route.socket.number()
}

fn plan(sockets: usize, addresses: usize) -> &'static str {
    if sockets >= MANY {
        "opened many sockets, so that a guess finds one"
    } else if addresses >= MANY {
        "tried one port of the other NAT after the other"
    } else {
        "sent to the addresses of the ticket, and to the relay"
    }
}

/// After the transfer.
pub(super) fn transfer(time: Duration, stats: Option<&ConnectionStats>, world: &World) {
    let bytes = (STREAMS * BYTES) as u64;
    let (total, took) = (units::bytes(bytes), units::time(time));
    let rate = units::rate(bytes, time);
    if let Some(stats) = stats {
        row("connected", format!("{} for the handshake", units::time(stats.handshake)));
    }
    row("moved", format!("{total} over {STREAMS} streams in {took}: {rate}"));
    let (mut lost, mut sent) = (0, 0);
    for link in world.link_stats() {
        (lost, sent) = (lost + link.lost, sent + link.sent);
    }
    row("link", format!("lost {lost} of {sent} packets, all directions"));
    row("relay", format!("passed on {} datagrams", world.relayed()));
    if let Some(stats) = stats {
        let again = units::bytes(stats.bytes_lost);
        row("sent again", format!("{again} in {} packets", stats.packets_lost));
    }
}
