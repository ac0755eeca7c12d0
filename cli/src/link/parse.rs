//! Quantities as people write them on a command line. Each error says what would have been right.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use srudp_links::Burst;

/// Longer delays than a minute are more likely a slip of the unit.
const MILLIS_MAX: f64 = 60_000.0;

/// A day and a year are both far beyond a test.
const SECONDS_MAX: f64 = 31_536_000.0;

const MBIT_MAX: f64 = 1_000_000.0;

const KILOBYTES_MAX: f64 = 1_000_000.0;

/// A percentage, as a rate from 0 to 1.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = number(text.strip_suffix('%').unwrap_or(text));
    within(number, 0.0..=100.0)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| String::from("a percentage goes from 0 to 100, such as 2.5"))
}

pub(super) fn millis(text: &str) -> Result<Duration, String> {
    within(number(text), 0.0..=MILLIS_MAX)
        .map(|millis| Duration::from_secs_f64(millis / 1_000.0))
        .ok_or_else(|| String::from("milliseconds go from 0 to 60000, such as 20 or 0.5"))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    within(number(text), 0.001..=SECONDS_MAX)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| String::from("seconds begin at 0.001, such as 30"))
}

/// Mbit/s, as bits per second.
pub(super) fn megabits(text: &str) -> Result<u64, String> {
    within(number(text), 0.001..=MBIT_MAX).map(|megabits| (megabits * 1e6) as u64).ok_or_else(
        || String::from("Mbit/s go from 0.001 to 1000000, such as 50; leave it out for no limit"),
    )
}

/// Kilobytes, as bytes.
pub(super) fn kilobytes(text: &str) -> Result<usize, String> {
    within(number(text), 0.0..=KILOBYTES_MAX)
        .map(|kilobytes| (kilobytes * 1e3) as usize)
        .ok_or_else(|| String::from("kilobytes go from 0 to 1000000, such as 64"))
}

/// `PCT,LENGTH` or `PCT,LENGTH,PCT`.
pub(super) fn burst(text: &str) -> Result<Burst, String> {
    let expected =
        || String::from("write PCT,LENGTH such as 1,8: one packet in 100 begins a burst of 8");
    let mut parts = text.split(',').map(str::trim);
    let enter = percent(parts.next().unwrap_or_default()).map_err(|_| expected())?;
    let length = parts.next().and_then(number_of_packets).ok_or_else(expected)?;
    let loss = parts.next().map_or(Ok(1.0), percent)?;
    match parts.next() {
        None => Ok(Burst { loss, ..Burst::new(enter, length) }),
        Some(_) => Err(expected()),
    }
}

fn number_of_packets(text: &str) -> Option<f64> {
    within(number(text), 1.0..=1e6)
}

/// `HOST:PORT`, the host a name or an address.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let example = "write HOST:PORT, such as 127.0.0.1:4433 or [::1]:4433";
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; {example}"))?;
    found.next().ok_or_else(|| format!("the name has no address; {example}"))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

fn within(number: Option<f64>, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
    number.filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_become_rates() {
        assert_eq!(percent("5"), Ok(0.05));
        assert_eq!(percent("0.5%"), Ok(0.005));
        assert_eq!(percent("100"), Ok(1.0));
        for wrong in ["101", "-1", "nan", "many", ""] {
            assert!(percent(wrong).unwrap_err().contains("0 to 100"), "{wrong}");
        }
    }

    #[test]
    fn times_may_have_fractions() {
        assert_eq!(millis("20.5"), Ok(Duration::from_micros(20_500)));
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1_500)));
        assert!(millis("inf").is_err() && millis("-1").is_err() && seconds("0").is_err());
    }

    #[test]
    fn rates_and_sizes_are_decimal() {
        assert_eq!(megabits("1.5"), Ok(1_500_000));
        assert_eq!(kilobytes("64"), Ok(64_000));
        assert!(megabits("0").is_err() && kilobytes("-1").is_err());
    }

    #[test]
    fn bursts_have_two_or_three_parts() {
        assert_eq!(burst("1,8"), Ok(Burst { enter: 0.01, leave: 0.125, loss: 1.0 }));
        assert_eq!(burst("1, 8, 50"), Ok(Burst { enter: 0.01, leave: 0.125, loss: 0.5 }));
        for wrong in ["1", "1,0", "1,8,50,2", "200,8", "1,8,200", ""] {
            assert!(burst(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_need_a_port() {
        assert_eq!(address("127.0.0.1:5"), Ok(([127, 0, 0, 1], 5).into()));
        assert!(address("127.0.0.1").unwrap_err().contains("HOST:PORT"));
    }
}
