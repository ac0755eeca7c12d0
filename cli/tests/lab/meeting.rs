//! The program at both sides, which find each other with tickets.

use std::fs;
use std::net::SocketAddr;

use crate::net::{Host, Program};

/// Who helps them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Servers {
    pub(crate) stun: SocketAddr,
    pub(crate) relay: Option<SocketAddr>,
}

impl Servers {
    fn options(&self) -> Vec<String> {
        let mut options: Vec<String> =
            ["-v", "--bind", "0.0.0.0:0", "--stun"].map(str::to_owned).into();
        options.push(self.stun.to_string());
        if let Some(relay) = self.relay {
            options.extend(["--turn".to_owned(), format!("user:secret@{relay}")]);
        }
        options
    }
}

/// Starts the program on a host that waits for tickets; the command is `listen` or `receive`, with what belongs to it.
pub(crate) fn invite(host: &Host, command: &[&str], servers: &Servers) -> Program {
    let mut arguments: Vec<&str> = command.to_vec();
    let options = servers.options();
    arguments.extend(["--once", "--meet", "tickets"]);
    arguments.extend(options.iter().map(String::as_str));
    host.srudp(&arguments)
}

/// Starts the program on another host, to meet the one that waits; the command is `connect` or `send`, with its options and what is sent.
pub(crate) fn visit(
    host: &Host,
    command: (&[&str], &[&str]),
    servers: &Servers,
    waiting: &Program,
) -> Program {
    let visitor = visit_alone(host, command, (servers, &[]), waiting);
    announce(&visitor, waiting);
    visitor
}

/// The same, but the one that waits does not know of it yet; with variables for the program.
pub(crate) fn visit_alone(
    host: &Host,
    (command, rest): (&[&str], &[&str]),
    (servers, variables): (&Servers, &[(&str, String)]),
    waiting: &Program,
) -> Program {
    let ticket = waiting.line("ticket ");
    let options = servers.options();
    let mut arguments: Vec<&str> = command.to_vec();
    arguments.push("--no-dial");
    arguments.extend(options.iter().map(String::as_str));
    arguments.push(&ticket);
    arguments.extend(rest);
    host.srudp_with(variables, &arguments)
}

/// Somebody carries the visitor's ticket to the one that waits.
pub(crate) fn announce(visitor: &Program, waiting: &Program) {
    let ticket = visitor.line("ticket ");
    fs::write(waiting.directory().join("tickets"), format!("{ticket}\n")).unwrap();
}

/// How the packets of a connection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Relayed,
}

impl Way {
    /// What the program says about it in a line, if anything.
    fn told(line: &str) -> Option<Self> {
        let (_, text) = line
            .split_once("connected; peer at ")
            .or_else(|| line.split_once("path changed: peer at "))?;
        let text = text.split(',').next().unwrap_or_default();
        Some(if text.ends_with(" by a relay") { Self::Relayed } else { Self::Direct })
    }

    /// Whether neither program has said since that its packets go another way.
    pub(crate) fn is_the_same(programs: &[Program; 2]) -> bool {
        programs.iter().all(|program| program.said().lines().all(|line| Self::told(line).is_none()))
    }

    /// Waits until both programs say that their packets go this way.
    pub(crate) fn wait(self, programs: &[Program; 2]) {
        for program in programs {
            program
                .line_that(&format!("{self:?}"), |line| (Self::told(line)? == self).then_some(()));
        }
    }
}
