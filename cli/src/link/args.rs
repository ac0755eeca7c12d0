//! The command line of `srudp link`.

use std::net::SocketAddr;
use std::time::Duration;

use srudp_links::{Burst, LinkConfig};

use super::options::LinkOptions;
use super::parse;

/// How often `-v` reports.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Put a bad network between two programs: a UDP proxy with delay, loss, a bottleneck and rebinds.
///
/// Every datagram that arrives at --listen goes on to --to, and the answers go back. Each client has a socket of its
/// own toward --to, as behind a NAT. Whatever is set holds in each direction; the two directions share nothing. What
/// is not set does not happen: without options the link is perfect.
///
/// When it stops, on Ctrl-C or after --duration, it prints what became of the packets.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  A home connection far away, 80 ms round trip, 20 Mbit/s, 1 % loss, for a server at port 4433:
    srudp link --listen 127.0.0.1:5000 --to 127.0.0.1:4433 --delay 40 --rate 20 --loss 1

  Bad radio that loses 8 packets in a row now and then, and a NAT that rebinds every 10 seconds:
    srudp link --listen 127.0.0.1:5000 --to 127.0.0.1:4433 --burst 1,8 --jitter 15 --rebind-every 10")]
pub(crate) struct Args {
    /// Where clients send to; port 0 takes any free port, which is printed at the start
    #[arg(long, value_name = "HOST:PORT", value_parser = parse::address)]
    listen: SocketAddr,

    /// Where their datagrams go
    #[arg(long, value_name = "HOST:PORT", value_parser = parse::address)]
    to: SocketAddr,

    /// Delay of each packet in milliseconds, one way: the round trip grows by twice that
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse::millis)]
    delay: Duration,

    /// Extra delay that wanders between 0 and MS milliseconds; it never reorders packets
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse::millis)]
    jitter: Duration,

    /// Packets lost, each independently, in percent from 0 to 100
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = parse::percent)]
    loss: f64,

    /// Losses in bursts: PCT percent of the packets begin one, which lasts LENGTH packets on average
    ///
    /// A third number is the percentage of packets lost within a burst, 100 if left out.
    #[arg(long, value_name = "PCT,LENGTH[,PCT]", value_parser = parse::burst)]
    burst: Option<Burst>,

    /// Packets held back while later ones pass, in percent
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = parse::percent)]
    reorder: f64,

    /// How long those are held back at most, in milliseconds
    #[arg(long, value_name = "MS", default_value = "10", value_parser = parse::millis)]
    reorder_by: Duration,

    /// Packets delivered twice, in percent
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = parse::percent)]
    duplicate: f64,

    /// Packets with one bit flipped, in percent
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = parse::percent)]
    corrupt: f64,

    /// Packets that lose their end, in percent
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = parse::percent)]
    truncate: f64,

    /// Bottleneck in Mbit/s of UDP payload, shared by all clients; unlimited if left out
    #[arg(long, value_name = "MBIT", value_parser = parse::megabits)]
    rate: Option<u64>,

    /// Kilobytes that wait before the bottleneck, more are dropped; 100 ms of --rate if left out
    #[arg(long, value_name = "KB", requires = "rate", value_parser = parse::kilobytes)]
    queue: Option<usize>,

    /// Largest UDP payload that passes, in bytes; larger datagrams vanish
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..))]
    mtu: Option<u16>,

    /// Decides which packets meet which fate: the same seed gives the same pattern
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Give every client a new source port toward --to at this interval, as a NAT does that rebinds
    #[arg(long, value_name = "SECONDS", value_parser = parse::seconds)]
    rebind_every: Option<Duration>,

    /// Stop after this long; without it the link runs until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = parse::seconds)]
    duration: Option<Duration>,

    /// Report on stderr every 10 seconds
    #[arg(short, long)]
    verbose: bool,
}

impl Args {
    /// What the proxy is to do.
    pub(crate) fn options(&self) -> LinkOptions {
        LinkOptions {
            seed: self.seed,
            rebind_every: self.rebind_every,
            report_every: self.verbose.then_some(REPORT_EVERY),
            duration: self.duration,
            ..LinkOptions::new(self.listen, self.to, self.config())
        }
    }

    fn config(&self) -> LinkConfig {
        let mut config = LinkConfig::default()
            .delay(self.delay)
            .jitter(self.jitter)
            .loss(self.loss)
            .reorder(self.reorder, self.reorder_by)
            .duplicate(self.duplicate)
            .corrupt(self.corrupt)
            .truncate(self.truncate);
        if let Some(burst) = self.burst {
            config = config.burst(burst);
        }
        if let Some(rate) = self.rate {
            config = config.rate(rate);
        }
        if let Some(queue) = self.queue {
            config = config.queue(queue);
        }
        if let Some(mtu) = self.mtu {
            config = config.mtu(usize::from(mtu));
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        link: Args,
    }

    fn parse(extra: &[&str]) -> Result<LinkOptions, clap::Error> {
        let base = ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9"];
        Line::try_parse_from(base.iter().chain(extra)).map(|line| line.link.options())
    }

    #[test]
    fn the_definition_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn without_options_the_link_is_perfect() {
        let options = parse(&[]).unwrap();
        let perfect = LinkConfig::default().reorder(0.0, Duration::from_millis(10));
        assert_eq!((&options.up, &options.down), (&perfect, &perfect));
        assert_eq!((options.rebind_every, options.report_every), (None, None));
    }

    #[test]
    fn every_option_reaches_the_link() {
        let text = "--delay 40 --jitter 5 --loss 1 --burst 2,4 --reorder 3 --reorder-by 7 --duplicate 4 \
                    --corrupt 5 --truncate 6 --rate 20 --queue 64 --mtu 1200";
        let options = parse(&text.split_whitespace().collect::<Vec<_>>()).unwrap();
        let expected = LinkConfig::default()
            .delay(Duration::from_millis(40))
            .jitter(Duration::from_millis(5))
            .loss(0.01)
            .burst(Burst::new(0.02, 4.0))
            .reorder(0.03, Duration::from_millis(7))
            .duplicate(0.04)
            .corrupt(0.05)
            .truncate(0.06)
            .rate(20_000_000)
            .queue(64_000)
            .mtu(1_200);
        assert_eq!((&options.up, &options.down), (&expected, &expected));
    }

    #[test]
    fn an_error_names_the_option_and_the_way_out() {
        let said = parse(&["--loss", "101"]).unwrap_err().to_string();
        assert!(said.contains("--loss") && said.contains("0 to 100"), "{said}");
        assert!(parse(&["--queue", "64"]).unwrap_err().to_string().contains("--rate"));
    }
}
