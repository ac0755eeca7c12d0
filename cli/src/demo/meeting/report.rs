//! What the demonstration says.

use std::fmt::Display;
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{Behaviour, PunchReport, Strategy};
use srudp::proto::ConnectionStats;

use super::super::{BYTES, DELAY, LOSS, STREAMS};
use super::NAMES;
use super::kind::Kind;
use super::peer::Peer;
use super::world::World;
use crate::units;

/// Characters of a ticket that are shown.
const GLIMPSE: usize = 32;

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

/// What a NAT looks like from inside.
pub(super) fn behaviour(name: &str, behaviour: &Behaviour) {
    let kind = behaviour.kind().map_or("unknown".to_owned(), |kind| kind.to_string());
    let mut text = kind;
    if let (Some(local), Some(mapped)) = (behaviour.local, behaviour.mapped) {
        text += &format!(", {local} is seen as {mapped}");
    }
    let ports = behaviour.allocation.filter(|_| behaviour.translated == Some(true));
    if let Some(ports) = ports {
        text += &format!(", ports: {ports}");
    }
    row(name, text);
}

pub(super) fn tickets(texts: &[String; 2]) {
    for text in texts {
        let start: String = text.chars().take(GLIMPSE).collect();
        row("ticket", format!("{start}… ({} characters)", text.len()));
    }
}

/// How the search went on both sides.
pub(super) fn search(peers: &[Peer; 2]) {
    for (name, peer) in NAMES.iter().zip(peers) {
        let Some(report) = &peer.report else { continue };
        row(name, format!("{}; {}", plan(report.strategy), effort(report)));
    }
    for (name, peer) in NAMES.iter().zip(peers) {
        let (Some(winner), Some(report)) = (&peer.winner, &peer.report) else { continue };
        let time = units::time(report.elapsed.unwrap_or_default());
        let number = winner.socket.number();
        let text = format!("{name} reaches {} ({}) by socket {number}", winner.remote, winner.kind);
        row("path", format!("{text}, {time} after the start"));
    }
}

fn plan(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Plain => "sends to the addresses of the ticket",
        Strategy::Guess => "tries one port of the other NAT after the other",
        Strategy::Many => "opens many sockets, so that a guess finds one",
        Strategy::Predict => "meets the other's next ports with its own next ones",
        _ => "tries the addresses of the ticket, with little hope",
    }
}

fn effort(report: &PunchReport) -> String {
    let mut text = format!("{} checks sent, {} came", report.sent, report.received);
    if report.sockets > 0 {
        text += &format!(", {} sockets", report.sockets);
    }
    if report.forbidden > 0 {
        text += &format!(", {} not sent, as the addresses are private", report.forbidden);
    }
    text
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
    if let Some(stats) = stats {
        let again = units::bytes(stats.bytes_lost);
        row("sent again", format!("{again} in {} packets", stats.packets_lost));
    }
}
