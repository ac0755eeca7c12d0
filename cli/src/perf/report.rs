//! What a measurement found, for people and for programs.

use std::fmt::{self, Write};
use std::time::Duration;

use srudp::proto::ConnectionStats;

use super::samples::Samples;
use crate::units;

/// Results; what a test does not measure is absent.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// `upload`, `ping` or `handshakes`.
    pub(super) test: &'static str,
    /// Application bytes that were acknowledged.
    pub(super) bytes: u64,
    /// Wall time.
    pub(super) time: Duration,
    /// CPU seconds of the client in that time.
    pub(super) cpu_client: Option<f64>,
    /// CPU seconds of the server in that time.
    pub(super) cpu_server: Option<f64>,
    /// Request latencies, or times of whole handshakes.
    pub(super) latency: Samples,
    /// Handshakes done.
    pub(super) handshakes: Option<u64>,
    /// The connection's figures at the end.
    pub(super) stats: Option<ConnectionStats>,
}

impl Report {
    /// One JSON object on one line. What was not measured is null.
    pub(super) fn json(&self) -> String {
        let micros =
            |percent| self.latency.percentile(percent).map(|time| time.as_secs_f64() * 1e6);
        let mut json = Object::default();
        json.text("test", Some(self.test));
        json.number("bytes", Some(self.bytes as f64));
        json.number("seconds", Some(self.time.as_secs_f64()));
        json.number("gbit_per_s", self.gbit_per_s());
        json.number("cpu_s_per_gb_client", self.per_gb(self.cpu_client));
        json.number("cpu_s_per_gb_server", self.per_gb(self.cpu_server));
        json.number("rtt_us_p50", micros(50));
        json.number("rtt_us_p90", micros(90));
        json.number("rtt_us_p99", micros(99));
        json.number("handshakes_per_s", self.handshakes_per_s());
        json.number("lost", self.stats.map(|stats| stats.packets_lost as f64));
        json.number("retransmitted", self.stats.map(|stats| stats.bytes_lost as f64));
        json.number("mtu", self.stats.map(|stats| stats.mtu as f64));
        json.text("cipher", self.stats.map(|stats| stats.cipher.to_string()).as_deref());
        json.end()
    }

    fn gbit_per_s(&self) -> Option<f64> {
        (self.bytes > 0).then(|| units::bits_per_second(self.bytes, self.time) / 1e9)
    }

    fn handshakes_per_s(&self) -> Option<f64> {
        let count = self.handshakes.filter(|_| !self.time.is_zero())?;
        Some(count as f64 / self.time.as_secs_f64())
    }

    fn per_gb(&self, cpu: Option<f64>) -> Option<f64> {
        cpu.filter(|_| self.bytes > 0).map(|seconds| seconds / (self.bytes as f64 / 1e9))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes > 0 {
            let rate = units::rate(self.bytes, self.time);
            let (bytes, time) = (units::bytes(self.bytes), units::time(self.time));
            writeln!(f, "throughput   {rate}   ({bytes} in {time})")?;
        }
        for (side, cpu) in [("client", self.cpu_client), ("server", self.cpu_server)] {
            if let Some(cost) = self.per_gb(cpu) {
                writeln!(f, "cpu {side}   {cost:.3} s per GB")?;
            }
        }
        if let Some(rate) = self.handshakes_per_s() {
            writeln!(f, "handshakes   {rate:.0} per second")?;
        }
        if self.latency.len() > 0 {
            let p = |percent| self.latency.percentile(percent).map(units::time).unwrap_or_default();
            let count = self.latency.len();
            writeln!(
                f,
                "latency      p50 {}, p90 {}, p99 {}   ({count} times)",
                p(50),
                p(90),
                p(99)
            )?;
        }
        if let Some(stats) = self.stats {
            let lost = stats.packets_lost;
            let again = units::bytes(stats.bytes_lost);
            writeln!(f, "cipher       {}", stats.cipher)?;
            writeln!(f, "path         mtu {}, lost {lost} packets, sent {again} again", stats.mtu)?;
        }
        Ok(())
    }
}

/// A flat JSON object. Its keys and texts come from this program and need no escapes.
#[derive(Debug, Default)]
struct Object(String);

impl Object {
    fn key(&mut self, key: &str) {
        let separator = if self.0.is_empty() { '{' } else { ',' };
        self.0.push(separator);
        self.push(format_args!("\"{key}\":"));
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        self.key(key);
        match value {
            Some(value) => self.push(format_args!("\"{value}\"")),
            None => self.0.push_str("null"),
        }
    }

    /// JSON has no infinities and no NaN: they are null too.
    fn number(&mut self, key: &str, value: Option<f64>) {
        self.key(key);
        match value.filter(|value| value.is_finite()) {
            Some(value) => self.push(format_args!("{value}")),
            None => self.0.push_str("null"),
        }
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        // A String takes everything.
        let _ = self.0.write_fmt(text);
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_every_key_and_null_for_what_was_not_measured() {
        let report = Report { test: "ping", ..Report::default() };
        let value: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(value["test"], "ping");
        assert_eq!(value["bytes"], 0.0);
        for key in [
            "gbit_per_s",
            "cpu_s_per_gb_client",
            "cpu_s_per_gb_server",
            "rtt_us_p50",
            "rtt_us_p99",
            "handshakes_per_s",
            "lost",
            "retransmitted",
            "mtu",
            "cipher",
        ] {
            assert!(value.get(key).is_some_and(serde_json::Value::is_null), "{key}");
        }
    }

    #[test]
    fn rates_follow_from_bytes_and_time() {
        let report = Report {
            test: "upload",
            bytes: 2_000_000_000,
            time: Duration::from_secs(4),
            cpu_client: Some(3.0),
            handshakes: Some(8),
            ..Report::default()
        };
        let value: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(value["gbit_per_s"], 4.0);
        assert_eq!(value["cpu_s_per_gb_client"], 1.5);
        assert_eq!(value["handshakes_per_s"], 2.0);
        assert!(report.to_string().contains("4.00 Gbit/s"));
    }
}
