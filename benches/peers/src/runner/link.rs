//! Bad links: `srudp link` between client and server.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A bad link.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) title: &'static str,
    /// Options of `srudp link`.
    arguments: &'static [&'static str],
}

/// No link passes larger datagrams: one that did would favour stacks that look for them.
const MTU: &[&str] = &["--mtu", "1452"];

pub(crate) const PROFILES: &[Profile] = &[
    Profile { title: "20 ms, 1 Gbit/s", arguments: &["--delay", "10", "--rate", "1000"] },
    Profile {
        title: "20 ms, 1 Gbit/s, 0.1 % lost",
        arguments: &["--delay", "10", "--rate", "1000", "--loss", "0.1"],
    },
    Profile {
        title: "20 ms, 1 Gbit/s, 1 % lost",
        arguments: &["--delay", "10", "--rate", "1000", "--loss", "1"],
    },
    Profile {
        title: "100 ms, 100 Mbit/s, 1 % lost",
        arguments: &["--delay", "50", "--rate", "100", "--loss", "1"],
    },
    Profile { title: "1 ms, 1 Gbit/s", arguments: &["--delay", "0.5", "--rate", "1000"] },
    Profile {
        title: "20 ms, 20 Mbit/s, a queue of 64 KB",
        arguments: &["--delay", "10", "--rate", "20", "--queue", "64"],
    },
    Profile {
        // Bursts of 8 packets that begin at 0.66 % of the others: 5 % of all.
        title: "50 ms, 100 Mbit/s, 5 % lost in bursts of 8",
        arguments: &["--delay", "25", "--rate", "100", "--burst", "0.66,8"],
    },
    Profile {
        title: "20 ms, 100 Mbit/s, 5 % overtaken by up to 10 ms",
        arguments: &["--delay", "10", "--rate", "100", "--reorder", "5", "--reorder-by", "10"],
    },
];

/// A running link; it ends with this value.
#[derive(Debug)]
pub(super) struct Link {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Link {
    /// Puts a link before `to`. The same seed gives all stacks of a round the same pattern of losses.
    pub(super) fn start(
        program: &Path,
        profile: &Profile,
        to: SocketAddr,
        seed: u32,
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["link", "--listen", "127.0.0.1:0", "--to", &to.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(profile.arguments)
            .args(MTU)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("srudp link does not start")?;
        let mut line = String::new();
        if let Some(output) = child.stderr.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let mut link = Self { child, address: to };
        let address = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        link.address = address.with_context(|| format!("srudp link says {:?}", line.trim()))?;
        Ok(link)
    }

    /// Ends the link, which then tells what became of the packets.
    pub(super) fn stop(mut self) -> Result<Wait> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        let mut report = String::new();
        if let Some(mut output) = self.child.stdout.take() {
            output.read_to_string(&mut report)?;
        }
        let line = report.lines().find(|line| line.starts_with("up "));
        Ok(Wait::parse(line.with_context(|| format!("srudp link says {report:?}"))?))
    }
}

/// How long packets waited for the line, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wait {
    pub(super) mean: f64,
    pub(super) most: f64,
}

impl Wait {
    /// From `…, queued 1.2 ms on average and 3.4 ms at most`, which is left out if none waited.
    fn parse(line: &str) -> Self {
        let words = line.split_once(", queued ").map_or("", |(_, words)| words);
        let mut millis = words.split_whitespace().filter_map(|word| word.parse().ok());
        Self { mean: millis.next().unwrap_or(0.0), most: millis.next().unwrap_or(0.0) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_what_the_link_says() {
        let line =
            "up sent 9, delivered 8, bytes 9, lost 1, queued 1.2 ms on average and 30.4 ms at most";
        assert_eq!(Wait::parse(line), Wait { mean: 1.2, most: 30.4 });
        assert_eq!(Wait::parse("up sent 9, delivered 8, bytes 9"), Wait::default());
    }
}
