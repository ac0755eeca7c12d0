//! Numbers for people: bytes in powers of 1024, rates in powers of 1000, times in the unit that fits.

use std::time::Duration;

/// For instance `1.5 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const NAMES: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for name in NAMES {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = name;
    }
    format!("{value:.1} {unit}")
}

/// For instance `94.1 Mbit/s`.
pub(crate) fn rate(count: u64, time: Duration) -> String {
    let bits = bits_per_second(count, time);
    match bits {
        1e9.. => format!("{:.2} Gbit/s", bits / 1e9),
        1e6.. => format!("{:.1} Mbit/s", bits / 1e6),
        _ => format!("{:.1} kbit/s", bits / 1e3),
    }
}

/// Zero if no time has passed.
pub(crate) fn bits_per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 * 8.0 / time.as_secs_f64() }
}

/// For instance `20.1 ms`.
pub(crate) fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds @ 1.0.. => format!("{seconds:.2} s"),
        seconds @ 1e-3.. => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{:.0} µs", seconds * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_has_the_unit_that_fits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
        assert_eq!(rate(125_000_000, Duration::from_secs(1)), "1.00 Gbit/s");
        assert_eq!(rate(125_000, Duration::from_secs(1)), "1.0 Mbit/s");
        assert_eq!(rate(1, Duration::ZERO), "0.0 kbit/s");
        assert_eq!(time(Duration::from_micros(20_100)), "20.1 ms");
        assert_eq!(time(Duration::from_millis(1500)), "1.50 s");
        assert_eq!(time(Duration::from_micros(42)), "42 µs");
    }
}
