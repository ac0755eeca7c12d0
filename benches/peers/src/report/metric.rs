//! What is measured, and how it is shown.

use std::collections::BTreeMap;

/// One number of a measurement.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Metric {
    Goodput,
    CpuBoth,
    CpuClient,
    CpuServer,
    Fairness,
    Share,
    Total,
    P50,
    P99,
    CpuEach,
    PerSecond,
    MemoryServer,
    MemoryClient,
    Seconds,
    QueueMean,
    QueueMax,
    PeakClient,
    PeakServer,
    LoadServer,
    LoadClient,
}

impl Metric {
    /// The head of the column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Goodput => "Gbit/s",
            Self::CpuBoth => "CPU s/GB, both ends",
            Self::CpuClient => "client",
            Self::CpuServer => "server",
            Self::Fairness => "slowest/mean",
            Self::Share => "share",
            Self::Total => "Gbit/s together",
            Self::P50 => "p50 µs",
            Self::P99 => "p99 µs",
            Self::CpuEach => "CPU µs each, both ends",
            Self::PerSecond => "per second",
            Self::MemoryServer => "server KiB/connection",
            Self::MemoryClient => "client KiB/connection",
            Self::Seconds => "seconds to connect",
            Self::QueueMean => "queued ms, mean",
            Self::QueueMax => "at most",
            Self::PeakClient => "peak MiB, client",
            Self::PeakServer => "peak MiB, server",
            Self::LoadServer => "server, % of a core",
            Self::LoadClient => "client, % of a core",
        }
    }

    /// The key in the JSON record.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Goodput => "gbit_per_s",
            Self::CpuBoth => "cpu_s_per_gb",
            Self::CpuClient => "cpu_s_per_gb_client",
            Self::CpuServer => "cpu_s_per_gb_server",
            Self::Fairness => "slowest_over_mean",
            Self::Share => "share",
            Self::Total => "gbit_per_s_together",
            Self::P50 => "p50_us",
            Self::P99 => "p99_us",
            Self::CpuEach => "cpu_us_each",
            Self::PerSecond => "per_s",
            Self::MemoryServer => "kib_per_connection_server",
            Self::MemoryClient => "kib_per_connection_client",
            Self::Seconds => "seconds",
            Self::QueueMean => "queued_ms_mean",
            Self::QueueMax => "queued_ms_max",
            Self::PeakClient => "peak_mib_client",
            Self::PeakServer => "peak_mib_server",
            Self::LoadServer => "percent_of_core_server",
            Self::LoadClient => "percent_of_core_client",
        }
    }
}

/// The numbers of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<Metric, f64>);

impl Figures {
    pub(crate) fn set(&mut self, metric: Metric, value: f64) {
        self.0.insert(metric, value);
    }

    pub(crate) fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied().filter(|value| value.is_finite())
    }
}
